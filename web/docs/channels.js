// What is said over Bayeux, from the AsyncAPI description.

import {h, table} from "../dom.js";
import {members} from "./schema.js";

const FLAGS = {"x-personal": ["personal", "shared"], "x-durable": ["durable, with positions", "ephemeral"]};

export function channels(document) {
    const rows = Object.values(document.channels).map((channel) => [
        h("code", {}, channel.address),
        Object.entries(FLAGS).map(([key, [yes, no]]) => (channel[key] ? yes : no)).join("; "),
        [channel["x-subscribe"]].flat().join(", "),
        channel["x-publish"].join(", ") || "back ends only",
        Object.keys(channel.messages).map((name) => h("p", {}, h("a", {href: `#${name}`}, name))),
    ]);
    return table("Channels", ["channel", "kind", "who may listen", "who may speak", "messages"], rows);
}

export function messages(document) {
    const {messages: all, schemas} = document.components;
    return Object.entries(all).map(([name, {title, payload, examples = []}]) => h("details", {id: name},
        h("summary", {}, h("code", {}, name), title === name ? null : ` ${title}`),
        members(payload, schemas),
        examples.map((example) => h("pre", {tabindex: "0"}, JSON.stringify(example.payload, null, 2)))));
}
