from datetime import date
from typing import Any

import pytest

from hub.kernel import hours
from hub.kernel.hours import DAY_MINUTES, Added, Dates, Day, Weekly


@pytest.mark.parametrize(
    ("text", "days", "opens", "closes"),
    [
        ("Mon-Fri 09:00-17:00", {0, 1, 2, 3, 4}, 540, 1020),
        ("Mon-Fri 9:00-17:00", {0, 1, 2, 3, 4}, 540, 1020),
        ("Sat 10:00-14:30", {5}, 600, 870),
        ("Sat-Mon 10:00-14:00", {5, 6, 0}, 600, 840),
        ("Mon-Mon 01:00-24:00", {0}, 60, DAY_MINUTES),
        ("Mon-Sun 00:00-24:00", set(range(7)), 0, DAY_MINUTES),
        ("Fri 19:00-7:00", {4}, 1140, DAY_MINUTES + 420),
        ("Fri 19:00 - 00:00", {4}, 1140, DAY_MINUTES),
    ],
)
def test_hours_of_the_week(text: str, days: set[int], opens: int, closes: int) -> None:
    assert hours.weekly(text) == Weekly(frozenset(days), opens, closes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mon",
        "Mon-Fri",
        "mon 09:00-17:00",
        "Mon-Foo 09:00-17:00",
        "Mon- 09:00-17:00",
        "Mon 9-17",
        "Mon 09:00-24:01",
        "Mon 24:00-24:00",
        "Mon 09:60-10:00",
        "Mon 09:00-09:00",
        "Mon 09:00-17:00 x",
        "Mon ٠٩:00-17:00x",
    ],
)
def test_other_texts_are_no_hours(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|closes"):
        hours.weekly(text)


def test_dates() -> None:
    assert hours.added("2026-12-19 10:00-14:00") == Added(Day(12, 19, 2026), 600, 840)
    assert hours.added("12-31 20:00-02:00") == Added(Day(12, 31), 1200, DAY_MINUTES + 120)
    assert hours.day("02-29") == Day(2, 29)
    assert hours.dates("2026-04-01 to 2026-10-31") == Dates(date(2026, 4, 1), date(2026, 10, 31))
    assert hours.dates("2026-04-01") == Dates(date(2026, 4, 1), date(2026, 4, 1))


@pytest.mark.parametrize("text", ["2026-02-30", "13-01", "2026", "a-b-c", "1-2-3-4", "", "-1-2", "2026-12-25x"])
def test_other_texts_are_no_dates(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|day"):
        hours.day(text)


@pytest.mark.parametrize("text", ["2026-10-31 to 2026-04-01", " to 2026-04-01", "x", "2026-04-01 until 2026-05-01"])
def test_other_texts_are_no_seasons(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|ends"):
        hours.dates(text)


@pytest.mark.parametrize("text", ["EST", "PST", "CET", "", "Europe/Berlim", "../../etc/passwd", "/etc/passwd", "a/\0"])
def test_zones_that_nobody_can_be_sure_of_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a time zone"):
        hours.zone(text)


BERLIN = {"_timezone": "Europe/Berlin"}


SEASON = BERLIN | {"_use_alternative1": "x", "_effective_dates1": "2026-07-01"}
OTHER = "must be the name of office hours in the same time zone"
LIKE = "must be like 2026-04-01 to 2026-10-31, or one date"


@pytest.mark.parametrize(
    ("table", "key", "message"),
    [
        (5, "", "must be a table"),
        ({}, "._timezone", "is missing"),
        ({"_timezone": "EST"}, "._timezone", "must be a time zone such as Europe/Berlin or UTC"),
        ({"_timezone": 1}, "._timezone", "must be a text"),
        (BERLIN | {"_bh_regular": "x"}, "._bh_regular", "unknown; did you mean _bh_regular1?"),
        (BERLIN | {"_bh_reglar1": "x"}, "._bh_reglar1", "unknown; did you mean _bh_regular1?"),
        (BERLIN | {"_bh_regular1": "Mon 9-17"}, "._bh_regular1", "must have hours like 09:00-17:00"),
        (BERLIN | {"_bh_closed2": "x"}, "._bh_closed2", "must be a date like 2026-12-25, or 12-25 for every year"),
        (SEASON, "._use_alternative1", OTHER),
        (SEASON | {"_use_alternative1": "y"}, "._use_alternative1", OTHER),
        (BERLIN | {"_use_alternative1": "z"}, "._effective_dates1", "is missing, _use_alternative1 needs it"),
        (BERLIN | {"_effective_dates1": "soon"}, "._effective_dates1", LIKE),
    ],
)
def test_a_fault_is_reported_with_its_path(table: Any, key: str, message: str) -> None:
    _, faults = hours.read({"it": table, "y": {"_timezone": "UTC"}, "z": BERLIN}, "o")
    assert [tuple(each) for each in faults] == [(f"o.it{key}", message)]


def test_what_the_product_writes_into_every_section_does_no_harm() -> None:
    section = {"_type": "builtin", "_service": "office-hours", "_ttl": "30", "_timezone": "UTC", "_holiday1": "12-25"}
    found, faults = hours.read({"x": section}, "o")
    assert (found["x"].closed, faults) == ((Day(12, 25),), [])
