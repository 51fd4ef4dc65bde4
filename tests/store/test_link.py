"""A connection that breaks, and a database that is away."""

from types import SimpleNamespace
from typing import Any

import pytest

from hub.store import link as module
from hub.store.dialect import Trouble
from hub.store.link import PAUSES, RETRY_SECONDS, Link


class Time:
    """Goes on only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Database:
    """A dialect whose database can be away."""

    begin_read = begin_write = "BEGIN"

    def __init__(self) -> None:
        self.away = False
        self.attempts = 0

    def connect(self) -> Any:
        self.attempts += 1
        if self.away:
            raise ConnectionError("nobody there")
        return SimpleNamespace(connection=SimpleNamespace(driver_connection=None), close=lambda: None)

    def cursor(self, connection: Any, *, read_only: bool) -> Any:
        return SimpleNamespace(execute=self.execute)

    def execute(self, sql: str) -> None:
        if self.away:
            raise ConnectionError("it has gone")

    def trouble(self, error: BaseException) -> Trouble | None:
        return Trouble.LOST if isinstance(error, ConnectionError) else None


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(module, "time", time)
    return time


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def link(time: Time, database: Database) -> Link:
    return Link(database)  # type: ignore[arg-type]


def work(link: Link) -> str:
    link.begin()
    return "done"


def test_a_short_absence_is_waited_for(link: Link, database: Database, time: Time) -> None:
    database.away = True

    def sleep(seconds: float) -> None:
        database.away = time.now < 101
        time.now += seconds

    time.sleep = sleep  # type: ignore[method-assign]
    assert link.persist(lambda: work(link)) == "done"
    assert not link.away


def test_a_long_one_is_not(link: Link, database: Database, time: Time) -> None:
    database.away = True
    with pytest.raises(ConnectionError):
        link.persist(lambda: work(link))
    assert link.away
    assert time.now == pytest.approx(100 + sum(PAUSES))


def test_whoever_comes_while_it_is_away_fails_at_once(link: Link, database: Database, time: Time) -> None:
    database.away = True
    with pytest.raises(ConnectionError):
        link.persist(lambda: work(link))
    gone, attempts = time.now, database.attempts
    with pytest.raises(ConnectionError, match="away"):
        link.persist(lambda: work(link))
    assert (time.now, database.attempts) == (gone, attempts)


def test_it_is_tried_every_second_however_many_come_meanwhile(link: Link, database: Database, time: Time) -> None:
    database.away = True
    with pytest.raises(ConnectionError):
        link.persist(lambda: work(link))
    attempts = database.attempts
    for _ in range(100):
        time.now += RETRY_SECONDS / 10
        with pytest.raises(ConnectionError):
            link.persist(lambda: work(link))
    assert database.attempts - attempts in {9, 10}
    database.away = False
    time.now += RETRY_SECONDS
    assert link.persist(lambda: work(link)) == "done"
    assert not link.away


def test_a_server_that_hangs_up_right_after_connecting_is_still_away(
    link: Link, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class HungUp(Exception):
        """As the driver has it."""

    def hang_up(connection: Any, *, read_only: bool) -> Any:
        raise HungUp

    database.away = True
    with pytest.raises(ConnectionError):
        link.persist(lambda: work(link))
    database.away = False
    with monkeypatch.context() as patch:
        patch.setattr(database, "cursor", hang_up)
        patch.setattr(database, "trouble", lambda error: Trouble.LOST if isinstance(error, HungUp) else None)
        link.mend()
        assert link.away
    link.mend()
    assert not link.away


def test_at_the_end_nothing_is_tried_again(link: Link, database: Database, time: Time) -> None:
    database.away = True
    link.end()
    for _ in range(2):
        time.now += RETRY_SECONDS
        with pytest.raises(ConnectionError):
            link.persist(lambda: work(link))
    assert (database.attempts, time.now) == (1, 100 + 2 * RETRY_SECONDS)
