"""Whole text frames are read here, everything else by the protocol, and it makes no difference to what arrives."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Event, Protocol, Side
from websockets.server import ServerProtocol

from hub.transports.framing import Framing

MOST = 70_000

frames = st.builds(
    Frame,
    st.sampled_from([Opcode.TEXT, Opcode.TEXT, Opcode.TEXT, Opcode.CONT, Opcode.BINARY, Opcode.PING, Opcode.PONG]),
    st.one_of(st.binary(max_size=20), st.sampled_from([b"x" * size for size in (125, 126, 300, 65_535, 65_536, MOST)])),
    st.booleans(),
)


def framed(frame: Frame) -> bytes:
    """As a client sends it. Controls are whole and short, as the library insists."""
    if frame.opcode in {Opcode.PING, Opcode.PONG}:
        frame = Frame(frame.opcode, frame.data[:125])
    return frame.serialize(mask=True)


def opened() -> Framing:
    opening = ServerProtocol()
    opening.state = OPEN
    framing = Framing(opening, MOST)
    framing.opened()
    return framing


def has_protocol(framing: Framing) -> bool:
    return framing._protocol is not None


def told(events: list[bytes | Event]) -> Iterator[tuple[Opcode, bytes, bool]]:
    for event in events:
        if isinstance(event, Frame):
            yield event.opcode, bytes(event.data), event.fin
        else:
            assert isinstance(event, bytes)
            yield Opcode.TEXT, event, True


@given(st.lists(frames, max_size=8), st.lists(st.integers(0, 400), max_size=12), st.data())
def test_however_it_is_cut_the_same_arrives_and_the_same_is_answered(
    said: list[Frame], cuts: list[int], data: st.DataObject
) -> None:
    stream = b"".join(map(framed, said))
    if data.draw(st.booleans()):
        stream += data.draw(st.binary(max_size=12))
    places = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    framing, whole = opened(), Protocol(Side.SERVER, state=OPEN, max_size=MOST)
    arrived: list[tuple[Opcode, bytes, bool]] = []
    answered: list[bytes] = []
    for begin, end in pairwise(places):
        arrived += told(framing.receive(stream[begin:end]))
        answered += framing.leaving()
    whole.receive_data(stream)
    expected = list(told(list(whole.events_received())))
    # A head that is cut short is not judged before its second byte is there.
    assert arrived == expected[: len(arrived)]
    if whole.state is framing.state:
        assert arrived == expected
        assert b"".join(answered) == b"".join(whole.data_to_send())
    else:
        assert framing.state is OPEN
        assert len(framing._head) > 0


@pytest.mark.parametrize("frame", [Frame(Opcode.PING, b"1"), Frame(Opcode.PONG, b"1"), Frame(Opcode.BINARY, b"1")])
def test_the_protocol_is_there_only_as_long_as_it_is_needed(frame: Frame) -> None:
    framing, sent = opened(), framed(frame)
    assert framing.receive(framed(Frame(Opcode.TEXT, b"[]"))) == [b"[]"]
    assert not has_protocol(framing)
    framing.receive(sent[:6])
    assert list(framing.leaving()) == []
    assert has_protocol(framing)
    framing.receive(sent[6:])
    framing.leaving()
    assert not has_protocol(framing)
    assert framing.receive(framed(Frame(Opcode.TEXT, b"[1]"))) == [b"[1]"]


def test_between_the_fragments_of_a_message_the_protocol_stays() -> None:
    framing = opened()
    for frame in (Frame(Opcode.TEXT, b"[", fin=False), Frame(Opcode.PING, b"1"), Frame(Opcode.CONT, b"", fin=False)):
        framing.receive(framed(frame))
        framing.leaving()
        assert has_protocol(framing)
    assert [
        bytes(event.data) for event in framing.receive(framed(Frame(Opcode.CONT, b"]"))) if isinstance(event, Frame)
    ] == [b"]"]
    framing.leaving()
    assert not has_protocol(framing)


def test_a_message_may_have_so_many_bytes_and_no_more() -> None:
    framing = opened()
    framing.most = 10
    assert framing.receive(framed(Frame(Opcode.TEXT, b"x" * 10))) == [b"x" * 10]
    assert framing.receive(framed(Frame(Opcode.TEXT, b"x" * 11))) == []
    assert framing.state is not OPEN
    assert framing.leaving()[0][2:4] == (1009).to_bytes(2, "big")
