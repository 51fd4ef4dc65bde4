"""What parsers of messages got wrong before us: socket.io and its relatives."""

import json
import time
from typing import Any

import pytest

from hub.transports import browser
from tests.support.raw_http import post
from tests.support.raw_websocket import CONT, PATH, TEXT, RawWebSocket, Speaker, encoded
from tests.support.tokens import mint

ODD: list[Any] = [0, -1, 1e308, 2**70, True, "", "x", "null", [], [[]], {}, {"toString": 1}, {"length": -1}, [None]]
FIELDS = [
    "channel",
    "clientId",
    "id",
    "data",
    "subscription",
    "connectionType",
    "supportedConnectionTypes",
    "version",
    "advice",
    "ext",
]
META = ["/meta/handshake", "/meta/connect", "/meta/subscribe", "/meta/unsubscribe", "/meta/disconnect", "/echo/mine"]
EVENTS = "/api/v2/events"


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("channel", META)
def test_cve_2022_2421_type_confusion(port: int, channel: str, field: str) -> None:
    """A field of another type than expected gets an answer like any other, and no message of the batch is lost."""
    token = mint("alice")
    for odd in ODD:
        message = {"channel": channel, "id": "1", "version": "1.0", "clientId": "none", "advice": {"timeout": 0}}
        answer = post(port, json.dumps([message | {field: odd}]).encode(), token=token)
        assert answer.status == 200, odd
        [reply] = answer.json()
        assert isinstance(reply["successful"], bool)


@pytest.mark.parametrize("path", ["replay", "ack", "authentication", "timesync"])
def test_cve_2022_2421_type_confusion_in_extensions(speaker: Speaker, path: str) -> None:
    """The same for every extension, in a living session."""
    for odd in [*ODD, {"token": 7}, {"enabled": "yes"}, {"/echo/mine": "x"}, {"tc": "x", "l": [], "o": {}}]:
        reply = speaker.ask("/meta/subscribe", subscription="/echo/mine", ext={path: odd, "replayEpoch": odd})
        assert isinstance(reply["successful"], bool)


@pytest.mark.parametrize("payload", ["51-", '451-["a",{"_placeholder":true,"num":0}]', "2probe", "40", "5", "b4AAEC"])
def test_cve_2026_33151_endless_attachments(port: int, payload: str) -> None:
    """No frame makes the hub wait for further ones: each is a whole message or the end of the connection."""
    with RawWebSocket(port) as client:
        client.send(TEXT, payload.encode())
        assert client.close_code() == 1007


@pytest.mark.parametrize(("many", "status"), [(1000, 200), (1001, 413), (20_000, 413)])
def test_cve_2020_36049_many_small_things(speaker: Speaker, many: int, status: int) -> None:
    """A body of many tiny messages costs what its bytes cost: each is answered, and only so many."""
    answer = post(speaker.port, b"[" + b",".join([b"{}"] * many) + b"]", token=mint("alice"))
    assert answer.status == status
    assert status != 200 or len(answer.json()) == many


def test_cve_2020_36049_many_small_things_in_a_frame(port: int) -> None:
    with RawWebSocket(port, f"Authorization: Bearer {mint('alice')}") as client:
        client.send(TEXT, b"[" + b",".join([b"{}"] * 20_000) + b"]")
        assert client.close_code() == 1007


@pytest.mark.parametrize("number", ["1e308", "-1e308", "9" * 400, "1e400", "9" * 25, "-0.0"])
@pytest.mark.parametrize("field", ["tc", "l", "o"])
def test_numbers_beyond_all_measure(speaker: Speaker, field: str, number: str) -> None:
    """Wherever a number of a client is reckoned with, one that no float or integer holds breaks nothing."""
    numbers = {"tc": "1e308", "l": "1e308", "o": "1e308", field: number}
    times = ",".join(f'"{name}":{each}' for name, each in numbers.items())
    ext = f'{{"timesync":{{{times}}},"ack":{number}}}'
    message = speaker.message("/meta/connect", advice={"timeout": 0}).decode()
    answer = post(
        speaker.port, f'{message[:-2]},"ext":{ext}}}]'.encode(), token=mint("alice", organization=speaker.organization)
    )
    assert answer.status in {200, 400}
    assert answer.status == 400 or answer.json()[0]["successful"]


@pytest.mark.parametrize(
    "hostile", ["\\" * 30_000, '\\"' * 15_000, "\\101" * 7_500, "; " * 15_000, "=" * 30_000], ids=lambda text: text[:4]
)
def test_cve_2024_7592_cookies_that_take_forever(hostile: str) -> None:
    """A `Cookie` header as large as headers may be is read in no time: that of the process, not of the machine."""
    began = time.process_time()
    for cookies in (
        f'BAYEUX_BROWSER="{hostile}"',
        f"{hostile}BAYEUX_BROWSER={hostile}",
        f"a={hostile}; BAYEUX_BROWSER=x",
    ):
        browser.read(cookies)
    assert time.process_time() - began < 0.2


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"channel":"/echo/mine","data":', '[{"ext":{"a":'])
@pytest.mark.parametrize("depth", [33, 1000, 20_000])
def test_nesting_depth(port: int, opening: str, depth: int) -> None:
    """Deep nesting is refused everywhere before anybody recurses into it: fields kept as bytes are no exception."""
    levels = depth if len(opening) < 10 else 1
    head = opening * levels if levels > 1 else opening + "[" * depth
    body = head[:60_000].encode()
    closed = body + b"1" + b"".join({91: b"]", 123: b"}"}.get(byte, b"") for byte in reversed(body))
    for sent in (body, closed):
        assert post(port, sent, token=mint("alice")).status == (400 if len(sent) <= 65_536 else 413)
        assert post(port, sent, path=EVENTS, token=mint("crm", "ROLE_CLIENT_SERVICE")).status in {400, 413}


def test_duplicate_keys_are_read_once(speaker: Speaker) -> None:
    """Of duplicate keys all of the hub sees the last: what is checked is what is done."""
    client = speaker.client_id
    speaker.send(
        TEXT,
        f'[{{"channel":"/echo/a","channel":"/meta/subscribe","clientId":"{client}","id":"1",'
        f'"subscription":"/echo/mine","subscription":"/v2/users"}}]'.encode(),
    )
    [reply] = json.loads(speaker.frame().payload)
    assert (reply["channel"], reply["subscription"], reply["successful"]) == ("/meta/subscribe", "/v2/users", False)


def test_duplicate_keys_cannot_move_an_event(port: int) -> None:
    """The ingest judges the same organization and user that it writes to."""
    token = mint("crm", "ROLE_CLIENT_SERVICE", organization="acme")
    body = b'{"channel":"/v2/users","organizationId":"acme","organizationId":"globex","data":{}}'
    assert post(port, body, path=EVENTS, token=token).status == 403


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"a":1e400}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"\\u0000":"\\u0000"}',
        b'{"__proto__":{"x":1},"constructor":{"prototype":{}}}',
        b'{"a":"</script><script>alert(1)</script>"}',
        '{"a":"\u2028\u2029"}'.encode(),
    ],
    ids=lambda data: repr(data[:30]),
)
def test_cve_2023_32695_data_that_breaks_its_readers(speaker: Speaker, data: bytes) -> None:
    """Data is passed on to the byte or refused to its sender; it never breaks the socket of whoever hears it."""
    head = f'[{{"channel":"{speaker.channel}","clientId":"{speaker.client_id}","id":"1","data":'.encode()
    speaker.send(TEXT, head + data + b"}]")
    first = speaker.frame()
    if first.opcode == TEXT:
        frames = [first.payload, speaker.frame().payload] if b"403" not in first.payload else [first.payload]
        assert any(data in frame for frame in frames) or b'"successful":false' in first.payload
        speaker.echoes()
    else:
        assert first.code == 1007


def test_cve_2024_38355_an_unhandled_error_kills_the_process(speaker: Speaker) -> None:
    """A bad message ends its own connection at most; those of others do not notice."""
    for payload in (b"\xff", b"[", b"7", b'[{"channel":7}]', b'[{"channel":"/meta/connect","id":{}}]', b"[[[]]]"):
        with RawWebSocket(speaker.port) as bad:
            bad.send(TEXT, payload)
            bad.write(encoded(CONT, b""))
            bad.rest()
        post(speaker.port, payload)
        post(speaker.port, payload, path=PATH + "/%00/../..;/x")
    speaker.echoes()
