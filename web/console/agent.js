// The agent's desktop: state, devices, calls, offered callbacks, the day's appointments. What it shows is the snapshot of
// REST with every event put into it; what it offers is what the hub says is possible now.

import {card, fill, h, list} from "../dom.js";
import {calls} from "./calls.js";
import {day} from "./day.js";
import {act} from "./frame.js";
import {offers} from "./offers.js";
import {has, t} from "./texts.js";

const NOT_STATES = /^(DoNotDisturb|ForwardCalls)/;
const MEDIA = ["voice"];

export function agent(account) {
    const parts = [station(account), calls(account), offers(account), day(account)];
    return {
        elements: parts.map(({element}) => element),
        load: () => Promise.all(parts.map((part) => part.load())),
        hear: (event) => parts.forEach((part) => part.hear(event)),
    };
}

// The state of the agent and of the devices.
function station(account) {
    const buttons = h("div", {class: "row"});
    const current = h("p", {"data-agent-state": ""});
    const phones = h("ul", {class: "plain"});
    const element = card("station", t("station.title"), current, buttons, h("h3", {}, t("station.devices")), phones);
    let devices = [];
    let voice = null;

    const operate = (path, body) => act(() => account.ask("POST", `api/v2/${path}`, body));
    const session = (operationName, more = {}) => operate("me", {operationName, ...more});

    function show() {
        const working = voice.userState.state !== "LoggedOut";
        fill(current, h("span", {class: `badge ${voice.userState.state === "Ready" ? "good" : "warn"}`}, named(voice.userState)));
        fill(buttons, working
            ? [voice.capabilities.map((name) => h("button", {"data-key": name, class: name === "Ready" ? "main" : null,
                onclick: operate("me/channels/voice", {operationName: name})}, t(`state.${name}`))),
            h("button", {"data-key": "end", onclick: session("EndContactCenterSession")}, t("station.end"))]
            : h("button", {class: "main", "data-key": "start", onclick: session("StartContactCenterSession", {channels: MEDIA})}, t("station.start")));
        list(phones, devices, ({id}) => id, device);
    }

    function device(each) {
        const target = h("input", {name: "to", inputmode: "tel", "aria-label": t("device.to", {number: each.phoneNumber}),
            placeholder: t("device.to", {number: each.phoneNumber})});
        const button = (operationName) => h("button", {
            "data-key": `${each.id}-${operationName}`,
            onclick: act(() => account.ask("POST", `api/v2/me/devices/${each.id}`, operationName === "ForwardCallsOn"
                ? {operationName, destination: {phoneNumber: target.value}} : {operationName})),
        }, t(`device.${operationName}`));
        const possible = (each.capabilities ?? []).filter((name) => NOT_STATES.test(name));
        return h("li", {class: "item"},
            h("div", {class: "row"}, h("strong", {}, each.phoneNumber),
                h("span", {class: "badge"}, t(`device.${each.deviceState}`)),
                each.doNotDisturb === "On" ? h("span", {class: "badge warn"}, t("device.doNotDisturb")) : null,
                each.forwardTo ? h("span", {class: "badge warn"}, t("device.forwarded", {number: each.forwardTo})) : null),
            h("div", {class: "row"}, possible.map((name) => [name === "ForwardCallsOn" ? target : null, button(name)])));
    }

    function take({devices: told, channels}) {
        voice = channels?.find(({channel}) => channel === "voice") ?? voice;
        told.forEach((each) => {
            devices = [...devices.filter(({id}) => id !== each.id), each].sort((one, other) => one.phoneNumber.localeCompare(other.phoneNumber));
            if (!channels && each.deviceState === "Active") {
                voice = {...voice, userState: each.userState, capabilities: (each.capabilities ?? []).filter((name) => !NOT_STATES.test(name))};
            }
        });
        show();
    }

    return {
        element,
        async load() {
            const {content: {user}} = await account.ask("GET", "api/v2/me?subresources=*");
            devices = [];
            take(user);
        },
        hear({channel, data}) {
            if (channel === "/v2/me/devices" && data.devices) {
                take(data);
            }
        },
    };
}

// What a state is called: by its display name, which the organization may have chosen.
export function named({state, displayName}) {
    const key = `state.${displayName?.replaceAll(" ", "") ?? state ?? "LoggedOut"}`;
    return has(key) ? t(key) : displayName ?? state;
}
