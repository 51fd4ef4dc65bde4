// Many official clients in one process, each a desktop that hears its user's calls with our replay extension.
//
//   node crowd.mjs '{"url": …, "tokens": "FILE"}'      a line `USER TOKEN` a desktop
//   {"is": "shaken", "user": …, "at": ms}   {"is": "subscribed", "user": …, "since": 0}
//   {"is": "event", "user": …, "seq": 7, "data": {…}}   {"is": "gap", "user": …, "live": 9}

import {readFileSync} from "node:fs";
import {CometD} from "cometd";
import {adapt} from "cometd-nodejs-client";
import {ReplayExtension} from "../../../web/ReplayExtension.js";

const CALLS = "/v2/me/calls";
const {url, tokens} = JSON.parse(process.argv[2]);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

adapt();
for (const line of readFileSync(tokens, "utf8").trim().split("\n")) {
    const [user, token] = line.split(" ");
    open(user, token);
}

function open(user, token) {
    const client = new CometD();
    const replay = new ReplayExtension({onGap: () => say({is: "gap", user, live: replay.positions[CALLS]})});
    client.registerExtension("replay", replay);
    client.configure({url, logLevel: "error"});
    client.unregisterTransport("long-polling");
    client.addListener("/meta/handshake", (message) => {
        if (message.successful) {
            say({is: "shaken", user, at: Date.now()});
            subscribe();
        }
    });
    // A session that lives on has lost what was in its old socket.
    client.addListener("/meta/connect", (message) => {
        if (message.successful && broken) {
            broken = false;
            subscribe();
        } else if (!message.successful) {
            broken = true;
        }
    });
    let broken = false;
    let subscription = null;

    function subscribe() {
        if (subscription !== null) {
            client.removeListener(subscription); // with another one in place the client would not ask the server
        }
        const heard = ({data, ext}) => say({is: "event", user, seq: ext.replay, data});
        subscription = client.subscribe(CALLS, heard, (reply) => {
            if (reply.successful) {
                say({is: "subscribed", user, since: replay.positions[CALLS]});
            }
        });
    }

    client.handshake({ext: {authentication: {token}}});
}

process.stdin.resume().on("end", () => process.exit(0));
