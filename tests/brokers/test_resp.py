import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.brokers import resp


@given(st.lists(st.binary(), min_size=1, max_size=5))
def test_a_command_is_what_others_make_of_it(parts: list[bytes]) -> None:
    assert resp.command(*parts) == hiredis.pack_command(tuple(parts))  # type: ignore[arg-type]  # of any length, whatever the stub says


@given(st.binary(), st.binary())
def test_a_publish_is_a_command(channel: bytes, message: bytes) -> None:
    assert resp.publishing(b"PUBLISH", channel, message) == resp.command(b"PUBLISH", channel, message)


def test_pushes_errors_and_other_replies_are_told_apart() -> None:
    reader = resp.reader()
    reader.feed(b">1\r\n+message\r\n-ERR no\r\n:0\r\n#f\r\n_\r\n*1\r\n")
    found = [reader.gets() for _ in range(5)]
    assert [type(each) for each in found] == [resp.Push, resp.Error, int, bool, type(None)]
    assert reader.gets() is resp.MORE


def test_what_is_not_resp_is_broken() -> None:
    reader = resp.reader()
    reader.feed(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(resp.Broken):
        reader.gets()


def test_an_error_does_not_repeat_what_we_said() -> None:
    error = "ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'hub' 'hunter2'"
    assert resp.text(error) == "ERR unknown command 'HELLO'"
    assert resp.code(resp.text(error)) == "ERR"
