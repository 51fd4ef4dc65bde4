import pytest

from hub.transports.origin import is_allowed

ALLOWED = frozenset({"https://desk.example", "http://localhost:3000"})


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "hub.example", True),
        (None, None, True),
        ("https://desk.example", "hub.example", True),
        ("HTTPS://Desk.Example", "hub.example", True),
        ("https://hub.example", "hub.example", True),
        ("http://hub.example:8080", "HUB.example:8080", True),
        ("http://[::1]:8080", "[::1]:8080", True),
        ("https://evil.example", "hub.example", False),
        ("https://desk.example.evil.example", "hub.example", False),
        ("http://desk.example", "hub.example", False),
        ("http://hub.example:8081", "hub.example:8080", False),
        ("https://hub.example", None, False),
        ("null", "hub.example", False),
        ("null", "", False),
        ("", "hub.example", False),
        ("file://", "hub.example", False),
        ("http://[", "hub.example", False),
        ("http://hub.example@evil.example", "hub.example", False),
    ],
)
def test_whose_pages_may_open_a_socket(origin: str | None, host: str | None, allowed: bool) -> None:
    assert is_allowed(origin, host, ALLOWED) is allowed
