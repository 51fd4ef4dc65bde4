// The documentation of the API: everything on it is read from the descriptions that this hub serves of itself.

import {fill, h, table} from "../dom.js";
import {channels, messages} from "./channels.js";
import {entry, operations} from "./rest.js";

const base = new URL("../../", import.meta.url);
const described = async (name) => (await fetch(new URL(name, base))).json();

function rest(document) {
    const tags = [...operations(document)].map(([tag, found]) => ({
        tag,
        entries: found.map((each) => ({text: `${each.method} ${each.path} ${each.summary}`.toLowerCase(), element: entry(each, document)})),
    }));
    const sections = tags.map(({tag, entries}) =>
        h("section", {class: "card wide", "aria-label": tag}, h("h3", {}, tag), entries.map(({element}) => element)));
    const search = ({target}) => tags.forEach(({entries}, index) => {
        entries.forEach(({text, element}) => { element.hidden = !text.includes(target.value.toLowerCase()); });
        sections[index].hidden = entries.every(({element}) => element.hidden);
    });
    return [h("div", {class: "wide row"}, h("h2", {id: "rest"}, "REST"),
        h("label", {class: "beside"}, "Find ", h("input", {type: "search", oninput: search, autocomplete: "off"}))), sections];
}

function errors(document) {
    const rows = document["x-errors"].map((each) =>
        [h("code", {id: `error-${each.code}`}, each.code), each.status, each.statusCode, each.retriable ? "yes" : "no", each.detail]);
    return h("section", {class: "card wide", "aria-labelledby": "errors"}, h("h2", {id: "errors"}, "Errors"),
        table("Errors", ["code", "HTTP", "statusCode", "again?", "meaning"], rows));
}

const [openapi, asyncapi] = await Promise.all([described("openapi.json"), described("asyncapi.json")]);
fill(document.getElementById("content"),
    h("p", {class: "wide soft"}, `${openapi.info.title} ${openapi.info.version}. Set TOKEN to a token, from `,
        h("code", {}, "hub token"), " or ", h("code", {}, "POST /security/oauth/token"), ", and the examples run as they are."),
    rest(openapi),
    h("section", {class: "card wide", "aria-labelledby": "channels"}, h("h2", {id: "channels"}, "Channels"), channels(asyncapi), messages(asyncapi)),
    errors(openapi));

// A link to one entry opens it.
function open() {
    const wanted = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (wanted) {
        wanted.open = true;
        wanted.scrollIntoView();
    }
}
addEventListener("hashchange", open);
open();
