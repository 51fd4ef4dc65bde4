"""The one URL of the hub and its aliases; some clients append the kind of message to it."""

BASES = ("/api/v2/notifications", "/genesys/cometd", "/cometd")

FOR_CUSTOMERS = "/genesys/cometd"
"""Where customers without credentials may come in, to hear of their callbacks."""


def is_for_customers(path: str) -> bool:
    """Whether a request path belongs to the alias that the sites of customers know."""
    return path == FOR_CUSTOMERS or path.startswith(FOR_CUSTOMERS + "/")


def is_bayeux(path: str) -> bool:
    """Whether a request path belongs to the Bayeux endpoint; whatever follows the base is ignored."""
    return any(path == base or path.startswith(base + "/") for base in BASES)
