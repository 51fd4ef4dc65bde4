// The official CometD client, driven line by line: a command on standard input, what happens on standard output.
//
//   node client.mjs URL websocket|long-polling TOKEN
//   {"do": "handshake" | "subscribe" | "unsubscribe" | "disconnect", "channel": "/v2/me/calls"}
//   {"is": "reply", "to": "subscribe", "channel": …, "reply": {…}}    {"is": "event", "message": {…}}

import {createInterface} from "node:readline";
import {CometD} from "cometd";
import {adapt} from "cometd-nodejs-client";

adapt();

const [url, transport, token] = process.argv.slice(2);
const client = new CometD();
const subscriptions = new Map();

client.configure({url, logLevel: "warn"});
for (const name of client.getTransportTypes()) {
    if (name !== transport) {
        client.unregisterTransport(name);
    }
}

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

const commands = {
    handshake: (channel, replied) => client.handshake({ext: {authentication: {token}}}, replied),
    subscribe: (channel, replied) => {
        const heard = (message) => say({is: "event", message});
        subscriptions.set(channel, client.subscribe(channel, heard, replied));
    },
    unsubscribe: (channel, replied) => client.unsubscribe(subscriptions.get(channel), replied),
    disconnect: (channel, replied) => client.disconnect(replied),
};

for await (const line of createInterface({input: process.stdin})) {
    const command = JSON.parse(line);
    commands[command.do](command.channel, (reply) => {
        const used = client.getTransport();
        say({is: "reply", to: command.do, channel: command.channel, transport: used && used.type, reply});
    });
}
