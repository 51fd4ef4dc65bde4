// How many places a day has left, bucket by bucket. The hub tells of an hour to each side of a time, so a day is asked
// for in pieces.

import {card, fill, h} from "../dom.js";
import {Refused} from "./account.js";
import {act} from "./frame.js";
import {t, time} from "./texts.js";

const HOUR = 3_600_000;

export function capacity(account, line) {
    const picked = h("input", {type: "date", name: "day", value: new Date().toLocaleDateString("sv")});
    const service = h("select", {name: "service"});
    const content = h("div");
    const look = act(async () => fill(content, await shown(account, line, service.value, new Date(`${picked.value}T00:00`))));
    const element = card("capacity", t("capacity.title"),
        h("form", {class: "row", "aria-label": t("capacity.title"), onsubmit: look},
            h("label", {}, t("line.service"), service), h("label", {}, t("capacity.day"), picked), h("button", {}, t("capacity.look"))),
        content);
    line.onload((names) => fill(service, names.map((name) => h("option", {value: name}, name))));
    return {element, async load() {}, hear() {}};
}

async function shown(account, line, service, midnight) {
    const places = new Map();
    for (let at = Math.max(midnight.getTime() + HOUR, Date.now()); at < midnight.getTime() + 24 * HOUR; at += 2 * HOUR) {
        const path = `genesys/1/service/callback/${encodeURIComponent(service)}/availability?timestamp=${new Date(at).toISOString()}`;
        try {
            Object.entries(await account.get(path)).forEach(([bucket, left]) => places.set(bucket, left));
        } catch (error) {
            if (!(error instanceof Refused) || error.status !== 400) {
                throw error;  // 400: closed at that time
            }
        }
    }
    const buckets = [...places].sort(([one], [other]) => one.localeCompare(other));
    if (!buckets.length) {
        return h("p", {class: "soft"}, t("capacity.none"));
    }
    const length = buckets.length > 1 ? Math.min(...buckets.slice(1).map(([bucket], at) => new Date(bucket) - new Date(buckets[at][0]))) : HOUR;
    const used = (bucket) => line.scheduled().filter(({serviceName, desiredTime}) => serviceName === service
        && new Date(desiredTime) >= new Date(bucket) && new Date(desiredTime) - new Date(bucket) < length).length;
    return h("ul", {class: "buckets"}, buckets.map(([bucket, left]) => {
        const taken = used(bucket);
        return h("li", {class: "item"}, h("strong", {}, time(bucket)), h("span", {}, t("capacity.left", {left})),
            h("meter", {min: 0, max: taken + left, value: taken, "aria-label": t("capacity.used", {used: taken, all: taken + left})}));
    }));
}
