import inspect

import pytest

from hub.kernel import errors
from hub.kernel.errors import BadInput, Conflict, HubError, Overloaded, TokenExpired, TooManyRequests, Unauthenticated

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, HubError)]


@pytest.mark.parametrize("kind", TREE)
def test_every_error_says_something_safe_by_itself(kind: type[HubError]) -> None:
    error = kind()
    assert error.code.islower()
    assert error.detail
    assert str(error) == error.detail
    assert error.fields == {}


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in TREE if kind is not HubError]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("kind", "status", "status_code"),
    [
        ("BadInput", 400, 10),
        ("MissingParameter", 400, 1),
        ("Unauthenticated", 401, 20),
        ("TokenInvalid", 401, 20),
        ("TokenExpired", 401, 20),
        ("Forbidden", 403, 5),
        ("NotFound", 404, 6),
        ("Conflict", 409, 2),
        ("TooLarge", 413, 4),
        ("Unprocessable", 422, 10),
        ("TooManyRequests", 429, 4),
        ("Internal", 500, 4),
        ("Overloaded", 503, 4),
    ],
)
def test_the_numbers_of_an_error(kind: str, status: int, status_code: int) -> None:
    error = getattr(errors, kind)()
    assert (error.status, error.status_code) == (status, status_code)


def test_only_what_may_succeed_later_is_retriable() -> None:
    assert {kind.code for kind in TREE if kind.retriable} == {
        "too_many_requests",
        "overloaded",
        "keys_unavailable",
        "stopping",
    }
    assert Overloaded().retry_after == 1.0
    assert TooManyRequests(retry_after=2.5).retry_after == 2.5


def test_a_raiser_narrows_one_error_and_not_the_class() -> None:
    error = Conflict("There is one already", code="already_exists", status_code=18, fields={"id": "x"})
    assert (error.code, error.status_code, error.detail) == ("already_exists", 18, "There is one already")
    assert error.fields == {"id": "x"}
    assert (Conflict().code, Conflict().status_code) == ("conflict", 2)


def test_a_bad_input_points_to_its_place() -> None:
    assert BadInput("no", pointer="/a/0").pointer == "/a/0"


def test_token_errors_are_of_one_family() -> None:
    assert isinstance(TokenExpired(), Unauthenticated)
