"""What HTTP servers and frameworks got wrong before us: request smuggling, Starlette, open CORS, talkative errors."""

import json
import re

import pytest

from tests.support.hub_process import HubProcess
from tests.support.raw_http import exchange, post, request
from tests.support.raw_websocket import PATH, TEXT, RawSocket, RawWebSocket
from tests.support.tokens import SECRET, mint

CONNECT = b'[{"channel":"/meta/connect","clientId":"none","id":"1"}]'
SMUGGLED = b"GET /version HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"
INNARDS = re.compile(rb'Traceback|File "|\.py\b|line \d+|site-packages|msgspec|sqlalchemy|starlette|uvicorn|Error:')


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 4", "Content-Length: 4"],
        ["Content-Length: 4, 4"],
        ["Content-Length: +4"],
        ["Content-Length: -4"],
        ["Content-Length: 0x4"],
        ["Content-Length: 4 4"],
        ["Content-Length: 99999999999999999999999"],
        ["Content-Length:"],
        ["Content-Length : 4"],
        ["Content-Length: 4", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 4"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding : chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["X: y\r\n Content-Length: 4"],
        ["X: y\nContent-Length: 4"],
        ["X: y\rContent-Length: 4"],
    ],
    ids=repr,
)
def test_request_smuggling_by_length(port: int, headers: list[str]) -> None:
    """A request whose end can be read in two ways is refused, and what follows it is never taken for another."""
    head = "\r\n".join([f"POST {PATH} HTTP/1.1", "Host: hub", *headers, "", ""]).encode("latin-1")
    with RawSocket(port) as raw:
        raw.write(head + b"0\r\n\r\n" + SMUGGLED)
        raw.end()
        answer = raw.rest()
    assert b'"version"' not in answer
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert not answer or answer.startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize(
    "body",
    [
        b"2\r\n[]\r\n\r\n",
        b"-2\r\n[]\r\n0\r\n\r\n",
        b"0x2\r\n[]\r\n0\r\n\r\n",
        b"2\n[]\n0\n\n",
        b"ffffffffffffffffff\r\n[]",
        b'2;a="\r\n"\r\n[]\r\n0\r\n\r\n',
        b"3\r\n[]\r\n0\r\n\r\n",
    ],
    ids=repr,
)
def test_request_smuggling_by_chunks(port: int, body: bytes) -> None:
    """Chunks are read to the letter."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with RawSocket(port) as raw:
        raw.write(head + body + SMUGGLED)
        raw.end()
        answer = raw.rest()
    assert b'"version"' not in answer


def test_request_smuggling_with_an_upgrade(port: int) -> None:
    """The body of a refused upgrade is no request."""
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 4\r\n\r\n"
    )
    with RawSocket(port) as raw:
        raw.write(head.encode() + b"[{}]" + SMUGGLED)
        raw.end()
        assert b'"version"' not in raw.rest()


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "a b", "hub.test/..", "hub@evil", "[::1", "hub:port", "<script>", "x" * 5000, "hub\tx", "%00"],
    ids=lambda host: host[:20],
)
def test_cve_2026_48710_malformed_host(port: int, host: str) -> None:
    """Nothing that the hub answers is made from the Host header (Starlette's urls were)."""
    for method, path in (("GET", "/healthz"), ("GET", "/nowhere/"), ("GET", "/openapi.json"), ("POST", PATH + "/")):
        answer = exchange(port, request(method, path=path, host=host, body=CONNECT if method == "POST" else b""))
        assert answer.status in {200, 400, 404}
        assert "location" not in answer.headers
        assert not host or len(host) < 5 or host.encode() not in answer.body


@pytest.mark.parametrize("path", ["/openapi.json", "/asyncapi.json", "/metrics", "/healthz"])
def test_cve_2025_62727_ranges(port: int, path: str) -> None:
    """Ranges are not served: a request for thousands of them costs what one without costs."""
    ranges = "bytes=" + ",".join(f"{n}-" for n in range(3000))
    answer = exchange(port, request("GET", f"Range: {ranges}", path=path))
    assert (answer.status, "content-range" in answer.headers) == (200, False)


@pytest.mark.parametrize("path", [PATH, "/api/v2/events"])
def test_pysec_2026_248_multipart(port: int, path: str) -> None:
    """Forms of several parts are not read."""
    body = b"--b\r\n" + b'Content-Disposition: form-data; name="message"\r\n\r\n[]\r\n--b\r\n' * 500 + b"--b--"
    headers = [
        "Content-Type: multipart/form-data; boundary=b",
        f"Authorization: Bearer {mint('c', 'ROLE_CLIENT_SERVICE')}",
    ]
    assert exchange(port, request("POST", *headers, path=path, body=body)).status in {400, 413, 415}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example", "https://evil\t"])
@pytest.mark.parametrize("path", [PATH, "/cometd/handshake", "/api/v2/events", "/version"])
def test_cve_2020_28481_open_cors(port: int, path: str, origin: str) -> None:
    """No origin is allowed that the settings do not name, and never all of them."""
    preflight = request("OPTIONS", f"Origin: {origin}", "Access-Control-Request-Method: POST", path=path, length=-1)
    for sent in (preflight, request("POST", f"Origin: {origin}", path=path, body=CONNECT)):
        answer = exchange(port, sent)
        assert answer.headers.get("access-control-allow-origin") in {None, ""}


BAD_REQUESTS = {
    "nonsense": request("POST", body=b"nonsense"),
    "wrong types": request("POST", body=b'[7,{"channel":"/meta/connect"}]'),
    "invalid utf-8": request("POST", body=b'[{"channel":"\xff"}]'),
    "too large": request("POST", body=b" " * 70_000),
    "too deep": request("POST", body=b"[" * 50_000),
    "wrong method": request("PUT"),
    "no such path": request("GET", path="/nowhere"),
    "odd path": request("GET", path="/%00%ff/..%2f"),
    "no token": request("POST", path="/api/v2/events", body=b"{}"),
    "bad token": request("POST", "Authorization: Bearer x.y.z", path="/api/v2/events", body=b"{}"),
    "broken json": request("POST", f"Authorization: Bearer {mint('c', 'ROLE_CLIENT_SERVICE')}", path="/api/v2/events",
                           body=b'{"channel":'),
    "wrong fields": request("POST", f"Authorization: Bearer {mint('c', 'ROLE_CLIENT_SERVICE')}", path="/api/v2/events",
                            body=b'{"channel":7,"data":[]}'),
    "odd length": request("POST", length=10**20),
    "no http": b"\x00\x01\x02\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("sent", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
def test_error_replies_tell_nothing_of_the_inside(port: int, sent: bytes) -> None:
    """An error is a code and a sentence: no trace, no file, no library, no server name."""
    answer = exchange(port, sent)
    assert 400 <= answer.status < 500
    assert INNARDS.search(answer.body) is None
    assert "server" not in answer.headers


def test_tokens_in_urls_are_not_logged(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A token may come in the query; it appears in no log, at no level, refused or not, whole or in part."""
    home = tmp_path_factory.mktemp("talkative")
    token, bad = mint("alice"), mint("mallory", secret="another secret of more than thirty-two bytes")
    with HubProcess(home, secret=SECRET, settings={"HUB_LOG_LEVEL": "debug"}) as hub:
        for each in (token, bad):
            path = f"{PATH}?access_token={each}"
            post(hub.port, CONNECT, path=path)
            post(hub.port, b"nonsense", path=path, token=each)
            post(hub.port, b"{}", path=f"/api/v2/events?access_token={each}", token=each)
            exchange(hub.port, request("GET", path=f"/nowhere?access_token={each}"))
            exchange(hub.port, f"GET {path} HTTP/1.1\r\nbroken\r\n\r\n".encode())
            with RawWebSocket(hub.port, path=path) as client:
                client.send(TEXT, json.dumps([{"ext": {"authentication": {"token": each}}}]).encode() + b"x")
                assert client.close_code() == 1007
    written = hub.output.read_text()
    assert written
    for part in (*token.split("."), *bad.split(".")):
        assert part not in written
    assert SECRET not in written
