import tomllib
from pathlib import Path

import pytest

from hub.kernel import config
from hub.kernel.callback_options import CallbackOptions, NumberExceptions
from hub.kernel.faults import SettingsError

SERVICE = "[callback_services.basic]\norganization = 'acme'\nqueue = 'sales'\n"
HOURS = "[office_hours.weekdays]\n_timezone = 'UTC'\n"


def read(text: str) -> CallbackOptions:
    return config.parse(tomllib.loads(SERVICE + text), Path()).callback_services["basic"]


def faults(text: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        config.parse(tomllib.loads(text), Path())
    return dict(caught.value.faults)


def test_defaults_are_the_products() -> None:
    options = read("")
    assert (options.request_time_bucket, options.max_request_by_time_bucket) == (5, 100)
    assert (options.default_country, options.ttl, options.reject_future_desired_time) == ("US", 86_400, "1M")
    assert (options.max_dial_attempts, options.dial_retry_timeout) == (3, 3600)
    assert options.enable_in_queue_checking is True
    assert options.api_key is None


@pytest.mark.parametrize("key", ["_request_time_bucket", "request-time-bucket", "request_time_bucket"])
def test_an_option_may_be_spelled_in_three_ways(key: str) -> None:
    assert read(f"{key} = 15").request_time_bucket == 15


def test_what_the_product_writes_is_understood() -> None:
    options = read(
        "business_hours = 'weekdays'\n_userterminated_first_connect_party = 'customer'\n_vq = 'VQ_1'\napi_key = 'k'\n"
        f"_enable_in_queue_checking = 'strict'\n_do_not_call_items = '3600,9,21'\n{HOURS}"
    )
    assert (options.business_hours_service, options.userterminated_first_connect_party) == ("weekdays", "CUSTOMER")
    assert (options.enable_in_queue_checking, options.vq) == ("strict", "VQ_1")
    assert "'k'" not in repr(options)


def test_lists_of_numbers_are_read() -> None:
    found = config.parse(tomllib.loads("[number_exceptions.a]\nnumbers = ['12345', '+4990*']"), Path())
    assert found.number_exceptions == {"a": NumberExceptions(numbers=("12345", "+4990*"))}


BASIC = "callback_services.basic"


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (
            SERVICE + "_reqest_time_bucket = 5",
            f"{BASIC}._reqest_time_bucket",
            "unknown; did you mean _request_time_bucket?",
        ),
        (SERVICE + "_request_time_bucket = 7", f"{BASIC}._request_time_bucket", "Invalid enum value 7"),
        (
            SERVICE + "_request_time_bucket = 5\nrequest-time-bucket = 5",
            f"{BASIC}.request-time-bucket",
            "is written twice",
        ),
        ("[callback_services.basic]\nqueue = 's'", f"{BASIC}.organization", "is missing"),
        ("[callback_services.basic]\norganization = 'o'", f"{BASIC}.queue", "is missing"),
        ("callback_services.basic = 5", BASIC, "must be a table"),
        ("callback_services = 5", "callback_services", "must be tables [callback_services.ID]"),
        (
            SERVICE.replace("basic", "availability"),
            "callback_services.availability",
            "is a reserved word",
        ),
        (
            SERVICE + "_business_hours_service = 'no'",
            f"{BASIC}._business_hours_service",
            "there is no [office_hours.no]",
        ),
        (SERVICE + "_exceptions = 'no'", f"{BASIC}._exceptions", "there is no [number_exceptions.no]"),
        (SERVICE + "_overwritable_options = '_ttl'", f"{BASIC}._overwritable_options", "unknown"),
        (SERVICE + "watermark_low = 5", f"{BASIC}.watermark_low", "is above watermark_high"),
        (
            SERVICE + "_do_not_call_items = '60,21,9'",
            f"{BASIC}._do_not_call_items",
            "must be seconds, and two hours from 0 to 24 in order",
        ),
        (
            SERVICE + "_call_direction = 'USERORIGINATED'",
            f"{BASIC}._call_direction",
            "Invalid enum value 'USERORIGINATED'",
        ),
        (
            SERVICE + "capacity = ['often 5']",
            f"{BASIC}.capacity",
            "must be like Mon-Fri 09:00-17:00",
        ),
        (
            SERVICE + "capacity = ['Mon 22:00-02:00 5']",
            f"{BASIC}.capacity",
            "must not run over midnight: 'Mon 22:00-02:00 5'",
        ),
        (
            SERVICE + "capacity = ['Mon']",
            f"{BASIC}.capacity",
            "must be like Mon-Fri 09:00-12:00 10, not 'Mon'",
        ),
        ("[number_exceptions.a]\nnumbers = ['x']", "number_exceptions.a.numbers", None),
        ("[number_exceptions.a]\n", "number_exceptions.a.numbers", "is missing"),
    ],
)
def test_a_fault_is_reported_with_its_path(text: str, path: str, message: str | None) -> None:
    found = faults(text)
    assert found.keys() == {path}
    assert message in {None, found[path]}
