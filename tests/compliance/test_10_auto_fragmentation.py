"""Autobahn section 10: a message that a client's library cuts into frames of its own liking."""

import pytest

from tests.support.raw_websocket import Speaker, fragments


@pytest.mark.parametrize("size", [1300, 2048, 65_535, 65_536])
def test_a_message_cut_into_frames_of_one_size(speaker: Speaker, size: int) -> None:
    text = b"x" * 60_000
    speaker.write(*fragments(speaker.saying(text, size=65_536), size))
    speaker.assert_heard(text)
