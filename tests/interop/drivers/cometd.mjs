// The official JavaScript client, `cometd`, speaking the line protocol of tests/support/driver.py.

import {createInterface} from "node:readline";
import {CometD} from "cometd";
import {AckExtension} from "cometd/AckExtension.js";
import {ReloadExtension} from "cometd/ReloadExtension.js";
import {adapt} from "cometd-nodejs-client";
import {ReplayExtension} from "../../../web/ReplayExtension.js";

const {url, transport, extension, token, by, saved, channels} = JSON.parse(process.argv[2]);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

adapt();
const client = new CometD();

if (extension === "ack") {
    client.registerExtension("ack", new AckExtension());
}
if (extension === "reload") {
    // The extension keeps its state where a page survives its own reload.
    const storage = new Map(saved ? [["org.cometd.reload", saved]] : []);
    window.sessionStorage = {
        getItem: (key) => storage.get(key) ?? null,
        setItem: (key, value) => storage.set(key, value),
        removeItem: (key) => storage.delete(key),
    };
    client.registerExtension("reload", new ReloadExtension());
}
if (extension === "replay") {
    client.registerExtension("replay", new ReplayExtension());
}

client.configure({
    url: by === "query" ? `${url}?access_token=${token}` : url,
    requestHeaders: by === "header" ? {Authorization: `Bearer ${token}`} : {},
    logLevel: "warn",
});
for (const name of client.getTransportTypes()) {
    if (name !== transport) {
        client.unregisterTransport(name);
    }
}

// What the application wants to hear. A new session knows nothing of it, so it subscribes after every handshake.
const wanted = new Map((channels ?? []).map((channel) => [channel, null]));
const heard = ({channel, data}) => say({is: "event", channel, data});

client.addListener("/meta/handshake", (message) => {
    if (message.successful) {
        client.batch(() => wanted.forEach((_, channel) => wanted.set(channel, client.subscribe(channel, heard))));
    }
});
for (const name of ["handshake", "connect", "subscribe", "unsubscribe", "disconnect"]) {
    client.addListener(`/meta/${name}`, (message) => say({...message, is: "meta"}));
}

const commands = {
    handshake: (_, replied) => client.handshake(by === "ext" ? {ext: {authentication: {token}}} : {}, replied),
    subscribe: ({channel}, replied) => {
        const answered = (reply) => replied({...reply, transport: client.getTransport().type});
        wanted.set(channel, client.subscribe(channel, heard, answered));
    },
    unsubscribe: ({channel}, replied) => {
        client.unsubscribe(wanted.get(channel), replied);
        wanted.delete(channel);
    },
    publish: ({channel, data}, replied) => client.publish(channel, data, replied),
    batch: ({commands}, replied) => {
        client.batch(() => commands.forEach(carryOut));
        replied({successful: true});
    },
    disconnect: (_, replied) => client.disconnect(replied),
    save: (_, replied) => {
        client.reload();
        replied({successful: true, state: window.sessionStorage.getItem("org.cometd.reload")});
    },
};

function carryOut(command) {
    commands[command.do](command, (reply) => say({...reply, is: "reply", to: command.do, asked: command.channel}));
}

for await (const line of createInterface({input: process.stdin})) {
    carryOut(JSON.parse(line));
}
