// Building and replacing parts of a page. Text is only ever set as text, so nothing that comes from outside can become
// markup; the Content-Security-Policy of the pages (Trusted Types) would not permit it either.

const SVG = "http://www.w3.org/2000/svg";

// An element: h("button", {class: "main", onclick: save, disabled: true}, "Save"). A property that is null, undefined or
// false is left out, true is an attribute without value, a function is a listener; children that are null are left out.
export function h(tag, properties = {}, ...children) {
    return build(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children) {
    return build(document.createElementNS(SVG, tag), properties, children);
}

function build(element, properties, children) {
    for (const [name, value] of Object.entries(properties)) {
        if (typeof value === "function") {
            element.addEventListener(name.slice(2), value);
        } else if (value === true) {
            element.setAttribute(name, "");
        } else if (value !== null && value !== undefined && value !== false) {
            element.setAttribute(name, value);
        }
    }
    element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
    return element;
}

// Puts other contents into an element. Whoever works with the keyboard stays where they are: the element with the same
// `data-key` gets the focus of its predecessor.
export function fill(container, ...children) {
    const key = container.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    container.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
    if (key !== undefined) {
        container.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
    }
    return container;
}

// Shows a list: one element for each item, made by `build` and kept for as long as the item stays what it is, with
// whatever somebody has typed into it.
export function list(container, items, id, build) {
    const known = new Map([...container.children].map((element) => [element.dataset.item, element]));
    const wanted = items.map((item) => {
        const [name, text] = [`${id(item)}`, JSON.stringify(item)];
        const element = known.get(name);
        if (element?.shown === text) {
            return element;
        }
        const made = build(item);
        made.dataset.item = name;
        made.shown = text;
        return made;
    });
    const unchanged = wanted.length === container.children.length && wanted.every((each, at) => each === container.children[at]);
    return unchanged ? container : fill(container, wanted);
}

// A part of a page with a heading that names it.
export function card(id, title, ...children) {
    return h("section", {class: "card", id, "aria-labelledby": `${id}-title`}, h("h2", {id: `${id}-title`}, title), children);
}

// A table that scrolls by itself where the page is narrow; `rows` are lists of cells.
export function table(label, heads, rows, nothing) {
    if (!rows.length) {
        return h("p", {class: "soft"}, nothing);
    }
    return h("div", {class: "scroll", tabindex: "0", role: "group", "aria-label": label}, h("table", {},
        h("thead", {}, h("tr", {}, heads.map((head) => h("th", {scope: "col"}, head)))),
        h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell)))))));
}
