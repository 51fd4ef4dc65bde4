// One window of somebody who is here: the views of their roles over one live connection.

import {fill, h} from "../dom.js";
import {agent} from "./agent.js";
import {board} from "./board.js";
import {feed} from "./feed.js";
import {header, notices} from "./frame.js";
import {Live} from "./live.js";
import {operator} from "./operator.js";
import {t} from "./texts.js";

const SUPERVISING = ["ROLE_SUPERVISOR", "ROLE_ADMIN"];

const VIEWS = [
    {roles: ["ROLE_AGENT"], make: agent},
    {roles: ["ROLE_SUPERVISOR"], make: board},
    {roles: ["ROLE_ADMIN"], make: operator},
];

export async function workplace(account) {
    const {user} = account;
    const has = (...roles) => roles.some((role) => user.roles.includes(role));
    const views = VIEWS.filter(({roles}) => has(...roles)).map(({make}) => make(account));
    const channels = ["/v2/me", "/v2/me/calls", "/v2/me/devices", ...(has(...SUPERVISING) ? ["/v2/users"] : [])];
    const live = new Live(account, channels, async () => {
        const me = await account.ask("GET", "api/v2/me?subresources=*");
        account.user = me.content.user;
        await Promise.all(views.map((view) => view.load()));
        return me.positions;
    });
    live.addEventListener("message", ({detail}) => views.forEach((view) => view.hear(detail)));
    const leave = async () => {
        await live.stop();
        await account.logOut().catch(() => {});
        location.reload();
    };
    fill(document.body,
        h("a", {class: "skip", href: "#content"}, t("skip")),
        header(account, live, leave),
        notices(),
        h("main", {id: "content", class: "grid"}, views.flatMap((view) => view.elements), feed(live)));
    await live.start();
}
