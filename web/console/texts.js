// What the console says, in the language of the browser or the one that was chosen. Texts of the hub itself (its errors,
// names of queues) are shown as they come.

import de from "./texts.de.js";
import en from "./texts.en.js";

export const LANGUAGES = {en: "English", de: "Deutsch"};

const TEXTS = {en, de};
const CHOSEN = "hub.language";

function chosen() {
    const wanted = [localStorage.getItem(CHOSEN), ...navigator.languages.map((each) => each.slice(0, 2))];
    return wanted.find((each) => each in TEXTS) ?? "en";
}

export const language = chosen();

export function choose(name) {
    localStorage.setItem(CHOSEN, name);
    location.reload();
}

// The text of a key, with {name} replaced by what is given. States and operations that the console has no word for
// are shown by their own names.
export function t(key, values = {}) {
    const text = TEXTS[language][key] ?? en[key] ?? key.split(".").at(-1);
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const has = (key) => key in en;

// With the habits of the place, where the browser names one: 24 hours or twelve.
const locale = navigator.languages.find((each) => each.startsWith(language)) ?? language;
const clock = new Intl.DateTimeFormat(locale, {hour: "2-digit", minute: "2-digit"});
const seconds = new Intl.DateTimeFormat(locale, {hour: "2-digit", minute: "2-digit", second: "2-digit"});
const day = new Intl.DateTimeFormat(locale, {weekday: "short", day: "numeric", month: "short"});

export const time = (at) => clock.format(new Date(at));
export const exact = (at) => seconds.format(new Date(at));
export const date = (at) => day.format(new Date(at));

export const number = (value, digits = 3) => new Intl.NumberFormat(locale, {maximumFractionDigits: digits}).format(value);

// The same instant on the clocks of another place.
export function timeIn(at, zone) {
    try {
        return new Intl.DateTimeFormat(locale, {hour: "2-digit", minute: "2-digit", timeZone: zone}).format(new Date(at));
    } catch {
        return time(at);
    }
}
