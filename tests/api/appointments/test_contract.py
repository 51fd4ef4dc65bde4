"""The contract, operation by operation: the name, and every status that it documents with the body that comes with it.

Counting needs no token, so that the 401 and 403 which the contract lists for it never come.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

import httpx2
import jsonschema
import pytest

from api.routes import document
from channels.access import Role
from tests.api.appointments.desk import HOUR, MARIA, Desk, at, body, refusal
from tests.api.appointments.test_public import code, headers, question

TITLES: Final = {
    "GET /api/appointments/": "Retrieve All Appointments with Optional Filtering",
    "POST /api/appointments/": "Schedule a New Appointment",
    "PUT /api/appointments/": "Update an Existing Appointment",
    "DELETE /api/appointments/{id}": "Delete an Appointment",
    "GET /api/appointments/{id}": "Retrieve an Appointment by ID",
    "PUT /api/appointments/{id}/end": "Set Appointment Interaction InProgress (Internal Use)",
    "DELETE /api/appointments/{id}/participants/{pid}": "Delete a Participant from an Appointment",
    "GET /api/appointments/{id}/participants/{pid}": "Get Participant Details",
    "PUT /api/appointments/{id}/participants/{pid}": "Update Participant State",
    "POST /api/appointments/activate/{id}": "Activate an Appointment",
    "POST /api/appointments/basic": "Schedule New Appointment as Customer",
    "GET /api/appointments/count": ("Retrieve the Number of Scheduled Appointments within a Specified Time Frame"),
    "GET /api/appointments/eligible/": "DEPRECATED: Find Appointments Eligible for Activation",
    "GET /api/appointments/overlap/count": "Get Count of Overlapping Appointments",
    "POST /api/appointments/participants/agents/": "Add an Agent as a Participant to an Existing Appointment",
    "POST /api/appointments/participants/customers/": "Add a Customer as a Participant to an Existing Appointment",
    "PUT /api/appointments/reassign/": "Reassign an Existing Appointment to a New Agent",
    "PUT /api/appointments/reschedule/": "Reschedule an Existing Appointment",
}
STATUSES: Final = {
    "GET /api/appointments/": (200, 400, 401, 403, 404, 500),
    "POST /api/appointments/": (200, 400, 401, 403, 500),
    "PUT /api/appointments/": (200, 400, 401, 403, 404, 500),
    "DELETE /api/appointments/{id}": (204, 401, 403, 404, 500),
    "GET /api/appointments/{id}": (200, 400, 401, 403, 404, 500),
    "PUT /api/appointments/{id}/end": (200, 400, 401, 403, 404, 500),
    "DELETE /api/appointments/{id}/participants/{pid}": (200, 400, 401, 403, 404, 500),
    "GET /api/appointments/{id}/participants/{pid}": (200, 400, 401, 403, 404, 500),
    "PUT /api/appointments/{id}/participants/{pid}": (200, 400, 401, 403, 404, 500),
    "POST /api/appointments/activate/{id}": (200, 400, 401, 403, 404, 500),
    "POST /api/appointments/basic": (200, 400, 401, 403, 500),
    "GET /api/appointments/count": (200, 400, 500),
    "GET /api/appointments/eligible/": (200, 400, 401, 403, 500),
    "GET /api/appointments/overlap/count": (200, 400, 500),
    "POST /api/appointments/participants/agents/": (200, 400, 401, 403, 404, 409, 500),
    "POST /api/appointments/participants/customers/": (200, 400, 401, 403, 404, 500),
    "PUT /api/appointments/reassign/": (200, 400, 401, 403, 404, 500),
    "PUT /api/appointments/reschedule/": (200, 400, 401, 403, 404, 500),
}
SCHEMAS: Final = {
    *("AddParticipantAgentRequest", "AddParticipantCustomerRequest", "Appointment", "AppointmentActivationResponse"),
    *("AppointmentCountResponse", "AppointmentOverlapResponse", "AppointmentRoomDetails", "Contact", "CustomerDetails"),
    *("FindAppointmentsEligibleResponse", "FindAppointmentsResponsePaged", "GetAppointmentResponse"),
    *("GetParticipantDetailsResponse", "InteractionData", "InteractionDataRequest", "Name", "participant"),
    *("RescheduleAppointmentRequest", "RoutingData", "RoutingDataRequest", "ScheduleAppointmentRequest"),
    "UpdateAppointmentRequest",
}
MESSAGES: Final = {
    401: ("StatusUnauthorized", "Not authenticated"),
    403: ("StatusForbidden", "No permission"),
    404: ("StatusNotFound", "No such appointment"),
    409: ("StatusConflict", "The agent is a participant already"),
    500: ("StatusInternalServerError", "Internal error"),
}

Sent = tuple[str, Any]
DOCUMENT: Final = document(url="http://hub.test", version="1")


def operation(name: str) -> dict[str, Any]:
    method, _, path = name.partition(" ")
    found: dict[str, Any] = DOCUMENT["paths"][path][method.lower()]
    return found


def test_the_description_has_the_names_and_statuses_of_the_contract() -> None:
    ours = {
        f"{method.upper()} {path}"
        for path, methods in DOCUMENT["paths"].items()
        for method, described in methods.items()
        if described["tags"] == ["appointments"]
    }
    assert ours == TITLES.keys()
    for name, title in TITLES.items():
        described = operation(name)
        assert described["summary"] == title
        assert {str(status) for status in STATUSES[name]} <= described["responses"].keys(), name
    # Another family calls something else RoutingData, too: their keys differ then, their titles do not.
    assert {described.get("title") for described in DOCUMENT["components"]["schemas"].values()} >= SCHEMAS
    assert operation("GET /api/appointments/eligible/")["deprecated"] is True


def sent(name: str, one: str) -> Sent:
    """Path behind the base, and body, of a request that goes well."""
    times = {"start": at(3 * HOUR), "duration": "PT5M", "timezone": "UTC"}
    return {
        "GET /api/appointments/": ("?applicationId=shop", None),
        "POST /api/appointments/": ("", body()),
        "PUT /api/appointments/": ("", {"id": one, "title": "Another"}),
        "DELETE /api/appointments/{id}": (one, None),
        "GET /api/appointments/{id}": (one, None),
        "PUT /api/appointments/{id}/end": (f"{one}/end", None),
        "DELETE /api/appointments/{id}/participants/{pid}": (f"{one}/participants/bob", None),
        "GET /api/appointments/{id}/participants/{pid}": (f"{one}/participants/bob", None),
        "PUT /api/appointments/{id}/participants/{pid}": (f"{one}/participants/bob", {"state": "JOINED"}),
        "POST /api/appointments/activate/{id}": (f"activate/{one}", None),
        "POST /api/appointments/basic": ("basic", body(organizationId="acme")),
        "GET /api/appointments/count": (question("count", 0, "PT10H"), None),
        "GET /api/appointments/eligible/": ("eligible/", None),
        "GET /api/appointments/overlap/count": (question("overlap/count", 0, "PT10H"), None),
        "POST /api/appointments/participants/agents/": ("participants/agents/", {"id": one, "userId": "carol"}),
        "POST /api/appointments/participants/customers/": ("participants/customers/", {"id": one, "customer": MARIA}),
        "PUT /api/appointments/reassign/": ("reassign/", {"id": one, "userId": "carol"}),
        "PUT /api/appointments/reschedule/": ("reschedule/", {"id": one} | times),
    }[name]


BAD: Final[dict[str, Callable[[Sent], Sent]]] = {
    "GET /api/appointments/": lambda good: (good[0] + "&pageSize=0", None),
    "DELETE /api/appointments/{id}/participants/{pid}": lambda good: (good[0].replace("bob", "alice"), None),
    "POST /api/appointments/activate/{id}": lambda _: ("activate/%20", None),
    "GET /api/appointments/eligible/": lambda good: (good[0] + "?timeFrame=soon", None),
    "GET /api/appointments/count": lambda good: (good[0].replace("PT10H", "10H"), None),
    "GET /api/appointments/overlap/count": lambda good: (good[0].replace("PT10H", "10H"), None),
}


def bad(name: str, good: Sent) -> Sent:
    """A request that is not right: by default an id of no form, or a body without what has to be in it."""
    if name in BAD:
        return BAD[name](good)
    path, content = good
    return (path, {}) if content is not None else (path.replace(path.partition("/")[0], "%20", 1), None)


class Case:
    """One operation on an appointment of alice's and bob's, with a token that permits it."""

    def __init__(self, name: str, desk: Desk, one: str, manual: str, code: dict[str, str]) -> None:
        self.name, self.desk, self.code = name, desk, code
        self.is_public = "x-required-roles" not in operation(name)
        self.path, self.body = sent(name, manual if "activate" in name else one)
        roles = operation(name).get("x-required-roles", [])
        user, role = ("alice", Role.AGENT) if Role.AGENT in roles else ("crm", Role.CLIENT_SERVICE)
        self.token = None if self.is_public else desk.token(user, role)

    async def ask(self, **other: Any) -> Any:
        method = self.name.partition(" ")[0]
        asked = {"path": self.path, "body": self.body, "token": self.token, "headers": self.code} | other
        return await self.desk.ask(method, asked["path"], asked["body"], asked["token"], headers=asked["headers"])

    async def meet(self, status: int) -> Any:
        """What is to be answered with that status."""
        match status:
            case 400:
                path, content = bad(self.name, (self.path, self.body))
                return await self.ask(path=path, body=content)
            case 401:
                return await self.ask(token=None, headers={})
            case 403 if self.is_public:
                other = MARIA | {"contact": {"primaryEmail": "other@example.com"}}
                return await self.ask(body=self.body | {"customer": other})
            case 403:
                return await self.ask(token=self.desk.token("adam", Role.ADMIN))
            case 404:
                path, content = self.path.replace("shop", "nothing"), self.body
                if isinstance(content, dict) and "id" in content:
                    content = content | {"id": "nothing"}
                elif not path.startswith("?"):
                    path = "/".join("nothing" if len(part) == 36 else part for part in path.split("/"))
                return await self.ask(path=path, body=content)
            case 409:
                return await self.ask(body=self.body | {"userId": "bob"})
            case 500:
                if self.code:  # the first one has been used
                    self.desk.world.clock.at += 60
                    self.code = headers(await code(self.desk))
                await self.desk.world.services.db.write(lambda tx: tx.cursor.execute("DROP TABLE appointment") and None)
                return await self.ask()
            case _:
                return await self.ask()


@pytest.fixture
async def prepared(desk: Desk, request: pytest.FixtureRequest) -> Case:
    for user in ("alice", "bob", "carol"):
        await desk.world.user(user)
    given = headers(await code(desk)) if request.param == "POST /api/appointments/basic" else {}
    made = await desk.schedule()
    manual = await desk.schedule(2 * HOUR, applicationId="manual")
    await desk.good("POST", "participants/agents", {"id": made["id"], "userId": "bob"})
    return Case(request.param, desk, made["id"], manual["id"], given)


def require(case: Case, status: int, reply: httpx2.Response) -> None:
    """Status, and a body of the form described; of an error its words as well."""
    described = operation(case.name)["responses"][str(status)]
    assert reply.status_code == status, reply.text
    if status == 204:
        assert reply.content == b""
        assert "content" not in described
        return
    schema = described["content"]["application/json"]["schema"]
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": DOCUMENT["components"]}
    jsonschema.validate(reply.json(), whole | schema)
    if status >= 400:
        _, kind, why = refusal(reply)
        expected = MESSAGES.get(status, ("StatusBadRequest", why))
        if case.name == "GET /api/appointments/" and status == 404:
            expected = ("StatusNotFound", "No such application")
        if case.is_public and status in {401, 403}:
            reasons = {401: "A one-time code is required", 403: "The code was sent to somebody else than the customer"}
            expected = (expected[0], reasons[status])
        assert (kind, why) == expected


@pytest.mark.parametrize("prepared", STATUSES, indirect=True)
async def test_every_documented_status_is_answered_with_its_body(
    prepared: Case, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    # What goes wrong changes nothing, so that one appointment is enough; without its table nothing goes well any more.
    for status in sorted(STATUSES[prepared.name], key=lambda status: (status == 500, status < 400)):
        require(prepared, status, await prepared.meet(status))


async def test_bodies_that_cannot_be_read_are_told_in_the_same_form(desk: Desk) -> None:
    for wrong, status, name in (
        (b"{", 400, "StatusBadRequest"),
        (b"[]", 400, "StatusBadRequest"),
        (b'{"title": "' + b"x" * 70_000 + b'"}', 413, "StatusContentTooLarge"),
    ):
        assert refusal(await desk.ask("POST", "", wrong))[:2] == (status, name)
    reply = await desk.ask("POST", "", b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert refusal(reply)[:2] == (415, "StatusUnsupportedMediaType")
