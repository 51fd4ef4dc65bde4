// Callbacks that are offered to an agent, or that the agent is at.

import {card, h, list} from "../dom.js";
import {act} from "./frame.js";
import {data} from "./calls.js";
import {t, time} from "./texts.js";

const MINE = ["ROUTING", "PROCESSING"];

export function offers(account) {
    const current = h("ul", {class: "plain"});
    const none = h("p", {class: "soft"}, t("offers.none"));
    const element = card("offers", t("offers.title"), none, current);
    let found = [];

    function show() {
        none.hidden = found.length > 0;
        list(current, found, ({id}) => id, (callback) => shown(account, callback));
    }

    return {
        element,
        async load() {
            found = (await account.get("api/v2/me/callbacks?fields=*")).callbacks;
            show();
        },
        hear({channel, data: {callback}}) {
            if (channel === "/v2/me" && callback) {
                found = found.filter(({id}) => id !== callback.id);
                if (MINE.includes(callback.state) && callback.agentId === account.user.id) {
                    found.push(callback);
                }
                show();
            }
        },
    };
}

function shown(account, callback) {
    const offered = callback.state === "ROUTING" && !callback.callUuid;
    const button = (operationName) => h("button", {
        class: operationName === "Accept" ? "main" : null,
        "data-key": `${callback.id}-${operationName}`,
        onclick: act(() => account.ask("POST", `api/v2/me/callbacks/${callback.id}`, {operationName})),
    }, t(`offers.${operationName}`));
    return h("li", {class: `item${offered ? " ringing" : ""}`},
        h("div", {class: "row"}, h("span", {class: "badge warn"}, t(`callback.${callback.state}`)),
            h("strong", {}, callback.customerNumber), h("span", {class: "soft"}, callback.serviceName),
            callback.desiredTime ? h("span", {class: "soft"}, time(callback.desiredTime)) : null),
        data(callback.userData),
        offered ? h("div", {class: "row"}, ["Accept", "Reject"].map(button)) : null);
}
