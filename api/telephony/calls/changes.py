"""A conversation has changed: what follows from that, in the transaction in which it changes.

The only place that writes legs, and the only one that emits notifications about calls of our own. Switches come here
with the conversation before and after; what is written, what is told on the channels, what the devices and whoever had
a call dialled have to know, is found by comparing the two.
"""

from collections import Counter
from collections.abc import Collection

from api.telephony.calls import records, upward, view
from api.telephony.calls.legs import Conversation
from api.telephony.calls.tellings import Failure, Saying, tellings
from api.telephony.devices import actions as devices
from api.telephony.devices.rules import Floor
from channels.catalog import CALLS
from channels.envelope import Stream
from hub.store import outbox
from hub.store.transaction import Tx


def commit(
    tx: Tx,
    before: Conversation,
    after: Conversation,
    now: float,
    *,
    floor: Floor,
    said: Collection[Saying] = (),
    failures: Collection[Failure] = (),
) -> None:
    """Write and tell all that differs, and what is said or has failed besides."""
    records.save(tx, before, after, now)
    for telling in tellings(before, after, said, failures):
        stream = Stream(telling.leg.organization, telling.leg.user, CALLS.pattern)
        outbox.emit(tx, stream, view.notification(telling, floor.base, now), now)
    _occupy(tx, before, after, now, floor=floor)
    upward.tell(tx, before, after, now)


def keep(tx: Tx, before: Conversation, after: Conversation, now: float, *, floor: Floor) -> None:
    """Write what a switch outside has reported, on the channel itself. Agents' states are its own business, too."""
    records.save(tx, before, after, now)
    _occupy(tx, before, after, now, floor=floor, wrap_up=False)
    upward.tell(tx, before, after, now)


def _occupy(
    tx: Tx, before: Conversation, after: Conversation, now: float, *, floor: Floor, wrap_up: bool = True
) -> None:
    """Tell the devices which of them have a call more or less than before."""
    more = _devices(after)
    more.subtract(_devices(before))
    # Always in the same order: each of them is a lock.
    for device, difference in sorted(more.items()):
        for _ in range(difference):
            devices.call_began(tx, floor, after.organization, device, now)
        for _ in range(-difference):
            devices.call_ended(tx, floor, after.organization, device, now, wrap_up=wrap_up)


def _devices(conversation: Conversation) -> Counter[str]:
    return Counter(leg.device for leg in conversation.legs if leg.is_live and leg.is_told and leg.device)
