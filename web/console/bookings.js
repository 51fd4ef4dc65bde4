// Today's appointments of the whole organization: who is waiting, and who takes over.

import {card, h, list} from "../dom.js";
import {cancelling, shown, today} from "./day.js";
import {act} from "./frame.js";
import {t} from "./texts.js";

const GONE = ["Cancelled"];
const MOST = 100;

export function bookings(account, team) {
    const current = h("ul", {class: "plain"});
    const none = h("p", {class: "soft"}, t("day.none"));
    const element = card("bookings", t("bookings.title"), none, current);
    let found = [];

    function show() {
        found.sort((one, other) => one.start.localeCompare(other.start));
        none.hidden = found.length > 0;
        list(current, found, ({id}) => id, (appointment) =>
            shown(appointment, reassigning(account, appointment, team.agents()), cancelling(account, appointment)));
    }

    return {
        element,
        async load() {
            found = (await account.get(`api/appointments/?range=${today().join(",")}&pageSize=${MOST}`)).content;
            show();
        },
        hear({channel, data: {appointment, notificationType}}) {
            if (channel !== "/v2/users" || !appointment) {
                return;
            }
            const [begin, end] = today();
            found = found.filter(({id}) => id !== appointment.id);
            if (!GONE.includes(notificationType) && appointment.start < end && appointment.end > begin) {
                found.push(appointment);
            }
            show();
        },
    };
}

function reassigning(account, appointment, agents) {
    const chosen = h("select", {"aria-label": t("bookings.to", {title: appointment.title ?? ""})},
        agents.map((name) => h("option", {value: name, selected: name === appointment.organizer.id}, name)));
    return h("span", {class: "row"}, chosen, h("button", {
        "data-key": `${appointment.id}-reassign`,
        onclick: act(() => account.ask("PUT", "api/appointments/reassign/", {id: appointment.id, userId: chosen.value})),
    }, t("bookings.reassign")));
}
