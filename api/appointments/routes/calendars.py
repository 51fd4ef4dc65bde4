"""`/api/cal/events`: an appointment for whoever has its id, which cannot be guessed."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from api.appointments.actions import calendars as actions
from api.appointments.letters import EVENTS, called
from api.appointments.routes.record import sites
from api.appointments.rules import calendars
from api.appointments.rules.permissions import UnknownAppointment
from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Reply
from api.http.request import Call
from hub.auth.guesses import network
from hub.kernel.errors import BadInput, Overloaded, TooManyRequests
from hub.store.transaction import Snapshot

ICALENDAR: Final = "text/calendar; charset=utf-8"
_FILE: Final = ("Content-Disposition", 'attachment; filename="appointment.ics"')
_PRIVATE: Final = ("Cache-Control", "private, no-cache")


async def google_event(call: Call[None]) -> Reply:
    """To Google's calendar, which asks whether to take it. A cancelled one is none."""
    id_, known = call.path_params["id"], sites(call)
    call.services.quotas.strangers.take(network(call.address))

    def read(tx: Snapshot) -> str:
        found = actions.find(tx, id_)
        if found.status == "cancelled":
            raise UnknownAppointment
        site = known.of(found)
        return calendars.google(found, name=called(site), link=calendars.link_of(found))

    location = await call.services.db.read(read)
    return Reply(HTTPStatus.FOUND, b"", "text/plain", (("Location", location), _PRIVATE))


async def ical_event(call: Call[None]) -> Reply:
    """As a file. A cancelled one says that it is cancelled, so that a calendar that has it removes it."""
    id_, known = call.path_params["id"], sites(call)
    call.services.quotas.strangers.take(network(call.address))

    def read(tx: Snapshot) -> str:
        found = actions.find(tx, id_)
        link = calendars.link_of(found)
        return calendars.ical(found, "PUBLISH", call.now, name=called(known.of(found)), link=link)

    text = await call.services.db.read(read)
    return Reply(HTTPStatus.OK, text.encode(), ICALENDAR, (_FILE, _PRIVATE))


def _shows(
    name: str, path: str, summary: str, handler: Callable[[Call[Any]], Awaitable[object]], success: int, media_type: str
) -> Operation:
    return Operation(
        name=name,
        method="GET",
        path=f"{EVENTS}/{path}/{{id}}/event",
        summary=summary,
        tag="calendars",
        family=Family.AUVIOUS,
        handler=handler,
        roles=None,
        success=success,
        media_type=media_type,
        path_example={"id": "f46f165d-383a-4432-9a3e-9c805a152e0c"},
        errors=(BadInput, UnknownAppointment, TooManyRequests, Overloaded),
    )


OPERATIONS = (
    _shows("getGoogleCalendarEvent", "google", "Get Google Calendar Event URL", google_event, 302, "text/plain"),
    _shows("getICalendarEvent", "ical", "Get iCalendar Event", ical_event, 200, ICALENDAR),
)
