// The agents of the organization: who is there, and in which state.

import {card, fill, h, table} from "../dom.js";
import {named} from "./agent.js";
import {t} from "./texts.js";

export function people(account) {
    const content = h("div");
    const element = card("people", t("people.title"), content);
    const found = new Map();

    function show() {
        const agents = [...found.values()].filter(({roles}) => roles.includes("ROLE_AGENT"));
        const rows = agents.map((user) => [
            user.firstName || user.id,
            h("span", {class: `badge ${user.userState?.state === "Ready" ? "good" : "warn"}`, "data-user": user.id}, named(user.userState ?? {})),
            t(user.connected ? "people.here" : "people.away"),
            (user.queues ?? []).join(", "),
            (user.devices ?? []).map(({phoneNumber}) => phoneNumber).join(", ")]);
        fill(content, table(t("people.title"), ["agent", "state", "desktop", "queues", "devices"].map((name) => t(`head.${name}`)), rows, t("people.none")));
    }

    return {
        element,
        agents: () => [...found.values()].filter(({roles}) => roles.includes("ROLE_AGENT")).map(({id}) => id),
        async load() {
            const {users} = await account.get("api/v2/users?fields=*&subresources=*");
            found.clear();
            users.forEach((user) => found.set(user.id, user));
            show();
        },
        hear({channel, data}) {
            const user = found.get(data.userId);
            if (channel === "/v2/users" && data.messageType === "UserStateChangeMessage" && user) {
                found.set(user.id, {...user, connected: data.connected, userState: data.userState ?? user.userState});
                show();
            }
        },
    };
}
