import pytest

from hub.transports.paths import is_bayeux


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v2/notifications", True),
        ("/api/v2/notifications/", True),
        ("/api/v2/notifications/connect", True),
        ("/genesys/cometd/handshake", True),
        ("/cometd", True),
        ("/cometd/a/b", True),
        ("/cometdx", False),
        ("/api/v2/notification", False),
        ("/api/v2", False),
        ("/", False),
        ("", False),
        ("/x/cometd", False),
    ],
)
def test_the_url_its_aliases_and_whatever_follows(path: str, expected: bool) -> None:
    assert is_bayeux(path) is expected
