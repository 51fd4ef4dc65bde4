import pytest

from hub.kernel.addresses import client_address

PROXIES = frozenset({"10.0.0.1", "10.0.0.2"})


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "made up, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "made up, 198.51.100.1 ,10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1,", "10.0.0.1"),
        ("10.0.0.1", "x" * 1000, "x" * 64),
    ],
)
def test_only_our_own_proxies_are_believed(peer: str, forwarded: str | None, address: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == address
