"""`X-Event-Positions`: where the caller's channels stand at the moment of a snapshot.

Read it in the transaction that reads the body. A client that subscribes with these positions hears exactly what came
after what it has seen.
"""

from typing import Final

import msgspec

from channels import access
from channels.catalog import BUILT_IN
from channels.envelope import Stream
from hub.auth.principal import Principal
from hub.store import streams
from hub.store.transaction import Snapshot

HEADER: Final = "X-Event-Positions"
DESCRIPTION: Final = "JSON: epoch, and by channel the position of the last event that this answer includes"


def header(tx: Snapshot, principal: Principal) -> tuple[str, str]:
    """The header for a caller: the built-in channels that they may hear."""
    audible = {
        channel.pattern: Stream(principal.organization, principal.user if channel.personal else "", channel.pattern)
        for channel in BUILT_IN
        if access.may_subscribe(channel, principal.roles)
    }
    heads = streams.heads(tx, list(audible.values()))
    positions = {name: heads[stream].seq for name, stream in audible.items()}
    value = msgspec.json.encode({"epoch": streams.epoch(tx), "positions": positions})
    return HEADER, value.decode("ascii")
