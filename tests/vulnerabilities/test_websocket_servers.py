"""What WebSocket servers got wrong before us: ws, websockets, engine.io, nats-server."""

import pytest

from tests.support.raw_http import exchange
from tests.support.raw_websocket import (
    CONT,
    PING,
    PONG,
    TEXT,
    Frame,
    RawSocket,
    RawWebSocket,
    Speaker,
    encoded,
    upgrade,
)

FILLING = 64 * 1024


@pytest.mark.parametrize(
    "value", ["permessage-deflate", "permessage-deflate; server_max_window_bits=8", "permessage-deflate, " * 100]
)
def test_cve_2026_27571_compression_bomb_before_authentication(port: int, value: str) -> None:
    """Compression is never agreed to, so nothing that is sent becomes larger than it came (also CVE-2018-1000518)."""
    with RawWebSocket(port, f"Sec-WebSocket-Extensions: {value.rstrip(', ')}") as client:
        assert "sec-websocket-extensions" not in client.headers
        client.send(TEXT, b"\xaa\x56\x4a\x04\x00", rsv=4)
        assert client.close_code() == 1002


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_cve_2018_1000518_compressed_bodies(port: int, encoding: str) -> None:
    """Bodies of requests are never inflated either."""
    body = b"\x1f\x8b\x08\x00" + bytes(100)
    head = f"POST /api/v2/notifications HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nContent-Encoding: {encoding}\r\n"
    answer = exchange(port, head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    assert answer.status in {400, 415}


def test_cve_2016_10542_huge_message(speaker: Speaker) -> None:
    """A frame is refused by the length that it announces, before its payload takes memory."""
    for length in (65_537, 2**31, 2**63 - 1):
        with Speaker(speaker.port) as client:
            client.write(encoded(TEXT, length=b"\xff" + length.to_bytes(8, "big")))
            assert client.close_code() == 1009


def test_cve_2026_33219_memory_before_authentication(port: int) -> None:
    """Who has not shaken hands gets 16 KiB for one message."""
    with RawWebSocket(port) as stranger:
        stranger.send(TEXT, b"[]".ljust(16_385))
        stranger.send(PING, b"taken")
        assert stranger.frame().code == 1009


@pytest.mark.parametrize("kind", ["many", "long"])
@pytest.mark.parametrize("upgrades", [True, False], ids=["upgrade", "request"])
def test_cve_2024_37890_too_many_headers(port: int, kind: str, upgrades: bool) -> None:
    """A request has a bounded head; one that goes on and on is answered or cut off, and no memory grows."""
    lines = [f"X-{n}: {'x' * 1000}" for n in range(2000)] if kind == "many" else ["X: " + "x" * 2_000_000]
    endless = "\r\n".join(lines).encode()
    head = upgrade(port) if upgrades else b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n"
    with RawSocket(port) as raw:
        raw.write(head[:-2] + endless)
        assert raw.head()[0] >= 400


@pytest.mark.parametrize("many", [200, 5000])
def test_cve_2024_37890_too_many_headers_do_not_kill(port: int, many: int) -> None:
    """The hub survives them in any number (the crash of ws)."""
    with RawSocket(port) as raw:
        raw.write(upgrade(port, *[f"X-{n}: y" for n in range(many)]))
        raw.write(b"")
    with RawWebSocket(port) as client:
        client.send(PING, b"alive")
        assert client.frame() == Frame(PONG, b"alive")


@pytest.mark.parametrize("name", ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Connection", "Upgrade"])
@pytest.mark.parametrize("filling", [" ", ",", "a ", "; ", '"', "a=", "\t"], ids=repr)
def test_cve_2021_32640_header_that_takes_forever(port: int, name: str, filling: str) -> None:
    """Hostile headers are read in a time that grows with their length only; the patience of the test is the measure."""
    hostile = "b" + filling * (FILLING // len(filling)) + "x"
    with RawSocket(port) as raw:
        raw.write(upgrade(port, f"{name}: {hostile}", path="/nowhere"))
        raw.end()
        raw.rest()
    with RawWebSocket(port) as client:
        client.send(PING)
        assert client.frame() == Frame(PONG, b"")


@pytest.mark.parametrize("part", [b"", b" "], ids=["empty", "tiny"])
def test_cve_2026_48779_tiny_fragments(port: int, part: bytes) -> None:
    """A message has 64 fragments at most; empty ones count (also CVE-2026-62389)."""
    with RawWebSocket(port) as client:
        frames = [encoded(CONT if n else TEXT, part, fin=False) for n in range(10_000)]
        client.write(b"".join(frames))
        assert client.frame().code == 1008


def test_cve_2026_45736_memory_of_others_in_a_close(speaker: Speaker) -> None:
    """The hub's close carries its own words only: no byte of what else lies in memory."""
    speaker.send(TEXT, b"nonsense")
    frame = speaker.frame()
    assert (frame.code, frame.payload[2:].isascii(), len(frame.payload) < 40) == (1007, True, True)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "file://",
        "http://hub.test.evil.example",
        "http://evil.example/http://hub.test",
        "http://hub.test@evil.example",
        "http://hub.test:81",
        "",
        "http://[",
    ],
)
def test_cve_2019_13611_cross_site_websocket_hijacking(port: int, origin: str) -> None:
    """A page of another origin may not open a socket, whatever cookies its browser adds."""
    sent = upgrade(port, "Host: hub.test", f"Origin: {origin}", "Cookie: BAYEUX_BROWSER=abc; session=1")
    with RawSocket(port) as raw:
        raw.write(sent)
        assert raw.head()[0] == 403


def test_cve_2019_13611_cookies_are_no_credentials(port: int) -> None:
    """A cookie alone opens no session: there is nothing for a foreign page to ride on."""
    with RawWebSocket(port, "Cookie: access_token=x; Authorization=Bearer x; BAYEUX_BROWSER=abc") as client:
        client.send(TEXT, b'[{"channel":"/meta/handshake","version":"1.0","id":"1"}]')
        assert b"401::credentials_missing" in client.frame().payload


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /api/v2/notifications?transport=polling&EIO=4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /api/v2/notifications?sid=__proto__ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"POST /cometd HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\n[{}]]",
        b"POST /cometd/%ff%fe HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]",
        b"POST http://[::1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET http://evil.example/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/0.9\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 100,
        b"\r\n" * 1000 + b"\x00",
        b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:50]),
)
def test_cve_2022_41940_requests_that_crash(port: int, sent: bytes) -> None:
    """Whatever is sent to the HTTP entry, the hub answers or hangs up, and serves the next client."""
    with RawSocket(port) as raw:
        raw.write(sent)
        raw.end()
        answer = raw.rest()
    assert b" 500 " not in answer[:20]
    assert b"Traceback" not in answer
    with RawWebSocket(port) as client:
        client.send(PING)
        assert client.frame() == Frame(PONG, b"")
