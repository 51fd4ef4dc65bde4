// Who works in this window, and how it asks the hub. Somebody logs in with a password and gets a cookie, which all
// windows of the browser share; or is somebody in this window only, with a token that goes with the window.

export const base = new URL("../../", import.meta.url);

const TOKEN = "hub.token";
const KEY = "hub.demo";

// The hub has refused a request; `message` is its own sentence.
export class Refused extends Error {
    constructor(status, body) {
        super(body?.statusMessage ?? body?.message ?? body?.detail ?? `HTTP ${status}`);
        this.status = status;
        this.body = body;
    }
}

export class Account {
    constructor() {
        this.token = sessionStorage.getItem(TOKEN);
        this.user = null;
    }

    // One request. Answers the decoded body, and the positions of the snapshot where it has some.
    async ask(method, path, body, headers = {}) {
        const reply = await fetch(new URL(path, base), {
            method,
            headers: {
                ...(this.token ? {Authorization: `Bearer ${this.token}`} : {}),
                ...(body === undefined ? {} : {"Content-Type": "application/json"}),
                ...headers,
            },
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        const text = await reply.text();
        const content = reply.headers.get("Content-Type")?.includes("json") && text ? JSON.parse(text) : text;
        if (!reply.ok) {
            throw new Refused(reply.status, content);
        }
        const positions = reply.headers.get("X-Event-Positions");
        return {content, positions: positions === null ? null : JSON.parse(positions)};
    }

    async get(path) {
        return (await this.ask("GET", path)).content;
    }

    // Who is here already, or null.
    async resume() {
        try {
            this.user = (await this.get("api/v2/me?subresources=*")).user;
        } catch (error) {
            if (!(error instanceof Refused) || error.status !== 401) {
                throw error;
            }
            this.#keep(null);
        }
        return this.user;
    }

    async logIn(name, password, onlyHere) {
        if (onlyHere) {
            const form = new URLSearchParams({grant_type: "password", username: name, password});
            const reply = await fetch(new URL("security/oauth/token", base), {method: "POST", body: form});
            const content = await reply.json();
            if (!reply.ok) {
                throw new Refused(reply.status, {message: content.error_description});
            }
            this.#keep(content.access_token);
        } else {
            const bytes = new TextEncoder().encode(`${name}:${password}`);
            await this.ask("GET", "api/v2/me", undefined, {Authorization: `Basic ${btoa(String.fromCharCode(...bytes))}`});
        }
        return this.resume();
    }

    async logOut() {
        if (this.token === null) {
            await this.ask("POST", "api/v2/logout");
        }
        this.#keep(null);
    }

    // The people of the demo, for whoever came with the key of it.
    async people() {
        const found = /#demo=(\w+)/.exec(location.hash);
        if (found) {
            localStorage.setItem(KEY, found[1]);
            history.replaceState(null, "", location.pathname);
        }
        const key = localStorage.getItem(KEY);
        if (key === null) {
            return [];
        }
        try {
            return (await this.ask("POST", "console/demo", {key})).content.people;
        } catch {
            localStorage.removeItem(KEY);  // of another start, or of another hub
            return [];
        }
    }

    async visit(user) {
        const {content} = await this.ask("POST", "console/demo", {key: localStorage.getItem(KEY), user});
        this.#keep(content.access_token);
        return this.resume();
    }

    #keep(token) {
        this.token = token;
        if (token === null) {
            sessionStorage.removeItem(TOKEN);
        } else {
            sessionStorage.setItem(TOKEN, token);
        }
    }
}
