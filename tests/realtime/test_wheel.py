import math
from random import Random

import pytest

from hub.realtime.wheel import Wheel


class Item:
    """Something whose deadline a test moves."""

    def __init__(self, deadline: float, then: float = math.inf) -> None:
        self.filed = -1
        self.deadline_at = deadline
        self._then = then
        self.woken: list[float] = []

    @property
    def deadline(self) -> float:
        return self.deadline_at

    def wake(self, now: float) -> None:
        self.woken.append(now)
        self.deadline_at = self._then


def wheel_with(*items: Item, now: float = 0.0) -> Wheel:
    wheel = Wheel(now)
    for item in items:
        wheel.file(item)
    return wheel


def turned(wheel: Wheel, until: float, step: float = 0.1, since: float = 0.0) -> None:
    for tick in range(1, round((until - since) / step) + 1):
        wheel.advance(since + tick * step)


def test_an_item_is_woken_after_its_deadline_and_within_one_turn() -> None:
    items = [Item(n / 7) for n in range(1, 50)]
    wheel = wheel_with(*items)
    turned(wheel, 10)
    for n, item in enumerate(items, 1):
        assert len(item.woken) == 1
        assert n / 7 <= item.woken[0] <= n / 7 + 0.2 + 1e-9


def test_an_item_without_deadline_is_not_kept() -> None:
    wheel = wheel_with(Item(math.inf))
    assert len(wheel) == 0


def test_a_deadline_that_moves_later_costs_no_filing_and_is_kept() -> None:
    item = Item(1.0)
    wheel = wheel_with(item)
    for tick in range(1, 100):
        item.deadline_at = tick / 10 + 1.0
        wheel.file(item)
        wheel.advance(tick / 10)
    assert item.woken == []
    assert len(wheel) == 1
    turned(wheel, 12, since=9.9)
    assert len(item.woken) == 1
    assert item.woken[0] == pytest.approx(11.0, abs=0.21)


def test_a_deadline_that_comes_nearer_counts_once_it_is_filed() -> None:
    item = Item(60.0, then=60.0)
    wheel = wheel_with(item)
    item.deadline_at = 1.0
    wheel.file(item)
    turned(wheel, 2)
    assert len(item.woken) == 1
    turned(wheel, 62, since=2)
    assert len(item.woken) >= 2
    assert item.woken[1] == pytest.approx(60.0, abs=0.21)


def test_a_stale_entry_does_not_wake_an_item_again() -> None:
    item = Item(5.0)
    wheel = wheel_with(item)
    item.deadline_at = 1.0
    wheel.file(item)
    turned(wheel, 10)
    assert len(item.woken) == 1
    assert len(wheel) == 0


def test_a_removed_item_is_dropped_when_its_slot_comes_up() -> None:
    item = Item(1.0)
    wheel = wheel_with(item)
    item.deadline_at = math.inf
    turned(wheel, 2)
    assert item.woken == []
    assert len(wheel) == 0
    assert item.filed == -1


def test_a_removed_item_can_come_back() -> None:
    item = Item(1.0)
    wheel = wheel_with(item)
    item.deadline_at = math.inf
    turned(wheel, 2)
    item.deadline_at = 3.0
    wheel.file(item)
    turned(wheel, 4, since=2)
    assert len(item.woken) == 1


@pytest.mark.parametrize("jump", [1.0, 3600.0, 10 * 86_400.0])
def test_after_a_far_jump_everything_due_is_woken_once(jump: float) -> None:
    items = [Item(n / 100) for n in range(100)]
    late = Item(jump + 5)
    wheel = wheel_with(*items, late)
    wheel.advance(jump)
    assert [item.woken for item in items] == [[jump]] * 100
    assert late.woken == []
    wheel.advance(jump + 5.2)
    assert late.woken == [jump + 5.2]
    assert len(wheel) == 0


@pytest.mark.parametrize("jump", [0.5, 3600.0])
def test_an_item_that_stays_due_is_woken_at_each_turn_and_never_lost(jump: float) -> None:
    item = Item(0.0, then=0.0)
    wheel = wheel_with(item)
    wheel.advance(jump)
    wheel.advance(jump + 0.15)
    wheel.advance(jump + 0.3)
    assert item.woken == [jump, jump + 0.15, jump + 0.3]


def test_what_is_filed_by_somebody_woken_is_not_lost_in_a_far_jump() -> None:
    class Filer(Item):
        def wake(self, now: float) -> None:
            super().wake(now)
            wheel.file(other)

    other, filer = Item(20.0), Filer(0.0)
    wheel = wheel_with(filer)
    wheel.advance(1000.0)
    wheel.advance(1000.2)
    assert other.woken == [1000.2]


def test_time_that_stands_still_wakes_nobody() -> None:
    item = Item(0.05)
    wheel = wheel_with(item)
    for _ in range(5):
        wheel.advance(0.0)
    assert item.woken == []


def test_thousands_of_items_with_random_moves_are_each_woken_in_time() -> None:
    random = Random(7)
    items = [Item(random.uniform(0, 30)) for _ in range(5000)]
    wheel = wheel_with(*items)
    now = 0.0
    while now < 60:
        now += random.choice([0.1, 0.1, 0.1, 0.7, 3.0])
        for item in random.sample(items, 50):
            if not item.woken:
                item.deadline_at = now + random.uniform(0, 10)
                wheel.file(item)
        expected = {id(item) for item in items if not item.woken and item.deadline_at <= now - 0.1}
        wheel.advance(now)
        assert expected <= {id(item) for item in items if item.woken}
        assert all(item.deadline_at > now - 0.2 for item in items if not item.woken)
    wheel.advance(100)
    assert [len(item.woken) for item in items] == [1] * 5000
    assert len(wheel) == 0
