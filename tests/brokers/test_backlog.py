import pytest

from hub.brokers.backlog import LARGEST, OLDEST, Backlog
from tests.support.brokers import counted


def dropped() -> float:
    return counted("hub_redis_dropped_total", reason="away")


@pytest.fixture
def backlog() -> Backlog:
    return Backlog()


def test_what_comes_first_leaves_first(backlog: Backlog) -> None:
    for command in (b"one", b"two", b"three"):
        backlog.keep(command, 0.0)
    assert list(backlog.take(0.0)) == [b"one", b"two", b"three"]
    assert len(backlog) == 0


def test_what_is_not_asked_for_stays(backlog: Backlog) -> None:
    for command in (b"one", b"two"):
        backlog.keep(command, 0.0)
    assert next(backlog.take(0.0)) == b"one"
    assert list(backlog.take(0.0)) == [b"two"]


def test_what_is_too_old_is_dropped_and_counted(backlog: Backlog) -> None:
    before = dropped()
    backlog.keep(b"old", 0.0)
    backlog.keep(b"new", 1.0)
    assert list(backlog.take(OLDEST + 0.5)) == [b"new"]
    assert dropped() - before == 1


def test_what_has_no_room_pushes_out_the_oldest(backlog: Backlog) -> None:
    before, large = dropped(), b"x" * (LARGEST // 3)
    for n in range(5):
        backlog.keep(b"%d" % n + large, 0.0)
    assert [command[:1] for command in backlog.take(0.0)] == [b"3", b"4"]
    assert dropped() - before == 3


def test_the_smallest_commands_have_a_bound_too(backlog: Backlog) -> None:
    for _ in range(LARGEST):
        backlog.keep(b"", 0.0)
    assert len(backlog) < 10_000


def test_one_that_is_larger_than_all_room_is_dropped(backlog: Backlog) -> None:
    before = dropped()
    backlog.keep(b"x" * (LARGEST + 1), 0.0)
    assert (len(backlog), dropped() - before) == (0, 1)


def test_at_the_end_everything_is_counted(backlog: Backlog) -> None:
    before = dropped()
    backlog.keep(b"one", 0.0)
    backlog.keep(b"two", 0.0)
    backlog.clear()
    assert (len(backlog), dropped() - before) == (0, 2)
