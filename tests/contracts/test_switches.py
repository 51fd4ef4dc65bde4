"""The contract of `api.telephony.calls.port.Switch`, kept by every switch; what depends on rows, on both databases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from api.telephony.calls import actions
from api.telephony.calls.actions import Waiting, Wanted
from api.telephony.calls.legs import Origin
from api.telephony.calls.upward import CallNews
from hub.kernel.errors import BadInput, NotFound, WrongState
from hub.kernel.secret import Secret
from hub.kernel.telephony import Connector, Outside, Telephony
from hub.store.transaction import Snapshot
from tests.api.conftest import either_url
from tests.api.telephony.desks import Desk, Json, Office
from tests.api.world import CONFIGURATION, opened
from tests.store.conftest import postgresql_url
from tests.support.pbx import Pbx

__all__ = ["either_url", "postgresql_url"]

ANSWERS = "+4930123456"
BUSY = "+15550001"
UNANSWERED = "+15550011"
SWITCHES = {
    "simulated": Telephony(
        outside=(Outside(number="+1555000?", busy_after=1.0), Outside(number="+1555001?", unanswered_after=20.0))
    ),
    "connector": Telephony(
        switch="connector", connector=Connector(url="https://pbx.example/hub", secret=Secret("between the two"))
    ),
}


@asynccontextmanager
async def at_work(switch: str, directory: Path, url: str | None = None) -> AsyncIterator[Office]:
    configuration = msgspec.structs.replace(CONFIGURATION, telephony=SWITCHES[switch])
    async with opened(directory, url=url, configuration=configuration) as world:
        yield Office(world, Pbx() if switch == "connector" else None)


@pytest.fixture(params=SWITCHES)
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    async with at_work(request.param, tmp_path) as office:
        yield office


@pytest.fixture(params=SWITCHES)
async def either_office(
    request: pytest.FixtureRequest, either_url: str | None, tmp_path: Path
) -> AsyncIterator[Office]:
    async with at_work(request.param, tmp_path, either_url) as office:
        yield office


@pytest.fixture
async def alice(office: Office) -> Desk:
    return await office.seat("alice", "1001")


async def talking(desk: Desk) -> Json:
    call = await desk.dial(ANSWERS)
    await desk.office.later(2.0)
    desk.take()
    return desk.now(call)


async def news_of(office: Office) -> list[tuple[str, str, CallNews]]:
    """What whoever had calls dialled is told."""

    def look(tx: Snapshot) -> list[tuple[str, str, bytes]]:
        tx.cursor.execute("SELECT kind, key, payload FROM timer WHERE kind LIKE 'tests.%' ORDER BY id")
        return [(kind, key, payload) for kind, key, payload in tx.cursor.fetchall()]

    found = await office.world.services.db.read(look)
    return [(kind, key, msgspec.json.decode(payload, type=CallNews)) for kind, key, payload in found]


async def test_a_call_is_dialled_answered_and_hung_up(either_office: Office) -> None:
    office = either_office
    alice = await office.seat("alice", "1001")
    call = await alice.dial(ANSWERS, userData={"customer": "17"})
    assert alice.take() == ["Dialing"]
    shown = {name: call[name] for name in ("state", "participants", "ani", "dnis", "callType", "userData", "mute")}
    assert shown == {
        "state": "Dialing",
        "participants": [ANSWERS],
        "ani": "1001",
        "dnis": ANSWERS,
        "callType": "Outbound",
        "userData": {"customer": "17"},
        "mute": "Off",
    }
    await office.later(2.0)
    assert alice.take() == ["Established"]
    assert await alice.do(call, "Hangup") == ["Released"]
    assert (alice.calls, await office.planned()) == ({}, 0)


@pytest.mark.parametrize(("number", "seconds"), [(BUSY, 1.0), (UNANSWERED, 20.0)], ids=["busy", "no answer"])
async def test_a_call_that_comes_to_nothing_ends_with_an_error(
    alice: Desk, office: Office, number: str, seconds: float
) -> None:
    call = await alice.dial(number)
    await office.later(seconds)
    assert alice.take() == ["Dialing", "Error", "Released"]
    error = alice.heard[1]
    assert (error["connectionId"], error["callUuid"]) == (call["id"], call["callUuid"])
    assert (alice.calls, await office.planned()) == ({}, 0)


async def test_operations_change_the_call(alice: Desk) -> None:
    call = await talking(alice)
    assert await alice.do(call, "Hold") == ["Held"]
    assert await alice.do(call, "Retrieve") == ["Established"]
    assert await alice.do(call, "SendDtmf", digits="1") == ["DtmfSent"]
    assert await alice.do(call, "AttachUserData", userData={"a": "1", "b": "2"}) == ["AttachedDataChanged"]
    await alice.do(call, "UpdateUserData", userData={"a": "3"})
    await alice.do(call, "DeleteUserDataPair", key="b")
    assert alice.now(call)["userData"] == {"a": "3"}
    await alice.do(call, "DeleteUserData")
    assert "userData" not in alice.now(call)


async def test_what_the_call_does_not_permit_is_refused(alice: Desk) -> None:
    call = await talking(alice)
    assert await alice.refused(call, "Retrieve") == (400, 2)
    assert await alice.refused(call, "SendDtmf", digits="x") == (400, 10)
    assert await alice.refused(call, "SendDtmf") == (400, 1)


async def test_whoever_had_it_dialled_hears_that_it_was_answered_and_that_it_is_over(
    alice: Desk, office: Office
) -> None:
    switch, origin = office.switches.of("acme"), Origin("tests", "callback-1")
    wanted = Wanted(organization="acme", user="alice", destination=ANSWERS, origin=origin)
    placed = await office.world.services.db.write(lambda tx: actions.dial(tx, switch, wanted, office.world.clock.at))
    await office.settle()
    assert (alice.only()["id"], alice.only()["callUuid"]) == (placed.id, placed.call_uuid)
    assert await news_of(office) == []
    await office.later(2.0)
    established = CallNews("acme", "alice", placed.id, placed.call_uuid, established=True)
    assert await news_of(office) == [("tests.call_established", "callback-1", established)]
    await alice.do(alice.only(), "Hangup")
    assert (await news_of(office))[1:] == [
        ("tests.call_ended", "callback-1", msgspec.structs.replace(established, reason="released"))
    ]


async def test_whoever_had_it_dialled_hears_that_it_came_to_nothing(alice: Desk, office: Office) -> None:
    switch, origin = office.switches.of("acme"), Origin("tests", "callback-1")
    wanted = Wanted(organization="acme", user="alice", destination=BUSY, origin=origin)
    await office.world.services.db.write(lambda tx: actions.dial(tx, switch, wanted, office.world.clock.at))
    await office.settle()
    await office.later(1.0)
    ((kind, key, told),) = await news_of(office)
    assert (kind, key, told.established) == ("tests.call_ended", "callback-1", False)


async def test_nothing_is_begun_for_what_cannot_be(alice: Desk, office: Office) -> None:
    switch = office.switches.of("acme")
    published = len(office.world.published)
    for wanted, error in (
        (Wanted(organization="acme", user="alice", destination="what"), BadInput),
        (Wanted(organization="acme", user="alice", destination=ANSWERS, device="of somebody else"), NotFound),
        (Wanted(organization="acme", user="nobody", destination=ANSWERS), WrongState),
    ):
        with pytest.raises(error):
            await office.world.services.db.write(
                lambda tx, wanted=wanted: actions.dial(tx, switch, wanted, office.world.clock.at)  # type: ignore[misc]
            )
    assert (len(office.world.published), await office.planned()) == (published, 0)


async def test_a_call_can_be_hung_up_by_somebody_who_does_not_care_how_it_stands(alice: Desk, office: Office) -> None:
    switch, db, at = office.switches.of("acme"), office.world.services.db, office.world.clock.at
    call = await alice.dial(ANSWERS)
    assert await db.write(lambda tx: actions.hang_up(tx, switch, "acme", "alice", call["id"], at)) is True
    await office.settle()
    assert await db.write(lambda tx: actions.hang_up(tx, switch, "acme", "alice", call["id"], at)) is False
    assert alice.calls == {}


CUSTOMER = Origin("tests", "customer")
AGENT = Origin("tests", "agent")


async def call_customer(office: Office, number: str = ANSWERS) -> str:
    switch, at = office.switches.of("acme"), office.world.clock.at
    call_uuid = await office.world.services.db.write(
        lambda tx: actions.dial_out(tx, switch, "acme", number, CUSTOMER, at)
    )
    await office.settle()
    return call_uuid


async def offer(office: Office, call_uuid: str, user: str = "alice") -> None:
    waiting = Waiting(organization="acme", call_uuid=call_uuid, user_data={"callback": "1"})
    switch, at = office.switches.of("acme"), office.world.clock.at
    await office.world.services.db.write(lambda tx: actions.connect(tx, switch, waiting, user, at, origin=AGENT))
    await office.settle()


async def drop(office: Office, call_uuid: str) -> bool:
    switch, at = office.switches.of("acme"), office.world.clock.at
    dropped = await office.world.services.db.write(lambda tx: actions.drop(tx, switch, "acme", call_uuid, at))
    await office.settle()
    return dropped


async def heard_of(office: Office) -> list[tuple[str, str, str]]:
    """Kind, key and reason of everything that was told, which is forgotten with this."""
    told = [(kind.removeprefix("tests."), key, news.reason) for kind, key, news in await news_of(office)]
    await office.world.services.db.write(lambda tx: tx.cursor.execute("DELETE FROM timer WHERE kind LIKE 'tests.%'"))
    return told


async def test_an_agent_is_found_for_a_customer_who_waits(alice: Desk, office: Office) -> None:
    if not office.switches.of("acme").calls_customers:
        with pytest.raises(WrongState):
            await call_customer(office)
        assert await office.planned() == 0
        return
    call_uuid = await call_customer(office)
    with pytest.raises(WrongState):
        await offer(office, call_uuid)
    await office.later(2.0)
    assert (await heard_of(office), alice.heard) == ([("call_established", "customer", "")], [])
    await offer(office, call_uuid)
    ringing = alice.only()
    assert (ringing["state"], ringing["callType"], ringing["userData"]) == ("Ringing", "Inbound", {"callback": "1"})
    assert (ringing["participants"], ringing["callUuid"]) == ([ANSWERS], call_uuid)
    with pytest.raises(WrongState):
        await offer(office, call_uuid)
    await alice.do(ringing, "Reject")
    assert await heard_of(office) == [("call_ended", "agent", "rejected")]
    await offer(office, call_uuid)
    await alice.do(alice.only(), "Answer")
    assert await heard_of(office) == [("call_established", "agent", "")]
    with pytest.raises(NotFound):
        await offer(office, call_uuid)
    await alice.do(alice.only(), "Hangup")
    assert sorted(await heard_of(office)) == [
        ("call_ended", "agent", "released"),
        ("call_ended", "customer", "released"),
    ]
    assert (await office.planned(), await drop(office, call_uuid)) == (0, False)


async def test_a_customer_who_waits_is_let_go(alice: Desk, office: Office) -> None:
    if not office.switches.of("acme").calls_customers:
        with pytest.raises(WrongState):
            await call_customer(office)
        return
    call_uuid = await call_customer(office)
    await office.later(2.0)
    await offer(office, call_uuid)
    await heard_of(office)
    assert await drop(office, call_uuid) is True
    assert alice.take() == ["Ringing", "Released"]
    assert sorted(await heard_of(office)) == [
        ("call_ended", "agent", "released"),
        ("call_ended", "customer", "released"),
    ]
    busy = await call_customer(office, BUSY)
    await office.later(1.0)
    assert (await heard_of(office), await drop(office, busy)) == ([("call_ended", "customer", "busy")], False)


async def test_an_agent_who_cannot_be_called_is_not_offered(alice: Desk, office: Office) -> None:
    if not office.switches.of("acme").calls_customers:
        with pytest.raises(WrongState):
            await call_customer(office)
        return
    call_uuid = await call_customer(office)
    await office.later(2.0)
    with pytest.raises(WrongState):
        await offer(office, call_uuid, "nobody")
    await alice.ask("POST", f"/api/v2/me/devices/{alice.phone.id}", {"operationName": "DoNotDisturbOn"})
    with pytest.raises(WrongState):
        await offer(office, call_uuid)
    with pytest.raises(NotFound):
        await offer(office, "0" * 32)
