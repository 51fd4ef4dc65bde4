// The supervisor's board: agents, the line of callbacks, places left, appointments, lateness and delivery.

import {bookings} from "./bookings.js";
import {capacity} from "./capacity.js";
import {figures} from "./figures.js";
import {line} from "./line.js";
import {people} from "./people.js";

const PAUSE = 10_000;

export function board(account) {
    const team = people(account);
    const waiting = line(account);
    const others = [waiting, capacity(account, waiting), bookings(account, team)];
    const parts = [team, ...others];
    const measured = figures();
    setInterval(() => measured.load().catch(() => {}), PAUSE);
    return {
        elements: [...parts, measured].map(({element}) => element),
        async load() {
            await team.load();  // first: appointments are offered to these agents
            await Promise.all([...others.map((part) => part.load()), measured.load().catch(() => {})]);
        },
        hear: (event) => parts.forEach((part) => part.hear(event)),
    };
}
