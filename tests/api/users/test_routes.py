"""Users over HTTP, by content."""

import json
from typing import Any

import pytest

from hub.store import presence
from hub.store.transaction import Tx
from tests.api.world import World

ADMIN, SUPERVISOR, AGENT = "ROLE_ADMIN", "ROLE_SUPERVISOR", "ROLE_AGENT"
MEDIA = ("voice", "chat", "email", "workitem")
BASE = "http://127.0.0.1:8080/api/v2"
CAROL = {
    "connected": False,
    "id": "carol",
    "userName": "carol",
    "password": "",
    "firstName": "Carol",
    "lastName": "Smith",
    "emailAddress": "carol@example.org",
    "roles": [AGENT],
    "enabled": True,
    "changePasswordOnFirstLogin": False,
    "contactCenterId": "acme",
    "uri": f"{BASE}/users/carol",
    "path": "/users/carol",
}
STATE = {"userState": {"state": "LoggedOut"}}
DESK = {"devices": [], "channels": [{"channel": name, **STATE, "capabilities": []} for name in MEDIA]}
WORK = {"queues": ["sales"], "skills": {"english": 3}, "languages": ["en", "de"]}
NEW = {
    "userName": "carol",
    "firstName": "Carol",
    "lastName": "Smith",
    "emailAddress": "carol@example.org",
    "roles": [AGENT],
    **WORK,
}


def admin(world: World, organization: str = "acme") -> str:
    return world.token("adam", ADMIN, organization=organization)


async def created(world: World, **changes: Any) -> Any:
    reply = await world.ask("POST", "/api/v2/users", NEW | changes, token=admin(world))
    assert reply.status_code == 200, reply.text
    return reply.json()["user"]


# Creating -----------------------------------------------------------------------------------------------------------


async def test_a_user_is_created_whole_and_read_back(world: World) -> None:
    assert await created(world) == CAROL | WORK
    reply = await world.ask("GET", "/api/v2/users/carol", token=admin(world))
    assert reply.json() == {"statusCode": 0, "user": CAROL | STATE}
    whole = await world.ask("GET", "/api/v2/users/carol?subresources=*", token=admin(world))
    assert whole.json()["user"] == CAROL | STATE | WORK | DESK


async def test_an_id_of_its_own_lets_the_name_be_anything_that_basic_can_carry(world: World) -> None:
    user = await created(world, id="c-1", userName="Carol Smith+work@example.org")
    assert (user["id"], user["userName"], user["path"]) == ("c-1", "Carol Smith+work@example.org", "/users/c-1")


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"userName": None}, 400, 10, "userName"),
        ({"userName": "with space"}, 400, 10, "userName: must be 1 to 64"),
        ({"userName": "x" * 65}, 400, 10, "userName: must be 1 to 64"),
        ({"id": "c", "userName": "a:b"}, 400, 10, "userName: must be 1 to 255"),
        ({"id": "c", "userName": ""}, 400, 10, "userName: must be 1 to 255"),
        ({"id": "a/b"}, 400, 10, "id: must be 1 to 64"),
        ({"roles": ["ROLE_CLIENT_SERVICE"]}, 400, 10, "roles: ROLE_CLIENT_SERVICE cannot be given"),
        ({"roles": ["ROLE_ROOT"]}, 400, 10, "roles: ROLE_ROOT cannot be given"),
        ({"password": "short"}, 400, 10, "password: The password must have at least 12"),
        ({"emailAddress": "nobody"}, 400, 10, "emailAddress"),
        ({"skills": {"english": 101}}, 400, 10, "skills"),
        ({"skills": {"english": -1}}, 400, 10, "skills"),
        ({"queues": ["q"] * 101}, 400, 10, "queues"),
        ({"queues": [""]}, 400, 10, "queues"),
    ],
)
async def test_what_cannot_be_is_refused_by_name_and_changes_nothing(
    world: World, changes: dict[str, object], status: int, code: int, message: str
) -> None:
    reply = await world.ask("POST", "/api/v2/users", NEW | changes, token=admin(world))
    assert (reply.status_code, reply.json()["statusCode"]) == (status, code)
    assert message in reply.json()["statusMessage"]
    listed = await world.ask("GET", "/api/v2/users", token=admin(world))
    assert listed.json() == {"statusCode": 0, "uris": [], "totalCount": 0}


async def test_without_a_name_the_parameter_is_missing(world: World) -> None:
    reply = await world.ask("POST", "/api/v2/users", {"roles": [AGENT]}, token=admin(world))
    assert (reply.status_code, reply.json()["statusCode"]) == (400, 1)


async def test_an_id_is_unique_in_its_organization_and_a_name_in_the_hub(world: World) -> None:
    await created(world)
    again = await world.ask("POST", "/api/v2/users", NEW, token=admin(world))
    assert (again.status_code, again.json()["statusCode"]) == (409, 18)
    elsewhere = await world.ask("POST", "/api/v2/users", NEW, token=admin(world, "globex"))
    assert (elsewhere.status_code, elsewhere.json()["statusCode"]) == (409, 18)
    other_name = NEW | {"id": "carol", "userName": "carol@globex"}
    assert (await world.ask("POST", "/api/v2/users", other_name, token=admin(world, "globex"))).status_code == 200
    assert (await world.account("carol")) != (await world.account("carol", "globex"))


async def test_a_repeated_request_creates_once_and_its_key_keeps_no_trace_of_the_password(world: World) -> None:
    headers = {"Idempotency-Key": "k1"}
    body = NEW | {"password": "the first password"}
    first = await world.ask("POST", "/api/v2/users", body, token=admin(world), headers=headers)
    again = await world.ask("POST", "/api/v2/users", body, token=admin(world), headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await world.ask("POST", "/api/v2/users", body | {"roles": []}, token=admin(world), headers=headers)
    assert other.status_code == 422
    other_password = body | {"password": "another password"}
    same = await world.ask("POST", "/api/v2/users", other_password, token=admin(world), headers=headers)
    assert same.headers["Idempotent-Replayed"] == "true"


# Listing ------------------------------------------------------------------------------------------------------------


async def test_a_list_has_uris_or_the_fields_asked_for(world: World) -> None:
    for user in ("bob", "alice", "carol"):
        await world.user(user)
    await world.user("stranger", organization="globex")
    sue = world.token("sue", SUPERVISOR)
    listed = (await world.ask("GET", "/api/v2/users", token=sue)).json()
    assert listed == {
        "statusCode": 0,
        "uris": [f"{BASE}/users/{user}" for user in ("alice", "bob", "carol")],
        "totalCount": 3,
    }
    some = (await world.ask("GET", "/api/v2/users?fields=id,%20enabled,nothing&offset=1&limit=1", token=sue)).json()
    assert some == {"statusCode": 0, "users": [{"id": "bob", "enabled": True}], "totalCount": 3}
    whole = (await world.ask("GET", "/api/v2/users?fields=*&subresources=skills,devices", token=sue)).json()
    assert [user["id"] for user in whole["users"]] == ["alice", "bob", "carol"]
    assert whole["users"][0].keys() == CAROL.keys() | {"userState", "skills", "devices"}


async def test_who_counts_as_connected_is_told(world: World) -> None:
    for user in ("alice", "bob"):
        await world.user(user)
    sue = world.token("sue", SUPERVISOR)

    def come(tx: Tx) -> None:
        presence.enter(tx, "one", world.clock.now())
        presence.change(tx, "one", [("acme", "bob"), ("globex", "alice"), ("acme", "carol")], {})

    await world.services.db.write(come)
    listed = (await world.ask("GET", "/api/v2/users?fields=id,connected", token=sue)).json()["users"]
    assert listed == [{"id": "alice", "connected": False}, {"id": "bob", "connected": True}]
    one = (await world.ask("GET", "/api/v2/users/bob", token=sue)).json()["user"]
    assert one["connected"] is True
    assert (await created(world))["connected"] is True, "a token needs no user, and neither does a desktop"


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "limit=x", "offset=-1", f"offset={2**31}"])
async def test_a_part_that_cannot_be_is_refused(world: World, query: str) -> None:
    reply = await world.ask("GET", f"/api/v2/users?{query}", token=admin(world))
    assert (reply.status_code, reply.json()["statusCode"]) == (400, 10)
    assert query.partition("=")[0] in reply.json()["statusMessage"]


# Changing -----------------------------------------------------------------------------------------------------------


async def test_a_change_touches_only_what_it_names(world: World) -> None:
    await created(world)
    reply = await world.ask("PUT", "/api/v2/users/carol", {"queues": [], "lastName": "Jones"}, token=admin(world))
    assert reply.json()["user"] == CAROL | WORK | {"queues": [], "lastName": "Jones"}
    assert await world.revocations() == []


async def test_the_whole_object_may_be_sent_back(world: World) -> None:
    user = await created(world)
    reply = await world.ask("PUT", "/api/v2/users/carol", user | {"firstName": "C."}, token=admin(world))
    assert reply.json()["user"] == user | {"firstName": "C."}


@pytest.mark.parametrize(
    ("change", "code"), [({"id": "other"}, 11), ({"password": "a long new one"}, 11), ({"userName": "a:b"}, 10)]
)
async def test_what_cannot_be_changed_is_said(world: World, change: dict[str, str], code: int) -> None:
    await created(world)
    reply = await world.ask("PUT", "/api/v2/users/carol", change, token=admin(world))
    assert (reply.status_code, reply.json()["statusCode"]) == (400, code)


async def test_a_name_that_somebody_has_is_not_given_twice(world: World) -> None:
    await created(world)
    await world.user("dan", organization="globex")
    reply = await world.ask("PUT", "/api/v2/users/carol", {"userName": "dan"}, token=admin(world))
    assert (reply.status_code, reply.json()["statusCode"]) == (409, 18)
    renamed = await world.ask("PUT", "/api/v2/users/carol", {"userName": "c.smith"}, token=admin(world))
    assert renamed.json()["user"]["userName"] == "c.smith"


async def test_other_roles_end_sessions_and_tokens_and_the_same_ones_do_not(world: World) -> None:
    await created(world)
    same = await world.ask("PUT", "/api/v2/users/carol/roles", {"roles": [AGENT]}, token=admin(world))
    assert same.status_code == 200
    assert await world.revocations() == []
    reply = await world.ask("PUT", "/api/v2/users/carol/roles", {"roles": [SUPERVISOR, AGENT]}, token=admin(world))
    assert reply.json()["user"]["roles"] == [AGENT, SUPERVISOR]
    assert await world.revocations() == [("acme", "carol", True)]


async def test_whoever_is_disabled_or_deleted_is_out(world: World) -> None:
    await created(world)
    old = world.token("carol", AGENT)
    assert (await world.ask("GET", "/api/v2/me", token=old)).status_code == 200
    world.clock.at += 1
    disabled = await world.ask("POST", "/api/v2/users/carol", {"operationName": "Disable"}, token=admin(world))
    assert disabled.json() == {"statusCode": 0}
    await world.heal()
    assert (await world.ask("GET", "/api/v2/me", token=old)).status_code == 401
    enabled = await world.ask("POST", "/api/v2/users/carol", {"operationName": "Enable"}, token=admin(world))
    assert enabled.json() == {"statusCode": 0}
    assert (await world.ask("GET", "/api/v2/users/carol", token=admin(world))).json()["user"]["enabled"] is True
    gone = await world.ask("DELETE", "/api/v2/users/carol", token=admin(world))
    assert gone.json() == {"statusCode": 0}
    assert await world.revocations() == [("acme", "carol", True)] * 2
    missing = await world.ask("DELETE", "/api/v2/users/carol", token=admin(world))
    assert (missing.status_code, missing.json()["statusCode"]) == (404, 6)
    assert (await created(world)) == CAROL | WORK


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/api/v2/users/adam", None),
        ("POST", "/api/v2/users/adam", {"operationName": "Disable"}),
        ("POST", "/api/v2/users/adam", {"operationName": "ChangePassword", "newPassword": "past the old one"}),
        ("PUT", "/api/v2/users/adam/roles", {"roles": [AGENT]}),
        ("PUT", "/api/v2/users/adam", {"roles": [AGENT]}),
        ("PUT", "/api/v2/users/adam", {"enabled": False}),
    ],
)
async def test_an_administrator_cannot_lock_themselves_out(world: World, method: str, path: str, body: object) -> None:
    before = await world.user("adam", ADMIN, password="the old one, too long")
    reply = await world.ask(method, path, body, token=admin(world))
    assert (reply.status_code, reply.json()["statusCode"]) == (403, 3)
    assert await world.account("adam") == before


async def test_an_unknown_operation_is_refused(world: World) -> None:
    await world.user("carol")
    for body, code in (({"operationName": "Promote"}, 10), ({}, 1)):
        reply = await world.ask("POST", "/api/v2/users/carol", body, token=admin(world))
        assert (reply.status_code, reply.json()["statusCode"]) == (400, code)


# Oneself ------------------------------------------------------------------------------------------------------------


async def test_a_token_needs_no_user_and_makes_one_on_first_use(world: World) -> None:
    token = world.token("dora", AGENT, "ROLE_CUSTOMER")
    reply = await world.ask("GET", "/api/v2/me", token=token)
    assert reply.json()["user"]["roles"] == [AGENT, "ROLE_CUSTOMER"]
    assert (reply.json()["user"]["id"], reply.json()["user"]["userName"]) == ("dora", "dora")
    again = await world.ask("GET", "/api/v2/me", token=token)
    assert again.json() == reply.json()
    listed = await world.ask("GET", "/api/v2/users?fields=id,userName", token=admin(world))
    assert listed.json()["users"] == [{"id": "dora", "userName": "dora"}]
    taken = await world.ask("POST", "/api/v2/users", NEW | {"userName": "dora"}, token=admin(world, "globex"))
    assert taken.status_code == 200, "a token of one organization takes no name away from the others"


@pytest.mark.parametrize("role", ["ROLE_CUSTOMER", "ROLE_CLIENT_SERVICE"])
async def test_customers_and_programs_leave_no_rows_behind(world: World, role: str) -> None:
    reply = await world.ask("GET", "/api/v2/me", token=world.token("visitor", role))
    assert (reply.status_code, reply.json()["user"]["id"]) == (200, "visitor")
    assert await world.account("visitor") is None


async def test_roles_count_from_the_token(world: World) -> None:
    await world.user("alice", SUPERVISOR)
    reply = await world.ask("GET", "/api/v2/me?fields=roles", token=world.token("alice", AGENT))
    assert reply.json() == {"statusCode": 0, "user": {"roles": [AGENT]}}


async def test_positions_come_with_the_snapshot(world: World) -> None:
    alice = world.token("alice", AGENT)
    before = json.loads((await world.ask("GET", "/api/v2/me", token=alice)).headers["X-Event-Positions"])
    assert before["positions"] == {"/v2/me": 0, "/v2/me/calls": 0, "/v2/me/devices": 0}
    for n in range(2):
        await world.publish({"channel": "/v2/me/calls", "userId": "alice", "data": {"n": n}})
    await world.publish({"channel": "/v2/me/calls", "userId": "bob", "data": {}})
    await world.publish({"channel": "/v2/users", "data": {}})
    after = json.loads((await world.ask("GET", "/api/v2/me", token=alice)).headers["X-Event-Positions"])
    assert after == {"epoch": before["epoch"], "positions": before["positions"] | {"/v2/me/calls": 2}}
    listed = await world.ask("GET", "/api/v2/users", token=world.token("sue", SUPERVISOR))
    assert json.loads(listed.headers["X-Event-Positions"])["positions"] == {
        "/v2/me": 0,
        "/v2/users": 1,
        "/v2/me/calls": 0,
        "/v2/me/devices": 0,
    }


async def test_users_of_another_organization_are_not_there(world: World) -> None:
    await world.user("gus", organization="globex")
    for method, path, body in (
        ("GET", "/api/v2/users/gus", None),
        ("PUT", "/api/v2/users/gus", {"firstName": "x"}),
        ("DELETE", "/api/v2/users/gus", None),
        ("PUT", "/api/v2/users/gus/roles", {"roles": []}),
        ("POST", "/api/v2/users/gus", {"operationName": "Disable"}),
        ("POST", "/api/v2/users/gus", {"operationName": "ChangePassword", "newPassword": "long enough, this"}),
    ):
        theirs = await world.ask(method, path, body, token=admin(world))
        nobodys = await world.ask(method, path.replace("gus", "nobody"), body, token=admin(world))
        assert (theirs.status_code, theirs.json()) == (nobodys.status_code, nobodys.json())
        assert (theirs.status_code, theirs.json()["statusCode"]) == (404, 6)
