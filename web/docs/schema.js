// What a JSON Schema says, as a list that people can read.

import {h} from "../dom.js";

const RANGES = [["minimum", "≥"], ["maximum", "≤"], ["minLength", "length ≥"], ["maxLength", "length ≤"],
    ["minItems", "items ≥"], ["maxItems", "items ≤"], ["pattern", "matches"]];

// The schema behind a reference, and its name.
export function resolve(schema, components) {
    const name = schema?.$ref?.split("/").at(-1);
    return name === undefined ? {schema: schema ?? {}, name: schema?.title} : {schema: components[name] ?? {}, name};
}

// One line: what kind of value it is, and its limits.
export function kind(reference, components) {
    const {schema, name} = resolve(reference, components);
    const variants = schema.anyOf ?? schema.oneOf;
    if (variants) {
        return variants.map((each) => kind(each, components)).join(" or ");
    }
    if (schema.const !== undefined || schema.enum) {
        return (schema.enum ?? [schema.const]).map((each) => JSON.stringify(each)).join(" or ");
    }
    if (schema.type === "array") {
        return `list of ${kind(schema.items ?? {}, components)}`;
    }
    const limits = RANGES.filter(([key]) => schema[key] !== undefined).map(([key, sign]) => `${sign} ${schema[key]}`);
    const base = schema.properties ? name ?? "object" : schema.format ?? schema.type ?? "anything";
    return [base, ...limits].join(", ");
}

// The members of an object, of the elements of a list, of each variant; nothing for a plain value.
export function members(reference, components, above = []) {
    const {schema, name} = resolve(reference, components);
    if (above.includes(schema)) {
        return null;
    }
    const inner = [...above, schema];
    const variants = (schema.anyOf ?? schema.oneOf ?? []).map((each) => members(each, components, inner)).filter(Boolean);
    if (variants.length) {
        return variants.length === 1 ? variants[0] : h("div", {class: "stack"}, variants);
    }
    if (schema.type === "array") {
        return members(schema.items ?? {}, components, inner);
    }
    if (!schema.properties) {
        return typeof schema.additionalProperties === "object" ? members(schema.additionalProperties, components, inner) : null;
    }
    const required = new Set(schema.required ?? []);
    return h("div", {}, above.length && name ? h("p", {class: "soft"}, name) : null, h("ul", {class: "shape"},
        Object.entries(schema.properties).map(([key, value]) => h("li", {},
            h("code", {}, key), required.has(key) ? " " : h("span", {class: "soft"}, " optional "),
            h("span", {class: "soft"}, kind(value, components)),
            value.description ? ` – ${value.description}` : null,
            members(value, components, inner)))));
}
