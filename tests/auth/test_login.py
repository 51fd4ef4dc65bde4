from base64 import b64encode

import pytest

from hub.auth import login
from hub.auth.login import Password
from hub.kernel.errors import LoginFailed
from hub.kernel.secret import Secret

ALLOWED = frozenset({"https://desk.example"})


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, None),
        ("", None),
        ("Bearer abc", None),
        (f"Basic {encoded('alice:secret')}", ("alice", "secret")),
        (f"basic  {encoded('alice:with:colons')}", ("alice", "with:colons")),
        (f"BASIC {encoded('Ζωή:κωδικός')}", ("Ζωή", "κωδικός")),
        (f"Basic {encoded(':')}", ("", "")),
    ],
)
def test_basic(header: str | None, found: tuple[str, str] | None) -> None:
    assert login.basic(header) == (found and Password(found[0], Secret(found[1])))


@pytest.mark.parametrize("rest", ["", "alice:secret", "YWxpY2U=", "/////w==", "A" * 2_000, encoded("é:é")[:-1]])
def test_basic_that_cannot_be_read_is_a_failed_login(rest: str) -> None:
    with pytest.raises(LoginFailed):
        login.basic(f"Basic {rest}")


def test_a_password_is_not_shown() -> None:
    given = login.basic(f"Basic {encoded('alice:the secret')}")
    assert "the secret" not in repr(given)


GOOD = "a" * 42 + "_"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, None),
        ("", None),
        (f"HUB_SESSION={GOOD}", GOOD),
        (f"a=b; HUB_SESSION={GOOD};c=d", GOOD),
        (f"a=\x01(bad),; HUB_SESSION={GOOD}", GOOD),
        (f"HUB_SESSION={GOOD}; HUB_SESSION={GOOD}", GOOD),
        (f"HUB_SESSION={GOOD}; HUB_SESSION={GOOD[::-1]}", None),
        (f"XHUB_SESSION={GOOD}", None),
        (f"hub_session={GOOD}", None),
        (f"HUB_SESSION={GOOD}x", None),
        ("HUB_SESSION=", None),
        ('HUB_SESSION="quoted"', None),
    ],
)
def test_the_cookie(header: str | None, found: str | None) -> None:
    assert login.cookie(header) == found


def test_new_cookies_differ_and_are_recognized() -> None:
    one, other = login.new_cookie(), login.new_cookie()
    assert one != other
    assert login.cookie(f"HUB_SESSION={one}") == one


def test_what_is_made_of_a_cookie_does_not_contain_it() -> None:
    assert len({GOOD, login.login_id(GOOD), login.csrf_token(GOOD)}) == 3
    assert login.csrf_token(GOOD) == login.csrf_token(GOOD) != login.csrf_token(GOOD[::-1])


@pytest.mark.parametrize(
    ("token", "origin", "meant"),
    [
        (login.csrf_token(GOOD), None, True),
        (login.csrf_token(GOOD), "https://evil.example", True),
        ("wrong", None, False),
        ("", "https://desk.example", False),
        ("é", "https://desk.example", False),
        (None, None, False),
        (None, "https://desk.example", True),
        (None, "https://hub.example", True),
        (None, "https://evil.example", False),
        (None, "https://desk.example.evil.example", False),
        (None, "https://hub.example:444", False),
        (None, "null", False),
        (None, "", False),
        (None, "https://[", False),
    ],
)
def test_a_cookie_counts_for_requests_that_are_meant(token: str | None, origin: str | None, meant: bool) -> None:
    found = login.is_meant(GOOD, token=token, origin=origin, host="hub.example", allowed=ALLOWED)
    assert found is meant
