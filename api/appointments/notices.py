"""What leaves the house because an appointment has changed, or because its time comes."""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from api.appointments import letters, messages, views
from api.appointments.records import notice_log
from api.appointments.rules import formats
from api.appointments.rules import notices as rules
from api.appointments.rules.appointment import Appointment, Participant
from api.appointments.rules.notices import EVENTS, Notice, Timed
from api.appointments.rules.site import Site
from api.notifications import actions as notifications
from api.notifications.actions import Endpoint
from channels.appointments import AppointmentNotificationType
from hub.kernel import ids
from hub.kernel.applications import WebhookSubscription
from hub.kernel.clock import micros
from hub.kernel.periods import Period
from hub.store import timers
from hub.store.deliveries import Basic, ClientCredentials
from hub.store.transaction import Tx

KIND: Final = "appointments.notice"
KEPT_SECONDS: Final = 90 * 86_400.0
"""How long it is known what was told; nothing is planned again after so long."""


def changed(
    tx: Tx,
    before: Appointment | None,
    after: Appointment | None,
    kind: AppointmentNotificationType,
    now: float,
    site: Site,
    participant: Participant | None = None,
) -> None:
    """An appointment has changed, in this transaction and after its rows were written. Called once for every change.

    `before` is None for Created, `after` for Cancelled. `participant` is the one whom ParticipantAdded,
    ParticipantRemoved and ParticipantState are about, as they are after that; a removed one as they were.
    """
    plan = rules.planned(before, after, kind, participant, site.application, now)
    for key in plan.dropped:
        timers.cancel(tx, KIND, key)
    for timed in plan.timed:
        timers.plan(tx, KIND, timed.key, micros(timed.due), _encoded(timed), not_after=micros(timed.until))
    if (current := after or before) is None:
        return
    for person in plan.silenced:
        for delivery in notice_log.deliveries(tx, current.id, person):
            notifications.withdraw(tx, delivery)
        if kind in {"ParticipantRemoved", "Reassigned"}:
            notice_log.begin_anew(tx, current.id, person)
    gone = replace(current, status="cancelled", sequence=current.sequence + 1) if after is None else current
    _tell(tx, gone, plan.notices, now, site)
    if rules.is_active(current, site.application):
        more = _previous(before) if kind == "Rescheduled" else {}
        _call(tx, current, kind, now, site, participant, more | _links(tx, after, now, site))


def come(tx: Tx, appointment: Appointment, timed: Timed, due: tuple[Notice, ...], now: float, site: Site) -> None:
    """The time of something planned has come, and `due` is to be told."""
    if timed.type == "REMINDER":
        messages.tell(tx, "Reminder", appointment, now, site.base)
        if rules.is_active(appointment, site.application):
            more = {"offset": str(timed.offset), **_links(tx, appointment, now, site)}
            _call(tx, appointment, "Reminder", now, site, None, more)
    _tell(tx, appointment, due, now, site)


def expire(tx: Tx, now: float, batch: int) -> int:
    """Forget at most `batch` notices that were told long ago; returns how many."""
    return notice_log.expire(tx, now - KEPT_SECONDS, batch)


def _tell(tx: Tx, appointment: Appointment, told: tuple[Notice, ...], now: float, site: Site) -> None:
    """Each of them, unless it has been told already."""
    if not told:
        return
    office = letters.office(tx, appointment, site)
    for notice in told:
        reader = letters.reader(tx, appointment, notice.person, site)
        delivery = ids.event_id()
        if not letters.can_send(office, reader, notice.way):
            continue
        if notice_log.claim(tx, appointment.id, appointment.schedule_version, notice, delivery, now):
            letters.send(tx, office, appointment, notice, reader, now, key=delivery)


def _call(
    tx: Tx,
    appointment: Appointment,
    kind: AppointmentNotificationType,
    now: float,
    site: Site,
    participant: Participant | None,
    more: Mapping[str, object],
) -> None:
    """Webhooks: one event for each subscription. `more` is what there is to say beside the appointment."""
    if "WEBHOOKS" not in site.application.channels:
        return
    payload: dict[str, object] = {"appointment": views.whole(appointment)}
    if participant is not None:
        payload["participant"] = views.invited(participant.id, participant.type, participant.state)
    payload |= more
    for subscription in site.application.webhooks:
        notifications.webhook(tx, _endpoint(subscription, appointment), EVENTS[kind], payload, now)


def _endpoint(subscription: WebhookSubscription, appointment: Appointment) -> Endpoint:
    own = {**subscription.headers, **subscription.secret_headers}
    credentials: Basic | ClientCredentials | None = None
    if subscription.basic is not None:
        credentials = Basic(user=subscription.basic.user, password=subscription.basic.password.reveal())
    elif subscription.oauth is not None:
        credentials = ClientCredentials(
            token_url=subscription.oauth.token_url,
            client_id=subscription.oauth.client_id,
            client_secret=subscription.oauth.client_secret.reveal(),
            scope=subscription.oauth.scope,
        )
    return Endpoint(
        url=subscription.url,
        secret=None if subscription.secret is None else subscription.secret.reveal(),
        headers=rules.headers(appointment.notification_headers, own),
        credentials=credentials,
        private=subscription.allow_private,
    )


def _previous(before: Appointment | None) -> dict[str, object]:
    """Where an appointment was before it was moved."""
    if before is None:
        return {}
    start, end = formats.instant_text(before.start), formats.instant_text(before.end)
    return {"previous": {"start": start, "end": end, "timezone": before.timezone}}


def _links(tx: Tx, appointment: Appointment | None, now: float, site: Site) -> dict[str, object]:
    """What mails to customers have as links, for machines that write to them themselves."""
    if appointment is None or "WEBHOOKS" not in site.application.channels:
        return {}
    return {f"{purpose}Url": url for purpose, url in letters.customer_links(tx, site, appointment, now).items()}


class _Payload(msgspec.Struct):
    appointment: str
    version: int
    type: rules.TimedType
    offset: str
    due: float
    until: float


def _encoded(timed: Timed) -> bytes:
    values = msgspec.structs.asdict(timed) | {"offset": str(timed.offset)}
    return msgspec.json.encode(_Payload(**values))


def read(payload: bytes) -> Timed:
    """What was planned with a timer."""
    found = msgspec.structs.asdict(msgspec.json.decode(payload, type=_Payload))
    return Timed(**found | {"offset": Period.parse(found["offset"])})
