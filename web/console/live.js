// The connection of a desktop: a snapshot over REST, then every event after it, whatever happens to the network.
//
// The snapshot names the positions that it includes (X-Event-Positions); the subscription goes on from there. After a
// broken connection the hub sends what was missed. When it no longer has all of it, the snapshot is read again.

import {CometD} from "cometd";
import {ReplayExtension} from "../ReplayExtension.js";
import {base} from "./account.js";
import {clearTimer, setTimer} from "./timers.js";

const LONGEST_PAUSE = 4000;

// Tells "message" (detail: channel and data), "status", and "reload" when the snapshot was read again.
export class Live extends EventTarget {
    #cometd = new CometD();
    #replay = null;
    #joined = false;

    // `load` reads the snapshot and returns the positions of it that came first.
    constructor(account, channels, load) {
        super();
        this.account = account;
        this.channels = channels;
        this.load = load;
        this.state = "connecting";
        this.incident = null;  // what came of the last break: when it was over, and the number of events that came late
    }

    get transport() {
        return this.#cometd.getTransport()?.type;
    }

    async start() {
        this.#replay = new ReplayExtension({...await this.load(), onGap: () => this.#reload()});
        this.#cometd.configure({
            url: new URL("api/v2/notifications", base).href,
            backoffIncrement: 500,
            maxBackoff: LONGEST_PAUSE,
            useWorkerScheduler: false,
            logLevel: "warn",
        });
        this.#cometd.setTimeout = setTimer;
        this.#cometd.clearTimeout = clearTimer;
        this.#cometd.unregisterTransport("callback-polling");
        this.#cometd.registerExtension("replay", this.#replay);
        this.#cometd.addListener("/meta/handshake", (message) => this.#shaken(message));
        this.#cometd.addListener("/meta/subscribe", (message) => this.#subscribed(message));
        this.#cometd.addListener("/meta/connect", (message) => this.#connected(message));
        this.#cometd.handshake(this.account.token ? {ext: {authentication: {token: this.account.token}}} : {});
    }

    stop() {
        return new Promise((resolve) => {
            this.#cometd.disconnect(resolve);
            setTimeout(resolve, 500);
        });
    }

    #shaken(message) {
        if (message.successful) {
            this.#subscribe();
        } else {
            this.#failed(message);
        }
    }

    #connected(message) {
        if (message.successful) {
            this.#become("live");
        } else {
            this.#failed(message);
        }
    }

    #failed(message) {
        if (message.advice?.reconnect === "none") {
            this.#become("ended");
            return;
        }
        this.#become(this.#joined ? "reconnecting" : "connecting");
        // The session may live on: then subscribing is the first that it hears on the next connection.
        if (this.#joined && message.advice?.reconnect !== "handshake") {
            this.#subscribe();
        }
    }

    #subscribe() {
        this.incident = this.#joined ? {at: new Date(), recovered: 0, reloaded: false} : null;
        this.#joined = true;
        this.#cometd.batch(() => {
            this.#cometd.clearSubscriptions();
            this.channels.forEach((channel) => this.#cometd.subscribe(channel, (message) => this.#heard(message)));
        });
    }

    // The answer says where each channel goes on; what lies between there and where we are is about to come.
    #subscribed(message) {
        const {gap = [], ...live} = (message.successful && message.ext?.replay) || {};
        if (this.incident) {
            Object.entries(live).filter(([channel]) => !gap.includes(channel)).forEach(([channel, at]) => {
                this.incident.recovered += Math.max(0, at - (this.#replay.positions[channel] ?? at));
            });
            this.dispatchEvent(new CustomEvent("status"));
        }
    }

    #heard({channel, data}) {
        this.dispatchEvent(new CustomEvent("message", {detail: {channel, data}}));
    }

    async #reload() {
        try {
            await this.load();
            this.incident = {at: new Date(), recovered: 0, reloaded: true};
            this.dispatchEvent(new CustomEvent("reload"));
        } catch {
            setTimeout(() => this.#reload(), LONGEST_PAUSE);
        }
    }

    #become(state) {
        if (state !== this.state) {
            this.state = state;
            this.dispatchEvent(new CustomEvent("status"));
        }
    }
}
