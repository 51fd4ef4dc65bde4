"""The tally of the benchmarks notices what it is there to notice."""

from tests.benchmarks.tally import MARK, Tally, marked


def test_what_reaches_everybody_in_order_is_complete() -> None:
    tally = Tally([2], ordered=True)
    first, second = tally.expected([0]), tally.expected([0])
    numbers = [tally.publish(0, 1.0), tally.publish(0, 1.0)]
    for desktop in (first, second):
        tally.heard(desktop, [(0, number) for number in numbers], 1.5)
    assert (tally.outstanding, tally.lost, tally.delivered) == (0, 0, 4)
    assert (tally.repeated, tally.disordered, tally.misrouted) == (0, 0, 0)
    assert tally.latency(0.5) == 500.0


def test_what_is_missing_twice_out_of_order_or_somebody_elses_is_counted() -> None:
    tally = Tally([1, 1], ordered=True)
    desktop = tally.expected([0])
    for _ in range(4):
        tally.publish(0, 1.0)
    tally.heard(desktop, [(0, 0), (0, 2), (0, 1), (1, 0)], 1.5)
    assert (tally.outstanding, tally.lost) == (1, 1)
    assert (tally.disordered, tally.repeated, tally.misrouted) == (1, 1, 1)


def test_a_payload_can_be_found_again_and_has_its_size() -> None:
    payload = marked(7, 1234, 100)
    assert len(payload) == 100
    assert MARK.findall(b'{"m":"%b"}' % payload) == [(b"7", b"1234")]
