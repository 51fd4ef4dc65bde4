"""The opening handshake (RFC 6455 sections 4.1 and 4.2), which comes before Autobahn's sections."""

import pytest

from tests.support.hub_process import HubProcess
from tests.support.raw_websocket import ACCEPT, PATH, PING, Frame, RawSocket, RawWebSocket, upgrade


def status_of(port: int, request: bytes) -> int:
    """The status of the answer; 0 where there is none and the connection ends."""
    with RawSocket(port) as raw:
        raw.write(request)
        try:
            return raw.head()[0]
        except EOFError:
            return 0


def test_the_upgrade_is_accepted_with_the_proof(echo_hub: HubProcess) -> None:
    with RawWebSocket(echo_hub.port) as client:
        assert client.headers["upgrade"].lower() == "websocket"
        assert client.headers["connection"].lower() == "upgrade"
        assert client.headers["sec-websocket-accept"] == ACCEPT
        assert "sec-websocket-protocol" not in client.headers
        assert "sec-websocket-extensions" not in client.headers
        assert "server" not in client.headers


@pytest.mark.parametrize(
    "headers",
    [
        ["Upgrade: WebSocket", "Connection: keep-alive, Upgrade"],
        ["Connection: upgrade"],
        ["Sec-WebSocket-Protocol: chat, superchat"],
        ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"],
        ["Sec-WebSocket-Extensions: x-webkit-deflate-frame, unheard-of; a=b"],
        ["X-Forwarded-For: 192.0.2.1", "Cookie: a=b; c=d", "User-Agent: "],
    ],
    ids=lambda headers: headers[0],
)
def test_what_the_hub_accepts_without_agreeing_to_it(echo_hub: HubProcess, headers: list[str]) -> None:
    with RawWebSocket(echo_hub.port, *headers) as client:
        assert "sec-websocket-protocol" not in client.headers
        assert "sec-websocket-extensions" not in client.headers
        client.send(PING, b"hello")
        assert client.frame() == Frame(0xA, b"hello")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Sec-WebSocket-Version: 13", "sec-websocket-version: 13"], 400),
        (["Sec-WebSocket-Key: "], 400),
        (["Sec-WebSocket-Key: c2hvcnQ="], 400),
        (["Sec-WebSocket-Key: ???"], 400),
        (["Sec-WebSocket-Key: " + "A" * 1000], 400),
        (["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="], 400),
    ],
    ids=lambda value: "" if isinstance(value, int) else value[0][:40],
)
def test_a_request_that_is_not_quite_one(echo_hub: HubProcess, headers: list[str], status: int) -> None:
    assert status_of(echo_hub.port, upgrade(echo_hub.port, *headers)) == status


@pytest.mark.parametrize(("missing", "status"), [("Sec-WebSocket-Key", 400), ("Upgrade", 405)])
def test_a_header_that_is_missing(echo_hub: HubProcess, missing: str, status: int) -> None:
    assert status_of(echo_hub.port, upgrade(echo_hub.port, without=[missing])) == status


@pytest.mark.parametrize("version", ["8", "0", "14", "x", None])
def test_a_client_of_another_version_is_told_which_one_is_spoken(echo_hub: HubProcess, version: str | None) -> None:
    headers = [] if version is None else [f"Sec-WebSocket-Version: {version}"]
    with RawSocket(echo_hub.port) as raw:
        raw.write(upgrade(echo_hub.port, *headers, without=["Sec-WebSocket-Version"]))
        status, answered = raw.head()
        assert (status, answered.get("sec-websocket-version")) == (426, "13")


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "TRACE"])
def test_only_get_may_upgrade(echo_hub: HubProcess, method: str) -> None:
    assert status_of(echo_hub.port, upgrade(echo_hub.port, method=method)) != 101


@pytest.mark.parametrize("chop", [1, 50])
def test_the_request_may_come_in_pieces(echo_hub: HubProcess, chop: int) -> None:
    request = upgrade(echo_hub.port)
    with RawSocket(echo_hub.port) as raw:
        raw.write(*[request[at : at + chop] for at in range(0, len(request), chop)])
        assert raw.head()[0] == 101


def test_a_refused_upgrade_ends_the_connection(echo_hub: HubProcess) -> None:
    with RawSocket(echo_hub.port) as raw:
        raw.write(upgrade(echo_hub.port, path="/nowhere"))
        assert raw.head()[0] == 404
        raw.write(upgrade(echo_hub.port, path=PATH))
        assert b"101" not in raw.rest()
