import pytest

from api.callbacks.rules import numbers
from api.callbacks.rules.numbers import Number
from api.callbacks.rules.refusals import CallbackRefused


def read(text: str, country: str = "US", *, possible_only: bool = True, no_premium: bool = True) -> Number:
    return numbers.read(text, country, possible_only=possible_only, no_premium=no_premium)


@pytest.mark.parametrize(
    ("text", "country", "dialled"),
    [
        ("5115", "US", "5115"),  # up to six digits: an extension
        ("511 500", "US", "511500"),
        ("555-5461206", "US", "+15555461206"),
        ("(555) 546-1206", "US", "+15555461206"),
        ("+49 30 123456", "US", "+4930123456"),
        ("030 123456", "DE", "+4930123456"),
        ("0030 210 1234567", "DE", "+302101234567"),
        (" +306931234567 ", "US", "+306931234567"),
    ],
)
def test_a_number_has_one_form(text: str, country: str, dialled: str) -> None:
    assert read(text, country) == Number(text.strip(), dialled)
    assert read(text, country).is_internal == (len(dialled) <= 6)


@pytest.mark.parametrize("text", ["", "call me", "+", "+12345", "1234567", "+1555546120612345", "9" * 41, "+49"])
def test_what_nobody_can_dial_is_refused(text: str) -> None:
    with pytest.raises(CallbackRefused) as refused:
        read(text)
    assert refused.value.why == "number"


def test_impossible_and_premium_numbers_may_be_permitted() -> None:
    assert read("+1555546120612345", possible_only=False).dialled == "+1555546120612345"
    assert read("+999 123456789", possible_only=False).dialled == "+999123456789"
    with pytest.raises(CallbackRefused, match="premium"):
        read("+19005551234")
    assert read("+19005551234", no_premium=False).dialled == "+19005551234"


@pytest.mark.parametrize(
    ("text", "list_name"),
    [
        ("12345", "exception2"),
        ("+49 900 123456", "exception2"),
        ("+1 555 000 9999", "exception1"),
        ("5550009999", "exception1"),
        ("123456", None),
        ("+49 30 123456", None),
    ],
)
def test_lists_refuse_in_every_way_of_writing(text: str, list_name: str | None) -> None:
    lists = {"exception1": ("+15550009999",), "exception2": ("12345", "+4990*", "+49900*")}
    number = read(text, no_premium=False)
    if list_name is None:
        numbers.refuse_excepted(number, lists)
        return
    with pytest.raises(CallbackRefused) as refused:
        numbers.refuse_excepted(number, lists)
    assert refused.value.detail == (
        f"Customer Number [{text}] is not allowed. Check option 'exceptions' : "
        f"details={{Callback_exceptions={list_name}}}"
    )
    assert refused.value.fields == {
        "exception": "com.genesyslab.gsg.services.callback.CallbackServiceException",
    }


@pytest.mark.parametrize(("number", "shown"), [("+15550001111", "…111"), ("5115", "…115"), ("115", "…"), ("", "…")])
def test_logs_see_the_last_digits_at_most(number: str, shown: str) -> None:
    assert numbers.masked(number) == shown


def test_a_number_tells_where_it_is() -> None:
    assert [zone.key for zone in numbers.zones("+4930123456")] == ["Europe/Berlin"]
    assert len(numbers.zones("+18005551234")) > 10
    assert numbers.zones("5115") == ()
    assert numbers.zone_of("Europe/Nowhere") is None
    assert numbers.zone_of("../etc/passwd") is None
