"""What needs no token: a customer books with a one-time code, and anybody may count."""

from datetime import timedelta
from typing import Any, Final

from msgspec.structs import replace

from api.appointments.actions import reading, scheduling
from api.appointments.routes.record import BASE, operation, sites
from api.appointments.rules import formats, proposal
from api.appointments.rules.appointment import Appointment, Customer
from api.appointments.rules.booking import SlotTaken
from api.appointments.rules.site import Site
from api.appointments.schemas import (
    AppointmentCountResponse,
    AppointmentOverlapResponse,
    CountAppointmentsQuery,
    CountOverlappingQuery,
    ScheduleAppointmentAsCustomerRequest,
)
from api.appointments.views import GetAppointmentResponse, whole
from api.codes.rules import Given, Verified
from api.http import proven
from api.http.proven import WrongCode
from api.http.request import Call
from api.notifications.rules import is_phone
from hub.auth import login
from hub.auth.guesses import network
from hub.kernel.errors import BadInput, Forbidden, LoginFailed, TooManyRequests, Unauthenticated
from hub.kernel.periods import unquoted
from hub.store.transaction import Tx

_LONGEST: Final = timedelta(days=366)


class CodeRequired(Unauthenticated):
    """Without a token, a one-time code has to prove who is asking."""

    code = "code_required"
    default_detail = "A one-time code is required"


# Booking ------------------------------------------------------------------------------------------------------------


async def schedule_as_customer(call: Call[ScheduleAppointmentAsCustomerRequest]) -> GetAppointmentResponse:
    """A new one, made by its customer. The code proves a number or an address of theirs, and is used with that."""
    asked, wanted, known = call.body, call.body.proposal(), sites(call)
    organization, application = unquoted(asked.organization_id), unquoted(asked.application_id)
    site = known.find(organization, application)

    def book(tx: Tx, verified: Verified | None) -> Appointment:
        served = known.named(organization, application)
        customer = _proved(wanted.customer or Customer(), verified)
        return scheduling.schedule_for(tx, customer, wanted, served, call.now, known)

    if (given := _given(call)) is not None:
        return whole(await proven.once(call, given, book, organization=organization))
    # Whoever has no code learns no more of an application that there is than of one that there is not.
    if site is None or site.application.otp_required:
        raise CodeRequired
    call.services.quotas.appointments.take(network(call.address))
    return whole(await call.services.db.write(lambda tx: book(tx, None)))


def _given(call: Call[Any]) -> Given | None:
    """The code in the headers of its own, or as name and password."""
    if (given := proven.given_of(call)) is not None:
        return given
    basic = login.basic(call.headers.get(b"authorization", b"").decode("latin-1"))
    return None if basic is None else Given(basic.user_name, basic.password)


def _proved(customer: Customer, verified: Verified | None) -> Customer:
    """The customer, reached at what the code has proved where nothing else was said. Raises Forbidden for somebody who
    is to be reached elsewhere.
    """
    if verified is None:
        return customer
    recipient = verified.recipient
    if customer.email is None and customer.phone is None:
        return replace(customer, phone=recipient) if is_phone(recipient) else replace(customer, email=recipient)
    if not proposal.reads(customer, recipient):
        raise Forbidden("The code was sent to somebody else than the customer")
    return customer


# Counting -----------------------------------------------------------------------------------------------------------


async def count_appointments(call: Call[None]) -> list[AppointmentCountResponse]:
    """How many begin within the time, by when they are."""
    query = call.query_as(CountAppointmentsQuery)
    start, end = _interval(query.start, query.time_frame, "timeFrame")
    site = _looked_at(call, query.organization_id, query.application_id)
    if site is None:
        return []
    return [
        AppointmentCountResponse(
            count=group.number,
            duration=formats.period_text(timedelta(seconds=group.end - group.start)),
            end=formats.instant_text(group.end),
            start=formats.instant_text(group.start),
            timezone=group.timezone,
        )
        for group in await call.services.db.read(lambda tx: reading.count(tx, site, (start, end)))
    ]


async def count_overlapping(call: Call[None]) -> AppointmentOverlapResponse:
    """How many share an instant with the time."""
    query = call.query_as(CountOverlappingQuery)
    start, end = _interval(query.start, query.duration, "duration")
    site = _looked_at(call, query.organization_id, query.application_id)
    if site is None:
        return AppointmentOverlapResponse(count=0)
    return AppointmentOverlapResponse(
        count=await call.services.db.read(lambda tx: reading.overlaps(tx, site, start, end))
    )


def _looked_at(call: Call[None], organization: str, application: str) -> Site | None:
    call.services.quotas.strangers.take(network(call.address))
    return sites(call).find(unquoted(organization), unquoted(application))


def _interval(start: str, length: str, name: str) -> tuple[float, float]:
    begin, period = formats.instant(start, "start"), formats.period(length, name)
    if not timedelta() < period.length <= _LONGEST:
        raise BadInput(f"{name}: must be longer than nothing and at most a year", pointer=f"/{name}")
    return begin, begin + period.length.total_seconds()


_WHERE: Final = {"applicationId": "demo-app", "organizationId": "demo"}

OPERATIONS = (
    operation(
        "scheduleAppointmentAsCustomer",
        "POST",
        BASE + "basic",
        "Schedule New Appointment as Customer",
        schedule_as_customer,
        None,
        CodeRequired,
        WrongCode,
        LoginFailed,
        Forbidden,
        SlotTaken,
        TooManyRequests,
        body=ScheduleAppointmentAsCustomerRequest,
        result=GetAppointmentResponse,
        examples={
            "appointment": {
                **_WHERE,
                "customer": {"contact": {"primaryEmail": "maria@example.com"}},
                "duration": "PT30M",
                "start": "2030-01-31T19:00:00.0Z",
                "timezone": "Europe/Berlin",
            }
        },
        description=f"With a one-time code: its id and the code in {proven.ID_HEADER} and {proven.CODE_HEADER}, or as "
        "name and password of HTTP Basic.",
    ),
    operation(
        "countAppointments",
        "GET",
        BASE + "count",
        "Retrieve the Number of Scheduled Appointments within a Specified Time Frame",
        count_appointments,
        None,
        BadInput,
        TooManyRequests,
        query=CountAppointmentsQuery,
        query_example={**_WHERE, "start": "2030-01-31T08:00:00.0Z", "timeFrame": "PT10H"},
        result=list[AppointmentCountResponse],
        description="An organization and an application that do not belong together have no appointments.",
    ),
    operation(
        "countOverlappingAppointments",
        "GET",
        BASE + "overlap/count",
        "Get Count of Overlapping Appointments",
        count_overlapping,
        None,
        BadInput,
        TooManyRequests,
        query=CountOverlappingQuery,
        query_example={**_WHERE, "start": "2030-01-31T19:00:00.0Z", "duration": "PT30M"},
        result=AppointmentOverlapResponse,
        description="One that begins when the time ends does not overlap, nor one that ends when it begins.",
    ),
)
