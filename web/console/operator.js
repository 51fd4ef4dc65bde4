// The page of administrators: sessions and streams of their organization, and of the hub, where they run it, processes,
// timers and dead letters. Read again every few seconds; nothing of this is told by events.

import {card, fill, h, table} from "../dom.js";
import {Refused} from "./account.js";
import {figures} from "./figures.js";
import {act} from "./frame.js";
import {exact, t} from "./texts.js";

const PAUSE = 3000;

export function operator(account) {
    const parts = [
        part("sessions", account, "sessions", sessions),
        part("buried", account, "timers/buried?limit=100", (found, again) => buried(account, found, again)),
        part("timers", account, "timers", timers),
        part("nodes", account, "nodes", nodes),
        part("streams", account, "streams?limit=50", streams),
    ];
    const measured = figures();
    let timer = null;
    const load = async () => {
        clearTimeout(timer);
        await Promise.allSettled([...parts.map((each) => each.load()), measured.load()]);
        timer = setTimeout(load, PAUSE);
    };
    return {elements: [...parts.map((each) => each.element), measured.element], load, hear() {}};
}

// One list; who may not see it does not see the part at all.
function part(name, account, path, show) {
    const content = h("div");
    const element = card(name, t(`operator.${name}`), content);
    const load = async () => {
        try {
            fill(content, show(await account.get(`api/v2/admin/${path}`), load));
        } catch (error) {
            element.hidden = error instanceof Refused && error.status === 403;
        }
    };
    return {element, load};
}

function sessions({node, sessions: found, totalCount}) {
    const rows = found.map((each) => [each.userId, h("code", {}, each.client), each.transport, each.channels.join(", "),
        each.behind ? h("span", {class: "badge bad"}, t("operator.behind")) : `${each.queued}`]);
    return h("div", {}, h("p", {class: "soft"}, t("operator.ofNode", {node, count: totalCount})),
        table(t("operator.sessions"), ["user", "client", "transport", "channels", "queued"].map(head), rows, t("operator.none")));
}

function buried(account, {timers: found}, again) {
    const button = (id, operation) => h("button", {
        "data-key": `${operation}-${id}`,
        "aria-label": `${t(`operator.${operation}`)} ${id}`,
        onclick: act(async () => {
            await account.ask("POST", `api/v2/admin/timers/${id}`, {operationName: operation});
            await again();
        }),
    }, t(`operator.${operation}`));
    const rows = found.map((each) => [each.kind, h("code", {}, each.key), each.buriedAt ? exact(each.buriedAt) : "", `${each.attempts}`,
        each.reason, h("div", {class: "row"}, button(each.id, "Replay"), button(each.id, "Forget"))]);
    return table(t("operator.buried"), ["kind", "key", "at", "attempts", "reason", "do"].map(head), rows, t("operator.none"));
}

function timers({kinds}) {
    const rows = kinds.map((each) => [each.kind, `${each.planned}`,
        each.due ? h("span", {class: "badge warn"}, `${each.due}`) : "0", `${each.underWay}`,
        each.buried ? h("span", {class: "badge bad"}, `${each.buried}`) : "0", each.nextDueAt ? exact(each.nextDueAt) : ""]);
    return table(t("operator.timers"), ["kind", "planned", "due", "underWay", "buried", "next"].map(head), rows, t("operator.none"));
}

function nodes({nodes: found}) {
    const rows = found.map((each) => [h("code", {}, each.name),
        h("span", {class: `badge ${each.alive ? "good" : "bad"}`}, t(each.alive ? "operator.alive" : "operator.silent")),
        exact(each.lastSeenAt), `${each.users}`]);
    return table(t("operator.nodes"), ["node", "state", "seen", "users"].map(head), rows, t("operator.none"));
}

function streams({streams: found}) {
    const rows = found.map((each) => [h("code", {}, each.channel), each.userId ?? "", `${each.position}`, `${each.keptFrom}`, exact(each.lastEventAt)]);
    return table(t("operator.streams"), ["channel", "user", "position", "keptFrom", "at"].map(head), rows, t("operator.none"));
}

const head = (name) => t(`head.${name}`);
