"""Telling somebody outside: what is planned, what is refused, what is taken back."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from api.notifications import actions
from api.notifications.actions import Endpoint
from api.notifications.rules import Facts, Template
from hub.kernel.errors import BadInput
from hub.store import deliveries, timers
from hub.store.database import Database
from hub.store.deliveries import Mail, Sms, Webhook
from hub.store.timers import Timer
from hub.store.transaction import Tx
from tests.api.world import START, World, opened

FACTS = Facts(start=datetime(2027, 1, 15, 9, 0, tzinfo=UTC), zone="Europe/Athens", first_name="Maria")
TEMPLATE = Template("Hi {{firstName}}", "See you at {{time24}} {{zone}} {{oops}}\n{{cancelUrl}}")
TO, NUMBER = "maria@example.com", "+306931221199"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as made:
        yield made


@pytest.fixture
def db(world: World) -> Database:
    return world.services.db


async def planned(db: Database, kind: str, now: float = START) -> list[Timer]:
    def take(tx: Tx) -> list[Timer]:
        found = [timers.take(tx, each, now) for each in timers.due(tx, now, [kind], 10)]
        return [timer for timer in found if timer]

    return await db.write(take)


async def test_a_mail_is_written_when_it_is_planned(db: Database) -> None:
    made = await db.write(lambda tx: actions.mail(tx, TO, TEMPLATE, FACTS, START, key="a1", until=START + 60))
    assert (made.unknown, made.absent) == (("oops",), ("cancelUrl",))
    [timer] = await planned(db, "deliver.mail")
    assert (timer.key, timer.not_after) == ("a1", round((START + 60) * 1_000_000))
    assert deliveries.read(timer, Mail) == Mail(
        to=TO,
        subject="Hi Maria",
        text="See you at 11:00 EET {{oops}}",
        html="<p>See you at 11:00 EET {{oops}}</p>",
    )


async def test_an_sms_too(db: Database) -> None:
    await db.write(lambda tx: actions.sms(tx, NUMBER, "At {{time24}}", FACTS, START, sender="Bank"))
    [timer] = await planned(db, "deliver.sms")
    assert deliveries.read(timer, Sms) == Sms(to=NUMBER, text="At 11:00", sender="Bank")


async def test_a_webhook_keeps_its_bytes_and_its_id(db: Database) -> None:
    endpoint = Endpoint(url="https://x.test/hook", secret="k", headers={"X-Channel": "widget"})
    payload = {"title": "Δάνειο", "at": datetime(2027, 1, 15, tzinfo=UTC)}
    key = await db.write(lambda tx: actions.webhook(tx, endpoint, "APPOINTMENT_CREATED", payload, START))
    [timer] = await planned(db, "deliver.webhook")
    message = deliveries.read(timer, Webhook)
    assert timer.key == key
    assert bytes(message.payload) == '{"title":"Δάνειο","at":"2027-01-15T00:00:00Z"}'.encode()
    assert (message.url, message.type, message.secret, message.headers) == (
        "https://x.test/hook",
        "APPOINTMENT_CREATED",
        "k",
        {"X-Channel": "widget"},
    )


@pytest.mark.parametrize("to", ["", "maria", "Maria <maria@example.com>", "a@x.test\nBcc: b@x.test"])
async def test_a_mail_to_no_address_is_refused(db: Database, to: str) -> None:
    with pytest.raises(BadInput):
        await db.write(lambda tx: actions.mail(tx, to, TEMPLATE, FACTS, START))
    assert await planned(db, "deliver.mail") == []


async def test_what_would_be_empty_or_go_astray_is_refused(db: Database) -> None:
    with pytest.raises(BadInput, match="phone number"):
        await db.write(lambda tx: actions.sms(tx, "6931221199", "x", FACTS, START))
    with pytest.raises(BadInput, match="nothing is left"):
        await db.write(lambda tx: actions.sms(tx, NUMBER, "{{cancelUrl}}", FACTS, START))
    with pytest.raises(BadInput, match="nothing is left"):
        await db.write(lambda tx: actions.mail(tx, TO, Template("{{notes}}", "x"), FACTS, START))
    endpoint = Endpoint(url="https://x.test", headers={"Host": "y"})
    with pytest.raises(BadInput, match="Host cannot be set"):
        await db.write(lambda tx: actions.webhook(tx, endpoint, "T", {}, START))
    assert await planned(db, "deliver.sms") == []


async def test_a_rollback_takes_the_message_with_it(db: Database) -> None:
    def tell_and_fail(tx: Tx) -> None:
        actions.mail(tx, TO, TEMPLATE, FACTS, START)
        raise LookupError

    with pytest.raises(LookupError):
        await db.write(tell_and_fail)
    assert await planned(db, "deliver.mail") == []


async def test_what_has_not_left_can_be_replaced_and_taken_back(db: Database) -> None:
    for name in ("Maria", "Anna"):
        facts = msgspec.structs.replace(FACTS, first_name=name)
        await db.write(lambda tx, facts=facts: actions.mail(tx, TO, TEMPLATE, facts, START, key="k"))  # type: ignore[misc]
    await db.write(lambda tx: actions.sms(tx, NUMBER, "x", FACTS, START, key="k"))
    [timer] = await planned(db, "deliver.mail")
    assert deliveries.read(timer, Mail).subject == "Hi Anna"
    assert await db.write(lambda tx: actions.withdraw(tx, "k"))
    assert await planned(db, "deliver.mail") == await planned(db, "deliver.sms") == []
    assert not await db.write(lambda tx: actions.withdraw(tx, "k"))
