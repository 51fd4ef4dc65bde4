"""Many operations on one call at the same moment, in two processes: one order that everybody sees, and one end."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.telephony.calls.conftest import SIMULATED
from tests.api.telephony.desks import CALLS, Desk, Office
from tests.api.world import World, opened

OPERATIONS = [
    "Hold",
    "Retrieve",
    "SendDtmf",
    "MuteCall",
    "UnmuteCall",
    "AttachUserData",
    "UpdateUserData",
    "DeleteUserData",
] * 3


async def ask(world: World, desk: Desk, call: str, operation: str) -> tuple[int, int]:
    body: dict[str, Any] = {"operationName": operation, "digits": "1", "userData": {operation: "1"}}
    token = world.token(desk.user, "ROLE_AGENT")
    reply = await world.ask("POST", f"{CALLS}/{call}", body, token=token)
    return reply.status_code, reply.json()["statusCode"]


async def told(desk: Desk) -> dict[str, Any]:
    """What a desktop shows that was there from the beginning, by the log."""
    calls: dict[str, Any] = {}
    for _, data in await desk.office.world.log(desk.user, "/v2/me/calls"):
        message = msgspec.json.decode(data)
        if "call" in message:
            calls[message["call"]["id"]] = message["call"]
    return {name: call for name, call in calls.items() if call["state"] != "Released"}


@pytest.fixture
async def other(either_office: Office, tmp_path: Path) -> Any:
    """Another process on the same database."""
    async with opened(tmp_path, url=either_office.world.url, configuration=SIMULATED) as world:
        yield world


async def test_operations_on_one_call_have_one_order(either_office: Office, other: World) -> None:
    office = either_office
    alice, bob = await office.seat("alice", "1"), await office.seat("bob", "2")
    mine = await alice.dial("2")
    await bob.do(bob.only(), "Answer")
    theirs = bob.only()
    worlds = (office.world, other)
    answers = await asyncio.gather(
        *(
            ask(worlds[number % 2], desk, call["id"], operation)
            for number, operation in enumerate(OPERATIONS)
            for desk, call in ((alice, mine), (bob, theirs))
        )
    )
    assert set(answers) <= {(200, 0), (400, 2)}
    assert (200, 0) in answers
    for desk in (alice, bob):
        assert await told(desk) == await desk.snapshot()
    (one,), (another,) = (await alice.snapshot()).values(), (await bob.snapshot()).values()
    assert one.get("userData") == another.get("userData")


async def test_a_call_that_both_sides_hang_up_ends_once(either_office: Office, other: World) -> None:
    office = either_office
    alice, bob = await office.seat("alice", "1"), await office.seat("bob", "2")
    for _ in range(5):
        mine = await alice.dial("2")
        await bob.do(bob.only(), "Answer")
        theirs, before = bob.only(), len(await office.world.log("alice", "/v2/me/calls"))
        answers = await asyncio.gather(
            ask(office.world, alice, mine["id"], "Hangup"), ask(other, bob, theirs["id"], "Hangup")
        )
        assert sorted(answers) in ([(200, 0), (404, 6)], [(200, 0), (200, 0)])
        assert answers.count((200, 0)) == 1
        new = (await office.world.log("alice", "/v2/me/calls"))[before:]
        assert [msgspec.json.decode(data)["call"]["state"] for _, data in new] == ["Released"]
        for desk in (alice, bob):
            desk.calls.clear()
    assert await office.rows() == 0
    assert await calls_at(office, alice) == await calls_at(office, bob) == 0


async def calls_at(office: Office, desk: Desk) -> int:
    def look(tx: Any) -> int:
        tx.cursor.execute("SELECT calls FROM device WHERE id = ?", (desk.phone.id,))
        return int(tx.cursor.fetchall()[0][0])

    return await office.world.services.db.read(look)
