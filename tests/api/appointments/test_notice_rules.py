"""Who is told what about an appointment, and when: the rules alone."""

from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from api.appointments.rules import notices as rules
from api.appointments.rules.appointment import Appointment, Customer, Organizer, Participant
from api.appointments.rules.notices import Notice, Timed, due, headers, planned
from channels.appointments import AppointmentNotificationType
from hub.kernel.applications import Application
from hub.kernel.periods import Period

NOW = datetime.fromisoformat("2027-03-20T10:00:00+01:00").timestamp()
DAY, HOUR = 86_400.0, 3600.0
MARIA = Participant(
    id="m", type="CUSTOMER", customer=Customer(first_name="Maria", email="maria@example.com", phone="+306931234567")
)
NICK = Participant(id="n", type="CUSTOMER", customer=Customer(email="nick@example.com", phone="2102234988"))
NOBODY = Participant(id="x", type="CUSTOMER", customer=Customer(email="nowhere"))
ALICE, BOB = (Participant(id=name, type="AGENT") for name in ("alice", "bob"))
CLINIC = Application(
    organization="acme",
    notifications_active=True,
    channels=frozenset({"EMAIL", "SMS", "WEBHOOKS"}),
    reminders=(Period(days=1), Period(seconds=3600)),
    follow_ups=(Period(seconds=0), Period(days=2)),
)
ANNA = Appointment(
    id="a",
    organization="acme",
    application="clinic",
    organizer=Organizer(id="alice", type="AGENT"),
    # On the Sunday on which clocks go forward in Berlin.
    start=datetime.fromisoformat("2027-03-28T10:00:00+02:00").timestamp(),
    end=datetime.fromisoformat("2027-03-28T10:30:00+02:00").timestamp(),
    timezone="Europe/Berlin",
    locale="en-GB",
    notifications_active=True,
    participants=(MARIA, NICK, NOBODY, ALICE),
    created_at=NOW,
    created_by="alice",
)


def told(
    kind: AppointmentNotificationType,
    before: Appointment | None,
    after: Appointment | None,
    participant: Participant | None = None,
    application: Application = CLINIC,
    now: float = NOW,
) -> list[tuple[str, str, str]]:
    plan = planned(before, after, kind, participant, application, now)
    return [(notice.type, notice.person.id, notice.way) for notice in plan.notices]


def timed(kind: AppointmentNotificationType, after: Appointment | None, **more: Any) -> dict[str, datetime]:
    plan = planned(more.pop("before", None), after, kind, None, more.pop("application", CLINIC), more.pop("now", NOW))
    return {each.key: datetime.fromtimestamp(each.due).astimezone() for each in plan.timed}


# At once -------------------------------------------------------------------------------------------------------------


def test_a_new_one_is_told_to_everybody_on_every_way_that_reaches_them() -> None:
    assert told("Created", None, ANNA) == [
        ("CREATE", "m", "EMAIL"),
        ("CREATE", "m", "SMS"),
        ("CREATE", "n", "EMAIL"),  # whose number is none in full
        ("CREATE", "alice", "EMAIL"),
    ]


@pytest.mark.parametrize(
    ("channels", "ways"),
    [
        ((), []),
        (("WEBHOOKS",), []),
        (("SMS",), [("m", "SMS")]),
        (("EMAIL",), [("m", "EMAIL"), ("n", "EMAIL"), ("alice", "EMAIL")]),
    ],
)
def test_only_ways_of_the_application_are_used(channels: tuple[str, ...], ways: list[tuple[str, str]]) -> None:
    application = replace(CLINIC, channels=frozenset(channels))
    assert [found[1:] for found in told("Created", None, ANNA, application=application)] == ways


MOVED = replace(ANNA, start=ANNA.start + DAY, end=ANNA.end + DAY, schedule_version=2)
WITH_BOB = replace(ANNA, participants=(*ANNA.participants, BOB))
TO_BOB = replace(ANNA, organizer=Organizer(id="bob", type="AGENT"), participants=(MARIA, NICK, NOBODY, BOB))
ALL_MOVED = [
    ("RESCHEDULE", "m", "EMAIL"),
    ("RESCHEDULE", "m", "SMS"),
    ("RESCHEDULE", "n", "EMAIL"),
    ("RESCHEDULE", "alice", "EMAIL"),
]
ALL_CANCELLED = [("CANCELLED", *found[1:]) for found in ALL_MOVED]
CASES: list[tuple[AppointmentNotificationType, Any, Any, Any, list[tuple[str, str, str]]]] = [
    ("Rescheduled", ANNA, MOVED, None, ALL_MOVED),
    ("Cancelled", ANNA, None, None, ALL_CANCELLED),
    ("Cancelled", replace(ANNA, status="completed"), None, None, []),
    ("Updated", ANNA, replace(ANNA, title="x"), None, []),
    ("Activated", ANNA, ANNA, None, []),
    ("Completed", ANNA, replace(ANNA, status="completed"), None, []),
    ("ParticipantState", ANNA, ANNA, MARIA, []),
    ("ParticipantAdded", ANNA, WITH_BOB, BOB, [("CREATE", "bob", "EMAIL")]),
    ("ParticipantAdded", ANNA, ANNA, MARIA, [("CREATE", "m", "EMAIL"), ("CREATE", "m", "SMS")]),
    ("ParticipantRemoved", WITH_BOB, ANNA, BOB, [("CANCELLED", "bob", "EMAIL")]),
    ("Reassigned", ANNA, TO_BOB, None, [("CREATE", "bob", "EMAIL"), ("CANCELLED", "alice", "EMAIL")]),
]


@pytest.mark.parametrize(("kind", "before", "after", "participant", "expected"), CASES)
def test_what_a_change_says_to_people(
    kind: AppointmentNotificationType, before: Any, after: Any, participant: Any, expected: list[tuple[str, str, str]]
) -> None:
    assert told(kind, before, after, participant) == expected


@pytest.mark.parametrize(
    ("kind", "before", "after", "participant", "expected"), [("Created", None, ANNA, None, []), *CASES]
)
@pytest.mark.parametrize("off", ["application", "appointment"])
def test_both_have_to_agree_that_anybody_is_told(
    kind: AppointmentNotificationType, before: Any, after: Any, participant: Any, expected: object, off: str
) -> None:
    application = replace(CLINIC, notifications_active=off != "application")
    if off == "appointment":
        before, after = (each and replace(each, notifications_active=False) for each in (before, after))
    assert told(kind, before, after, participant, application) == []


def test_nobody_is_told_of_the_end_of_what_is_over() -> None:
    assert told("Cancelled", ANNA, None, now=ANNA.end) == []
    assert len(told("Cancelled", ANNA, None, now=ANNA.end - 1)) == 4


def test_where_rooms_open_later_customers_are_told_when_they_do() -> None:
    manual = replace(CLINIC, auto_activate=False)
    assert told("Activated", ANNA, ANNA, application=manual) == [
        ("ROOM", "m", "EMAIL"),
        ("ROOM", "m", "SMS"),
        ("ROOM", "n", "EMAIL"),
    ]


@pytest.mark.parametrize(
    ("kind", "before", "after", "participant", "silenced"),
    [
        ("Created", None, ANNA, None, ()),
        ("Rescheduled", ANNA, MOVED, None, ("m", "n", "x", "alice")),
        ("Cancelled", ANNA, None, None, ("m", "n", "x", "alice")),
        ("Completed", ANNA, replace(ANNA, status="completed"), None, ("m", "n", "x", "alice")),
        ("ParticipantRemoved", WITH_BOB, ANNA, BOB, ("bob",)),
        ("Reassigned", ANNA, TO_BOB, None, ("alice",)),
        ("Updated", ANNA, ANNA, None, ()),
    ],
)
@pytest.mark.parametrize("active", [True, False])
def test_what_has_not_left_yet_is_held_back_where_it_is_not_true_any_more(
    kind: AppointmentNotificationType, before: Any, after: Any, participant: Any, silenced: object, active: bool
) -> None:
    application = replace(CLINIC, notifications_active=active)
    assert planned(before, after, kind, participant, application, NOW).silenced == silenced


# Later ---------------------------------------------------------------------------------------------------------------


def at(**texts: str) -> dict[str, datetime]:
    """The due times of timers by their keys, whose / is __ here."""
    return {f"a/{key.replace('__', '/')}": datetime.fromisoformat(text) for key, text in texts.items()}


FOLLOWED = {"FOLLOW_UP__PT0S": "2027-03-28T10:30:00+02:00", "FOLLOW_UP__P2D": "2027-03-30T10:30:00+02:00"}


def test_reminders_come_a_day_of_the_calendar_and_an_hour_of_the_clock_before() -> None:
    """The night before has an hour less: the same time of day is 23 hours earlier."""
    assert timed("Created", ANNA) == at(
        REMINDER__P1D="2027-03-27T10:00:00+01:00", REMINDER__PT1H="2027-03-28T09:00:00+02:00", **FOLLOWED
    )


@pytest.mark.parametrize("ahead", [DAY - HOUR, HOUR * 2])
def test_a_reminder_whose_time_is_over_when_the_appointment_is_made_is_left_out(ahead: float) -> None:
    found = timed("Created", ANNA, now=ANNA.start - ahead)
    assert found == at(REMINDER__PT1H="2027-03-28T09:00:00+02:00", **FOLLOWED)


def test_they_are_planned_whether_anybody_is_told_or_not_because_desktops_are_told_in_any_case() -> None:
    assert len(timed("Created", replace(ANNA, notifications_active=False))) == 4


def test_a_new_time_moves_them_and_drops_those_that_come_too_late() -> None:
    now = MOVED.start - 2 * HOUR
    plan = planned(ANNA, MOVED, "Rescheduled", None, CLINIC, now)
    assert {each.key: each.version for each in plan.timed} == {
        "a/REMINDER/PT1H": 2,
        "a/FOLLOW_UP/PT0S": 2,
        "a/FOLLOW_UP/P2D": 2,
    }
    assert plan.dropped == ("a/REMINDER/P1D",)


def test_a_cancellation_drops_all_of_them() -> None:
    plan = planned(ANNA, None, "Cancelled", None, CLINIC, NOW)
    assert plan.timed == ()
    assert plan.dropped == ("a/REMINDER/P1D", "a/REMINDER/PT1H", "a/FOLLOW_UP/PT0S", "a/FOLLOW_UP/P2D")


def test_an_end_drops_reminders_and_counts_what_follows_from_itself() -> None:
    now = ANNA.start + 600
    plan = planned(ANNA, replace(ANNA, status="completed"), "Completed", None, CLINIC, now)
    assert plan.dropped == ("a/REMINDER/P1D", "a/REMINDER/PT1H")
    assert [(each.key, each.due) for each in plan.timed] == [
        ("a/FOLLOW_UP/PT0S", now),
        ("a/FOLLOW_UP/P2D", now + 2 * DAY),
    ]


@pytest.mark.parametrize("kind", ["Updated", "Activated", "ParticipantAdded", "ParticipantState", "Reassigned"])
def test_other_changes_leave_them_alone(kind: AppointmentNotificationType) -> None:
    plan = planned(ANNA, ANNA, kind, MARIA, CLINIC, NOW)
    assert (plan.timed, plan.dropped) == ((), ())


def test_a_reminder_may_be_a_minute_late_and_no_more() -> None:
    plan = planned(None, ANNA, "Created", None, CLINIC, NOW)
    assert {each.until - each.due for each in plan.timed if each.type == "REMINDER"} == {60.0}


TIMED = replace(CLINIC, auto_activate=False, room_invites=(Period(days=1), Period(seconds=900)))


def test_invitations_to_the_room_are_planned_where_it_does_not_open_at_once() -> None:
    assert timed("Created", ANNA, application=replace(TIMED, reminders=(), follow_ups=())) == at(
        ROOM__P1D="2027-03-27T10:00:00+01:00", ROOM__PT15M="2027-03-28T09:45:00+02:00"
    )
    assert not any("ROOM" in key for key in timed("Created", ANNA, application=replace(TIMED, auto_activate=True)))


@pytest.mark.parametrize(("late", "planned"), [(-1.0, True), (60.0, True), (60.5, False)])
def test_an_invitation_may_be_a_minute_late_from_the_beginning(late: float, planned: bool) -> None:
    now = ANNA.start - 900 + late
    assert ("a/ROOM/PT15M" in timed("Created", ANNA, application=TIMED, now=now)) is planned
    assert bool(told("Activated", ANNA, ANNA, application=TIMED, now=now)) is not planned


def test_an_end_and_a_cancellation_drop_invitations() -> None:
    for kind, after in (("Completed", replace(ANNA, status="completed")), ("Cancelled", None)):
        plan = planned(ANNA, after, kind, None, TIMED, NOW)  # type: ignore[arg-type]
        assert {"a/ROOM/P1D", "a/ROOM/PT15M"} <= set(plan.dropped)


# When the time has come ----------------------------------------------------------------------------------------------


def remind(version: int = 1) -> Timed:
    return Timed(appointment="a", version=version, type="REMINDER", offset=Period(days=1), due=0, until=60)


def joined(person: Participant) -> Participant:
    return replace(person, state="JOINED", has_joined=True)


def test_a_reminder_is_for_everybody() -> None:
    found = due(ANNA, remind(), CLINIC, NOW)
    assert found is not None
    assert [(notice.type, notice.offset, notice.person.id, notice.way) for notice in found] == [
        ("REMINDER", "P1D", "m", "EMAIL"),
        ("REMINDER", "P1D", "m", "SMS"),
        ("REMINDER", "P1D", "n", "EMAIL"),
        ("REMINDER", "P1D", "alice", "EMAIL"),
    ]


@pytest.mark.parametrize(
    "now_is",
    [
        replace(ANNA, schedule_version=2),
        replace(ANNA, status="cancelled"),
        replace(ANNA, status="completed"),
        replace(ANNA, participants=(joined(MARIA), ALICE)),
        replace(ANNA, participants=(MARIA, joined(ALICE))),
    ],
    ids=["moved", "cancelled", "over", "the customer is there", "the agent is there"],
)
def test_a_reminder_of_what_is_not_true_any_more_is_none(now_is: Appointment) -> None:
    assert due(now_is, remind(), CLINIC, NOW) is None


def test_a_reminder_that_is_done_again_by_hand_after_the_beginning_is_none() -> None:
    assert due(ANNA, remind(), CLINIC, ANNA.start) is None


def test_when_notices_are_off_people_are_told_nothing_and_desktops_are() -> None:
    assert due(ANNA, remind(), replace(CLINIC, notifications_active=False), NOW) == ()


def test_an_invitation_is_for_everybody_who_is_not_there() -> None:
    invite = Timed(appointment="a", version=1, type="ROOM", offset=Period(seconds=900), due=0, until=60)
    found = due(replace(ANNA, participants=(MARIA, NICK, joined(ALICE))), invite, TIMED, NOW)
    assert found is not None
    assert [(notice.type, notice.offset, notice.person.id, notice.way) for notice in found] == [
        ("ROOM", "PT15M", "m", "EMAIL"),
        ("ROOM", "PT15M", "m", "SMS"),
        ("ROOM", "PT15M", "n", "EMAIL"),
    ]
    assert due(ANNA, invite, replace(TIMED, notifications_active=False), NOW) == ()
    for other in (replace(TIMED, room_invites=()), replace(TIMED, auto_activate=True)):
        assert due(ANNA, invite, other, NOW) is None
    for other_time in (replace(ANNA, schedule_version=2), replace(ANNA, status="completed")):
        assert due(other_time, invite, TIMED, NOW) is None
    assert due(ANNA, invite, TIMED, ANNA.start) is None


def test_what_follows_is_for_customers_who_were_there() -> None:
    follow = Timed(appointment="a", version=1, type="FOLLOW_UP", offset=Period(days=2), due=0, until=60)
    left = replace(joined(MARIA), state="LEFT")
    over = replace(ANNA, status="completed", participants=(left, NICK, joined(ALICE)))
    assert due(over, follow, CLINIC, NOW) == (
        Notice(type="FOLLOW_UP", offset="P2D", way="EMAIL", person=left),
        Notice(type="FOLLOW_UP", offset="P2D", way="SMS", person=left),
    )
    assert due(ANNA, follow, CLINIC, NOW) == ()
    assert due(replace(over, status="cancelled"), follow, CLINIC, NOW) is None


# Webhooks ------------------------------------------------------------------------------------------------------------


def test_headers_of_an_appointment_are_sent_unless_they_belong_to_somebody_else() -> None:
    own = {
        "x-channel": "widget",
        "X-Source": "me",
        "Host": "x",
        "authorization": "x",
        "x-signature": "x",
        "a": "b\r\nc",
    }
    assert headers(own, {"x-source": "hub", "x-key": "k"}) == {"x-channel": "widget", "x-source": "hub", "x-key": "k"}


def test_every_change_has_a_name_for_machines() -> None:
    assert len(set(rules.EVENTS.values())) == len(rules.EVENTS) == 11
