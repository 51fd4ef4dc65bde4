import msgspec
import pytest

from hub.store import deliveries, timers
from hub.store.database import Database
from hub.store.deliveries import Mail, Message, Sms, Webhook
from hub.store.timers import Timer
from hub.store.transaction import Tx
from tests.store.harness import NOW, NOW_MICROS

MAIL = Mail(to="a@b.test", subject="s", text="t", html="<p>t</p>", sender="c@d.test")
SMS = Sms(to="+301234567", text="t")
HOOK = Webhook(url="https://x.test", type="T", payload=msgspec.Raw(b'{"b" :1}'), at=1, secret="k", headers={"X": "y"})


async def taken(db: Database, kind: str) -> list[Timer]:
    def take(tx: Tx) -> list[Timer]:
        found = [timers.take(tx, each, NOW) for each in timers.due(tx, NOW, [kind], 10)]
        return [timer for timer in found if timer]

    return await db.write(take)


@pytest.mark.parametrize("message", [MAIL, SMS, HOOK], ids=lambda message: type(message).__name__)
async def test_a_message_waits_as_a_timer_and_comes_back_whole(db: Database, message: Message) -> None:
    key = await db.write(lambda tx: deliveries.plan(tx, message, NOW))
    [timer] = await taken(db, deliveries.KINDS[type(message)])
    assert (timer.key, timer.due_at, timer.not_after) == (key, NOW_MICROS, None)
    match message:
        case Mail():
            assert deliveries.read(timer, Mail) == MAIL
        case Sms():
            assert deliveries.read(timer, Sms) == SMS
        case Webhook():
            found = deliveries.read(timer, Webhook)
            assert bytes(found.payload) == b'{"b" :1}'
            assert (found.url, found.at, found.secret, found.headers) == (HOOK.url, 1, "k", {"X": "y"})


async def test_the_same_key_replaces_and_a_random_one_does_not(db: Database) -> None:
    for text in ("first", "second"):
        await db.write(lambda tx, text=text: deliveries.plan(tx, Sms(to="+1", text=text), NOW, key="k"))  # type: ignore[misc]
        await db.write(lambda tx: deliveries.plan(tx, Sms(to="+1", text="x"), NOW))
    texts = [deliveries.read(timer, Sms).text for timer in await taken(db, "deliver.sms")]
    assert sorted(texts) == ["second", "x", "x"]


async def test_it_may_wait_and_lose_its_meaning(db: Database) -> None:
    await db.write(lambda tx: deliveries.plan(tx, SMS, NOW, key="k", due=NOW + 1, until=NOW + 2))
    assert await taken(db, "deliver.sms") == []
    timer = await db.write(lambda tx: timers.take(tx, 1, NOW + 1))
    assert timer is not None
    assert timer.not_after == NOW_MICROS + 2_000_000


@pytest.mark.parametrize(
    ("address", "receiver"),
    [
        ("https://X.test/a?b", "x.test"),
        ("https://x.test:8443/a", "x.test:8443"),
        ("https://user:pw@x.test/", "x.test"),
        ("https://[::1", ""),
    ],
)
async def test_webhooks_share_a_receiver_by_host_and_port(db: Database, address: str, receiver: str) -> None:
    hook = msgspec.structs.replace(HOOK, url=address)
    await db.write(lambda tx: deliveries.plan(tx, hook, NOW))
    [due] = await db.read(lambda tx: timers.due_outward(tx, NOW, "deliver.webhook", 9, ["somebody else"]))
    assert due.receiver == receiver
    assert await db.read(lambda tx: timers.due_outward(tx, NOW, "deliver.webhook", 9, [receiver])) == []
