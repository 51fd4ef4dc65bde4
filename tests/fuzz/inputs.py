"""Where fuzzing begins: the corpus, one file a case, and what is made of it."""

from functools import cache
from pathlib import Path

from hypothesis import strategies as st

CORPUS = Path(__file__).with_name("corpus")
WORDS = [
    *[bytes((byte,)) for byte in b'{}[]",:\\/*\n \x00\x80\xff'],
    *[b"null", b"true", b"-1", b"1e400", b"9" * 30, b"\\ud800", b"\xed\xa0\x80", b"\xf0\x9d\x84\x9e", b"$CLIENT"],
    *[b'"channel":', b'"clientId":"$CLIENT"', b'"id":', b'"data":', b'"subscription":', b'"advice":', b'"ext":'],
    *[b"/meta/handshake", b"/meta/connect", b"/meta/subscribe", b"/meta/unsubscribe", b"/meta/disconnect"],
    *[b"/service/x", b"/v2/me/calls", b"/v2/users", b"/echo/a", b"/**", b"/*", b'"replay":{', b'"ack":', b'"timeout":'],
    *[b'"timesync":{"tc":', b'"l":', b'"o":', b"1e308", b"BAYEUX_BROWSER=", b'\\"'],
    *[b"message=", b"%5B%7B", b"&", b"\r\n", b"\x81\x80", b"\x01\x80", b"\x80\x80", b"\x00\x80", b"\x89\x80"],
    *[b"\x88\x82", b"--xyz", b"--xyz--\r\n", b"Content-Disposition: form-data; name=", b"filename="],
]  # fmt: skip


@cache
def seeds(target: str) -> tuple[bytes, ...]:
    """The corpus of a target."""
    return tuple(path.read_bytes() for path in sorted((CORPUS / target).iterdir()))


def inputs(target: str) -> st.SearchStrategy[bytes]:
    """Seeds with some places changed, two of them spliced, words in any order, and bytes without sense."""
    seed = st.sampled_from(seeds(target))
    piece = st.one_of(st.sampled_from(WORDS), st.binary(max_size=8), seed)
    edits = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), piece), min_size=1, max_size=6)
    spliced = st.builds(lambda a, b, at: a[: int(len(a) * at)] + b[int(len(b) * at) :], seed, seed, st.floats(0, 1))
    return st.one_of(
        st.builds(_edited, seed, edits),
        st.builds(_edited, spliced, edits),
        st.lists(piece, max_size=20).map(b"".join),
        st.binary(max_size=300),
    )


def _edited(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for where, removed, inserted in edits:
        at = int(len(data) * where)
        data = data[:at] + inserted + data[at + removed :]
    return data
