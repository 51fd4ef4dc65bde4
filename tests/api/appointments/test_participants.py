"""Who comes: inviting people, and whether they are there."""

from typing import Any

import pytest

from tests.api.appointments.desk import HOUR, MARIA, Desk, refusal

PETER = {"contact": {"primaryEmail": "Peter@Example.com"}, "name": {"firstName": "Peter"}, "metadata": {"refNo": "7"}}


def message(appointment: dict[str, Any], kind: str, participant: dict[str, str] | None = None) -> dict[str, Any]:
    about = {} if participant is None else {"participant": participant}
    return {
        "messageType": "AppointmentStateChangeMessage",
        "notificationType": kind,
        "appointment": appointment,
    } | about


def named(user: str, told: dict[str, Any], desk: Desk) -> dict[str, Any]:
    base = desk.world.services.settings.public_url
    return told | {"userId": user, "userUri": f"{base}/api/v2/users/{user}"}


async def test_an_agent_is_invited_and_told(desk: Desk) -> None:
    await desk.world.user("bob")
    made = await desk.schedule()
    added = await desk.good("POST", "participants/agents/", {"id": made["id"], "userId": "bob"})
    bob = {"id": "bob", "type": "AGENT"}
    assert added == made | {"participantIds": [*made["participantIds"], bob]}
    told = message(added, "ParticipantAdded", bob)
    assert (await desk.told("alice"))[-1] == told
    assert await desk.told("bob") == [told]
    assert (await desk.told())[-1] == named("bob", told, desk)
    again = await desk.ask("POST", "participants/agents/", {"id": made["id"], "userId": "bob"})
    assert refusal(again) == (409, "StatusConflict", "The agent is a participant already")
    assert len(await desk.told("bob")) == 1
    # Invited, bob may do as alice does.
    assert (await desk.read(made["id"], token=desk.bob))["id"] == made["id"]


async def test_only_agents_who_are_there_are_invited(desk: Desk) -> None:
    await desk.world.user("sue", "ROLE_SUPERVISOR")
    await desk.world.user("dan", enabled=False)
    await desk.world.user("eve", organization="globex")
    made = await desk.schedule()
    for path, method in (("participants/agents", "POST"), ("reassign", "PUT")):
        for user in ("nobody", "sue", "dan", "eve"):
            reply = await desk.ask(method, path, {"id": made["id"], "userId": user})
            assert refusal(reply) == (404, "StatusNotFound", "No such agent"), user
        reply = await desk.ask(method, path, {"id": made["id"], "userId": "no user"})
        assert refusal(reply)[:2] == (400, "StatusBadRequest")
    assert await desk.read(made["id"]) == made
    assert await desk.kinds() == ["Created"]


async def test_a_customer_is_invited_once(desk: Desk) -> None:
    made = await desk.schedule()
    added = await desk.good("POST", "participants/customers/", {"id": made["id"], "customer": PETER})
    peter = added["participantIds"][-1]
    assert (peter["type"], len(added["participantIds"])) == ("CUSTOMER", 3)
    assert await desk.good("GET", f"{made['id']}/participants/{peter['id']}") == {
        "contact": {"primaryEmail": "peter@example.com"},
        "id": peter["id"],
        "metadata": {"refNo": "7"},
        "name": {"firstName": "Peter"},
        "type": "CUSTOMER",
    }
    for same in (PETER, {"username": "maria@myorg.com"}, {"contact": {"primaryEmail": "MARIA@example.com"}}):
        assert await desk.good("POST", "participants/customers/", {"id": made["id"], "customer": same}) == added
    assert await desk.kinds("alice") == ["Created", "ParticipantAdded"]


async def test_no_more_than_fifty_come(desk: Desk) -> None:
    made = await desk.schedule()
    for _ in range(48):
        await desk.good("POST", "participants/customers", {"id": made["id"], "customer": {}})
    reply = await desk.ask("POST", "participants/customers", {"id": made["id"], "customer": {}})
    assert refusal(reply) == (400, "StatusBadRequest", "At most 50 participants")


async def test_an_agent_is_who_the_users_say(desk: Desk) -> None:
    made = await desk.schedule()
    path = f"{made['id']}/participants/alice"
    unknown = {"contact": {}, "id": "alice", "name": {}, "type": "AGENT"}
    assert await desk.good("GET", path) == unknown
    await desk.world.user("alice")
    adam = desk.token("adam", "ROLE_ADMIN")
    profile = {"firstName": "Alice", "lastName": "Smith", "emailAddress": "alice@acme.example"}
    await desk.world.ask("PUT", "/api/v2/users/alice", profile, token=adam)
    assert await desk.good("GET", path) == {
        "contact": {"primaryEmail": "alice@acme.example"},
        "id": "alice",
        "name": {"firstName": "Alice", "lastName": "Smith"},
        "type": "AGENT",
        "username": "alice",
    }


async def test_a_customer_is_who_was_said(desk: Desk) -> None:
    made = await desk.schedule()
    customer = made["participantIds"][0]["id"]
    shown = MARIA | {"id": customer, "type": "CUSTOMER"}
    assert await desk.good("GET", f"{made['id']}/participants/{customer}") == shown
    token = await desk.customer(made)
    assert await desk.good("GET", f"{made['id']}/participants/{customer}", token=token) == shown


async def test_somebody_is_removed_and_told(either: Desk) -> None:
    await either.world.user("bob")
    made = await either.schedule()
    both = await either.good("POST", "participants/agents", {"id": made["id"], "userId": "bob"})
    both = await either.good("PUT", f"{made['id']}/participants/bob", {"state": "WAITING"})
    removed = await either.good("DELETE", f"{made['id']}/participants/bob")
    assert removed == both | {"participantIds": both["participantIds"][:2]} == made
    told = message(removed, "ParticipantRemoved", {"id": "bob", "state": "WAITING", "type": "AGENT"})
    assert (await either.told("bob"))[-1] == told
    assert (await either.told("alice"))[-1] == told
    assert (await either.told())[-1] == named("bob", told, either)


async def test_some_cannot_be_removed(desk: Desk) -> None:
    made = await desk.schedule()
    customer = made["participantIds"][0]["id"]
    for somebody, status, why in (
        ("alice", 400, "The organizer cannot be removed; reassign the appointment instead"),
        (customer, 400, "The only customer cannot be removed; delete the appointment instead"),
        ("bob", 404, "No such participant"),
    ):
        assert refusal(await desk.ask("DELETE", f"{made['id']}/participants/{somebody}"))[::2] == (status, why)
    assert await desk.read(made["id"]) == made
    assert await desk.kinds() == ["Created"]
    await desk.good("POST", "participants/customers", {"id": made["id"], "customer": PETER})
    removed = await desk.good("DELETE", f"{made['id']}/participants/{customer}")
    assert customer not in {each["id"] for each in removed["participantIds"]}


async def test_the_desktop_hears_that_the_customer_waits(desk: Desk) -> None:
    made = await desk.schedule()
    token = await desk.customer(made)
    customer = made["participantIds"][0]["id"]
    path = f"{made['id']}/participants/{customer}"
    waits = await desk.good("PUT", path, {"state": '"WAITING"'}, token=token)
    waiting = {"id": customer, "state": "WAITING", "type": "CUSTOMER"}
    assert waits == made | {"participantIds": [waiting, made["participantIds"][1]]}
    told = message(waits, "ParticipantState", waiting)
    assert (await desk.told("alice"))[-1] == told
    assert (await desk.told())[-1] == named("alice", told, desk)
    # The same again is no news; joining, leaving and coming back are.
    await desk.good("PUT", path, {"state": "WAITING"}, token=token)
    for state in ("JOINED", "LEFT", "JOINED"):
        await desk.good("PUT", path, {"state": state}, token=token)
    states = [each["participant"]["state"] for each in await desk.told("alice") if "participant" in each]
    assert states == ["WAITING", "JOINED", "LEFT", "JOINED"]


@pytest.mark.parametrize("state", ["READY", "waiting", "", None, 1])
async def test_other_states_there_are_not(desk: Desk, state: Any) -> None:
    made = await desk.schedule()
    reply = await desk.ask("PUT", f"{made['id']}/participants/alice", {"state": state})
    assert refusal(reply)[:2] == (400, "StatusBadRequest")
    assert await desk.read(made["id"]) == made
    assert await desk.kinds() == ["Created"]


async def test_a_reassignment_replaces_all_agents_and_tells_everybody(desk: Desk) -> None:
    for user in ("bob", "carol"):
        await desk.world.user(user)
    made = await desk.schedule()
    await desk.good("POST", "participants/agents", {"id": made["id"], "userId": "bob"})
    given = await desk.good("PUT", "reassign", {"id": made["id"], "userId": "carol"}, token=desk.bob)
    assert given == made | {
        "organizer": {"id": "carol", "state": "active", "type": "AGENT"},
        "participantIds": [made["participantIds"][0], {"id": "carol", "type": "AGENT"}],
    }
    told = message(given, "Reassigned")
    for user in ("alice", "bob", "carol"):
        assert (await desk.told(user))[-1] == told
    assert (await desk.told())[-1] == named("carol", told, desk)
    # It is not alice's any more, and giving it to carol again changes nothing.
    assert (await desk.ask("GET", made["id"])).status_code == 403
    assert await desk.good("PUT", "reassign", {"id": made["id"], "userId": "carol"}, token=desk.sue) == given
    assert len(await desk.told("carol")) == 1


async def test_whoever_is_concerned_hears_of_the_beginning_and_nobody_else(desk: Desk) -> None:
    made = await desk.schedule()
    created = message(made, "Created")
    assert await desk.told("alice") == [created]
    assert await desk.told() == [named("alice", created, desk)]
    assert await desk.told("bob") == []
    assert await desk.told("", "globex") == []


async def test_a_client_hears_of_its_own(desk: Desk) -> None:
    made = await desk.schedule(HOUR, token=desk.crm)
    assert await desk.told("crm") == [message(made, "Created")]
