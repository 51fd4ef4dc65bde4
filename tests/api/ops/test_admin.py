"""What administrators see and do: their own organization's, and with `operates` what belongs to all of them."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from api.http.request import LiveSession
from hub.kernel.clock import micros
from hub.kernel.config import Configuration, Organization
from hub.store import presence, timers
from hub.store.transaction import Tx
from tests.api.world import START, World

ADMIN = "/api/v2/admin/"
HUB_WIDE = ("nodes", "timers", "timers/buried")
SLOW = LiveSession(
    organization="acme", user="bob", client="n1abc", transport="websocket", channels=("/v2/me",), queued=9, behind=True
)
OTHERS = (
    structs.replace(SLOW, user="alice", queued=0, behind=False),
    structs.replace(SLOW, user="carol", queued=3, behind=False, transport="long-polling"),
    structs.replace(SLOW, organization="globex", user="eve"),
)


@pytest.fixture
def run(both: World) -> World:
    """A hub that acme runs, and globex uses."""
    configuration = Configuration(organizations={"acme": Organization(operates=True), "globex": Organization()})
    sessions = [*OTHERS, SLOW]
    both.services = replace(both.services, configuration=configuration, sessions=lambda: sessions, node="n1")
    return both


async def ask(world: World, path: str, *, role: str = "ROLE_ADMIN", organization: str = "acme", **more: Any) -> Any:
    token = world.token("adam", role, organization=organization)
    return await world.ask("POST" if "body" in more else "GET", ADMIN + path, token=token, **more)


def planned(tx: Tx) -> None:
    timers.plan(tx, "callbacks.due", "1", micros(START + 60))
    timers.plan(tx, "callbacks.due", "2", micros(START - 60))
    timers.plan(tx, "deliver.mail", "m1", micros(START - 10), b'{"to":"secret"}')
    timers.plan(tx, "deliver.mail", "m2", micros(START - 10))


async def buried(world: World) -> int:
    """The id of a mail that was given up, of several timers."""
    await world.services.db.write(planned)

    def bury(tx: Tx) -> int:
        timer = timers.due(tx, START, ["deliver.mail"], 1)[0]
        timers.bury(tx, timer, "refused: no such mailbox", START)
        return timer

    return await world.services.db.write(bury)


async def test_an_administrator_sees_the_sessions_of_the_organization_slow_ones_first(run: World) -> None:
    body = (await ask(run, "sessions")).json()
    assert [each["userId"] for each in body["sessions"]] == ["bob", "carol", "alice"]
    assert (body["node"], body["totalCount"]) == ("n1", 3)
    assert body["sessions"][0] == {
        "userId": "bob",
        "client": "n1abc",
        "transport": "websocket",
        "channels": ["/v2/me"],
        "queued": 9,
        "behind": True,
    }
    theirs = (await ask(run, "sessions", organization="globex")).json()
    assert [each["userId"] for each in theirs["sessions"]] == ["eve"]


async def test_and_the_streams_of_the_organization(run: World) -> None:
    await run.publish([{"channel": "/v2/me/calls", "userId": "alice", "data": {}}] * 3)
    await run.publish({"channel": "/walls/sales", "data": {}})
    await run.publish({"channel": "/v2/users", "data": {}}, token=run.token("crm", organization="globex"))
    found = (await ask(run, "streams")).json()["streams"]
    assert {(each["channel"], each["userId"], each["position"], each["keptFrom"]) for each in found} == {
        ("/walls/sales", None, 1, 1),
        ("/v2/me/calls", "alice", 3, 1),
    }
    assert len((await ask(run, "streams?limit=1")).json()["streams"]) == 1


async def test_who_runs_the_hub_sees_its_nodes(run: World) -> None:
    await run.services.db.write(lambda tx: presence.enter(tx, "n1", START))
    await run.services.db.write(lambda tx: presence.enter(tx, "n2", START - 60))
    await run.services.db.write(lambda tx: presence.change(tx, "n1", [("acme", "alice"), ("globex", "eve")], {}))
    nodes = (await ask(run, "nodes")).json()["nodes"]
    assert [(each["name"], each["alive"], each["users"]) for each in nodes] == [("n1", True, 2), ("n2", False, 0)]


async def test_and_how_timers_stand_without_what_they_say(run: World) -> None:
    id_ = await buried(run)
    assert (await ask(run, "timers")).json()["kinds"] == [
        {
            "kind": "callbacks.due",
            "planned": 2,
            "due": 1,
            "underWay": 0,
            "buried": 0,
            "nextDueAt": "2027-01-15T07:59:00Z",
        },
        {
            "kind": "deliver.mail",
            "planned": 1,
            "due": 1,
            "underWay": 0,
            "buried": 1,
            "nextDueAt": "2027-01-15T07:59:50Z",
        },
    ]
    reply = await ask(run, "timers/buried")
    [timer] = reply.json()["timers"]
    assert (timer["id"], timer["kind"], timer["attempts"]) == (id_, "deliver.mail", 1)
    assert (timer["reason"], timer["buriedAt"]) == ("refused: no such mailbox", "2027-01-15T08:00:00Z")
    assert "secret" not in reply.text
    assert (await ask(run, f"timers/buried?after={id_}")).json()["timers"] == []


async def test_and_has_one_done_again_or_forgotten(run: World) -> None:
    id_ = await buried(run)
    assert (await ask(run, f"timers/{id_}", body={"operationName": "Replay"})).json() == {"statusCode": 0}
    assert await run.services.db.read(lambda tx: id_ in timers.due(tx, START, ["deliver.mail"], 9))
    again = await ask(run, f"timers/{id_}", body={"operationName": "Forget"})
    assert (again.status_code, again.json()["statusCode"]) == (404, 6)
    await run.services.db.write(lambda tx: timers.bury(tx, id_, "refused", START))
    assert (await ask(run, f"timers/{id_}", body={"operationName": "Forget"})).json() == {"statusCode": 0}
    assert (await ask(run, "timers/buried")).json()["timers"] == []


@pytest.mark.parametrize("id_", ["0", "17", "-1", "x", "9" * 30, "1e3", "²"])
async def test_there_is_no_such_timer(run: World, id_: str) -> None:
    assert (await ask(run, f"timers/{id_}", body={"operationName": "Replay"})).status_code == 404


async def test_bad_input_changes_nothing(run: World) -> None:
    id_ = await buried(run)
    bodies: tuple[Any, ...] = ({}, {"operationName": "Explode"}, [], {"operationName": None})
    for body in bodies:
        assert (await ask(run, f"timers/{id_}", body=body)).status_code == 400
    for query in ("limit=0", "limit=501", "after=-1", "after=x"):
        assert (await ask(run, f"timers/buried?{query}")).status_code == 400
    assert [each["id"] for each in (await ask(run, "timers/buried")).json()["timers"]] == [id_]


async def test_nobody_else_may(run: World) -> None:
    id_ = await buried(run)
    for path in ("sessions", "streams", *HUB_WIDE):
        assert (await run.ask("GET", ADMIN + path)).status_code == 401
        for role in ("ROLE_AGENT", "ROLE_SUPERVISOR", "ROLE_CLIENT_SERVICE", "ROLE_CUSTOMER"):
            refused = await ask(run, path, role=role)
            assert (refused.status_code, refused.json()["statusCode"]) == (403, 5)
    for path in HUB_WIDE:
        for organization in ("globex", "unlisted"):
            assert (await ask(run, path, organization=organization)).status_code == 403
    forget = await ask(run, f"timers/{id_}", body={"operationName": "Forget"}, organization="globex")
    assert forget.status_code == 403
    assert [each["id"] for each in (await ask(run, "timers/buried")).json()["timers"]] == [id_]
