// The calls of an agent, each with the operations that it permits now; and dialling.

import {card, fill, h, list} from "../dom.js";
import {Refused} from "./account.js";
import {act, complain} from "./frame.js";
import {t} from "./texts.js";

const ELSEWHERE = ["Redirect", "InitiateTransfer", "InitiateConference", "SingleStepTransfer", "SingleStepConference"];
const DATA = ["AttachUserData", "UpdateUserData", "DeleteUserDataPair", "DeleteUserData"];
const PARTICIPANT = ["RemoveParticipant", "DeleteFromConference"];
const WITH_MORE = [...ELSEWHERE, ...DATA, ...PARTICIPANT, "SendDtmf"];
const FIRST = ["Answer", "CompleteTransfer", "CompleteConference"];

export function calls(account) {
    const current = h("ul", {class: "plain"});
    const none = h("p", {class: "soft"}, t("calls.none"));
    const said = h("p", {role: "status", class: "hidden-label"});
    const element = card("calls", t("calls.title"), dialling(account), said, none, current);
    let found = [];

    function show() {
        none.hidden = found.length > 0;
        list(current, found, ({id}) => id, (call) => shown(account, call));
    }

    return {
        element,
        async load() {
            found = (await account.get("api/v2/me/calls?fields=*")).calls;
            show();
        },
        hear({channel, data}) {
            if (channel !== "/v2/me/calls") {
                return;
            }
            if (data.notificationType === "Error") {
                complain(new Refused(0, {message: data.errorMessage}));
            } else if (data.call) {
                const {call} = data;
                const others = found.filter(({id}) => id !== call.id);
                found = call.state === "Released" ? others : found.some(({id}) => id === call.id)
                    ? found.map((each) => (each.id === call.id ? call : each)) : [...found, call];
                fill(said, t(`call.${call.state}`), " ", partners(call));
                show();
            }
        },
    };
}

function dialling(account) {
    const submit = act(async ({target}) => {
        await account.ask("POST", "api/v2/me/calls", {operationName: "Dial", destination: {phoneNumber: new FormData(target).get("number")}});
        target.reset();
    });
    return h("form", {class: "row", "aria-label": t("calls.dial"), onsubmit: submit},
        h("label", {}, t("calls.number"), h("input", {name: "number", inputmode: "tel", required: true, autocomplete: "off"})),
        h("button", {}, t("call.Dial")));
}

function partners(call) {
    const numbers = (call.participants ?? []).map((each) => each.formattedPhoneNumber ?? each.phoneNumber ?? each);
    return numbers.join(", ") || call.ani || "";
}

function shown(account, call) {
    const possible = call.capabilities ?? [];
    const [number, digits, key, value] = ["number", "digits", "key", "value"].map((name) =>
        h("input", {name, "aria-label": t(`calls.${name}`), placeholder: t(`calls.${name}`), autocomplete: "off"}));
    const more = (operation) => ({
        ...(ELSEWHERE.includes(operation) ? {destination: {phoneNumber: number.value}} : {}),
        ...(PARTICIPANT.includes(operation) ? {participant: number.value} : {}),
        ...(operation === "SendDtmf" ? {digits: digits.value} : {}),
        ...(operation === "DeleteUserDataPair" ? {key: key.value} : {}),
        ...(["AttachUserData", "UpdateUserData"].includes(operation) ? {userData: {[key.value]: value.value}} : {}),
    });
    const button = (operationName) => h("button", {
        class: FIRST.includes(operationName) ? "main" : null,
        "data-key": `${call.id}-${operationName}`,
        onclick: act(() => account.ask("POST", `api/v2/me/calls/${call.id}`, {operationName, ...more(operationName)})),
    }, t(`call.${operationName}`));
    const among = (names, ...inputs) => {
        const some = names.filter((name) => possible.includes(name));
        return some.length ? h("div", {class: "row"}, inputs, some.map(button)) : null;
    };
    const simple = possible.filter((name) => !WITH_MORE.includes(name)).sort((one, other) => FIRST.includes(other) - FIRST.includes(one));
    return h("li", {class: `item${call.state === "Ringing" ? " ringing" : ""}`},
        h("div", {class: "row"},
            h("span", {class: `badge ${call.state === "Established" ? "good" : "warn"}`}, t(`call.${call.state}`)),
            h("strong", {}, partners(call)), h("span", {class: "soft"}, t(`call.${call.callType ?? "Unknown"}`)),
            call.mute === "On" ? h("span", {class: "badge warn"}, t("calls.muted")) : null,
            call.recordingState && call.recordingState !== "Stopped" ? h("span", {class: "badge bad"}, t(`call.${call.recordingState}`)) : null),
        data(call.userData),
        h("div", {class: "row"}, simple.map(button)),
        possible.some((name) => WITH_MORE.includes(name)) ? h("details", {}, h("summary", {}, t("calls.more")), h("div", {class: "stack"},
            among([...ELSEWHERE, ...PARTICIPANT], number), among(["SendDtmf"], digits), among(DATA, key, value))) : null);
}

// What came with the call: the customer's own words.
export function data(attached) {
    const entries = Object.entries(attached ?? {});
    return entries.length ? h("dl", {class: "pairs"}, entries.map(([name, value]) => [
        h("dt", {class: "soft"}, name.replace(/^_usr_/, "").replaceAll("_", " ")), h("dd", {}, typeof value === "string" ? value : JSON.stringify(value))])) : null;
}
