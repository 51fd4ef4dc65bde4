// The appointments of one's day: when, with whom, who is waiting, and the way into the room.

import {card, h, list} from "../dom.js";
import {Refused} from "./account.js";
import {act} from "./frame.js";
import {t, time, timeIn} from "./texts.js";

const GONE = ["Cancelled", "Completed"];
const MOST = 100;

export function day(account) {
    const current = h("ul", {class: "plain"});
    const none = h("p", {class: "soft"}, t("day.none"));
    const element = card("day", t("day.title"), none, current);
    let found = [];

    function show() {
        found.sort((one, other) => one.start.localeCompare(other.start));
        none.hidden = found.length > 0;
        list(current, found, ({id}) => id, (appointment) => shown(appointment, joining(appointment)));
    }

    // A list names no rooms; each appointment by itself does.
    async function load() {
        const {content} = await account.get(`api/appointments/?range=${today().join(",")}&pageSize=${MOST}`);
        found = (await Promise.all(content.map(({id}) => account.get(`api/appointments/${id}`).catch((error) => {
            if (error instanceof Refused) {
                return null;  // it has gone meanwhile
            }
            throw error;
        })))).filter(Boolean);
        show();
    }

    return {
        element,
        load,
        hear({channel, data: {appointment, notificationType}}) {
            if (channel !== "/v2/me" || !appointment) {
                return;
            }
            const [begin, end] = today();
            const mine = appointment.participantIds.some(({id}) => id === account.user.id) || appointment.organizer.id === account.user.id;
            found = found.filter(({id}) => id !== appointment.id);
            if (mine && !GONE.includes(notificationType) && appointment.start < end && appointment.end > begin) {
                found.push(appointment);
            }
            show();
        },
    };
}

// From midnight to midnight on the clock of whoever looks.
export function today(of = new Date()) {
    const begin = new Date(of.getFullYear(), of.getMonth(), of.getDate());
    const end = new Date(of.getFullYear(), of.getMonth(), of.getDate() + 1);
    return [begin.toISOString(), end.toISOString()];
}

export function shown(appointment, ...more) {
    const customers = appointment.participantIds.filter(({type}) => type === "CUSTOMER");
    const agents = appointment.participantIds.filter(({type}) => type === "AGENT").map(({id}) => id);
    const own = time(appointment.start);
    const theirs = timeIn(appointment.start, appointment.timezone);
    return h("li", {class: "item"},
        h("div", {class: "row"},
            h("strong", {}, `${own} – ${time(appointment.end)}`),
            theirs === own ? null : h("span", {class: "soft"}, t("day.theirs", {time: theirs, zone: appointment.timezone})),
            h("span", {}, appointment.title ?? "")),
        h("div", {class: "row"},
            customers.map(({state}) => h("span", {class: `badge ${state === "WAITING" ? "bad" : state === "JOINED" ? "good" : ""}`},
                t(`customer.${state ?? "none"}`))),
            h("span", {class: "soft"}, agents.join(", ")),
            appointment.interaction?.state === "COMPLETE" ? h("span", {class: "badge"}, t("day.over")) : null,
            ...more));
}

function joining({roomAccess}) {
    return roomAccess ? h("a", {href: roomAccess.url, target: "_blank", rel: "noreferrer"}, t("day.join")) : null;
}

export function cancelling(account, appointment) {
    return h("button", {
        "data-key": `${appointment.id}-cancel`,
        onclick: act(() => account.ask("DELETE", `api/appointments/${appointment.id}`)),
    }, t("day.cancel"));
}
