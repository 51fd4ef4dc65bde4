// What surrounds every view: who is here, how the connection is, and where failures are told.

import {fill, h} from "../dom.js";
import {Refused} from "./account.js";
import {LANGUAGES, choose, exact, language, t} from "./texts.js";

const KINDS = {live: "good", connecting: "warn", reconnecting: "bad", ended: "bad"};

export function languages() {
    return h("label", {class: "beside"}, h("span", {class: "hidden-label"}, t("language")),
        h("select", {onchange: ({target}) => choose(target.value)},
            Object.entries(LANGUAGES).map(([id, name]) => h("option", {value: id, lang: id, selected: id === language}, name))));
}

// The state of the connection as it is, and what came of the last break.
export function status(live) {
    const state = h("span", {role: "status"});
    const past = h("span", {class: "soft", "data-past": ""});
    const show = () => {
        state.className = `badge ${KINDS[live.state]}`;
        fill(state, t(`connection.${live.state}`));
        state.dataset.state = live.state;
        fill(past, live.state === "ended" ? h("button", {onclick: () => location.reload()}, t("connection.again")) : live.incident ? told(live.incident) : live.state === "live" ? live.transport : "");
    };
    live.addEventListener("status", show);
    live.addEventListener("reload", show);
    show();
    return h("span", {class: "row"}, state, past);
}

function told({at, recovered, reloaded}) {
    if (reloaded) {
        return t("connection.reloaded", {at: exact(at)});
    }
    return t("connection.recovered", {at: exact(at), count: recovered});
}

export function header(account, live, leave) {
    const {user} = account;
    return h("header", {class: "bar"},
        h("h1", {}, t("title")),
        h("span", {}, user.firstName || user.userName, " ", h("span", {class: "soft"}, user.roles.map((role) => t(`role.${role}`)).join(", "))),
        status(live),
        h("span", {class: "end row"}, languages(), h("a", {href: "docs"}, t("docs")),
            h("button", {onclick: leave}, t("leave"))));
}

const problems = h("div", {role: "alert", class: "notices"});

export function notices() {
    return problems;
}

// Does what a button stands for; says what the hub says where it refuses, and keeps the button from being hit twice.
export function act(work) {
    return async (event) => {
        event.preventDefault?.();
        const button = event.submitter ?? event.currentTarget;
        button.disabled = true;
        fill(problems);
        try {
            await work(event);
        } catch (error) {
            complain(error);
        } finally {
            button.disabled = false;
        }
    };
}

export function complain(error) {
    const text = error instanceof Refused ? error.message : t("unreachable");
    fill(problems, h("p", {class: "notice bad"}, text, " ", h("button", {onclick: () => fill(problems)}, t("dismiss"))));
    if (!(error instanceof Refused)) {
        console.error(error);
    }
}
