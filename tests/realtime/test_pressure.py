import pytest

from channels.envelope import LoggedEvent, Stream
from hub.realtime.prepared import Prepared, prepare
from hub.realtime.pressure import Bounds, Forgotten, Strain, forget, size_of

CALLS, DEVICES = Stream("acme", "alice", "/v2/me/calls"), Stream("acme", "alice", "/v2/me/devices")


def event(seq: int, stream: Stream = CALLS, size: int = 10) -> Prepared:
    return prepare(LoggedEvent(stream, seq, b"x" * size))


def events(*sizes: int) -> list[Prepared]:
    return [event(seq, size=size) for seq, size in enumerate(sizes, 1)]


@pytest.mark.parametrize(
    ("sizes", "exceeded"),
    [
        ((), False),
        ((10,) * 4, False),
        ((10,) * 5, True),
        ((50, 50), False),
        ((50, 51), True),
        ((1000,), False),  # one event always fits, or it could never be sent
        ((1000, 1), True),
    ],
)
def test_a_queue_is_bounded_by_count_and_by_size(sizes: tuple[int, ...], exceeded: bool) -> None:
    queue = events(*sizes)
    assert Bounds(events=4, size=100).exceeded(len(queue), size_of(queue)) is exceeded


def test_a_growing_queue_weighs_what_all_its_events_weigh() -> None:
    queue, strain = events(10, 20), Strain()
    assert strain.weigh(queue) == 30
    assert strain.weigh(queue) == 30
    queue += events(5)
    assert strain.weigh(queue) == 35
    del queue[0]
    strain.ease()
    assert strain.weigh(queue) == 25


@pytest.mark.parametrize(
    ("sizes", "taken"),
    [((), 0), ((10,) * 3, 3), ((10,) * 9, 4), ((60, 60), 1), ((1000,), 1), ((1000, 10), 1), ((10, 1000), 1)],
)
def test_of_a_page_as_much_is_taken_as_the_bound_allows_and_at_least_one(sizes: tuple[int, ...], taken: int) -> None:
    bounds = Bounds(events=4, size=100)
    page = events(*sizes)
    fitting = bounds.fitting(page, 0, 0)
    assert fitting == page[:taken]
    assert not bounds.exceeded(len(fitting), size_of(fitting))


@pytest.mark.parametrize(
    ("beside", "sizes", "taken"),
    [((10,), (10,) * 9, 3), ((10,) * 4, (10,), 0), ((60,), (60, 10), 0), ((60,), (40, 1), 1), ((1000,), (1,), 0)],
)
def test_what_is_kept_already_counts(beside: tuple[int, ...], sizes: tuple[int, ...], taken: int) -> None:
    page = events(*sizes)
    assert Bounds(events=4, size=100).fitting(page, len(beside), sum(beside)) == page[:taken]


def test_what_is_forgotten_is_the_position_before_the_first_event_of_each_stream() -> None:
    queue = [event(7), event(3, DEVICES), event(8), event(0), event(4, DEVICES), event(0)]
    assert forget(queue) == Forgotten({CALLS: 6, DEVICES: 2}, ephemeral=2)
    assert forget([]) == Forgotten({}, 0)
