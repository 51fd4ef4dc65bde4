import pytest

from hub.kernel.rate import Rate, Rates


def test_a_second_worth_may_come_at_once_and_no_more() -> None:
    rate = Rate(3)
    assert [rate.admits(10.0) for _ in range(5)] == [True, True, True, False, False]


def test_it_fills_evenly() -> None:
    rate = Rate(2)
    assert [rate.admits(0.0) for _ in range(3)] == [True, True, False]
    assert [rate.admits(now) for now in (0.4, 0.5, 0.9, 1.0)] == [False, True, False, True]


def test_a_long_pause_saves_nothing_up() -> None:
    rate = Rate(2)
    assert rate.admits(0.0)
    assert [rate.admits(1000.0) for _ in range(3)] == [True, True, False]


def test_who_is_refused_hears_how_long_to_wait_and_pays_nothing_for_asking() -> None:
    rate = Rate(0.1, burst=2)
    assert [rate.take(100.0) for _ in range(4)] == [0.0, 0.0, pytest.approx(10.0), pytest.approx(10.0)]
    assert rate.take(107.0) == pytest.approx(3.0)
    assert rate.take(110.0) == 0.0


def test_what_is_given_back_may_be_taken_again() -> None:
    rate = Rate(1, burst=1)
    assert rate.admits(5.0)
    rate.give_back()
    assert rate.admits(5.0)
    assert not rate.admits(5.0)


def test_keys_do_not_share_a_rate() -> None:
    rates = Rates(1, burst=1)
    assert [rates.take(key, 0.0) for key in ("a", "a", "b")] == [0.0, pytest.approx(1.0), 0.0]
    rates.give_back("a")
    rates.give_back("never seen")
    assert rates.take("a", 0.0) == 0.0


def test_keys_are_forgotten_when_they_owe_nothing_and_when_there_are_too_many() -> None:
    rates = Rates(1, burst=1, capacity=3)
    for key in "abcd":
        rates.take(key, 0.0)
    assert len(rates) == 3
    assert rates.take("d", 0.0) > 0
    rates.take("e", 10.0)
    assert len(rates) == 1
