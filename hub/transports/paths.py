"""The one URL of the hub and its aliases; some clients append the kind of message to it."""

BASES = ("/api/v2/notifications", "/genesys/cometd", "/cometd")


def is_bayeux(path: str) -> bool:
    """Whether a request path belongs to the Bayeux endpoint; whatever follows the base is ignored."""
    return any(path == base or path.startswith(base + "/") for base in BASES)
