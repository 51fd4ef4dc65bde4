"""A notice as a mail or a text: in the reader's language, at the times of the reader's zone."""

from typing import Final, Literal, NamedTuple

from api.applications import actions as applications
from api.applications.rules import Senders
from api.appointments.rules import calendars, links
from api.appointments.rules import notices as rules
from api.appointments.rules.appointment import Appointment, Participant
from api.appointments.rules.calendars import Guest
from api.appointments.rules.links import Link, Purpose
from api.appointments.rules.notices import Notice, Way
from api.appointments.rules.site import Site
from api.notifications import actions as notifications
from api.notifications.rules import (
    Facts,
    Template,
    compose,
    is_mail_address,
    is_phone,
    mail_address,
    render,
    sender_of,
    words,
)
from api.users import actions as users
from hub.kernel import wire
from hub.kernel.applications import TextType
from hub.kernel.errors import NotFound
from hub.store import signing
from hub.store.deliveries import Calendar
from hub.store.transaction import Tx

EVENTS: Final = "/api/cal/events"
_CALENDARS: Final[frozenset[TextType]] = frozenset({"CREATE", "RESCHEDULE", "ROOM", "CANCELLED"})
"""The notices after which a calendar shows something else."""
_LINKED: Final[frozenset[TextType]] = frozenset({"CREATE", "RESCHEDULE", "REMINDER"})
"""The notices from which an appointment can be changed."""


class Reader(NamedTuple):
    """Somebody who is told something: addresses, names, language; the way into the room for them."""

    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    locale: str
    room_url: str | None

    @property
    def name(self) -> str | None:
        """The whole name."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or None


class Office(NamedTuple):
    """Who tells it: the application, under the names that are verified; and the agent whom a customer will meet."""

    site: Site
    senders: Senders
    agent: str | None


def office(tx: Tx, appointment: Appointment, site: Site) -> Office:
    """The one of the appointment."""
    senders = applications.usable_senders(tx, appointment.application, site.application)
    found = (reader(tx, appointment, Participant(id=each, type="AGENT"), site).name for each in appointment.agents)
    return Office(site, senders, next((name for name in found if name), None))


def reader(tx: Tx, appointment: Appointment, person: Participant, site: Site) -> Reader:
    """A customer as the appointment knows them, an agent as the users do."""
    room, customer = appointment.room, person.customer
    if customer is not None:
        return Reader(
            customer.email,
            customer.phone,
            customer.first_name,
            customer.last_name,
            appointment.locale,
            calendars.link_of(appointment),
        )
    url = None if room is None else f"{site.room_base}/a?aid={appointment.application}&roomId={room.conference}"
    try:
        profile = users.read(tx, appointment.organization, person.id).profile
    except NotFound:  # a back end, or a user of a foreign issuer who has never been here
        return Reader(None, None, None, None, appointment.locale, url)
    locale = next(iter(profile.languages), appointment.locale)
    return Reader(
        profile.email_address or None, None, profile.first_name or None, profile.last_name or None, locale, url
    )


def can_send(office: Office, reader: Reader, way: Way) -> bool:
    """Whether there is somewhere to send from, and to."""
    if way == "EMAIL":
        return office.senders.email is not None and is_mail_address(reader.email or "")
    return office.senders.sms is not None and is_phone(reader.phone or "")


def send(tx: Tx, office: Office, appointment: Appointment, notice: Notice, to: Reader, now: float, *, key: str) -> None:
    """Have it leave; `can_send` has said yes."""
    facts, until = _facts(tx, office, appointment, notice, to, now), rules.worth_until(notice.type, appointment, now)
    own, built_in = (words(texts, notice.type, to.locale) for texts in (office.site.application.texts, {}))
    email, sms = office.senders
    if notice.way == "EMAIL" and email is not None and to.email is not None:
        template = own.mail if _says_something(own.mail, facts) else built_in.mail
        guest = Guest(address=to.email, name=to.name, organizer=mail_address(email), organizer_name=email.from_name)
        calendar = _calendar(office, appointment, notice.type, to.room_url, guest, now)
        notifications.mail(
            tx, to.email, template, facts, now, key=key, until=until, sender=sender_of(email), calendar=calendar
        )
    elif notice.way == "SMS" and sms is not None and to.phone is not None:
        text = own.sms if render(own.sms, facts).text else built_in.sms
        notifications.sms(tx, to.phone, text, facts, now, key=key, until=until, sender=sms.from_number)


def called(site: Site) -> str:
    """What an appointment is called that has no title."""
    return site.application.name or site.id


def _says_something(template: Template, facts: Facts) -> bool:
    """Texts of one's own may consist of nothing but what is not known."""
    composed = compose(template, facts)
    return bool(composed.subject and composed.text)


def _facts(tx: Tx, office: Office, appointment: Appointment, notice: Notice, to: Reader, now: float) -> Facts:
    events = f"{office.site.base}{EVENTS}"
    return Facts(
        start=wire.instant(appointment.start),
        zone=appointment.timezone,
        locale=to.locale,
        duration=appointment.duration,
        first_name=to.first_name,
        last_name=to.last_name,
        title=appointment.title,
        notes=appointment.notes,
        agent_name=office.agent if notice.person.type == "CUSTOMER" else None,
        room_url=to.room_url,
        google_calendar_url=f"{events}/google/{appointment.id}/event",
        ical_url=f"{events}/ical/{appointment.id}/event",
        **_urls(tx, office.site, appointment, notice, now),
    )


def _urls(tx: Tx, site: Site, appointment: Appointment, notice: Notice, now: float) -> dict[str, str]:
    if notice.type not in _LINKED or notice.person.type != "CUSTOMER":
        return {}
    return {f"{purpose}_url": url for purpose, url in customer_links(tx, site, appointment, now).items()}


def customer_links(tx: Tx, site: Site, appointment: Appointment, now: float) -> dict[Purpose, str]:
    """The addresses at which whoever has them may move and cancel it without asking anybody; none where nobody may."""

    def url(link: Link) -> str:
        return f"{site.base}{links.PATH}{links.token(link, signing.sign(tx, links.PATH, link.text))}"

    found = (Link(purpose, appointment.id, appointment.schedule_version) for purpose in links.PURPOSES)
    return {
        link.purpose: url(link)
        for link in found
        if links.state(link, appointment, site.application, now) is links.State.GOOD
    }


def _calendar(
    office: Office, appointment: Appointment, type: TextType, link: str | None, guest: Guest, now: float
) -> Calendar | None:
    if type not in _CALENDARS:
        return None
    method: Literal["REQUEST", "CANCEL"] = "CANCEL" if type == "CANCELLED" else "REQUEST"
    text = calendars.ical(appointment, method, now, name=called(office.site), link=link, guest=guest)
    return Calendar(method=method, text=text)
