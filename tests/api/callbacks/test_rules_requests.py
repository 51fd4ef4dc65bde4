from typing import Any

import pytest

from api.callbacks.rules import callback as callbacks
from api.callbacks.rules import lines, requests
from api.callbacks.rules.lines import Demand
from api.callbacks.rules.refusals import CallbackRefused
from api.callbacks.rules.requests import Request
from api.callbacks.rules.services import Service
from tests.api.callbacks.house import at, service

UUID = "6b1d0d2c-6a3e-4a5f-9d0e-2f0c7d5a9b11"
BOB = {"_customer_number": "5115"}


def read(fields: dict[str, Any], office: Service | None = None, **headers: str) -> Request:
    return requests.read(office or service(), BOB | fields, headers, UUID)


def test_what_is_asked_for_is_read() -> None:
    found = read({"_desired_time": "2013-06-17T10:25:00.000Z", "topic": "invoice", "_usr_reason": "billing"})
    assert (found.number, found.desired) == ("5115", at("2013-06-17T10:25Z"))
    assert callbacks.user_data(found.properties) == {"topic": "invoice", "_usr_reason": "billing"}
    assert read({"_desired_time": ""}).desired is None
    assert read({"_customer_number": 5115}).number == "5115"


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"_customer_number": None}, "Mandatory parameter [_customer_number] is missing"),
        ({"_customer_number": " "}, "Mandatory parameter [_customer_number] is missing"),
        (
            {"_desired_time": "tomorrow"},
            "Parameter [_desired_time] must be an instant like 2013-05-28T15:30:00.000Z",
        ),
        (
            {"_desired_time": "2013-06-17T10:25:00"},
            "Parameter [_desired_time] must be an instant like 2013-05-28T15:30:00.000Z",
        ),
        ({"_desired_time": 5}, "Parameter [_desired_time] must be an instant like 2013-05-28T15:30:00.000Z"),
        ({"_timezone": "CEST"}, "Parameter [_timezone] must be a time zone such as Europe/Berlin"),
        ({"_customer_number": "1" * 256}, "Parameter [_customer_number] must be of at most 255 characters"),
        (
            {"x" * 256: ""},
            "Parameter [*] must be one of at most 100, with a name of 1 to 255 characters",
        ),
        (
            {f"key{n}": n for n in range(101)},
            "Parameter [*] must be one of at most 100, with a name of 1 to 255 characters",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(fields: dict[str, Any], detail: str) -> None:
    with pytest.raises(CallbackRefused) as refused:
        read(fields)
    assert (refused.value.detail, refused.value.why) == (detail, "parameters")


def test_a_service_may_demand_more() -> None:
    office = service("_mandatory_customer_lookup_keys = '_customer_number,contract'\n_customer_lookup_keys = '_mail'")
    assert office.lookup_keys == ("_customer_number", "contract", "_mail")
    with pytest.raises(CallbackRefused, match="contract"):
        read({}, office)
    assert read({"contract": 7}, office).properties["contract"] == 7


def test_routing_is_the_services_unless_it_lets_the_request_decide() -> None:
    wish = {
        "_queue": "vip",
        "_language": "de",
        "_priority": "5",
        "_skills": "english:3,german",
        "_preferred_agents": "bob, alice",
    }
    own = read(wish, service("skills = {english = 2}\npriority = 1")).routing
    assert (own.demand, own.priority, own.preferred) == (Demand("sales", {"english": 2}, None), 1, ())
    free = service("_overwritable_options = '_queue,_language,_priority,_skills,_preferred_agents'\npriority = 1")
    given = read(wish, free).routing
    assert given.demand == Demand("vip", {"english": 3, "german": 1}, "de")
    assert (given.priority, given.preferred) == (5, ("bob", "alice"))
    assert read({"_skills": {"x": 2}, "_priority": 3}, free).routing.demand.skills == {"x": 2}
    assert read({}, free).routing.priority == 1


@pytest.mark.parametrize(
    "wish",
    [
        {"_priority": "high"},
        {"_priority": 10**9},
        {"_skills": [1]},
        {"_skills": "{broken"},
        {"_skills": {"x": -1}},
        {"_skills": "x:" + "9" * 5_000},
        {"_preferred_agents": {"a": 1}},
        {"_queue": "x" * 65},
    ],
)
def test_wishes_that_make_no_sense_are_refused(wish: dict[str, Any]) -> None:
    free = service("_overwritable_options = '_queue,_language,_priority,_skills,_preferred_agents'")
    with pytest.raises(CallbackRefused):
        read(wish, free)


def test_what_is_counted_is_taken_from_headers_first() -> None:
    office = service("_throttle_request_parameters = '_customer_number,X-Session'")
    assert read({"X-Session": "field"}, office).throttled == {"_customer_number": "5115", "X-Session": "field"}
    headers = {"x-session": "header"}
    assert read({"X-Session": "field"}, office, **headers).throttled["X-Session"] == "header"
    deaf = service("_throttle_request_parameters = 'X-Session'\n_enable_throttle_header_parameters = false")
    assert read({}, deaf, **headers).throttled == {}


def test_a_line_is_one_text_for_equal_demands() -> None:
    one = lines.line_of(Demand("sales", {"b": 1, "a": 2}, "en"))
    assert one == lines.line_of(Demand("sales", {"a": 2, "b": 1}, "en")) == '["sales",{"a":2,"b":1},"en"]'
    assert lines.demand_of(one) == Demand("sales", {"a": 2, "b": 1}, "en")
    begin, end = lines.lines_of("sales")
    assert begin <= one < end
    for other in ("sales2", "sale", 'sales",', "sales-"):
        assert not begin <= lines.line_of(Demand(other, {}, None)) < end


@pytest.mark.parametrize(
    ("queues", "skills", "languages", "fit"),
    [
        (("sales",), {"a": 2}, ("en", "de"), True),
        (("sales",), {"a": 3, "b": 1}, ("en",), True),
        (("support",), {"a": 2}, ("en",), False),
        (("sales",), {"a": 1}, ("en",), False),
        (("sales",), {}, ("en",), False),
        (("sales",), {"a": 2}, ("de",), False),
    ],
)
def test_who_can_answer(queues: tuple[str, ...], skills: dict[str, int], languages: tuple[str, ...], fit: bool) -> None:
    assert lines.fits(Demand("sales", {"a": 2}, "en"), queues, skills, languages) is fit
