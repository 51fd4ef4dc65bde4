// The client of Faye under Node, speaking the line protocol of tests/support/driver.py.

import {createInterface} from "node:readline";
import faye from "faye";

const {url, transport, token, by} = JSON.parse(process.argv[2]);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

// Seconds until Faye sends again what was unanswered; 5 if nothing is said.
const client = new faye.Client(by === "query" ? `${url}?access_token=${token}` : url, {retry: 1});
if (transport !== "websocket") {
    client.disable("websocket");
}
if (by === "header") {
    client.setHeader("Authorization", `Bearer ${token}`);
}

// Faye re-subscribes by itself and tells nobody; its extensions see what it sends and hears. It is also silent about a
// refused handshake, and about every reply to an unsubscribe.
const waiting = new Map();
let used;
client.addExtension({
    outgoing(message, callback) {
        if (by === "ext" && message.channel === "/meta/handshake") {
            message.ext = {authentication: {token}};
        }
        used = message.connectionType ?? used;
        callback(message);
    },
    incoming(message, callback) {
        if (message.channel.startsWith("/meta/")) {
            say({...message, is: "meta"});
            const key = message.channel + (message.subscription ?? "");
            waiting.get(key)?.(message);
            waiting.delete(key);
        }
        callback(message);
    },
});

const subscriptions = new Map();
const refused = (error) => ({successful: false, error: error.toString()});
const told = (promise, replied) => promise.then(() => replied({successful: true}), (error) => replied(refused(error)));

const commands = {
    handshake: (_, replied) => {
        waiting.set("/meta/handshake", replied);
        client.connect();
    },
    subscribe: ({channel}, replied) => {
        const subscription = client.subscribe(channel);
        subscription.withChannel((channel, data) => say({is: "event", channel, data}));
        subscriptions.set(channel, subscription);
        told(subscription, (reply) => replied({...reply, transport: used}));
    },
    unsubscribe: ({channel}, replied) => {
        waiting.set(`/meta/unsubscribe${channel}`, replied);
        subscriptions.get(channel).cancel();
    },
    publish: ({channel, data}, replied) => told(client.publish(channel, data), replied),
    disconnect: (_, replied) => told(client.disconnect(), replied),
};

for await (const line of createInterface({input: process.stdin})) {
    const command = JSON.parse(line);
    commands[command.do](command, (reply) => say({...reply, is: "reply", to: command.do, asked: command.channel}));
}
