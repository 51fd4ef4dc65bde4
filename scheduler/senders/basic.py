"""Basic credentials (RFC 7617)."""

from base64 import b64encode

from hub.store.deliveries import Basic


def header_of(credentials: Basic) -> str:
    """The value of `Authorization`."""
    return "Basic " + b64encode(f"{credentials.user}:{credentials.password}".encode()).decode("ascii")
