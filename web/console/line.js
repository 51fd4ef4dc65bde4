// The callbacks of the organization: those that wait, those under way, and what became of the others while the page was
// open. They can be found, taken back and moved; and asked for on behalf of a customer.

import {card, h, list} from "../dom.js";
import {act} from "./frame.js";
import {date, t, time} from "./texts.js";

const STATES = ["SCHEDULED", "QUEUED", "ROUTING", "PROCESSING", "COMPLETED"];
const MOVABLE = ["SCHEDULED", "QUEUED"];
const MOST_OVER = 50;

export function line(account) {
    const current = h("ul", {class: "plain"});
    const none = h("p", {class: "soft"}, t("line.none"));
    const services = h("select", {name: "service", required: true});
    const wanted = {state: "", text: ""};
    const element = card("line", t("line.title"), h("h3", {}, t("line.ask")), asking(account, services),
        h("h3", {}, t("line.all")), filters(wanted, show), none, current);
    const found = new Map();
    const listeners = [];  // they are told the names of the services when these have been read

    function show() {
        const all = [...found.values()].filter(({state, customerNumber, serviceName}) =>
            (wanted.state ? state === wanted.state : state !== "COMPLETED")
            && `${customerNumber} ${serviceName}`.toLowerCase().includes(wanted.text.toLowerCase()));
        all.sort((one, other) => STATES.indexOf(other.state) - STATES.indexOf(one.state) || `${one.desiredTime}`.localeCompare(`${other.desiredTime}`));
        none.hidden = all.length > 0;
        list(current, all, ({id}) => id, (callback) => shown(account, callback));
    }

    return {
        element,
        onload: (tell) => listeners.push(tell),
        scheduled: () => [...found.values()].filter(({state}) => state === "SCHEDULED"),
        async load() {
            const queues = await account.get("genesys/1/admin/callback/queues");
            const names = Object.keys(queues);
            services.replaceChildren(...names.map((value) => h("option", {value}, value)));
            listeners.forEach((tell) => tell(names));
            found.clear();
            Object.values(queues).flat().forEach((each) => found.set(each._id, known(each)));
            show();
        },
        hear({channel, data: {callback}}) {
            if (channel === "/v2/users" && callback) {
                found.set(callback.id, {...found.get(callback.id), ...callback, path: pathOf(callback)});
                const over = [...found.values()].filter(({state}) => state === "COMPLETED");
                over.slice(0, -MOST_OVER).forEach(({id}) => found.delete(id));
                show();
            }
        },
    };
}

// An entry of the administrator's list, named as in the messages.
function known(each) {
    return {
        id: each._id,
        serviceName: each._service_name,
        state: each._callback_state,
        reason: each._callback_reason,
        desiredTime: each._desired_time,
        customerNumber: each._customer_number,
        attempt: each._attempt,
        agentId: each._agent_id,
        path: `genesys${each._url}`,
    };
}

const pathOf = ({serviceName, id}) => `genesys/1/service/callback/${encodeURIComponent(serviceName)}/${encodeURIComponent(id)}`;

function filters(wanted, show) {
    return h("div", {class: "row"},
        h("label", {}, t("line.state"), h("select", {onchange: ({target}) => { wanted.state = target.value; show(); }},
            h("option", {value: ""}, t("line.open")), STATES.map((state) => h("option", {value: state}, t(`callback.${state}`))))),
        h("label", {}, t("line.find"), h("input", {type: "search", autocomplete: "off", oninput: ({target}) => { wanted.text = target.value; show(); }})));
}

function asking(account, services) {
    const submit = act(async ({target}) => {
        const given = Object.fromEntries(new FormData(target));
        const body = {_customer_number: given.number, _usr_customer_name: given.name || undefined};
        if (given.time) {
            body._desired_time = new Date(given.time).toISOString();
        }
        await account.ask("POST", `genesys/1/service/callback/${encodeURIComponent(given.service)}`, body);
        target.elements.number.value = "";
    });
    return h("form", {class: "row", "aria-label": t("line.ask"), onsubmit: submit},
        h("label", {}, t("line.service"), services),
        h("label", {}, t("line.number"), h("input", {name: "number", inputmode: "tel", required: true, autocomplete: "off"})),
        h("label", {}, t("line.name"), h("input", {name: "name", autocomplete: "off"})),
        h("label", {}, t("line.time"), h("input", {name: "time", type: "datetime-local"})),
        h("button", {class: "main"}, t("line.go")));
}

function shown(account, callback) {
    const {id, state, reason, customerNumber, serviceName, desiredTime, attempt, agentId} = callback;
    const moved = h("input", {type: "datetime-local", "aria-label": t("line.newTime", {number: customerNumber})});
    const move = act(() => account.ask("PUT", callback.path, {_new_desired_time: new Date(moved.value).toISOString()}));
    const cancel = act(() => account.ask("DELETE", callback.path));
    return h("li", {class: "item", "data-callback": state},
        h("div", {class: "row"},
            h("span", {class: `badge ${state === "PROCESSING" ? "good" : state === "COMPLETED" ? "" : "warn"}`}, t(`callback.${state}`)),
            h("strong", {}, customerNumber), h("span", {class: "soft"}, serviceName),
            desiredTime ? h("span", {}, `${date(desiredTime)} ${time(desiredTime)}`) : null,
            attempt ? h("span", {class: "soft"}, t("line.attempt", {attempt})) : null,
            agentId ? h("span", {class: "soft"}, agentId) : null,
            reason ? h("span", {class: "soft"}, reason) : null),
        MOVABLE.includes(state) ? h("div", {class: "row"}, moved,
            h("button", {"data-key": `${id}-move`, onclick: move}, t("line.move")),
            h("button", {"data-key": `${id}-cancel`, "aria-label": t("line.cancelOf", {number: customerNumber}), onclick: cancel}, t("line.cancel"))) : null);
}
