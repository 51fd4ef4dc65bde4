"""Who may do what: every role, every operation, appointments of one's own and of others, of this organization and of
another. What is expected stands in MATRIX, which was written without a look at the table in the code.
"""

from collections.abc import Callable
from itertools import product
from typing import Any, Final

import pytest
from msgspec.structs import replace

from api.appointments import records
from api.appointments.rules.appointment import Appointment, Customer, Kind, Organizer, Participant, Room
from channels.access import Role
from tests.api.appointments.desk import HOUR, MARIA, Desk, at, body
from tests.api.world import START

# all: whatever is there; part: as organizer or participant; conf: of the conference in the token; -: never.
MATRIX = """
operation         SUPERVISOR  AGENT  CLIENT_SERVICE  CUSTOMER  ADMIN
read              all         part   all             conf      -
update            all         part   all             -         -
reschedule        all         part   all             -         -
delete            all         part   all             -         -
reassign          all         part   -               -         -
add_agent         all         part   -               -         -
add_customer      all         part   -               -         -
remove            all         part   -               -         -
read_participant  all         part   -               conf      -
set_state         all         part   -               conf      -
activate          -           -      all             -         -
end               -           part   -               conf      -
"""
_HEAD, *_ROWS = [line.split() for line in MATRIX.split("\n") if line.strip()]
EXPECTED: Final = {
    (row[0], f"ROLE_{role}"): reach for row in _ROWS for role, reach in zip(_HEAD[1:], row[1:], strict=True)
}
# Without an appointment to own: whether the role may at all.
AT_ALL: Final = {
    ("list", "ROLE_SUPERVISOR"): True,
    ("list", "ROLE_AGENT"): True,
    ("list", "ROLE_CLIENT_SERVICE"): True,
    ("schedule", "ROLE_AGENT"): True,
    ("schedule", "ROLE_CLIENT_SERVICE"): True,
    ("eligible", "ROLE_CLIENT_SERVICE"): True,
}
ASKED: Final[dict[str, Callable[[str], tuple[str, str, Any]]]] = {
    "read": lambda one: ("GET", one, None),
    "update": lambda one: ("PUT", "", {"id": one, "title": "Another"}),
    "reschedule": lambda one: (
        "PUT",
        "reschedule",
        {"id": one, "start": at(5 * HOUR), "duration": "PT5M", "timezone": "UTC"},
    ),
    "delete": lambda one: ("DELETE", one, None),
    "reassign": lambda one: ("PUT", "reassign", {"id": one, "userId": "bob"}),
    "add_agent": lambda one: ("POST", "participants/agents", {"id": one, "userId": "bob"}),
    "add_customer": lambda one: ("POST", "participants/customers", {"id": one, "customer": MARIA}),
    "remove": lambda one: ("DELETE", f"{one}/participants/dora", None),
    "read_participant": lambda one: ("GET", f"{one}/participants/customer", None),
    "set_state": lambda one: ("PUT", f"{one}/participants/customer", {"state": "JOINED"}),
    "activate": lambda one: ("POST", f"activate/{one}", None),
    "end": lambda one: ("PUT", f"{one}/end", None),
}
ONCE: Final[dict[str, tuple[str, str, Any]]] = {
    "list": ("GET", "", None),
    "schedule": ("POST", "", body()),
    "eligible": ("GET", "eligible", None),
}
OWNERSHIPS = ("organizer", "participant", "stranger")
ROLES = tuple(str(role) for role in Role)


def appointment(name: str, ownership: str, organization: str) -> Appointment:
    """One that kim organizes, takes part in, or has nothing to do with. Kim's token opens the conferences of the first
    two.
    """
    organizer = "kim" if ownership == "organizer" else "olga"
    invited: list[tuple[str, Kind]] = [("customer", "CUSTOMER"), ("dora", "AGENT"), (organizer, "AGENT")]
    if ownership == "participant":
        invited.append(("kim", "AGENT"))
    return Appointment(
        id=name,
        organization=organization,
        application="shop" if organization == "acme" else "foreign",
        organizer=Organizer(id=organizer, type="AGENT"),
        start=START + HOUR,
        end=START + HOUR + 300,
        timezone="UTC",
        locale="en-US",
        participants=tuple(
            Participant(id=name, type=kind, customer=Customer() if kind == "CUSTOMER" else None)
            for name, kind in invited
        ),
        room=Room(
            url=f"https://meet/q/{ownership}",
            conference="other" if ownership == "stranger" else "ours",
            expires=START + 5 * HOUR,
        ),
        created_at=START,
        created_by=organizer,
    )


async def insert(desk: Desk, new: Appointment) -> None:
    await desk.world.services.db.write(lambda tx: records.insert(tx, new))


async def found(desk: Desk, name: str) -> Appointment | None:
    return await desk.world.services.db.read(lambda tx: records.find(tx, name))


def expected(reach: str, ownership: str, organization: str, role: str) -> int:
    if reach == "-":
        return 403
    if organization != "acme":
        return 404
    if reach == "all" or ownership != "stranger":
        return 200
    return 404 if role == Role.CUSTOMER else 403


@pytest.mark.parametrize("operation", ASKED)
async def test_the_matrix_holds(desk: Desk, operation: str) -> None:
    wrong = {}
    await desk.world.user("bob")
    for number, (role, organization, ownership) in enumerate(product(ROLES, ("acme", "globex"), OWNERSHIPS)):
        before = appointment(f"appointment-{number}", ownership, organization)
        await insert(desk, before)
        desk.world.published.clear()
        method, path, sent = ASKED[operation](before.id)
        reply = await desk.ask(method, path, sent, token=desk.token("kim", role, conference="ours"))
        got, status = reply.status_code, expected(EXPECTED[operation, role], ownership, organization, role)
        if (200 if reply.is_success else got) != status:
            wrong[role, organization, ownership] = (got, status)
        if not reply.is_success:
            assert await found(desk, before.id) == before
            assert desk.world.published == []
    assert wrong == {}


@pytest.mark.parametrize("operation", ONCE)
async def test_what_needs_no_appointment_is_open_to_some_roles(desk: Desk, operation: str) -> None:
    method, path, sent = ONCE[operation]
    answers = {role: (await desk.ask(method, path, sent, token=desk.token("kim", role))).status_code for role in ROLES}
    assert answers == {role: 200 if AT_ALL.get((operation, role)) else 403 for role in ROLES}


async def test_several_roles_reach_whatever_one_of_them_does(desk: Desk) -> None:
    made = await desk.schedule(applicationId="manual")
    both = desk.token("sue", "ROLE_SUPERVISOR", "ROLE_CLIENT_SERVICE", "ROLE_CUSTOMER")
    assert (await desk.ask("POST", f"activate/{made['id']}", token=both)).status_code == 200
    assert (await desk.ask("GET", made["id"], token=both)).status_code == 200
    # A stranger to the appointment who could visit one as a customer is staff, and told so.
    half = desk.token("bob", "ROLE_AGENT", "ROLE_CUSTOMER", conference="other")
    assert (await desk.ask("GET", made["id"], token=half)).status_code == 403


async def test_customers_meet_customers_only(desk: Desk) -> None:
    theirs = appointment("one", "organizer", "acme")
    await insert(desk, theirs)
    token = desk.token("customer-1", "ROLE_CUSTOMER", conference="ours")
    path = f"{theirs.id}/participants/dora"
    assert (await desk.ask("GET", path, token=token)).status_code == 403
    assert (await desk.ask("PUT", path, {"state": "JOINED"}, token=token)).status_code == 403


async def test_a_client_of_the_same_name_as_an_agent_is_not_the_organizer_of_a_customers_booking(desk: Desk) -> None:
    """The ids of customers are made here, but nothing keeps a user from being called the same."""
    theirs = replace(appointment("one", "stranger", "acme"), organizer=Organizer(id="kim", type="CUSTOMER"))
    await insert(desk, theirs)
    reply = await desk.ask("GET", theirs.id, token=desk.token("kim", "ROLE_AGENT"))
    assert reply.status_code == 403
