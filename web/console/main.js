// The console: who is here decides what there is to see.

import {fill} from "../dom.js";
import {Account} from "./account.js";
import {complain} from "./frame.js";
import {signIn} from "./signin.js";
import {language, t} from "./texts.js";
import {workplace} from "./workplace.js";

const account = new Account();

async function show() {
    document.documentElement.lang = language;
    document.title = t("title");
    const known = location.hash.startsWith("#demo=") ? null : await account.resume();
    if (known && !known.changePasswordOnFirstLogin) {
        await workplace(account);
    } else {
        const entered = (next) => (next ? fill(document.body, next) : workplace(account).catch(complain));
        fill(document.body, await signIn(account, entered));
    }
}

show().catch((error) => {
    fill(document.body, t("unreachable"));
    console.error(error);
});
