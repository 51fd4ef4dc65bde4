"""What needs no token: customers who book for themselves, and counting."""

from base64 import b64encode
from typing import Any

import httpx2
import msgspec
import pytest

from api.http.quotas import APPOINTMENTS_OF_ADDRESS, REQUESTS_OF_STRANGERS
from hub.auth.guesses import network
from tests.api.appointments.desk import HOUR, MARIA, Desk, at, body, refusal

PHONE = "+306931234567"
WRONG = (401, "StatusUnauthorized", "The code is not right, or not any more")


async def code(desk: Desk, to: str = PHONE, organization: str = "acme") -> tuple[str, str]:
    """Verification id and code of a code that was sent."""
    crm = desk.token("crm", "ROLE_CLIENT_SERVICE", organization=organization)
    reply = await desk.world.ask("POST", "/security/otp", {"to": to}, token=crm)

    def last(tx: Any) -> bytes:
        tx.cursor.execute("SELECT payload FROM timer WHERE kind LIKE 'deliver.%' ORDER BY id DESC LIMIT 1")
        payload: bytes = tx.cursor.fetchall()[0][0]
        return payload

    text = msgspec.json.decode(await desk.world.services.db.read(last))["text"]
    return reply.json()["id"], next(word for word in text.split() if len(word) == 6 and word.isdigit())


def headers(given: tuple[str, str]) -> dict[str, str]:
    return {"X-OtpVerificationId": given[0], "X-OtpCode": given[1]}


async def book(desk: Desk, given: tuple[str, str] | None = None, seconds: float = HOUR, **more: Any) -> httpx2.Response:
    sent = body(seconds, **{"organizationId": "acme"} | more)
    return await desk.ask("POST", "basic", sent, token=None, headers=headers(given) if given else {})


async def test_a_customer_books_with_a_code(desk: Desk) -> None:
    given = await code(desk)
    reply = await book(desk, given)
    made = reply.json()
    assert reply.status_code == 200, reply.text
    customer = made["participantIds"][0]["id"]
    assert made["organizer"] == {"id": customer, "state": "active", "type": "CUSTOMER"}
    assert made["participantIds"] == [{"id": customer, "type": "CUSTOMER"}]
    assert made["roomAccess"]["type"] == "MULTI_USE_TICKET"
    told = {"messageType": "AppointmentStateChangeMessage", "notificationType": "Created", "appointment": made}
    assert await desk.told() == [told]  # no user is concerned yet
    assert await desk.read(made["id"], token=desk.sue) == made
    assert refusal(await book(desk, given, 2 * HOUR)) == WRONG


async def test_the_code_may_come_as_name_and_password(desk: Desk) -> None:
    given = await code(desk)
    basic = {"Authorization": "Basic " + b64encode(":".join(given).encode()).decode()}
    sent = body(organizationId='"acme"')
    assert (await desk.ask("POST", "basic/", sent, token=None, headers=basic)).status_code == 200
    broken = {"Authorization": "Basic !"}
    assert refusal(await desk.ask("POST", "basic", sent, token=None, headers=broken))[0] == 401


async def test_whom_the_code_reached_is_the_customer(desk: Desk) -> None:
    made = (await book(desk, await code(desk), customer=...)).json()
    path = f"{made['id']}/participants/{made['participantIds'][0]['id']}"
    assert (await desk.good("GET", path, token=desk.sue))["contact"] == {"primaryPhone": PHONE}
    named = {"name": {"firstName": "Peter"}}
    made = (await book(desk, await code(desk, "peter@example.com"), 2 * HOUR, customer=named)).json()
    path = f"{made['id']}/participants/{made['participantIds'][0]['id']}"
    shown = await desk.good("GET", path, token=desk.sue)
    assert (shown["contact"], shown["name"]) == ({"primaryEmail": "peter@example.com"}, {"firstName": "Peter"})


async def test_nobody_books_for_somebody_else_and_the_code_stays_good(desk: Desk) -> None:
    given = await code(desk)
    other = MARIA | {"contact": {"primaryEmail": "victim@example.com"}}
    why = (403, "StatusForbidden", "The code was sent to somebody else than the customer")
    assert refusal(await book(desk, given, customer=other)) == why
    assert (await book(desk, given, duration="PT7M")).status_code == 400
    assert desk.world.published == []
    assert (await book(desk, given)).status_code == 200


async def test_without_a_right_code_applications_do_not_differ(desk: Desk) -> None:
    needed = (401, "StatusUnauthorized", "A one-time code is required")
    assert refusal(await book(desk)) == needed
    for application, organization in (("nothing", "acme"), ("foreign", "acme"), ("shop", "globex")):
        reply = await book(desk, applicationId=application, organizationId=organization)
        assert refusal(reply) == needed
        wrong = await book(desk, ("unknown", "123456"), applicationId=application, organizationId=organization)
        assert refusal(wrong) == WRONG
    elsewhere = await code(desk, organization="globex")
    assert refusal(await book(desk, elsewhere)) == WRONG
    given = await code(desk)
    reply = await book(desk, given, applicationId="foreign")
    assert refusal(reply) == (400, "StatusBadRequest", "applicationId: no such application")
    desk.world.clock.at += 300
    assert refusal(await book(desk, given)) == WRONG
    assert (await desk.good("GET", "", token=desk.sue))["total"] == 0


async def test_an_application_may_do_without_codes_within_bounds(desk: Desk) -> None:
    for n in range(APPOINTMENTS_OF_ADDRESS[0]):
        assert (await book(desk, seconds=HOUR * (n + 1), applicationId="open")).status_code == 200
    held_up = await book(desk, applicationId="open")
    assert refusal(held_up)[:2] == (429, "StatusTooManyRequests")
    assert held_up.headers["Retry-After"] == "60"


# Counting -----------------------------------------------------------------------------------------------------------


def question(path: str, seconds: float, length: str, application: str = "manual", organization: str = "acme") -> str:
    name = "timeFrame" if path == "count" else "duration"
    return f"{path}?applicationId={application}&organizationId={organization}&start={at(seconds)}&{name}={length}"


async def count(desk: Desk, *asked: Any) -> Any:
    return await desk.good("GET", question("count", *asked), token=None)


async def overlaps(desk: Desk, *asked: Any) -> int:
    found: dict[str, int] = await desk.good("GET", question("overlap/count", *asked), token=None)
    assert found.keys() == {"count"}
    return found["count"]


async def test_counts_are_by_the_time(either: Desk) -> None:
    manual = {"applicationId": "manual"}
    for _ in range(2):
        await either.schedule(HOUR, **manual)
    await either.schedule(HOUR, timezone="America/New_York", **manual)
    await either.schedule(2 * HOUR, duration="PT5M", **manual)
    ended = await either.schedule(HOUR, **manual)
    deleted = await either.schedule(HOUR, **manual)
    await either.good("PUT", f"{ended['id']}/end")
    await either.good("DELETE", deleted["id"])
    await either.schedule(HOUR)  # of another application

    def group(number: int, start: float, duration: str, minutes: int, zone: str) -> dict[str, Any]:
        end = at(start + 60 * minutes)
        return {"count": number, "duration": duration, "end": end, "start": at(start), "timezone": zone}

    everything = [
        group(1, HOUR, "PT30M", 30, "America/New_York"),
        group(2, HOUR, "PT30M", 30, "Europe/Berlin"),
        group(1, 2 * HOUR, "PT5M", 5, "Europe/Berlin"),
    ]
    assert await count(either, 0, "PT10H") == everything
    assert await count(either, HOUR, "PT1H") == everything[:2]  # the one that begins at its end does not count
    assert await count(either, HOUR + 1, "%22PT10H%22") == everything[2:]


async def test_overlaps_are_half_open(either: Desk) -> None:
    made = await either.schedule(HOUR, applicationId="manual")  # for half an hour
    for seconds, length, found in [
        (HOUR, "PT30M", 1),
        (HOUR - 300, "PT5M", 0),
        (HOUR - 300, "PT5M1S", 1),
        (HOUR + 1799, "PT5M", 1),
        (HOUR + 1800, "PT5M", 0),
        (0, "PT10H", 1),
    ]:
        assert await overlaps(either, seconds, length) == found, (seconds, length)
    await either.good("POST", f"activate/{made['id']}", token=either.crm)
    assert await overlaps(either, 0, "PT10H") == 1
    await either.good("DELETE", made["id"])
    assert await overlaps(either, 0, "PT10H") == 0


async def test_strangers_cannot_find_out_which_applications_there_are(desk: Desk) -> None:
    await desk.schedule(applicationId="manual")
    for pair in (("manual", "globex"), ("foreign", "acme"), ("nothing", "acme"), ("manual", "nobody")):
        assert await count(desk, 0, "PT10H", *pair) == []
        assert await overlaps(desk, 0, "PT10H", *pair) == 0


@pytest.mark.parametrize(
    "asked", [("0", "PT10H"), (0, "10"), (0, "PT0S"), (0, "P367D"), (0, ""), (0, "-PT5M"), (0, "P1Y")]
)
async def test_bad_questions_are_not_counted(desk: Desk, asked: tuple[Any, str]) -> None:
    for path in ("count", "overlap/count"):
        start, length = asked
        sent = question(path, 0, length).replace(at(0), at(0) if start == 0 else start)
        assert refusal(await desk.ask("GET", sent, token=None))[:2] == (400, "StatusBadRequest")
        assert refusal(await desk.ask("GET", path, token=None))[:2] == (400, "StatusBadRequest")


async def test_strangers_do_not_count_for_ever(desk: Desk) -> None:
    for _ in range(REQUESTS_OF_STRANGERS[0] - 2):
        desk.world.services.quotas.strangers.take(network("127.0.0.1"))
    answers = [await desk.ask("GET", question(path, 0, "PT5M"), token=None) for path in ("count", "overlap/count") * 2]
    assert {answer.status_code for answer in answers[2:]} == {429}
