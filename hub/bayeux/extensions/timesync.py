"""The timesync extension: lets a client learn how far its clock is from the hub's, as NTP does.

The client sends on any meta message `ext.timesync {tc, l, o}`: its time, the lag and the offset it has worked out so
far, all in milliseconds. The reply says when the message arrived here (`ts`), how long it was held (`p`) and by how
much the client's idea is off (`a`). Nothing is sent while the client is accurate enough.
"""

from typing import Any

from hub.bayeux.messages import Message

ACCURATE = 25  # milliseconds
LARGEST = 2.0**53  # beyond it no clock counts milliseconds, and sums could leave what a float holds


def answer(message: Message, arrived: float, held: float) -> dict[str, Any] | None:
    """The `ext.timesync` of the reply; `arrived` (wall clock) and `held` in seconds. None if there is none to send."""
    asked = message.extensions.get("timesync")
    if not isinstance(asked, dict) or not _is_number(asked.get("tc")):
        return None
    ts = round(arrived * 1000)
    reply = {"tc": asked["tc"], "ts": ts, "p": round(held * 1000)}
    lag, offset = asked.get("l"), asked.get("o")
    if not _is_number(lag):
        return reply
    accuracy = round(asked["tc"] + (offset if _is_number(offset) else 0) + lag - ts)
    if lag != 0 and abs(accuracy) < ACCURATE:
        return None
    return {**reply, "a": accuracy}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def kept(message: Message) -> dict[str, Any] | None:
    """What `answer` needs of a message that is held: numbers, and nothing that a client may make large."""
    asked = message.extensions.get("timesync")
    if not isinstance(asked, dict):
        return None
    return {name: asked[name] for name in ("tc", "l", "o") if _is_number(asked.get(name))}
