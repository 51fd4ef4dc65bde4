"""Faults to plant in the hub. Each breaks one promise, and the machine has to find it."""

from typing import Any

import pytest

from hub.bayeux.extensions.ack import Batches
from hub.bayeux.repeats import Repeats
from hub.realtime.intake import Intake
from hub.realtime.recovery import Recovery
from hub.realtime.session import Session
from hub.realtime.streams import LocalStream
from hub.realtime.unacked import Unacked


def forgets_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    drop = Unacked.drop

    def more(self: Unacked, batch: int) -> None:
        drop(self, batch + 1)

    monkeypatch.setattr(Unacked, "drop", more)


def believes_every_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def acknowledge(self: Batches, connect: Any) -> bool:
        self.acknowledged = self.closed
        return True

    monkeypatch.setattr(Batches, "acknowledge", acknowledge)


def never_acknowledges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Batches, "acknowledge", lambda *_: False)


def skips_an_event_of_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    advance = Recovery._advance

    def skipping(self: Recovery, session: Any, local: Any, position: int, page: list[Any]) -> None:
        advance(self, session, local, position, page)
        if len(page) > 1:
            session.queue.remove(page[-1])

    monkeypatch.setattr(Recovery, "_advance", skipping)


def attaches_behind_the_position(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_behind = Recovery.leave_behind

    def further(self: Recovery, session: Session, local: LocalStream, position: int) -> None:
        leave_behind(self, session, local, position + 1)

    monkeypatch.setattr(Recovery, "leave_behind", further)


def stays_with_a_dead_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recovery, "begin_again", lambda *_: None)


def answers_the_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.bayeux.subscribing._let_go", lambda *_: [])


def leaves_the_waiting_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(self: Session, streams: Any) -> None:
        self.queue[:] = [event for event in self.queue if event.stream not in streams]

    monkeypatch.setattr(Session, "forget", forget)


def drops_what_overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "_overflow", lambda self: self.queue.clear())


def takes_events_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def arrived(self: Intake, local: Any, event: Any) -> None:
        if event.seq > local.last:
            self._take(local, event)

    monkeypatch.setattr(Intake, "_arrived", arrived)


def takes_events_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def arrived(self: Intake, local: Any, event: Any) -> None:
        if event.seq <= local.last + 1:
            self._take(local, event)

    monkeypatch.setattr(Intake, "_arrived", arrived)


def remembers_no_publish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Repeats, "remember", lambda *_: None)


PLAIN = (
    believes_every_number,
    never_acknowledges,
    skips_an_event_of_a_page,
    attaches_behind_the_position,
    stays_with_a_dead_connection,
    drops_what_overflows,
)
HIDDEN = (
    forgets_one_too_many,
    answers_the_dead,
    leaves_the_waiting_asleep,
    takes_events_in_any_order,
    takes_events_twice,
    remembers_no_publish,
)
"""These take a minute or so each."""
