import pytest

from hub.auth import policy
from hub.auth.principal import Principal
from hub.kernel.errors import Forbidden, TokenInvalid

SUE = Principal(
    user="sue", organization="acme", roles=frozenset({"ROLE_SUPERVISOR"}), issued_at=0, expires_at=60, user_name="Sue"
)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer a.b.c", "a.b.c"),
        ("bearer a.b.c", "a.b.c"),
        ("BEARER   a.b.c ", "a.b.c"),
        ("Bearer whatever", "whatever"),
        ("a.b.c", "a.b.c"),
        (" a.b.c ", "a.b.c"),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic YTpi", None),
        ("Digest a.b.c", None),
        ("word", None),
        ("", None),
        (None, None),
    ],
)
def test_the_header(header: str | None, token: str | None) -> None:
    assert policy.bearer(header) == token


@pytest.mark.parametrize(
    ("query", "token"),
    [
        ("access_token=a.b.c", "a.b.c"),
        (b"x=1&access_token=a.b.c&y=2", "a.b.c"),
        ("access_token=a%2Eb.c", "a.b.c"),
        ("access_token=a.b.c&access_token=a.b.c", "a.b.c"),
        ("access_token=", None),
        ("access_token", None),
        ("my_access_token=a.b.c", None),
        ("message=access_token%3Da.b.c", None),
        (b"\xff\xfe", None),
        ("", None),
    ],
)
def test_the_query(query: str | bytes, token: str | None) -> None:
    assert policy.bearer(None, query) == token


def test_the_header_wins_and_another_scheme_does_not_fall_through() -> None:
    assert policy.bearer("Bearer a.b.c", "access_token=d.e.f") == "a.b.c"
    assert policy.bearer("Basic YTpi", "access_token=d.e.f") is None
    assert policy.bearer("", "access_token=d.e.f") == "d.e.f"


@pytest.mark.parametrize("query", ["access_token=a&access_token=b", "access_token=a" + "&x=1" * 200])
def test_an_ambiguous_query_is_refused(query: str) -> None:
    with pytest.raises(TokenInvalid):
        policy.bearer(None, query)


def test_one_of_the_roles_is_enough() -> None:
    policy.require(SUE, "ROLE_ADMIN", "ROLE_SUPERVISOR")
    policy.require(SUE)
    with pytest.raises(Forbidden):
        policy.require(SUE, "ROLE_ADMIN", "ROLE_AGENT")
