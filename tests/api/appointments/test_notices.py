"""Notices as they wait for the senders: who is told by which change, in whose words, and never twice."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from api.appointments import notices, records
from api.appointments.rules.site import Sites
from hub.kernel.applications import Application, ClientCredentials, MailSender, SmsSender, Texts, WebhookSubscription
from hub.kernel.periods import Period
from hub.kernel.secret import Secret
from hub.store.transaction import Tx
from tests.api.appointments.desk import HOUR, MARIA, Desk, at
from tests.api.appointments.outside import colleague, firing, planned, rows, waiting
from tests.api.world import CONFIGURATION, START, World, opened

HOOK = WebhookSubscription(
    url="https://crm.example.org/hook",
    secret=Secret("key"),
    secret_headers={"x-key": "k"},
    oauth=ClientCredentials(
        token_url="https://id.example.org/t", client_id="hub", client_secret=Secret("s"), scope="hooks"
    ),
)
SHOP = Application(
    organization="acme",
    name="Acme Shop",
    notifications_active=True,
    channels=frozenset({"EMAIL", "SMS", "WEBHOOKS"}),
    follow_ups=(Period(days=1),),
    email=MailSender(domain="acme.example", verified=True),
    sms=SmsSender(from_number="+15550001111", verified=True),
    webhooks=(HOOK,),
    texts={
        "en": {
            "CREATE": Texts(
                subject="{{title}} for {{firstName}}", text="See you at {{time24}}.\n{{notes}}", sms="At {{time24}}"
            )
        },
        "de_AT": {"CREATE": Texts(html="<b>{{lastName}}</b>")},
    },
)
APPLICATIONS = {
    "shop": SHOP,
    "manual": replace(SHOP, auto_activate=False),
    "timed": replace(SHOP, auto_activate=False, reminders=(), room_invites=(Period(seconds=900),)),
    "timed silent": replace(
        SHOP, auto_activate=False, reminders=(), room_invites=(Period(seconds=900),), notifications_active=False
    ),
    "unverified": replace(SHOP, email=MailSender(domain="acme.example"), sms=SmsSender(from_number="+15550001111")),
    "terse": replace(SHOP, texts={"en": {"CREATE": Texts(subject="{{title}}", text="{{notes}}")}}),
    "silent": replace(SHOP, notifications_active=False),
}
SETTINGS = replace(CONFIGURATION, applications=APPLICATIONS)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, configuration=SETTINGS) as world:
        yield Desk(world)


@pytest.fixture
async def either(either_url: str | None, tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path, url=either_url, configuration=SETTINGS) as world:
        yield Desk(world)


async def subjects(desk: Desk) -> list[tuple[str, str]]:
    """To whom the mails go that are new since the last look, and what about."""
    found = [(mail["to"], mail["subject"]) for mail in await waiting(desk.world, "mail")]
    await desk.world.services.db.write(lambda tx: tx.cursor.execute("DELETE FROM timer WHERE kind LIKE 'deliver.%'"))
    return found


async def changed_again(desk: Desk, id: str) -> None:
    """What would happen if a change were told a second time."""
    sites = Sites(APPLICATIONS, "http://hub.test")

    def again(tx: Tx) -> None:
        found = records.lock(tx, id)
        assert found is not None
        notices.changed(tx, None, found, "Created", desk.world.clock.now(), sites.of(found))

    await desk.world.services.db.write(again)


CREATED = ("maria@example.com", "Installation review for Maria")


async def test_the_same_notice_is_told_once(either: Desk) -> None:
    made = await either.schedule(3 * HOUR)
    await changed_again(either, made["id"])
    assert len(await waiting(either.world, "mail")) == len(await waiting(either.world, "sms")) == 1
    assert await subjects(either) == [CREATED]
    await changed_again(either, made["id"])
    assert await subjects(either) == []
    found = await rows(
        either.world, "SELECT type, time_offset, way, schedule_version FROM appointment_notice ORDER BY way"
    )
    assert [tuple(row) for row in found] == [("CREATE", "", "EMAIL", 1), ("CREATE", "", "SMS", 1)]


async def test_words_of_ones_own_and_the_built_in_ones(desk: Desk) -> None:
    """A line that needs something unknown is left out; of a text of one's own, nothing may be left."""
    await desk.schedule(HOUR)
    [mail], [sms] = await waiting(desk.world, "mail"), await waiting(desk.world, "sms")
    assert (mail["subject"], mail["text"]) == ("Installation review for Maria", "See you at 10:00.")
    assert (sms["text"], sms["sender"]) == ("At 10:00", "+15550001111")
    await desk.schedule(HOUR, locale="de-AT")
    mail = (await waiting(desk.world, "mail"))[1]
    assert (mail["subject"], mail["html"]) == ("Ihr Termin am Freitag, 15. Jänner 2027", "<b>Jones</b>")
    await desk.schedule(HOUR, applicationId="terse")
    mail = (await waiting(desk.world, "mail"))[2]
    assert mail["subject"] == "Your appointment on Friday, 15 January 2027"
    assert mail["text"].startswith("Dear Maria,")
    await desk.schedule(HOUR, applicationId="terse", notes="Bring it along.")
    mail = (await waiting(desk.world, "mail"))[3]
    assert (mail["subject"], mail["text"]) == ("Installation review", "Bring it along.")


async def test_agents_are_told_in_their_language_and_let_in_as_agents(desk: Desk) -> None:
    await colleague(desk.world, "alice", "de", "en")
    made = await desk.schedule(HOUR, applicationId="terse")
    maria, alice = await waiting(desk.world, "mail")
    assert maria["to"] == "maria@example.com"
    assert "You will speak with Alice." in maria["text"]
    assert made["roomAccess"]["url"] in maria["text"]
    assert alice["to"] == "alice@acme.example"
    assert alice["text"].startswith("Guten Tag Alice,")
    assert "/a?aid=terse&roomId=" in alice["text"]
    assert made["roomAccess"]["url"] not in alice["text"]
    assert "Sie sprechen mit" not in alice["text"]
    assert len(await waiting(desk.world, "sms")) == 1


async def test_whoever_comes_and_goes_is_told_each_time(either: Desk) -> None:
    for name in ("alice", "bob"):
        await colleague(either.world, name)
    made = await either.schedule(HOUR, customer=...)
    agent = {"id": made["id"], "userId": "bob"}
    new, over = "Installation review for Bob", "Your appointment on Friday, 15 January 2027 is cancelled"
    assert await subjects(either) == [("alice@acme.example", "Installation review for Alice")]
    for _ in range(2):
        await either.good("POST", "participants/agents/", agent)
        assert await subjects(either) == [("bob@acme.example", new)]
        await either.good("DELETE", f"{made['id']}/participants/bob")
        [mail] = await waiting(either.world, "mail")
        assert "METHOD:CANCEL\r\n" in mail["calendar"]["text"]
        assert await subjects(either) == [("bob@acme.example", over)]
    await either.good("PUT", "reassign/", agent)
    assert ("bob@acme.example", new) in await subjects(either)


async def test_a_customer_who_is_added_is_told_and_nobody_else(desk: Desk) -> None:
    made = await desk.schedule(HOUR)
    await subjects(desk)
    nick = {"contact": {"primaryEmail": "nick@example.com"}, "name": {"firstName": "Nick"}}
    await desk.good("POST", "participants/customers/", {"id": made["id"], "customer": nick})
    assert await subjects(desk) == [("nick@example.com", "Installation review for Nick")]
    await desk.good("PUT", "", {"id": made["id"], "title": "Something else"})
    assert await subjects(desk) == []


@pytest.mark.parametrize("application", ["unverified", "silent"])
async def test_without_something_verified_or_while_off_nobody_is_told(desk: Desk, application: str) -> None:
    made = await desk.schedule(2 * HOUR, applicationId=application)
    desk.world.clock.at += HOUR
    await firing(desk.world).work()
    await desk.good("DELETE", made["id"])
    assert (await waiting(desk.world, "mail"), await waiting(desk.world, "sms")) == ([], [])
    assert len(await waiting(desk.world, "webhook")) == (3 if application == "unverified" else 0)
    assert await desk.kinds("alice") == ["Created", "Reminder", "Cancelled"]


async def test_rooms_that_are_opened_later_are_told_then(desk: Desk) -> None:
    made = await desk.schedule(HOUR, applicationId="manual")
    [mail] = await waiting(desk.world, "mail")
    assert "Join" not in mail["text"]
    await subjects(desk)
    room = await desk.good("POST", f"activate/{made['id']}", token=desk.crm)
    [mail] = await waiting(desk.world, "mail")
    assert mail["subject"] == "Your appointment begins: join here"
    assert room["url"] in mail["text"]
    assert "METHOD:REQUEST\r\n" in mail["calendar"]["text"]


# Rooms that open by themselves ---------------------------------------------------------------------------------------

QUARTER = 900


async def test_a_quarter_of_an_hour_before_the_room_opens_and_everybody_is_invited_once(either: Desk) -> None:
    await colleague(either.world, "alice")
    made = await either.schedule(HOUR, applicationId="timed")
    assert "roomAccess" not in made
    await subjects(either)
    either.world.clock.at = START + HOUR - QUARTER + 60
    await firing(either.world).work()
    room = (await either.read(made["id"]))["roomAccess"]["url"]
    maria, alice = await waiting(either.world, "mail")
    assert [(mail["to"], mail["subject"]) for mail in (maria, alice)] == [
        ("maria@example.com", "Your appointment begins: join here"),
        ("alice@acme.example", "Your appointment begins: join here"),
    ]
    assert room in maria["text"]
    assert "/a?aid=timed&roomId=" in alice["text"]
    assert [each["text"].splitlines()[1] for each in await waiting(either.world, "sms")] == [f"Join: {room}"]
    assert await either.kinds("alice") == ["Created", "Activated"]
    assert [each["type"] for each in await waiting(either.world, "webhook")] == ["APPOINTMENT_ACTIVATED"]
    found = await rows(
        either.world,
        "SELECT time_offset, way, schedule_version FROM appointment_notice WHERE type = 'ROOM' ORDER BY way",
    )
    assert [tuple(row) for row in found] == [("PT15M", "EMAIL", 1), ("PT15M", "EMAIL", 1), ("PT15M", "SMS", 1)]
    assert "ROOM/PT15M" not in await planned(either.world)
    assert (await either.good("POST", f"activate/{made['id']}", token=either.crm))["url"] == room
    assert len(await waiting(either.world, "mail")) == 2


async def test_an_invitation_that_is_missed_opens_nothing_and_the_room_can_be_opened_by_hand(desk: Desk) -> None:
    made = await desk.schedule(HOUR, applicationId="timed")
    await subjects(desk)
    desk.world.clock.at = START + HOUR - QUARTER + 61
    await firing(desk.world).work()
    assert await subjects(desk) == []
    assert "roomAccess" not in await desk.read(made["id"])
    buried = await rows(desk.world, "SELECT key, error FROM timer WHERE due_at IS NULL")
    assert [tuple(row) for row in buried] == [(f"{made['id']}/ROOM/PT15M", "missed: it could not be done in time")]
    await desk.good("POST", f"activate/{made['id']}", token=desk.crm)
    assert await subjects(desk) == [("maria@example.com", "Your appointment begins: join here")]


async def test_a_room_opened_by_hand_before_is_told_when_the_invitation_is_due(desk: Desk) -> None:
    made = await desk.schedule(HOUR, applicationId="timed")
    await subjects(desk)
    room = await desk.good("POST", f"activate/{made['id']}", token=desk.crm)
    assert await subjects(desk) == []
    desk.world.clock.at = START + HOUR - QUARTER
    await firing(desk.world).work()
    [mail] = await waiting(desk.world, "mail")
    assert room["url"] in mail["text"]
    assert await desk.kinds("alice") == ["Created", "Activated"]


async def test_invitations_move_with_the_appointment_and_go_with_it(desk: Desk) -> None:
    made = await desk.schedule(HOUR, applicationId="timed")
    assert (await planned(desk.world))["ROOM/PT15M"] == HOUR - QUARTER
    again = {"id": made["id"], "start": at(3 * HOUR), "duration": "PT30M", "timezone": "Europe/Berlin"}
    await desk.good("PUT", "reschedule/", again)
    assert (await planned(desk.world))["ROOM/PT15M"] == 3 * HOUR - QUARTER
    await subjects(desk)
    desk.world.clock.at = START + HOUR - QUARTER
    await firing(desk.world).work()
    assert await subjects(desk) == []
    await desk.good("DELETE", made["id"])
    assert await planned(desk.world) == {}


async def test_where_nobody_is_told_anything_rooms_open_all_the_same(desk: Desk) -> None:
    made = await desk.schedule(HOUR, applicationId="timed silent")
    desk.world.clock.at = START + HOUR - QUARTER
    await firing(desk.world).work()
    assert "roomAccess" in await desk.read(made["id"])
    assert await desk.kinds("alice") == ["Created", "Activated"]
    assert await waiting(desk.world, "mail") == []


# In time -------------------------------------------------------------------------------------------------------------


async def test_a_reminder_that_is_missed_by_more_than_a_minute_is_not_made_up_for(either: Desk) -> None:
    await either.schedule(2 * HOUR)
    await either.schedule(2 * HOUR + 30)
    await subjects(either)
    either.world.clock.at = START + HOUR + 61
    await firing(either.world).work()
    assert [to for to, _ in await subjects(either)] == ["maria@example.com"]
    buried = await rows(either.world, "SELECT kind, error FROM timer WHERE due_at IS NULL")
    assert [tuple(row) for row in buried] == [("appointments.notice", "missed: it could not be done in time")]


async def test_who_was_there_is_thanked_a_day_later(desk: Desk) -> None:
    made = await desk.schedule(60)
    customer = made["participantIds"][0]["id"]
    await desk.good("PUT", f"{made['id']}/participants/{customer}", {"state": "JOINED"})
    desk.world.clock.at += 300
    await desk.good("PUT", f"{made['id']}/end")
    assert await planned(desk.world) == {"FOLLOW_UP/P1D": 86_400}
    await subjects(desk)
    desk.world.clock.at += 86_400
    await firing(desk.world).work()
    assert await subjects(desk) == [("maria@example.com", "Thank you for your time")]
    assert await planned(desk.world) == {}


async def test_who_was_not_there_is_not(desk: Desk) -> None:
    await desk.schedule(60)
    desk.world.clock.at += 60 + 1800 + 86_400
    await firing(desk.world).work()
    assert [subject for _, subject in await subjects(desk)] == [CREATED[1]]


async def test_what_was_planned_for_an_application_that_is_gone_stays_quiet(tmp_path: Path) -> None:
    async with opened(tmp_path, configuration=SETTINGS) as world:
        await Desk(world).schedule(2 * HOUR)
    gone = replace(SETTINGS, applications={})
    async with opened(tmp_path, url=f"sqlite:///{tmp_path / 'hub.db'}", configuration=gone) as world:
        world.clock.at += HOUR
        await firing(world).work()
        assert len(await waiting(world, "mail")) == 1
        assert await planned(world) == {"FOLLOW_UP/P1D": 86_400 + HOUR + 1800}


# Machines ------------------------------------------------------------------------------------------------------------


async def test_every_change_is_an_event(desk: Desk) -> None:
    for name in ("alice", "bob"):
        await desk.world.user(name)
    made = await desk.schedule(
        HOUR, applicationId="manual", notificationHeaders={"x-channel": "widget", "X-Key": "mine"}
    )
    id_, customer = made["id"], made["participantIds"][0]["id"]
    await desk.good("PUT", "", {"id": id_, "title": "New"})
    await desk.good("POST", f"activate/{id_}", token=desk.crm)
    await desk.good("POST", "participants/agents/", {"id": id_, "userId": "bob"})
    await desk.good("DELETE", f"{id_}/participants/bob")
    await desk.good("PUT", f"{id_}/participants/{customer}", {"state": "WAITING"})
    await desk.good("PUT", "reassign/", {"id": id_, "userId": "bob"})
    again = {"id": id_, "start": at(2 * HOUR), "duration": "PT30M", "timezone": "Europe/Berlin"}
    await desk.good("PUT", "reschedule/", again, token=desk.sue)
    await desk.good("PUT", f"{id_}/end", token=desk.bob)
    last = await desk.read(id_, token=desk.sue)
    found = await waiting(desk.world, "webhook")
    assert [each["type"] for each in found] == [
        "APPOINTMENT_CREATED",
        "APPOINTMENT_UPDATED",
        "APPOINTMENT_ACTIVATED",
        "PARTICIPANT_ADDED",
        "PARTICIPANT_REMOVED",
        "PARTICIPANT_STATE",
        "APPOINTMENT_REASSIGNED",
        "APPOINTMENT_RESCHEDULED",
        "INTERACTION_COMPLETED",
    ]
    by_type: dict[str, Any] = {each["type"]: each["payload"] for each in found}
    assert by_type["PARTICIPANT_ADDED"]["participant"] == {"id": "bob", "type": "AGENT"}
    assert by_type["PARTICIPANT_STATE"]["participant"] == {"id": customer, "state": "WAITING", "type": "CUSTOMER"}
    assert by_type["APPOINTMENT_CREATED"] == {"appointment": made}
    assert by_type["INTERACTION_COMPLETED"] == {"appointment": last}
    assert found[0] == {
        "url": "https://crm.example.org/hook",
        "type": "APPOINTMENT_CREATED",
        "payload": {"appointment": made},
        "at": round(START) * 1_000_000,
        "secret": "key",
        "headers": {"x-channel": "widget", "x-key": "k"},
        "credentials": {
            "type": "client_credentials",
            "token_url": "https://id.example.org/t",
            "client_id": "hub",
            "client_secret": "s",
            "scope": "hooks",
        },
        "private": False,
    }


async def test_a_change_that_is_undone_tells_nobody(desk: Desk) -> None:
    """A refused request plans nothing, as it changes nothing."""
    assert (await desk.ask("POST", "", {"applicationId": "shop", "customer": MARIA})).status_code == 400
    assert await rows(desk.world, "SELECT * FROM timer") == []
    assert await rows(desk.world, "SELECT * FROM appointment_notice") == []


async def test_old_notices_are_forgotten(both: World) -> None:
    db = both.services.db

    def fill(tx: Tx) -> None:
        for number in range(3):
            tx.cursor.execute(
                "INSERT INTO appointment_notice VALUES (?, 1, 'CREATE', '', 'p', 'EMAIL', 'd', ?)",
                (f"a{number}", number),
            )

    await db.write(fill)
    now = notices.KEPT_SECONDS + 1e-6
    assert await db.write(lambda tx: notices.expire(tx, now, 1)) == 1
    assert await db.write(lambda tx: notices.expire(tx, now, 10)) == 1
    assert [row[0] for row in await rows(both, "SELECT appointment FROM appointment_notice")] == ["a2"]
