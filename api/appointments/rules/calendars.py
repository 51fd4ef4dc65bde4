"""An appointment as calendars know it: iCalendar (RFC 5545, 5546), and a link to Google's. Pure.

Times are in UTC, so that no calendar has to believe our definition of a zone. The UID never changes; SEQUENCE rises
with whatever a calendar shows.
"""

from typing import Final, Literal, TypeAlias
from urllib.parse import urlencode

from icalendar import Calendar, Event, vCalAddress, vText
from msgspec import Struct

from api.appointments.rules.appointment import Appointment
from hub.kernel.wire import instant

Method: TypeAlias = Literal["PUBLISH", "REQUEST", "CANCEL"]

PRODUCT: Final = "-//hub//appointments//EN"
GOOGLE: Final = "https://calendar.google.com/calendar/render"
_UTC: Final = "%Y%m%dT%H%M%SZ"


class Guest(Struct, frozen=True, kw_only=True):
    """Who is invited by a mail, and by whom; bare addresses."""

    address: str
    name: str | None
    organizer: str
    organizer_name: str | None


def ical(
    appointment: Appointment, method: Method, now: float, *, name: str, link: str | None, guest: Guest | None = None
) -> str:
    """The appointment under a method. `name` is what it is called when it has no title, `link` the way into its room.

    A cancelled one is CANCEL, whatever was wanted. For nobody in particular it says nothing that is private.
    """
    cancelled = appointment.status == "cancelled"
    method = "CANCEL" if cancelled else method
    event = Event()
    event.add("uid", f"{appointment.id}@appointments")
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", instant(round(now)))
    event.add("dtstart", instant(appointment.start))
    event.add("dtend", instant(appointment.end))
    event.add("summary", title(appointment, name))
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("class", "PRIVATE")
    if link is not None and method != "CANCEL":
        event.add("location", link)
        event.add("url", link)
    if guest is not None:
        _invite(event, guest)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written.decode("utf-8")


def link_of(appointment: Appointment) -> str | None:
    """The way into the room for customers, if there is one."""
    return None if appointment.room is None else appointment.room.url


def google(appointment: Appointment, *, name: str, link: str | None) -> str:
    """The address at which Google asks whether to take the appointment into the calendar."""
    begin, end = (instant(at).strftime(_UTC) for at in (appointment.start, appointment.end))
    query = {
        "action": "TEMPLATE",
        "text": title(appointment, name),
        "dates": f"{begin}/{end}",
        "details": link or "",
        "location": link or "",
        "ctz": appointment.timezone,
    }
    return f"{GOOGLE}?{urlencode({key: value for key, value in query.items() if value})}"


def title(appointment: Appointment, name: str) -> str:
    """What it is called, in one line."""
    return " ".join((appointment.title or name).split())


def _invite(event: Event, guest: Guest) -> None:
    organizer = vCalAddress(f"mailto:{guest.organizer}")
    if guest.organizer_name:
        organizer.params["CN"] = vText(guest.organizer_name)
    attendee = vCalAddress(f"mailto:{guest.address}")
    if guest.name:
        attendee.params["CN"] = vText(guest.name)
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText("NEEDS-ACTION")
    attendee.params["RSVP"] = vText("FALSE")
    event.add("organizer", organizer)
    event.add("attendee", attendee)
