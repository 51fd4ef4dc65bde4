import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from channels.asyncapi import document
from channels.catalog import Catalog, Channel

SAMPLES = Path(__file__).parent / "samples"
CUSTOM = [
    Channel(pattern="/demo/**", subscribe=frozenset({"ROLE_AGENT"}), publish=frozenset({"ROLE_AGENT"})),
    Channel(pattern="/wall board/{x}", durable=True),
    Channel(pattern="/wall_board/{x}"),
    Channel(pattern="/team/*"),
]


@pytest.fixture(scope="module")
def four() -> dict[str, Any]:
    return document(Catalog(), url="https://hub.example.org/base/", version="1.2.3")


@pytest.fixture(scope="module")
def custom() -> dict[str, Any]:
    return document(Catalog(CUSTOM), url="http://127.0.0.1:8080", version="1.2.3")


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def follow(whole: dict[str, Any], reference: str) -> object:
    value: Any = whole
    for step in reference.removeprefix("#/").split("/"):
        value = value[step]
    return value


def test_head(four: dict[str, Any]) -> None:
    assert four["asyncapi"] == "3.0.0"
    assert four["info"]["version"] == "1.2.3"
    assert four["defaultContentType"] == "application/json"


def test_servers_follow_the_public_address(four: dict[str, Any], custom: dict[str, Any]) -> None:
    def places(whole: dict[str, Any]) -> list[tuple[str, str, str]]:
        return [(server["protocol"], server["host"], server["pathname"]) for server in whole["servers"].values()]

    path = "/api/v2/notifications"
    assert places(four) == [("wss", "hub.example.org", f"/base{path}"), ("https", "hub.example.org", f"/base{path}")]
    assert places(custom) == [("ws", "127.0.0.1:8080", path), ("http", "127.0.0.1:8080", path)]


def test_channels_carry_their_messages_and_promises(four: dict[str, Any]) -> None:
    assert {ident: channel["address"] for ident, channel in four["channels"].items()} == {
        "v2.me": "/v2/me",
        "v2.users": "/v2/users",
        "v2.me.calls": "/v2/me/calls",
        "v2.me.devices": "/v2/me/devices",
    }
    users = four["channels"]["v2.users"]
    assert list(users["messages"]) == [
        "PasswordChangeMessage",
        "AppointmentStateChangeMessage",
        "CallbackStateChangeMessage",
        "UserStateChangeMessage",
        "CallbackWatermarkMessage",
    ]
    assert (users["x-personal"], users["x-durable"]) == (False, True)
    assert users["x-subscribe"] == ["ROLE_ADMIN", "ROLE_SUPERVISOR"]
    assert four["channels"]["v2.me.calls"]["x-subscribe"] == "any role"


def test_the_hub_sends_on_the_four_and_receives_nothing(four: dict[str, Any]) -> None:
    assert list(four["operations"]) == ["send.v2.me", "send.v2.users", "send.v2.me.calls", "send.v2.me.devices"]
    assert {operation["action"] for operation in four["operations"].values()} == {"send"}


def test_custom_channels(custom: dict[str, Any]) -> None:
    addresses = {ident: channel["address"] for ident, channel in custom["channels"].items() if ident[0] != "v"}
    assert addresses == {
        "demo.all": "/demo/{name}",
        "wall_board._x_": "/wall board/%7Bx%7D",
        "wall_board._x_-2": "/wall_board/%7Bx%7D",
        "team.each": "/team/{name}",
    }
    assert custom["channels"]["demo.all"]["parameters"] == {"name": {"description": "One or more segments."}}
    assert custom["channels"]["team.each"]["parameters"] == {"name": {"description": "One segment."}}
    assert [name for name, operation in custom["operations"].items() if operation["action"] == "receive"] == [
        "receive.demo.all"
    ]


@pytest.mark.parametrize("which", ["four", "custom"])
def test_every_reference_leads_somewhere(which: str, request: pytest.FixtureRequest) -> None:
    whole = request.getfixturevalue(which)
    found = list(references(whole))
    assert found
    assert all(isinstance(follow(whole, reference), dict) for reference in found)


def test_the_custom_message_is_there_only_when_used(four: dict[str, Any], custom: dict[str, Any]) -> None:
    assert "CustomMessage" not in four["components"]["messages"]
    assert custom["components"]["messages"]["CustomMessage"]["payload"] == {"type": "object"}


def test_every_example_fits_its_payload(four: dict[str, Any]) -> None:
    messages = four["components"]["messages"]
    assert len(messages) == 7
    for message in messages.values():
        schema = message["payload"] | {"components": four["components"]}
        (example,) = message["examples"]
        jsonschema_rs.validate(schema, example["payload"])
        assert not jsonschema_rs.is_valid(schema, example["payload"] | {"messageType": "Tea"})


@pytest.mark.parametrize(
    ("file", "message"),
    [("call.json", "CallStateChangeMessage"), ("device.json", "DeviceStateChangeMessage")],
    ids=["call", "device"],
)
def test_the_published_samples_are_the_examples(four: dict[str, Any], file: str, message: str) -> None:
    (example,) = four["components"]["messages"][message]["examples"]
    assert example["payload"] == json.loads((SAMPLES / file).read_bytes())["data"]


def test_the_document_is_plain_json_in_a_stable_order(custom: dict[str, Any]) -> None:
    again = document(Catalog(CUSTOM), url="http://127.0.0.1:8080", version="1.2.3")
    assert json.dumps(again) == json.dumps(custom)
    assert list(custom["components"]["schemas"]) == sorted(custom["components"]["schemas"])
