"""What Bayeux servers got wrong before us: faye, CometD, camel-cometd, Supabase Realtime."""

import json
from typing import Any

import pytest

from hub.bayeux.extensions.ack import Batches
from hub.bayeux.messages import Message
from tests.support.raw_http import post
from tests.support.raw_websocket import PING, PONG, TEXT, Speaker
from tests.support.tokens import mint

CONNECT = "/meta/connect"


@pytest.mark.parametrize(
    "channel",
    [
        "/meta/subscribe/",
        "/meta/subscribe/x",
        "/meta/subscribe/**",
        "/meta/Subscribe",
        "/meta//subscribe",
        "//meta/subscribe",
        "/meta/subscribe ",
        "/meta/subscribe\0",
        "/meta/subscribe%00",
        "/meta/*",
        "/meta/**",
        "/meta",
        "/**",
        "/*",
    ],
)
def test_cve_2020_11020_meta_subscribe_suffix(speaker: Speaker, channel: str) -> None:
    """Meta channels are matched exactly; whatever else looks like one is refused and subscribes to nothing."""
    other = "/echo/other"
    reply = speaker.ask(channel, subscription=other, data={"x": 1})
    assert (reply["successful"], "subscription" in reply) == (False, False)
    speaker.ask(other, data={"n": 1})
    speaker.send(PING, b"nothing else")
    assert speaker.frame() == (PONG, b"nothing else", True, 0)


@pytest.mark.parametrize("channel", ["/meta/handshake/x", "/meta/handshake/", "/meta/Handshake", "/service/handshake"])
def test_cve_2020_11020_meta_handshake_suffix(port: int, channel: str) -> None:
    """Nobody gets a session but by /meta/handshake."""
    answer = post(port, json.dumps([{"channel": channel, "version": "1.0"}]).encode(), token=mint("alice"))
    [reply] = answer.json()
    assert (reply["successful"], "clientId" in reply) == (False, False)


@pytest.mark.parametrize(
    "channel",
    [
        "/service/com/cometd/oort",
        "/cometd/oort/cloud",
        "/oort/cloud",
        "/seti/all",
        "/cometd/seti/x",
        "/hub/cluster",
        "/hub/internal",
        "/v2/me/",
        "/v2/other",
        "/v2/me/calls/alice",
    ],
)
def test_cve_2022_24721_internal_channels(speaker: Speaker, channel: str) -> None:
    """Channels that the catalogue does not have can neither be heard nor spoken on, whatever servers use them for."""
    published = speaker.ask(channel, data={"n": 1})
    subscribed = speaker.ask("/meta/subscribe", subscription=channel)
    assert not subscribed["successful"] or channel.startswith("/service/")
    assert not published["successful"] or channel.startswith("/service/")
    assert "data" not in published


@pytest.mark.parametrize("pattern", ["/**", "/*", "/v2/**", "/service/**", "/meta/**", "/service/*"])
def test_cve_2022_24721_internal_channels_under_patterns(port: int, pattern: str) -> None:
    """A wildcard reaches only channels that may be heard one by one."""
    with Speaker(port) as nosy, Speaker(port, nosy.organization) as victim:
        nosy.ask("/meta/subscribe", subscription=pattern)
        victim.ask("/service/secret", data={"n": 1})
        token = mint("crm", "ROLE_CLIENT_SERVICE", organization=nosy.organization)
        event = {"channel": "/v2/users", "data": {"secret": True}}
        assert post(port, json.dumps(event).encode(), path="/api/v2/events", token=token).status == 200
        nosy.send(PING, b"nothing")
        assert nosy.frame() == (PONG, b"nothing", True, 0)


def acknowledging(number: Any) -> Message:
    return Message(channel=CONNECT, ext={"ack": number})


@pytest.mark.parametrize("number", [1, 3, 0, -1, None, "3", 3.0, True, [3], 2**63, float("nan")], ids=repr)
def test_cve_2025_53114_constant_ack_batch(number: Any) -> None:
    """A batch number that does not rise acknowledges nothing; one never sent neither. What is kept stays bounded."""
    batches = Batches()
    for _ in range(3):
        batches.close()
    assert batches.acknowledge(acknowledging(3))
    for _ in range(3):
        batches.close()
        assert not batches.acknowledge(acknowledging(number))
    assert batches.acknowledged == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"ext": {"organization": "globex", "user": "bob", "roles": ["ROLE_ADMIN"], "principal": {"user": "bob"}}},
        {"ext": {"authentication": {"user": "bob", "roles": ["ROLE_ADMIN"]}}},
        {"ext": {"organizationId": "globex", "CamelHttpUri": "http://169.254.169.254/", "header.x": "y"}},
        {"organizationId": "globex", "userId": "bob", "roles": ["ROLE_ADMIN"], "successful": True},
        {"ext": {"__proto__": {"roles": ["ROLE_ADMIN"]}, "constructor": {}, "__class__": "Principal"}},
    ],
)
def test_cve_2026_46454_ext_fields_trusted(port: int, fields: dict[str, Any]) -> None:
    """What a client says about itself changes nothing: who it is stands in its token."""
    with Speaker(port) as alice, Speaker(port) as other:
        fields = json.loads(json.dumps(fields).replace("globex", other.organization))
        reply = alice.ask("/meta/subscribe", subscription="/v2/users", **fields)
        assert reply["error"] == "403:denied_by_security_policy:subscribe_denied"
        published = alice.ask("/echo/mine", data={"n": 1}, **fields)
        assert "data" in published or published["successful"]
        other.send(PING, b"nothing")
        assert other.frame() == (PONG, b"nothing", True, 0)


def test_cve_2026_46454_ext_fields_trusted_in_the_handshake(port: int) -> None:
    """Without a valid token there is no session, however much is claimed."""
    ext = {"authentication": {"user": "bob", "credentials": "x"}, "principal": "bob", "ack": True}
    answer = post(port, json.dumps([{"channel": "/meta/handshake", "version": "1.0", "ext": ext}]).encode())
    [reply] = answer.json()
    assert (reply["error"], "clientId" in reply) == ("401::credentials_missing", False)


@pytest.mark.parametrize("since", [-2, 0, 1])
def test_cve_2026_62247_authorised_at_recovery_too(port: int, since: int) -> None:
    """Positions are no permission: neither for a channel that is refused, nor for one that is not subscribed to."""
    organization = f"replay{since + 2}"
    event = json.dumps({"channel": "/v2/users", "data": {"secret": True}}).encode()
    token = mint("crm", "ROLE_CLIENT_SERVICE", organization=organization)
    assert post(port, event, path="/api/v2/events", token=token).status == 200
    with Speaker(port, organization) as alice:
        positions = {"replay": {"/v2/users": since, "/v2/**": since}}
        alice.client_id = alice.ask("/meta/handshake", version="1.0", ext={"replay": True})["clientId"]
        refused = alice.ask("/meta/subscribe", subscription="/v2/users", ext=positions)
        assert refused["error"] == "403:denied_by_security_policy:subscribe_denied"
        alice.send(TEXT, alice.message("/meta/subscribe", subscription=["/v2/me", "/v2/**"], ext=positions))
        alice.send(PING, b"end")
        heard = b""
        while (frame := alice.frame()).opcode != PONG:
            heard += frame.payload
        alice.ask("/echo/x", data={})
        assert b"secret" not in heard
