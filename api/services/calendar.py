"""`GET /genesys/1/service/{office-hours}`: is the office open, and when will it be?"""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from api.http import edge
from api.http.operations import Operation
from api.http.problems import Family
from api.http.request import Call
from api.services import office_hours
from api.services.office_hours import LONGEST, Period
from api.services.rules import UnknownService
from hub.kernel import hours, wire
from hub.kernel.errors import BadInput, TooManyRequests, Unauthenticated
from hub.kernel.hours import OfficeHours

_AHEAD: Final = timedelta(days=7)
_FURTHEST: Final = timedelta(days=3660)


class CalendarQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What one wants to know. With nothing but a start: whether it is open then."""

    start: Annotated[wire.Instant, Meta(description="Absent: now")] | None = None
    end: wire.Instant | None = None
    number_of_days: (
        Annotated[int, Meta(ge=1, le=400, description="Instead of end: so many days from the start")] | None
    ) = msgspec.field(default=None, name="number-of-days")
    timezone: (
        Annotated[str, Meta(max_length=64, description="Zone of the local times; absent: that of the office")] | None
    ) = None


class OpenPeriod(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Open from `start` until just before `end`."""

    start: Annotated[str, Meta(description="UTC, like 2026-11-25T08:00:00.000Z")]
    end: str
    local_start: Annotated[str, Meta(description="With the offset of the zone, like 2026-11-25T09:00:00+01:00")]
    local_end: str


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """When the office is open. `status` is that of the start; `reason` says why it is closed."""

    error: None = None
    status: Literal["open", "closed"]
    reason: office_hours.Closed | None
    timezone: str
    periods: Annotated[
        list[OpenPeriod], Meta(description="Without end and number-of-days: until it closes, at most a week")
    ]


async def show_calendar(call: Call[None]) -> Calendar:
    """The open periods of office hours."""
    name = call.path_params["service"]
    await edge.admit(call, "", None)  # an office belongs to nobody; looking at it costs something
    kept = call.services.configuration.office_hours.get(name)
    if kept is None:
        raise UnknownService(name)
    # Reads a file where a zone is named, and a year takes its time: not on the loop.
    return await asyncio.to_thread(_look, kept, call.query_as(CalendarQuery), wire.instant(call.now))


def _look(kept: OfficeHours, asked: CalendarQuery, now: datetime) -> Calendar:
    zone = kept.zone if asked.timezone is None else _zone(asked.timezone)
    start = wire.utc(asked.start or now)
    if abs(start - now) > _FURTHEST:
        raise BadInput("start: too far away", pointer="/start")
    reason = office_hours.closed(kept, start)
    return Calendar(
        status="open" if reason is None else "closed",
        reason=reason,
        timezone=zone.key,
        periods=[_view(period, zone) for period in _wanted(kept, asked, start, zone)],
    )


def _wanted(kept: OfficeHours, asked: CalendarQuery, start: datetime, zone: ZoneInfo) -> tuple[Period, ...]:
    if asked.end is not None:
        end = wire.utc(asked.end)
        if not start <= end <= start + LONGEST:
            raise BadInput(f"end: must be within {LONGEST.days} days after the start", pointer="/end")
    elif asked.number_of_days is not None:
        # The same time of the day, whatever the clocks do in between.
        end = wire.utc(start.astimezone(zone) + timedelta(days=asked.number_of_days))
    else:
        end = start
    if end > start:
        return office_hours.periods(kept, start, end)
    return tuple(period for period in office_hours.periods(kept, start, start + _AHEAD)[:1] if period.start == start)


def _zone(text: str) -> ZoneInfo:
    try:
        return hours.zone(text)
    except ValueError as error:
        raise BadInput(f"timezone: {error}", pointer="/timezone") from None


def _view(period: Period, zone: ZoneInfo) -> OpenPeriod:
    return OpenPeriod(
        start=wire.millis(period.start),
        end=wire.millis(period.end),
        local_start=period.start.astimezone(zone).isoformat(timespec="seconds"),
        local_end=period.end.astimezone(zone).isoformat(timespec="seconds"),
    )


SHOW_CALENDAR = Operation(
    name="showCalendar",
    method="GET",
    path="/genesys/1/service/{service}",
    summary="When an office is open",
    description="`service` is the name of office hours in hub.toml. Without parameters: is it open now?",
    tag="services",
    family=Family.GMS,
    roles=None,
    query=CalendarQuery,
    path_example={"service": "weekdays"},
    query_example={"number-of-days": "5", "timezone": "America/New_York"},
    result=Calendar,
    errors=(BadInput, UnknownService, Unauthenticated, TooManyRequests),
    handler=show_calendar,
)
