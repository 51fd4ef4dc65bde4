import time

from hub.kernel.clock import SystemClock, micros, seconds


def test_the_system_clock_tells_the_time() -> None:
    clock = SystemClock()
    before = time.time()
    assert before <= clock.now() <= time.time()
    assert clock.monotonic() <= clock.monotonic()


def test_stored_instants_are_whole_microseconds() -> None:
    assert micros(1_700_000_000.123456) == 1_700_000_000_123_456
    assert micros(1_700_000_000.9999996) == 1_700_000_001_000_000
    assert micros(seconds(1_700_000_000_123_456)) == 1_700_000_000_123_456
