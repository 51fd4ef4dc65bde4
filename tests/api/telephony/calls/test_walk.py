"""Whatever agents do, in whatever order: what their desktops were told is what a new snapshot says."""

import random
from typing import Any

import pytest

from tests.api.telephony.desks import Desk, Json, Office

NUMBERS = ["1", "2", "3", "+4930123456", "+15550001", "+15550011", "+15550021"]
PARAMETERS = {"digits": "1", "userData": {"k": "v"}, "key": "k"}
STEPS = 90


def parameters(chance: random.Random, desk: Desk, call: Json) -> dict[str, Any]:
    """Everything that any operation could want."""
    others = call["participants"] or ["9"]
    return {**PARAMETERS, "destination": {"phoneNumber": chance.choice(NUMBERS)}, "participant": chance.choice(others)}


async def step(chance: random.Random, office: Office) -> str:
    """Something that may be done, done by somebody, or time that goes by; returns what it was."""
    desk = chance.choice(office.desks)
    calls = list(desk.calls.values())
    if chance.random() < 0.15:
        await office.later(chance.choice([0.5, 2.0, 31.0]))
        return "later"
    if not calls or (len(calls) < 3 and chance.random() < 0.1):
        await desk.dial(chance.choice(NUMBERS))
        return "Dial"
    call = chance.choice(calls)
    operation = str(chance.choice(call["capabilities"]))
    body = {"operationName": operation, **parameters(chance, desk, call)}
    reply = await desk.ask("POST", f"/api/v2/me/calls/{call['id']}", body)
    assert reply.json()["statusCode"] == 0, (operation, reply.text)
    await office.settle()
    return operation


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_day_at_the_office(office: Office, seed: int) -> None:
    for user, number in (("alice", "1"), ("bob", "2"), ("carol", "3")):
        await office.seat(user, number)
    chance = random.Random(seed)
    done = {await step(chance, office) for _ in range(STEPS)}
    assert len(done) > 12, done
    for desk in office.desks:
        for call in list(desk.calls.values()):
            if call["id"] in desk.calls and "Hangup" in call["capabilities"]:
                await desk.do(call, "Hangup")
    await office.later(100.0)
    assert [desk.calls for desk in office.desks] == [{}, {}, {}]
    assert await office.rows() == 0
    assert await office.planned() == 0
