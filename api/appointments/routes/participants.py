"""Who comes to an appointment."""

from typing import Any, Final

from api.appointments.actions import participants
from api.appointments.actions.participants import UnknownAgent, UnknownParticipant
from api.appointments.routes.record import BASE, EXAMPLE, ONE, operation, sites
from api.appointments.rules import formats
from api.appointments.rules.permissions import Deed, UnknownAppointment
from api.appointments.schemas import (
    AddParticipantAgentRequest,
    AddParticipantCustomerRequest,
    GetParticipantDetailsResponse,
    UpdateParticipantStateRequest,
    details,
)
from api.appointments.views import GetAppointmentResponse, whole
from api.http.request import Call
from hub.kernel import logs
from hub.kernel.errors import AlreadyExists, BadInput, WrongState

_log = logs.get("api.appointments")
PARTICIPANT: Final = ONE + "/participants/{pid}"


async def add_agent(call: Call[AddParticipantAgentRequest]) -> GetAppointmentResponse:
    """One agent more."""
    caller, id_, user = call.principal, *_ids(call.body.id, call.body.user_id)
    return whole(
        await call.services.db.write(lambda tx: participants.add_agent(tx, caller, id_, user, call.now, sites(call)))
    )


async def add_customer(call: Call[AddParticipantCustomerRequest]) -> GetAppointmentResponse:
    """One customer more."""
    caller, id_, customer = call.principal, formats.require_id(call.body.id, "id"), call.body.customer.customer()
    return whole(
        await call.services.db.write(
            lambda tx: participants.add_customer(tx, caller, id_, customer, call.now, sites(call))
        )
    )


async def read_participant(call: Call[None]) -> GetParticipantDetailsResponse:
    """Who somebody invited is."""
    caller, id_, pid = call.principal, *_path(call)
    return details(*await call.services.db.read(lambda tx: participants.read(tx, caller, id_, pid, call.now)))


async def set_state(call: Call[UpdateParticipantStateRequest]) -> GetAppointmentResponse:
    """Whether somebody waits, is there, or has left."""
    caller, id_, pid, state = call.principal, *_path(call), call.body.wanted()
    return whole(
        await call.services.db.write(
            lambda tx: participants.set_state(tx, caller, id_, pid, state, call.now, sites(call))
        )
    )


async def remove_participant(call: Call[None]) -> GetAppointmentResponse:
    """Somebody is not invited any more."""
    caller, id_, pid = call.principal, *_path(call)
    return whole(
        await call.services.db.write(lambda tx: participants.remove(tx, caller, id_, pid, call.now, sites(call)))
    )


async def reassign(call: Call[AddParticipantAgentRequest]) -> GetAppointmentResponse:
    """Another agent's, from now on."""
    caller, id_, user = call.principal, *_ids(call.body.id, call.body.user_id)
    changed = await call.services.db.write(
        lambda tx: participants.reassign(tx, caller, id_, user, call.now, sites(call))
    )
    _log.info("appointment reassigned", appointment=id_, to=user, by=caller.user, request_id=call.request_id)
    return whole(changed)


def _ids(id: str, user: str) -> tuple[str, str]:
    return formats.require_id(id, "id"), formats.require_user_id(user, "userId")


def _path(call: Call[Any]) -> tuple[str, str]:
    return formats.require_id(call.path_params["id"], "id"), formats.require_user_id(call.path_params["pid"], "pid")


OPERATIONS = (
    operation(
        "addParticipantAgent",
        "POST",
        BASE + "participants/agents/",
        "Add an Agent as a Participant to an Existing Appointment",
        add_agent,
        Deed.ADD_PARTICIPANT,
        UnknownAppointment,
        UnknownAgent,
        AlreadyExists,
        body=AddParticipantAgentRequest,
        result=GetAppointmentResponse,
        examples={"agent": {"id": EXAMPLE, "userId": "dora"}},
    ),
    operation(
        "addParticipantCustomer",
        "POST",
        BASE + "participants/customers/",
        "Add a Customer as a Participant to an Existing Appointment",
        add_customer,
        Deed.ADD_PARTICIPANT,
        UnknownAppointment,
        body=AddParticipantCustomerRequest,
        result=GetAppointmentResponse,
        examples={"customer": {"id": EXAMPLE, "customer": {"name": {"firstName": "Peter"}, "username": "peter"}}},
        description="Nothing changes for a customer who is invited under the same user name or mail address.",
    ),
    operation(
        "deleteParticipant",
        "DELETE",
        PARTICIPANT,
        "Delete a Participant from an Appointment",
        remove_participant,
        Deed.REMOVE_PARTICIPANT,
        BadInput,
        WrongState,
        UnknownAppointment,
        UnknownParticipant,
        result=GetAppointmentResponse,
    ),
    operation(
        "getParticipantDetails",
        "GET",
        PARTICIPANT,
        "Get Participant Details",
        read_participant,
        Deed.READ_PARTICIPANT,
        BadInput,
        UnknownAppointment,
        UnknownParticipant,
        result=GetParticipantDetailsResponse,
        description="Customers read about customers only.",
    ),
    operation(
        "updateParticipantState",
        "PUT",
        PARTICIPANT,
        "Update Participant State",
        set_state,
        Deed.SET_STATE,
        UnknownAppointment,
        UnknownParticipant,
        body=UpdateParticipantStateRequest,
        result=GetAppointmentResponse,
        examples={"waiting": {"state": "WAITING"}},
        description="The agents hear of it on /v2/me at once. Customers change the state of customers only.",
    ),
    operation(
        "reassignAppointment",
        "PUT",
        BASE + "reassign/",
        "Reassign an Existing Appointment to a New Agent",
        reassign,
        Deed.REASSIGN,
        UnknownAppointment,
        UnknownAgent,
        body=AddParticipantAgentRequest,
        result=GetAppointmentResponse,
        examples={"agent": {"id": EXAMPLE, "userId": "dora"}},
        description="The agent takes the place of the organizer and of all agents invited.",
    ),
)
