from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, MetaData, Table, create_engine, insert, select
from sqlalchemy.exc import StatementError

from hub.store.schema import Micros

moments = Table("moment", MetaData(), Column("at", Micros))


def stored(value: object) -> object:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        moments.create(connection)
        connection.execute(insert(moments).values(at=value))
        found = connection.execute(select(moments.c.at)).scalar_one()
        assert connection.exec_driver_sql("SELECT typeof(at) FROM moment").scalar_one() in {"integer", "null"}
    engine.dispose()
    return found


def test_instants_are_stored_as_utc_microseconds() -> None:
    ten_in_athens = datetime(2027, 1, 15, 10, 0, 0, 1, tzinfo=timezone(timedelta(hours=2)))
    eight_in_utc = datetime(2027, 1, 15, 8, 0, 0, 1, tzinfo=UTC)
    assert stored(ten_in_athens) == stored(eight_in_utc) == 1_800_000_000_000_001


def test_integers_are_microseconds_already_and_none_is_none() -> None:
    assert stored(1_800_000_000_000_001) == 1_800_000_000_000_001
    assert stored(None) is None


def test_instants_before_1970_are_negative() -> None:
    assert stored(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


@pytest.mark.parametrize("value", [datetime(2027, 1, 15), 1.5, True, "2027-01-15T08:00:00Z"], ids=repr)  # noqa: DTZ001
def test_what_is_no_instant_is_refused(value: object) -> None:
    with pytest.raises(StatementError, match="instant"):
        stored(value)
