"""What operators get to know of timers: counters and log lines."""

from typing import assert_never

from hub.kernel import logs, metrics
from hub.kernel.clock import seconds
from hub.store.timers import Timer
from scheduler.claims import Ended, Jobs
from scheduler.retries import Again, Burial, Buried, Done

_log = logs.get("scheduler")


def prepare(jobs: Jobs) -> None:
    """Have every counter of these jobs show from the beginning."""
    for kind in (*jobs.transactional, *jobs.outward):
        metrics.TIMERS_CLAIMED.labels(kind)
        metrics.TIMERS_RETRIED.labels(kind)
        for burial in Burial:
            metrics.TIMERS_BURIED.labels(kind, burial)


def began(timer: Timer, now: float) -> None:
    """An attempt was made at `now`."""
    metrics.TIMERS_CLAIMED.labels(timer.kind).inc()
    if timer.due_at is not None:
        metrics.TIMERS_LATE_SECONDS.labels(timer.kind).observe(max(0.0, now - seconds(timer.due_at)))


def ended(done: Ended) -> None:
    """An ending is on record."""
    timer, ending = done
    facts = {"kind": timer.kind, "key": timer.key, "attempt": timer.attempt + 1}
    match ending:
        case Done():
            pass
        case Again(_, reason):
            metrics.TIMERS_RETRIED.labels(timer.kind).inc()
            _log.info("timer will be tried again", **facts, reason=reason)
        case Buried(burial, reason):
            metrics.TIMERS_BURIED.labels(timer.kind, burial).inc()
            _log.warning("timer buried", **facts, burial=str(burial), reason=reason)
        case _:
            assert_never(ending)
