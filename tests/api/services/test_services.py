"""Services over HTTP: started, matched, asked, extended, ended; on both databases where rows decide."""

import asyncio
import threading
from typing import Any

import pytest

from api.http.quotas import UNMATCHED_OF_ADDRESS
from api.services import actions, java
from tests.api.services.calls import BASE, FORM, PICTURE, delete, get, post, refused, started, upload
from tests.api.services.conftest import KEY, SERVICES
from tests.api.world import START, World

NUMBER = "8003449999"


async def requested(world: World, **more: Any) -> dict[str, str]:
    body = {"_phone_number": "6504669999", "_provide_code": "true", "language": "french"} | more
    reply = await post(world, "request-interaction", body)
    assert reply.status_code == 200, reply.text
    found: dict[str, str] = reply.json()
    return found


async def match(world: World, name: str = "match-interaction", **wanted: str) -> Any:
    return await post(world, name, {f"_{key}": value for key, value in wanted.items()})


async def test_a_value_with_many_parts_holds_nobody_up(gms: World, monkeypatch: pytest.MonkeyPatch) -> None:
    text_of, threads = java.text_of, set[threading.Thread]()

    def seen(value: object) -> str:
        threads.add(threading.current_thread())
        return text_of(value)

    monkeypatch.setattr(java, "text_of", seen)
    id_ = await started(gms, body={"_phone_number": [1, 2], "many": [1, 2]})
    assert (await post(gms, f"{id_}/storage", {"more": [3]})).status_code == 200
    assert (await match(gms, access_number="1", phone_number="2")).status_code == 404
    assert threads
    assert threading.current_thread() not in threads


async def test_an_interaction_is_requested_in_every_form(gms: World) -> None:
    body = {"_phone_number": "6504669999", "_provide_code": "true", "language": "french"}
    replies = [
        await post(gms, "request-interaction", body),
        await post(gms, "request-interaction", b"_phone_number=6504669999&_provide_code=true&language=french", FORM),
        await upload(gms, "request-interaction", {"FileKey": ("MyPic.png", PICTURE, "image/png")}, body),
    ]
    seen = set()
    for reply in replies:
        assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
        answer = reply.json()
        assert answer.keys() == {"_id", "_access_number", "_access_code"}
        assert answer["_access_number"] == NUMBER
        assert (len(answer["_access_code"]), answer["_access_code"].isdigit()) == (4, True)
        seen |= {answer["_id"], answer["_access_code"]}
        assert (await get(gms, f"{answer['_id']}/storage")).json() == {"language": "french"}
    assert len(seen) == 6
    fetched = await get(gms, f"{replies[2].json()['_id']}/storage/binary/FileKey")
    assert (fetched.content, fetched.headers["content-type"]) == (PICTURE, "image/png")


async def test_whoever_dials_and_types_the_code_is_known_once(both_gms: World) -> None:
    one, other = await requested(both_gms), await requested(both_gms, language="greek")
    assert refused(await match(both_gms, access_number=NUMBER, access_code="x"))[0] == 404
    found = await match(both_gms, access_number=NUMBER, access_code=one["_access_code"])
    assert (found.status_code, found.json()) == (200, {"_id": one["_id"], "_data_id": one["_id"]})
    again = await match(both_gms, access_number=NUMBER, access_code=one["_access_code"])
    assert refused(again) == (404, "No service matches")
    with_data = await match(both_gms, access_number=NUMBER, access_code=other["_access_code"], return_user_data="true")
    assert with_data.json() == {"_id": other["_id"], "_data_id": other["_id"], "language": "greek"}


async def test_whoever_has_no_code_is_known_by_their_number(both_gms: World) -> None:
    first = await requested(both_gms, _provide_code="false")
    newest = await requested(both_gms, _provide_code="", _phone_number="+1 (650) 466-9999", language="x")
    assert first.keys() == newest.keys() == {"_id", "_access_number"}
    mine = await requested(both_gms, _provide_code="", _phone_number="6504669999")
    found = await match(both_gms, access_number=NUMBER, phone_number="650-466-9999")
    assert found.json()["_id"] == mine["_id"]
    found = await match(both_gms, access_number=NUMBER, phone_number="16504669999")
    assert found.json()["_id"] == newest["_id"]


async def test_a_number_for_nobody_in_particular_is_booked_for_a_moment(gms: World) -> None:
    one = await requested(gms, _provide_code="", _phone_number="")
    reply = await post(gms, "request-interaction", {})
    assert refused(reply) == (503, "No access number is free")
    assert reply.headers["Retry-After"] == "30"
    assert (await match(gms, access_number=NUMBER)).json()["_id"] == one["_id"]
    assert (await post(gms, "request-interaction", {})).status_code == 200
    gms.clock.at += 30
    assert refused(await match(gms, access_number=NUMBER))[0] == 404
    assert (await post(gms, "request-interaction", {})).status_code == 200


async def test_codes_are_unique_and_all_of_them_are_given_out(both_gms: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.rules.CODES", 3)
    monkeypatch.setattr("hub.kernel.ids.digits", lambda _: "0000")
    codes = {(await requested(both_gms))["_access_code"] for _ in range(3)}
    assert codes == {"0000", "0001", "0002"}
    assert refused(await post(both_gms, "request-interaction", {"_provide_code": "true"}))[0] == 503
    assert (await match(both_gms, access_number=NUMBER, access_code="0001")).status_code == 200
    assert (await requested(both_gms))["_access_code"] == "0001"


async def test_codes_given_out_at_once_do_not_meet(both_gms: World) -> None:
    answers = await asyncio.gather(*(requested(both_gms) for _ in range(20)))
    assert len({answer["_access_code"] for answer in answers}) == 20


async def test_a_match_needs_the_number(gms: World) -> None:
    assert refused(await match(gms, access_code="1234")) == (400, "_access_number is required")


async def test_codes_of_another_organization_do_not_match(gms: World) -> None:
    mine = await requested(gms)
    theirs = await match(gms, "match elsewhere", access_number=NUMBER, access_code=mine["_access_code"])
    assert refused(theirs) == (404, "No service matches")
    assert (await match(gms, access_number=NUMBER, access_code=mine["_access_code"])).status_code == 200


async def test_strangers_do_not_guess_codes_for_long_but_the_switch_may_ask(gms: World) -> None:
    for _ in range(UNMATCHED_OF_ADDRESS[0]):
        assert (await match(gms, access_number=NUMBER, access_code="x")).status_code == 404
    assert refused(await match(gms, access_number=NUMBER, access_code="x"))[0] == 429
    reply = await post(gms, "match-interaction", {"_access_number": NUMBER, "_access_code": "x"}, token=gms.token())
    assert reply.status_code == 404


async def test_names_that_nobody_configured_are_unknown(gms: World) -> None:
    for name in ("nothing", "weekdays", "callback", "storage", "availability", "..%2Fnotes", "x" * 100):
        status, message = refused(await post(gms, name, {"a": "b"}))
        assert (status, message.startswith("No such service: [")) == (404, True)


async def test_a_service_is_asked_for_what_it_offers(gms: World) -> None:
    service = await started(gms, body={"a": "1"})
    assert (await post(gms, f"{service}/update", {"b": "2"})).json()["_id"] == service
    assert (await post(gms, f"{service}/get")).json() == {
        "a": "1",
        "b": "2",
        "_id": service,
        "_service": "notes",
        "_expiration_time": "2027-01-15T08:10:00.000Z",
    }
    assert refused(await post(gms, f"{service}/dance")) == (404, "No such request: [dance]")
    assert refused(await post(gms, f"{service}/request-access"))[0] == 404
    assert (await post(gms, f"{service}/cancel")).json() == {"_id": service}
    assert refused(await post(gms, f"{service}/get")) == (404, f"No such service: [{service}]")


async def test_another_number_is_given_out_on_request(gms: World) -> None:
    first = await requested(gms)
    answer = (await post(gms, f"{first['_id']}/request-access", {"_provide_code": "true"})).json()
    assert (answer["_id"], answer["_access_number"]) == (first["_id"], NUMBER)
    for code in (answer["_access_code"], first["_access_code"]):
        assert (await match(gms, access_number=NUMBER, access_code=code)).json()["_id"] == first["_id"]


async def test_a_service_ends_with_its_time_whether_or_not_the_timer_fires(both_gms: World) -> None:
    gone = await requested(both_gms)
    service = await started(both_gms, body={"a": "1"})
    both_gms.clock.at += 599
    assert (await get(both_gms, f"{service}/storage")).json() == {"a": "1"}
    both_gms.clock.at += 1
    for reply in (
        await get(both_gms, f"{service}/storage"),
        await get(both_gms, f"{service}/storage/a"),
        await get(both_gms, f"{service}/storage/binary/a"),
        await post(both_gms, f"{service}/storage", {"a": "2"}),
        await post(both_gms, f"{service}/get"),
        await delete(both_gms, f"{service}/storage"),
        await delete(both_gms, service),
        await both_gms.ask("PUT", f"{BASE}/{service}", {"ttl": 60}),
    ):
        assert refused(reply) == (404, f"No such service: [{service}]")
    both_gms.clock.at = START + 3600
    assert refused(await match(both_gms, access_number=NUMBER, access_code=gone["_access_code"]))[0] == 404


@pytest.mark.parametrize("path", [BASE, "/genesys/1/cs/services"])
async def test_the_end_of_a_service_is_moved(gms: World, path: str) -> None:
    access = await requested(gms)
    service = access["_id"]
    reply = await gms.ask("PUT", f"{path}/{service}", {"ttl": "7200", "expiration_time": "2020-01-01T00:00:00.000Z"})
    assert (reply.status_code, reply.content) == (200, b"")
    gms.clock.at += 7199
    assert (await get(gms, f"{service}/storage")).status_code == 200
    assert (await match(gms, access_number=NUMBER, access_code=access["_access_code"])).json()["_id"] == service
    reply = await gms.ask("PUT", f"{path}/{service}", b"expiration_time=2027-01-15T10:00:00.500Z", headers=FORM)
    assert reply.status_code == 200
    assert (await post(gms, f"{service}/get")).json()["_expiration_time"] == "2027-01-15T10:00:00.500Z"
    assert refused(await gms.ask("PUT", f"{path}/{service}", {"ttl": "soon"}))[0] == 400
    assert refused(await gms.ask("PUT", f"{path}/unknown", {"ttl": 60}))[0] == 404
    gms.clock.at += 2
    assert (await get(gms, f"{service}/storage")).status_code == 404


async def test_the_timer_removes_what_has_had_its_time_and_nothing_else(both_gms: World) -> None:
    db = both_gms.services.db
    service = await started(both_gms, body={"a": "1"})
    await db.write(lambda tx: actions.expire(tx, service, START + 599))
    assert (await get(both_gms, f"{service}/storage")).status_code == 200
    await db.write(lambda tx: actions.expire(tx, service, START + 600))
    await db.write(lambda tx: actions.expire(tx, service, START + 600))
    assert (await get(both_gms, f"{service}/storage")).status_code == 404


async def test_a_service_is_deleted_once(both_gms: World) -> None:
    access = await requested(both_gms)
    reply = await delete(both_gms, access["_id"])
    assert (reply.status_code, reply.text, reply.headers["content-type"]) == (200, "OK", "text/plain; charset=utf-8")
    assert refused(await delete(both_gms, access["_id"]))[0] == 404
    assert refused(await match(both_gms, access_number=NUMBER, access_code=access["_access_code"]))[0] == 404


async def test_the_same_request_is_carried_out_once(both_gms: World) -> None:
    key = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    first = await post(both_gms, "notes", {"a": "1", "b": "2"}, key)
    again = await post(both_gms, "notes", b"b=2&a=1", key | FORM)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert (await post(both_gms, "notes", {"a": "2"}, key)).status_code == 422
    assert (await post(both_gms, "as json", {"a": "2"}, key)).json()["_id"] != first.json()["_id"]


async def test_the_id_may_have_two_names(gms: World) -> None:
    answer = (await post(gms, "as%20json", {})).json()
    assert answer["id"] == answer["_id"]


async def test_only_so_many_services_live_at_once(gms: World) -> None:
    ids = [await started(gms, "few") for _ in range(2)]
    reply = await post(gms, "few", {})
    assert (refused(reply), reply.headers["Retry-After"]) == ((503, "The service takes no more at the moment"), "60")
    await delete(gms, ids[0])
    await started(gms, "few", {"a": "x" * 600})
    assert refused(await post(gms, f"{ids[1]}/storage", {"a": "x" * 600}))[0] == 503


async def test_a_service_with_a_key_is_not_for_strangers(gms: World) -> None:
    key = {"X-API-Key": KEY}
    assert refused(await post(gms, "vault", {})) == (401, "X-API-Key is missing or wrong")
    service = await started(gms, "vault", {"a": "1"}, headers=key)
    assert refused(await get(gms, f"{service}/storage"))[0] == 401
    assert refused(await get(gms, f"{service}/storage", token=gms.token()))[0] == 401
    assert (await get(gms, f"{service}/storage", headers=key)).json() == {"a": "1"}
    agent = gms.token("bob", "ROLE_AGENT", organization="globex")
    assert (await get(gms, f"{service}/storage", token=agent)).json() == {"a": "1"}
    for reply in (
        await delete(gms, service),
        await post(gms, f"{service}/cancel"),
        await delete(gms, f"{service}/storage"),
    ):
        assert reply.status_code == 401
    assert (await get(gms, f"{service}/storage", headers=key)).json() == {"a": "1"}


async def test_a_service_that_is_no_longer_configured_is_unknown(gms: World, monkeypatch: pytest.MonkeyPatch) -> None:
    service = await started(gms)
    monkeypatch.delitem(SERVICES, "notes")
    assert refused(await get(gms, f"{service}/storage"))[0] == 404


async def test_json_that_cannot_be_read_starts_nothing(gms: World) -> None:
    for path in ("notes", f"{await started(gms)}/storage", f"{await started(gms)}/update"):
        reply = await post(gms, path, b'{"a":"b"')
        assert (reply.status_code, reply.json()) == (500, {"message": "Could not read JSON: Input data was truncated"})
