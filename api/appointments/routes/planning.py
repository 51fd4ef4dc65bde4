"""The appointments themselves: listing, scheduling, changing, ending."""

from typing import Any, Final
from urllib.parse import parse_qsl

from api.applications.rules import UnknownApplication
from api.appointments.actions import changing, reading, rooms, scheduling
from api.appointments.routes.record import BASE, EXAMPLE, ONE, operation, revoke, sites
from api.appointments.rules import formats, permissions
from api.appointments.rules.appointment import Appointment
from api.appointments.rules.booking import SlotTaken
from api.appointments.rules.permissions import Deed, UnknownAppointment
from api.appointments.rules.search import Search
from api.appointments.schemas import (
    AppointmentActivationResponse,
    FindAppointmentsEligibleResponse,
    FindAppointmentsQuery,
    FindAppointmentsResponsePaged,
    FindEligibleQuery,
    RescheduleAppointmentRequest,
    ScheduleAppointmentRequest,
    UpdateAppointmentRequest,
    activation,
)
from api.appointments.views import GetAppointmentResponse, listed, whole
from api.http import positions
from api.http.idempotency import once
from api.http.reply import JSON, NO_CONTENT, Reply
from api.http.request import Call
from hub.kernel import logs, wire
from hub.kernel.errors import BadInput, WrongState
from hub.kernel.periods import unquoted
from hub.store.transaction import Snapshot, Tx

_log = logs.get("api.appointments")
_LISTS: Final = ("organizerId", "duration", "range")
_MOST_PARAMETERS: Final = 100
_DEPRECATED: Final = (("Deprecation", "true"),)


async def list_appointments(call: Call[None]) -> Reply:
    """One page of those that the caller may list."""
    wanted, caller = _search(call), call.principal

    def snapshot(tx: Snapshot) -> tuple[tuple[list[Appointment], int], tuple[str, str]]:
        return reading.search(tx, wanted), positions.header(tx, caller)

    (found, total), header = await call.services.db.read(snapshot)
    body = FindAppointmentsResponsePaged(
        content=tuple(map(listed, found)),
        page_count=wanted.pages(total),
        page_number=wanted.page_number,
        page_size=wanted.page_size,
        sort_field=wanted.sort_field,
        sort_order="desc" if wanted.is_descending else "asc",
        total=total,
    )
    return Reply(200, wire.encode(body), headers=(header,))


def _search(call: Call[None]) -> Search:
    query, caller = wire.from_text(FindAppointmentsQuery, _joined(call.query_string)), call.principal
    application = unquoted(query.application_id) or caller.application
    if application is not None:
        sites(call).require(caller.organization, application)
        permissions.require_application(caller, application)
    if permissions.reaches_all(Deed.LIST, caller):
        organizers = [formats.require_user_id(each, "organizerId") for each in _several(query.organizer_id)]
    else:
        organizers = [caller.user]
    since, until = _range(query.range)
    return Search(
        organization=caller.organization,
        application=application,
        organizers=frozenset(organizers),
        durations=frozenset(
            formats.period(each, "duration").length.total_seconds() for each in _several(query.duration)
        ),
        since=since,
        until=until,
        page_size=query.page_size,
        page_number=query.page_number,
        sort_field=query.sort_field,
        is_descending=query.sort_order == "desc",
    )


def _joined(query_string: bytes) -> dict[str, str]:
    """The query; what may have several values has them separated by commas, however they came."""
    joined: dict[str, str] = {}
    try:
        pairs = parse_qsl(
            query_string.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS
        )
    except ValueError:
        raise BadInput("There are too many parameters") from None
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in _LISTS and name in joined else value
    return joined


def _several(text: str) -> list[str]:
    return [part for part in unquoted(text).split(",") if part.strip()]


def _range(text: str) -> tuple[float | None, float | None]:
    if not (bare := unquoted(text)):
        return None, None
    since, comma, until = bare.partition(",")
    if not comma:
        raise BadInput("range: must be two instants with a comma between, either may be empty", pointer="/range")
    begin = formats.instant(since, "range") if since.strip() else None
    end = formats.instant(until, "range") if until.strip() else None
    if begin is not None and end is not None and end < begin:
        raise BadInput("range: ends before it begins", pointer="/range")
    return begin, end


async def read_appointment(call: Call[None]) -> GetAppointmentResponse:
    """One of them."""
    caller, id_ = call.principal, formats.require_id(call.path_params["id"], "id")
    return whole(await call.services.db.read(lambda tx: reading.read(tx, caller, id_, call.now)))


async def schedule_appointment(call: Call[ScheduleAppointmentRequest]) -> Reply:
    """A new one, the caller's."""
    caller, proposal, known = call.principal, call.body.proposal(), sites(call)
    site = known.named(caller.organization, unquoted(call.body.application_id))
    permissions.require_application(caller, site.id)

    def work(tx: Tx) -> Appointment:
        return scheduling.schedule(tx, caller, proposal, site, call.now, known)

    return await once(call, work, whole)


async def update_appointment(call: Call[UpdateAppointmentRequest]) -> GetAppointmentResponse:
    """Other values for some of its fields."""
    caller, id_, changes = call.principal, formats.require_id(call.body.id, "id"), call.body.changes()
    changed = await call.services.db.write(lambda tx: changing.update(tx, caller, id_, changes, call.now, sites(call)))
    return whole(changed)


async def reschedule_appointment(call: Call[RescheduleAppointmentRequest]) -> GetAppointmentResponse:
    """Another time for it."""
    caller, id_, times = call.principal, formats.require_id(call.body.id, "id"), call.body.times()
    moved = await call.services.db.write(
        lambda tx: scheduling.reschedule(tx, caller, id_, times, call.now, sites(call))
    )
    return whole(moved)


async def delete_appointment(call: Call[None]) -> Reply:
    """It is gone, and nobody gets into its room."""
    caller, services, id_ = call.principal, call.services, call.path_params["id"]
    withdrawn = await services.db.write(
        lambda tx: changing.delete(tx, caller, id_, call.now, sites(call), services.clock.now)
    )
    revoke(call, withdrawn)
    _log.info("appointment deleted", appointment=id_, by=caller.user, request_id=call.request_id)
    return NO_CONTENT


async def end_appointment(call: Call[None]) -> GetAppointmentResponse:
    """It is over."""
    caller, id_ = call.principal, formats.require_id(call.path_params["id"], "id")
    return whole(await call.services.db.write(lambda tx: changing.end(tx, caller, id_, call.now, sites(call))))


async def activate_appointment(call: Call[None]) -> AppointmentActivationResponse:
    """Its room, from now on."""
    caller, id_ = call.principal, formats.require_id(call.path_params["id"], "id")
    return activation(await call.services.db.write(lambda tx: rooms.activate(tx, caller, id_, call.now, sites(call))))


async def find_eligible(call: Call[None]) -> Reply:
    """Those that are not activated."""
    text, caller = call.query_as(FindEligibleQuery).time_frame, call.principal
    start = None
    if unquoted(text):
        start = (call.now, call.now + formats.period(text, "timeFrame").length.total_seconds())
    found = await call.services.db.read(lambda tx: reading.eligible(tx, caller, start))
    body = [
        FindAppointmentsEligibleResponse(
            eligible_from=formats.instant_text(each.created_at),
            id=each.id,
            start=formats.instant_text(each.start),
            timezone=each.timezone,
        )
        for each in found
    ]
    return Reply(200, wire.encode(body), JSON, _DEPRECATED)


_SAMPLE: Final[dict[str, Any]] = {
    "applicationId": "demo-app",
    "customer": {"name": {"firstName": "Maria"}, "contact": {"primaryEmail": "maria@example.com"}},
    "duration": "PT30M",
    "start": "2030-01-31T19:00:00.0Z",
    "timezone": "Europe/Berlin",
    "title": "Installation review",
}

OPERATIONS = (
    operation(
        "findAppointments",
        "GET",
        BASE,
        "Retrieve All Appointments with Optional Filtering",
        list_appointments,
        Deed.LIST,
        BadInput,
        UnknownApplication,
        query=FindAppointmentsQuery,
        result=FindAppointmentsResponsePaged,
        query_example={"applicationId": "demo-app", "sortField": "start", "pageSize": "10"},
        headers={positions.HEADER: positions.DESCRIPTION},
        description="ROLE_SUPERVISOR lists those of everybody, others those of which they are the organizer.",
    ),
    operation(
        "scheduleAppointment",
        "POST",
        BASE,
        "Schedule a New Appointment",
        schedule_appointment,
        Deed.SCHEDULE,
        SlotTaken,
        body=ScheduleAppointmentRequest,
        result=GetAppointmentResponse,
        idempotent=True,
        examples={"appointment": _SAMPLE},
        description="Where as many are at that time as the application permits: 400 with the code SLOT_TAKEN.",
    ),
    operation(
        "updateAppointment",
        "PUT",
        BASE,
        "Update an Existing Appointment",
        update_appointment,
        Deed.UPDATE,
        UnknownAppointment,
        body=UpdateAppointmentRequest,
        result=GetAppointmentResponse,
        examples={"title": {"id": EXAMPLE, "title": "Repair", "notes": None}},
        description="What is left out stays as it is; null, an empty text and an empty object take a value away.",
    ),
    operation(
        "deleteAppointment",
        "DELETE",
        ONE,
        "Delete an Appointment",
        delete_appointment,
        Deed.DELETE,
        UnknownAppointment,
        success=204,
        description="The room closes at once, for those who are in it as well. It cannot be undone.",
    ),
    operation(
        "getAppointment",
        "GET",
        ONE,
        "Retrieve an Appointment by ID",
        read_appointment,
        Deed.READ,
        BadInput,
        UnknownAppointment,
        result=GetAppointmentResponse,
        description="A customer's token opens the one whose conference it names, while its room is open.",
    ),
    operation(
        "endAppointment",
        "PUT",
        ONE + "/end",
        "Set Appointment Interaction InProgress (Internal Use)",
        end_appointment,
        Deed.END,
        BadInput,
        UnknownAppointment,
        result=GetAppointmentResponse,
        description="The interaction becomes COMPLETE, and whoever had joined has left.",
    ),
    operation(
        "activateAppointment",
        "POST",
        BASE + "activate/{id}",
        "Activate an Appointment",
        activate_appointment,
        Deed.ACTIVATE,
        BadInput,
        WrongState,
        UnknownAppointment,
        result=AppointmentActivationResponse,
        description="Makes the room, or answers with the one that there is.",
    ),
    operation(
        "findAppointmentsEligible",
        "GET",
        BASE + "eligible/",
        "DEPRECATED: Find Appointments Eligible for Activation",
        find_eligible,
        Deed.FIND_ELIGIBLE,
        BadInput,
        query=FindEligibleQuery,
        query_example={"timeFrame": "P7D"},
        result=list[FindAppointmentsEligibleResponse],
        headers={"Deprecation": "`true`"},
        deprecated=True,
        description="Every one without a room is eligible at any time.",
    ),
    operation(
        "rescheduleAppointment",
        "PUT",
        BASE + "reschedule/",
        "Reschedule an Existing Appointment",
        reschedule_appointment,
        Deed.RESCHEDULE,
        SlotTaken,
        WrongState,
        UnknownAppointment,
        body=RescheduleAppointmentRequest,
        result=GetAppointmentResponse,
        examples={"later": {"id": EXAMPLE} | {name: _SAMPLE[name] for name in ("start", "duration", "timezone")}},
        description="The address of the room stays the same. The old time is free once the new one is sure.",
    ),
)
