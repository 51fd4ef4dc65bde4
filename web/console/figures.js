// Two small charts from the hub's own metrics: how late timers are, and how many events are delivered.

import {card, fill, h, svg} from "../dom.js";
import {base} from "./account.js";
import {number, t} from "./texts.js";

const LATE = "hub_timers_late_seconds_bucket";
const DELIVERED = "hub_deliveries_total";
const MOST = 60;

export function figures() {
    const late = h("figure", {class: "stack"});
    const delivered = h("figure", {class: "stack"});
    const element = card("figures", t("figures.title"), late, delivered);
    const rates = [];
    let last = null;

    async function load() {
        const reply = await fetch(new URL("metrics", base));
        if (!reply.ok) {
            element.hidden = true;
            return;
        }
        const samples = read(await reply.text());
        fill(late, bars(t("figures.late"), buckets(samples), t("figures.none")));
        const now = {at: performance.now(), total: sum(samples, DELIVERED)};
        if (last !== null) {
            rates.push({label: "", value: Math.max(0, (now.total - last.total) / (now.at - last.at) * 1000)});
            rates.splice(0, rates.length - MOST);
        }
        last = now;
        const newest = rates.at(-1)?.value ?? 0;
        fill(delivered, bars(t("figures.delivered", {rate: number(newest, 1)}), rates, t("figures.none")));
    }
    return {element, load};
}

// The exposition format of Prometheus: name{labels} value.
export function read(text) {
    return text.split("\n").filter((line) => line && !line.startsWith("#")).map((line) => {
        const [, name, labels = "", value] = /^(\w+)(?:{(.*)})? (\S+)/.exec(line);
        return {name, labels, value: Number(value)};
    });
}

const sum = (samples, name) => samples.filter((each) => each.name === name).reduce((total, each) => total + each.value, 0);

// How many were late by up to so much, from counts that include the smaller ones.
function buckets(samples) {
    const upTo = new Map();
    samples.filter(({name}) => name === LATE).forEach(({labels, value}) => {
        const bound = /le="([^"]+)"/.exec(labels)[1];
        upTo.set(bound, (upTo.get(bound) ?? 0) + value);
    });
    let before = 0;
    return [...upTo].map(([bound, value]) => {
        const bar = {label: bound === "+Inf" ? "∞" : `${number(Number(bound))} s`, value: value - before};
        before = value;
        return bar;
    });
}

// A chart that says in words what it shows.
function bars(title, values, nothing) {
    const top = Math.max(...values.map(({value}) => value), 0);
    if (!top) {
        return [h("figcaption", {}, title), h("p", {class: "soft"}, nothing)];
    }
    const width = 300 / values.length;
    const words = values.filter(({label, value}) => label && value).map(({label, value}) => `≤ ${label}: ${value}`).join(", ");
    return [h("figcaption", {}, title), svg("svg", {class: "chart", viewBox: "0 0 300 90", preserveAspectRatio: "none", role: "img",
        "aria-label": `${title} ${words}`},
    values.map(({value}, at) => svg("rect", {x: at * width + 1, width: Math.max(1, width - 2), y: 75 - 70 * value / top, height: 70 * value / top}))),
    words ? h("p", {class: "soft"}, words) : null];
}
