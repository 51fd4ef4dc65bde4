"""A contact centre with callback services of several kinds, for tests."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from api.callbacks.rules import services
from api.callbacks.rules.callback import Callback
from api.callbacks.rules.requests import Request, own_routing
from api.callbacks.rules.services import Service
from hub.kernel import config
from hub.kernel.config import Configuration

BERLIN = "[office_hours.weekdays]\n_timezone = 'Europe/Berlin'\n_bh_regular1 = 'Mon-Fri 09:00-17:00'\n"
SERVICE = "organization = 'acme'\nqueue = 'sales'\n"
HOUSE = f"""
{BERLIN}
[number_exceptions.exception1]
numbers = ["+15550009999"]

[number_exceptions.exception2]
numbers = ["12345", "+4990*"]

[callback_services.BasicCallback]
{SERVICE}
_default_country = "DE"
_business_hours_service = "weekdays"
_request_time_bucket = 15
_max_request_by_time_bucket = 5
_exceptions = "exception1, exception2"

[callback_services.always]
{SERVICE}
_max_request_by_time_bucket = 2
_enable_in_queue_checking = false
_throttle_request_parameters_limit = 1000

[callback_services.other]
organization = 'globex'
queue = 'sales'
"""
TUESDAY = datetime(2027, 1, 26, 9, 0, tzinfo=UTC).timestamp()
"""Ten o'clock in Berlin."""
BASE = "http://hub.test"


def configured(text: str = HOUSE) -> Configuration:
    return config.parse(tomllib.loads(text), Path())


def service(options: str = "", name: str = "always", *, more: str = "") -> Service:
    """A service of acme with these options besides, in lines of TOML; `more` are further tables."""
    text = f"{BERLIN}{more}\n[callback_services.{name}]\n{SERVICE}{options}\n"
    found = services.find(configured(text), name)
    assert found is not None
    return found


def request(number: str = "+15550001111", desired: float | None = None, uuid: str = "", **properties: Any) -> Request:
    fields = {"_customer_number": number, **properties}
    return Request(
        uuid=uuid or "6b1d0d2c-6a3e-4a5f-9d0e-2f0c7d5a9b11",
        number=number,
        desired=desired,
        properties=fields,
        routing=own_routing(service()),
        throttled={"_customer_number": number},
    )


def at(text: str) -> float:
    """Unix seconds of an ISO instant."""
    return datetime.fromisoformat(text).timestamp()


def changed(callback: Callback, **values: Any) -> Callback:
    return msgspec.structs.replace(callback, **values)
