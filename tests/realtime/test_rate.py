from hub.realtime.rate import Rate


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
