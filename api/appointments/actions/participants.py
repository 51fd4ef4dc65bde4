"""Who comes: inviting people, and whether they are there."""

from typing import NamedTuple

from msgspec.structs import replace

from api.appointments import records
from api.appointments.actions.saving import locked, save
from api.appointments.rules import formats, permissions, proposal
from api.appointments.rules.appointment import Appointment, Customer, Organizer, Participant, State
from api.appointments.rules.permissions import Deed, UnknownAppointment
from api.appointments.rules.site import Sites
from api.users import actions as users
from api.users.rules import User
from channels.access import Role
from hub.auth.principal import Principal
from hub.kernel import ids
from hub.kernel.errors import AlreadyExists, BadInput, NotFound, WrongState
from hub.store.transaction import Snapshot, Tx


class Details(NamedTuple):
    """Somebody invited; an AGENT with what the users know of them, as long as they do."""

    participant: Participant
    user: User | None = None


class UnknownParticipant(NotFound):
    """Nobody of that id is invited."""

    code = "participant_unknown"
    default_detail = "No such participant"


class UnknownAgent(NotFound):
    """No user of that id is there to meet customers."""

    code = "agent_unknown"
    default_detail = "No such agent"


def read(tx: Snapshot, caller: Principal, id: str, participant_id: str, now: float) -> Details:
    """Raises UnknownParticipant."""
    found = records.find(tx, id) if formats.is_id(id) else None
    if found is None:
        raise UnknownAppointment
    permissions.require(Deed.READ_PARTICIPANT, caller, found, now)
    participant = _participant(found, participant_id)
    permissions.require_participant(Deed.READ_PARTICIPANT, caller, participant)
    if participant.type == "CUSTOMER":
        return Details(participant)
    try:
        return Details(participant, users.read(tx, found.organization, participant.id))
    except NotFound:
        return Details(participant)


def add_agent(tx: Tx, caller: Principal, id: str, user_id: str, now: float, sites: Sites) -> Appointment:
    """Invite an agent. Raises UnknownAgent, AlreadyExists for one who is invited, BadInput for one too many."""
    before = locked(tx, Deed.ADD_PARTICIPANT, caller, id, now)
    if before.participant(user_id) is not None:
        raise AlreadyExists("The agent is a participant already")
    _require_agent(tx, before.organization, user_id)
    return _add(tx, before, Participant(id=user_id, type="AGENT"), now, sites)


def add_customer(tx: Tx, caller: Principal, id: str, customer: Customer, now: float, sites: Sites) -> Appointment:
    """Invite a customer; nothing changes for one who is. Raises BadInput for one too many."""
    before = locked(tx, Deed.ADD_PARTICIPANT, caller, id, now)
    if proposal.is_invited(customer, before):
        return before
    return _add(tx, before, Participant(id=ids.uuid(), type="CUSTOMER", customer=customer), now, sites)


def remove(tx: Tx, caller: Principal, id: str, participant_id: str, now: float, sites: Sites) -> Appointment:
    """Raises UnknownParticipant, and WrongState for the organizer and for the only customer."""
    before = locked(tx, Deed.REMOVE_PARTICIPANT, caller, id, now)
    participant = _participant(before, participant_id)
    if participant.id == before.organizer.id:
        raise WrongState("The organizer cannot be removed; reassign the appointment instead")
    if participant.type == "CUSTOMER" and len(list(before.customers)) == 1:
        raise WrongState("The only customer cannot be removed; delete the appointment instead")
    remaining = tuple(each for each in before.participants if each is not participant)
    # To the calendar of whoever is removed, the appointment is cancelled.
    after = replace(before, participants=remaining, sequence=before.sequence + 1)
    return save(tx, before, after, "ParticipantRemoved", now, sites, participant=participant)


def set_state(
    tx: Tx, caller: Principal, id: str, participant_id: str, state: State, now: float, sites: Sites
) -> Appointment:
    """Whether somebody waits, is there, or has left. Raises UnknownParticipant."""
    before = locked(tx, Deed.SET_STATE, caller, id, now)
    participant = _participant(before, participant_id)
    permissions.require_participant(Deed.SET_STATE, caller, participant)
    if participant.state == state:
        return before
    changed = replace(participant, state=state, has_joined=participant.has_joined or state == "JOINED")
    everybody = tuple(changed if each is participant else each for each in before.participants)
    after = replace(before, participants=everybody)
    return save(tx, before, after, "ParticipantState", now, sites, participant=changed)


def reassign(tx: Tx, caller: Principal, id: str, user_id: str, now: float, sites: Sites) -> Appointment:
    """Another agent instead of the organizer and of all agents. Raises UnknownAgent."""
    before = locked(tx, Deed.REASSIGN, caller, id, now)
    organizer = Organizer(id=user_id, type="AGENT")
    if before.organizer == organizer:
        return before
    _require_agent(tx, before.organization, user_id)
    known = before.participant(user_id) or Participant(id=user_id, type="AGENT")
    after = replace(before, organizer=organizer, participants=(*before.customers, known))
    return save(tx, before, after, "Reassigned", now, sites)


def _add(tx: Tx, before: Appointment, new: Participant, now: float, sites: Sites) -> Appointment:
    if len(before.participants) >= proposal.MOST_PARTICIPANTS:
        raise BadInput(f"At most {proposal.MOST_PARTICIPANTS} participants")
    after = replace(before, participants=(*before.participants, new))
    return save(tx, before, after, "ParticipantAdded", now, sites, participant=new)


def _participant(appointment: Appointment, id: str) -> Participant:
    if (found := appointment.participant(id)) is None:
        raise UnknownParticipant
    return found


def _require_agent(tx: Snapshot, organization: str, user_id: str) -> None:
    try:
        account = users.read(tx, organization, user_id).account
    except NotFound:
        raise UnknownAgent from None
    if Role.AGENT not in account.roles or not account.enabled:
        raise UnknownAgent
