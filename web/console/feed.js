// Events as they come, newest first, in one line each; the whole of one when it is opened.

import {h} from "../dom.js";
import {exact, t} from "./texts.js";

const MOST = 100;

export function feed(live) {
    const lines = h("ul", {class: "plain"});
    const empty = h("p", {class: "soft"}, t("feed.empty"));
    live.addEventListener("message", ({detail: {channel, data}}) => {
        empty.hidden = true;
        lines.prepend(line(channel, data));
        if (lines.childElementCount > MOST) {
            lines.lastElementChild.remove();
        }
    });
    return h("section", {class: "card", "aria-labelledby": "feed"}, h("h2", {id: "feed"}, t("feed.title")), empty, lines);
}

function line(channel, data) {
    return h("li", {}, h("details", {},
        h("summary", {}, h("span", {class: "soft"}, exact(Date.now())), " ", headline(data), " ", h("code", {class: "soft"}, channel)),
        h("pre", {tabindex: "0"}, JSON.stringify(data, null, 2))));
}

// Whom it is about, and what happened.
export function headline(data) {
    const kind = (data.messageType ?? "").replace(/(StateChange)?Message$/, "");
    const about = data.userId ?? data.callback?.customerNumber ?? data.appointment?.title ?? "";
    const state = data.call?.state ?? data.callback?.state ?? data.userState?.displayName ?? data.userState?.state
        ?? data.devices?.[0]?.userState?.displayName ?? "";
    return [kind, data.notificationType, state, about].filter(Boolean).join(" · ");
}
