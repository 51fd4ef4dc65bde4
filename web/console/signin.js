// The way in: a name and a password, or one of the people of the demo.

import {h} from "../dom.js";
import {Refused} from "./account.js";
import {act, complain, languages, notices} from "./frame.js";
import {t} from "./texts.js";

export async function signIn(account, entered) {
    const people = await account.people();
    const done = () => (account.user.changePasswordOnFirstLogin ? entered(newPassword(account, entered)) : entered(null));
    return h("main", {id: "content", class: "narrow stack"},
        h("div", {class: "row"}, h("h1", {}, t("title")), languages()),
        notices(),
        people.length ? demo(account, people, done) : null,
        form(account, done));
}

function demo(account, people, done) {
    return h("section", {class: "card", "aria-labelledby": "demo"},
        h("h2", {id: "demo"}, t("demo.title")),
        h("p", {}, t("demo.how")),
        h("ul", {class: "plain"}, people.map(({id, role}) => h("li", {},
            h("button", {class: "main", "data-key": id, onclick: act(() => account.visit(id).then(done))},
                t("demo.be", {name: id, role: t(`role.${role}`)}))))));
}

function form(account, done) {
    const submit = act(async ({target}) => {
        const given = new FormData(target);
        await account.logIn(given.get("name"), given.get("password"), given.has("only"));
        done();
    });
    return h("form", {class: "card", "aria-label": t("signin.title"), onsubmit: submit},
        h("h2", {}, t("signin.title")),
        h("label", {}, t("signin.name"), h("input", {name: "name", autocomplete: "username", required: true})),
        h("label", {}, t("signin.password"),
            h("input", {name: "password", type: "password", autocomplete: "current-password", required: true})),
        h("label", {class: "beside"}, h("input", {type: "checkbox", name: "only"}), t("signin.only")),
        h("div", {}, h("button", {class: "main"}, t("signin.go"))));
}

// Who was given a password by somebody else may do nothing before choosing their own.
function newPassword(account, entered) {
    const submit = act(async ({target}) => {
        const given = new FormData(target);
        const body = {operationName: "ChangePassword", oldPassword: given.get("old"), newPassword: given.get("new")};
        await account.ask("POST", "api/v2/me", body);
        await account.resume();
        if (account.user?.changePasswordOnFirstLogin) {
            complain(new Refused(400, {message: t("password.refused")}));
        } else {
            // Other logins end with the old password: this one begins anew, with the new one.
            await account.logIn(account.user.userName, given.get("new"), false);
            entered(null);
        }
    });
    return h("main", {id: "content", class: "narrow stack"}, notices(),
        h("form", {class: "card", "aria-label": t("password.title"), onsubmit: submit},
            h("h1", {}, t("password.title")),
            h("p", {}, t("password.why")),
            h("input", {type: "text", autocomplete: "username", value: account.user.userName, hidden: true}),
            h("label", {}, t("password.old"), h("input", {name: "old", type: "password", autocomplete: "current-password", required: true})),
            h("label", {}, t("password.new"), h("input", {name: "new", type: "password", autocomplete: "new-password", required: true})),
            h("div", {}, h("button", {class: "main"}, t("password.go")))));
}
