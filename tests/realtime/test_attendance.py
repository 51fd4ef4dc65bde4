"""What has changed since it was written, by users and not by their sessions."""

import pytest

from hub.auth.principal import Principal
from hub.realtime.attendance import Attendance

ALICE, BOB = ("acme", "alice"), ("acme", "bob")


def principal(who: tuple[str, str], *roles: str) -> Principal:
    organization, user = who
    return Principal(
        user=user, organization=organization, roles=frozenset(roles or ("ROLE_AGENT",)), issued_at=0, expires_at=1e9
    )


@pytest.fixture
def attendance() -> Attendance:
    return Attendance()


def written(attendance: Attendance) -> tuple[list[tuple[str, str]], dict[tuple[str, str], float]]:
    difference = attendance.difference()
    attendance.wrote(difference)
    return list(difference.came), dict(difference.left)


def test_tabs_count_as_one_user(attendance: Attendance) -> None:
    for tab in "abc":
        attendance.opened(tab, principal(ALICE))
    attendance.opened("d", principal(BOB))
    assert written(attendance) == ([ALICE, BOB], {})
    attendance.opened("e", principal(ALICE))
    attendance.closed("a", ALICE, 10)
    assert written(attendance) == ([], {})
    for tab, at in (("b", 30.0), ("c", 20.0), ("e", 25.0)):
        attendance.closed(tab, ALICE, at)
    assert (written(attendance), len(attendance)) == (([], {ALICE: 30.0}), 1)
    assert written(attendance) == ([], {})


def test_the_last_sign_of_a_user_may_have_come_from_a_tab_that_was_closed_earlier(attendance: Attendance) -> None:
    for tab in "ab":
        attendance.opened(tab, principal(ALICE))
    written(attendance)
    attendance.closed("a", ALICE, 50)
    assert written(attendance) == ([], {})
    attendance.closed("b", ALICE, 10)
    assert written(attendance) == ([], {ALICE: 50.0})


def test_who_comes_and_goes_in_between_is_no_difference(attendance: Attendance) -> None:
    attendance.opened("a", principal(ALICE))
    attendance.closed("a", ALICE, 1)
    assert written(attendance) == ([], {})
    attendance.opened("b", principal(BOB))
    written(attendance)
    attendance.closed("b", BOB, 2)
    attendance.opened("c", principal(BOB))
    assert written(attendance) == ([], {})
    assert (attendance._last_signs, attendance._changed) == ({}, set())


def test_what_could_not_be_written_is_kept_with_what_comes_after(attendance: Attendance) -> None:
    attendance.opened("a", principal(ALICE))
    assert attendance.difference().came == (ALICE,)
    attendance.opened("b", principal(BOB))
    assert attendance.difference().came == (ALICE, BOB)


def test_what_changes_while_it_is_written_is_the_next_difference(attendance: Attendance) -> None:
    attendance.opened("a", principal(ALICE))
    difference = attendance.difference()
    attendance.closed("a", ALICE, 7)
    attendance.opened("b", principal(BOB))
    attendance.wrote(difference)
    assert written(attendance) == ([BOB], {ALICE: 7.0})


def test_starting_over_everybody_who_is_here_has_come(attendance: Attendance) -> None:
    attendance.opened("a", principal(ALICE))
    attendance.opened("b", principal(BOB))
    written(attendance)
    attendance.closed("b", BOB, 1)
    attendance.start_over()
    assert written(attendance) == ([ALICE], {})


@pytest.mark.parametrize(
    ("roles", "counts"),
    [
        (["ROLE_AGENT"], True),
        (["ROLE_SUPERVISOR"], True),
        (["ROLE_ADMIN", "ROLE_CLIENT_SERVICE"], True),
        (["ROLE_CLIENT_SERVICE"], False),
        (["ROLE_CUSTOMER"], False),
    ],
)
def test_programs_and_customers_have_no_desktop(attendance: Attendance, roles: list[str], counts: bool) -> None:
    attendance.opened("a", principal(ALICE, *roles))
    assert written(attendance) == ([ALICE] if counts else [], {})
    attendance.closed("a", ALICE, 1)
    assert written(attendance) == ([], {ALICE: 1.0} if counts else {})


def test_a_session_that_is_not_known_changes_nothing(attendance: Attendance) -> None:
    attendance.opened("a", principal(ALICE))
    attendance.closed("b", ALICE, 1)
    attendance.closed("b", BOB, 1)
    assert written(attendance) == ([ALICE], {})
