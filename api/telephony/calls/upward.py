"""Who had a call dialled hears what becomes of it.

A domain above gives `Origin(domain, key)` when it dials. It is told by transactional timers of two kinds of its own,
`<domain>.call_established` and `<domain>.call_ended`, with that key; the payload is a `CallNews`.
"""

from typing import Final

import msgspec

from api.telephony.calls.legs import Conversation, Leg, Origin
from hub.kernel.clock import micros
from hub.store import timers
from hub.store.transaction import Tx

ESTABLISHED: Final = "call_established"
ENDED: Final = "call_ended"


class CallNews(msgspec.Struct, frozen=True, rename="camel"):
    """What has become of a call. `established`: it was, at least once; `reason`: why it ended, "" while it goes on."""

    organization: str
    user: str
    call_id: str
    call_uuid: str
    established: bool
    reason: str = ""


def tell(tx: Tx, before: Conversation, after: Conversation, now: float) -> None:
    """Tell it to the origins of the calls that were answered, or have ended, between the two."""
    old = {leg.id: leg for leg in before.legs}
    for leg in after.legs:
        if leg.origin is None:
            continue
        if leg.answered and not (leg.id in old and old[leg.id].answered):
            _plan(tx, leg.origin, ESTABLISHED, leg, now)
        if not leg.is_live:
            _plan(tx, leg.origin, ENDED, leg, now)


def _plan(tx: Tx, origin: Origin, event: str, leg: Leg, now: float) -> None:
    news = CallNews(leg.organization, leg.user, leg.id, leg.call_uuid, leg.answered, leg.ended or "")
    timers.plan(tx, f"{origin.domain}.{event}", origin.key, micros(now), msgspec.json.encode(news))
