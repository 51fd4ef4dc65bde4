"""What connectors report on personal channels, for calls and devices alike."""

from api.telephony.calls import actions as calls
from api.telephony.devices import actions as devices
from api.telephony.devices.rules import Floor
from channels.calls import CallStateChangeMessage
from channels.devices import DeviceStateChangeMessage
from channels.envelope import Notification, Stream
from hub.store.transaction import Tx


def observe(tx: Tx, floor: Floor, stream: Stream, message: Notification | None, data: bytes, now: float) -> None:
    """Keep what the event says, so that the snapshot of REST follows it; `data` is the event as it was written.

    In the transaction that emits the event. Of itself it emits only a UserStateChangeMessage, where an agent is in
    another state than before.
    """
    match message:
        case CallStateChangeMessage():
            calls.observe(tx, floor, stream.organization, stream.user, message, data, now)
        case DeviceStateChangeMessage():
            devices.observe(tx, floor, stream.organization, stream.user, message, now)
        case _:
            pass
