"""Autobahn sections 12 and 13: compressed messages of all sizes, whole and in pieces, under whatever was offered."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fixtures import ECHO
from tests.support.hub_process import HubProcess
from tests.support.raw_websocket import CONT, TEXT, Frame, Speaker
from tests.support.tokens import SECRET

RSV1 = 4
EMPTY_BLOCK = b"\x00\x00\xff\xff"
BOTH = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """That of a hub which compresses for those who want it."""
    home = tmp_path_factory.mktemp("deflate")
    file = home / "hub.toml"
    Path(file).write_text(ECHO)
    settings = {"HUB_CONFIG": str(file), "HUB_WS_DEFLATE": "1", "HUB_PUBLISHES_PER_SECOND": "10000"}
    with HubProcess(home / "hub", secret=SECRET, settings=settings) as process:
        yield process.port


class Deflating(Speaker):
    """Compresses all it says, and counts what comes compressed."""

    def __init__(self, port: int, offer: str) -> None:
        self.compressed = 0
        super().__init__(port, "", f"Sec-WebSocket-Extensions: {offer}")

    def send(self, opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> None:
        if opcode == TEXT and fin and "sec-websocket-extensions" in self.headers:
            super().send(TEXT, deflated(payload), rsv=RSV1)
        else:
            super().send(opcode, payload, fin=fin, rsv=rsv)

    def frame(self) -> Frame:
        frame = super().frame()
        if frame.rsv != RSV1:
            return frame
        self.compressed += 1
        inflated = zlib.decompressobj(-15).decompress(frame.payload + EMPTY_BLOCK)
        return Frame(frame.opcode, inflated, frame.fin, 0)


def deflated(payload: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(EMPTY_BLOCK)


@pytest.mark.parametrize("size", [16, 64, 256, 1024, 4096, 16_384, 60_000])
def test_messages_of_all_sizes(port: int, size: int) -> None:
    with Deflating(port, BOTH) as speaker:
        for number in range(10):
            speaker.echoes(b"%d " % number + b"said often, " * (size // 12))
        assert speaker.compressed == (10 if size >= 256 else 0)


@pytest.mark.parametrize("pieces", [2, 3, 17])
def test_a_compressed_message_may_come_in_pieces(port: int, pieces: int) -> None:
    with Deflating(port, BOTH) as speaker:
        body = deflated(speaker.saying(b"said often, " * 200))
        step = -(-len(body) // pieces)
        parts = [body[at : at + step] for at in range(0, len(body), step)]
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            Speaker.send(speaker, CONT if number else TEXT, part, fin=last, rsv=0 if number else RSV1)
        speaker.assert_heard(b"said often, " * 200)


@pytest.mark.parametrize(
    ("offer", "agreed"),
    [
        ("permessage-deflate", True),
        ("permessage-deflate; client_max_window_bits", True),
        ("permessage-deflate; client_no_context_takeover; client_max_window_bits=9", True),
        ("permessage-deflate; server_no_context_takeover; server_max_window_bits=9", True),
        ("permessage-deflate; server_max_window_bits=15", True),
        ("permessage-deflate; unheard=1, permessage-deflate", True),
        ("permessage-deflate; server_max_window_bits=7", False),
        ("permessage-deflate; server_max_window_bits=9; server_max_window_bits=10", False),
        ("x-webkit-deflate-frame", False),
    ],
)
def test_whatever_is_offered_both_understand_each_other(port: int, offer: str, agreed: bool) -> None:
    with Deflating(port, offer) as speaker:
        said = speaker.headers.get("sec-websocket-extensions", "")
        assert bool(said) is agreed
        if agreed:
            assert {"server_no_context_takeover", "client_no_context_takeover"} <= set(said.split("; "))
        for number in range(3):
            speaker.echoes(b"%d " % number + b"said often, " * 100)
        assert speaker.compressed == (3 if agreed and "server_max_window_bits=9" not in said else 0)
