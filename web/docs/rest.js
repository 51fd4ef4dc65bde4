// The REST side, from the OpenAPI description.

import {h, table} from "../dom.js";
import {kind, members} from "./schema.js";

const FORM = "application/x-www-form-urlencoded";

export function operations(document) {
    const found = Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => ({path, method: method.toUpperCase(), ...operation})));
    const groups = new Map();
    found.forEach((each) => groups.set(each.tags[0], [...(groups.get(each.tags[0]) ?? []), each]));
    return groups;
}

// One operation, folded; what is inside is built when it is opened for the first time.
export function entry(operation, document) {
    const body = h("div", {class: "stack"});
    const open = () => body.childElementCount || body.append(...inside(operation, document).filter(Boolean));
    return h("details", {id: operation.operationId, ontoggle: open},
        h("summary", {}, h("span", {class: "method"}, operation.method), h("code", {}, operation.path), " ",
            h("span", {class: "soft"}, operation.summary)), body);
}

function inside(operation, document) {
    const components = document.components.schemas;
    return [
        operation.description ? h("p", {}, operation.description) : null,
        h("p", {class: "soft"}, permission(operation)),
        parameters(operation, components),
        body(operation, components),
        h("h4", {}, "Example"),
        ...examples(operation, document).map((text) => h("pre", {tabindex: "0"}, text)),
        answers(operation, components),
    ];
}

function permission(operation) {
    const roles = operation["x-required-roles"];
    if (roles === undefined) {
        return "Open to everybody";
    }
    return roles.length ? `For ${roles.join(", ")}` : "For everybody who is known";
}

function parameters(operation, components) {
    const rows = (operation.parameters ?? []).map((each) =>
        [h("code", {}, each.name), each.in, each.required ? "yes" : "no", kind(each.schema, components), each.description ?? ""]);
    return table("Parameters", ["parameter", "in", "required", "kind", "meaning"], rows, "No parameters");
}

function body(operation, components) {
    const [[type, content]] = Object.entries(operation.requestBody?.content ?? {null: null});
    if (!content) {
        return null;
    }
    return h("div", {}, h("h4", {}, "Body"), h("p", {class: "soft"}, `${type}: ${kind(content.schema, components)}`),
        members(content.schema, components));
}

// Commands that do it, one for each example of the body.
export function examples(operation, document) {
    const given = (place) => (operation.parameters ?? []).filter((each) => each.in === place && each.example !== undefined);
    const path = given("path").reduce((text, each) => text.replace(`{${each.name}}`, each.example), operation.path);
    const query = new URLSearchParams(given("query").map((each) => [each.name, each.example])).toString();
    const url = document.servers[0].url + path + (query ? `?${query}` : "");
    const start = [`curl ${operation.method === "GET" ? "" : `-X ${operation.method} `}'${url}'`];
    if (operation.security) {
        start.push('-H "Authorization: Bearer $TOKEN"');
    }
    given("header").forEach((each) => start.push(`-H '${each.name}: ${each.example}'`));
    const [[type, content]] = Object.entries(operation.requestBody?.content ?? {null: null});
    const bodies = Object.values(content?.examples ?? {}).map(({value}) => data(type, value));
    return (bodies.length ? bodies : [[]]).map((more) => [...start, ...more].join(" \\\n    "));
}

function data(type, value) {
    if (type === FORM) {
        return Object.entries(value).map(([name, text]) => `--data-urlencode '${name}=${text}'`);
    }
    return [`-H 'Content-Type: ${type}'`, `-d '${JSON.stringify(value)}'`];
}

function answers(operation, components) {
    const rows = Object.entries(operation.responses).map(([status, {description, content, headers}]) => {
        const [[type, {schema} = {}]] = Object.entries(content ?? {"": {}});
        const what = [description.split("; ").map((each) => h("p", {}, each)), schema ? members(schema, components) : h("span", {class: "soft"}, type)];
        return [status, what, Object.keys(headers ?? {}).filter((name) => name !== "X-Request-Id").join(", ")];
    });
    return h("div", {}, h("h4", {}, "Answers"), table("Answers", ["status", "meaning and body", "headers"], rows));
}
