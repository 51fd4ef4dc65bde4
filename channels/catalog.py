"""The catalogue: which channels there are, what each promises, and what may be said on it.

Four channels are built in; a configuration may add custom ones. No two channels overlap, so that every concrete name
belongs to at most one of them. `/meta/**` and `/service/**` belong to the protocol and are never found here.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from channels.appointments import AppointmentStateChangeMessage
from channels.callbacks import CallbackStateChangeMessage, CallbackWatermarkMessage
from channels.calls import CallStateChangeMessage
from channels.devices import DeviceStateChangeMessage
from channels.envelope import Notification, Stream
from channels.names import MAX_LENGTH, intersect, is_pattern, is_valid, patterns_of
from channels.users import PasswordChangeMessage, UserStateChangeMessage


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of channel. `pattern` is a concrete name for the four and may be a pattern for custom channels.

    personal: one name for everybody, routed by (organization, user). durable: events have positions, are kept and can
    be replayed. subscribe: roles that may listen, None for everybody who has a role. publish: roles whose clients may
    send over Bayeux (the ingest of back ends is not bound by it). messages: the typed messages it carries.
    """

    pattern: str
    personal: bool = False
    durable: bool = False
    subscribe: frozenset[str] | None = frozenset()
    publish: frozenset[str] = frozenset()
    messages: tuple[type[Notification], ...] = ()


_CONCERNING_A_USER: Final = (PasswordChangeMessage, AppointmentStateChangeMessage, CallbackStateChangeMessage)
_SUPERVISORS: Final = frozenset({"ROLE_SUPERVISOR", "ROLE_ADMIN"})

ME: Final = Channel(pattern="/v2/me", personal=True, durable=True, subscribe=None, messages=_CONCERNING_A_USER)
USERS: Final = Channel(
    pattern="/v2/users",
    durable=True,
    subscribe=_SUPERVISORS,
    messages=(*_CONCERNING_A_USER, UserStateChangeMessage, CallbackWatermarkMessage),
)
CALLS: Final = Channel(
    pattern="/v2/me/calls", personal=True, durable=True, subscribe=None, messages=(CallStateChangeMessage,)
)
DEVICES: Final = Channel(
    pattern="/v2/me/devices", personal=True, durable=True, subscribe=None, messages=(DeviceStateChangeMessage,)
)
BUILT_IN: Final = (ME, USERS, CALLS, DEVICES)
CUSTOMERS: Final = Channel(
    pattern="/_genesys", personal=True, durable=True, subscribe=frozenset(), messages=(CallbackStateChangeMessage,)
)
"""What a customer hears of their own callback, under the name that their site expects. The "user" of its streams is the
clientId of a session without credentials, and they belong to no organization. It is found, but listed nowhere.
"""
REMEMBERED: Final = 4_096
"""Names, most of which clients have made up; a name has at most 256 characters."""
_RESERVED: Final = ("/meta", "/meta/**", "/service", "/service/**")


class Catalog:
    """The built-in channels and the custom ones of a configuration. Immutable; safe to share."""

    def __init__(self, custom: Sequence[Channel] = ()) -> None:
        """Raises ValueError, naming the pattern, for a custom channel that is malformed, personal, overlaps another
        channel or reaches into the names of the protocol.
        """
        taken = [*_RESERVED, CUSTOMERS.pattern, *(channel.pattern for channel in BUILT_IN)]
        for channel in custom:
            _refuse_unfit(channel, taken)
            taken.append(channel.pattern)
        self.channels: Final[tuple[Channel, ...]] = (*BUILT_IN, *custom)
        named = (channel for channel in self.channels if not is_pattern(channel.pattern))
        self._concrete = {CUSTOMERS.pattern: CUSTOMERS} | {channel.pattern: channel for channel in named}
        self._wild = {channel.pattern: channel for channel in self.channels if is_pattern(channel.pattern)}
        self._matched = lru_cache(REMEMBERED)(self._match)

    def find(self, concrete_name: str) -> Channel | None:
        """The channel that `concrete_name` belongs to; None for unknown or malformed names and for patterns."""
        channel = self._concrete.get(concrete_name)
        if channel is not None or not self._wild or len(concrete_name) > MAX_LENGTH:
            return channel
        return self._matched(concrete_name)

    def _match(self, name: str) -> Channel | None:
        if is_pattern(name) or not is_valid(name):
            return None
        return next((self._wild[pattern] for pattern in patterns_of(name) if pattern in self._wild), None)

    def stream(self, organization: str, user: str, channel_name: str) -> Stream:
        """The stream that events of `user` on the concrete `channel_name` go to; shared channels ignore `user`.

        Raises LookupError for a name that is not in the catalogue and ValueError for a personal one without user.
        """
        channel = self.find(channel_name)
        if channel is None:
            raise LookupError(f"no channel covers {channel_name!r}")
        if not channel.personal:
            return Stream(organization, "", channel_name)
        if not user:
            raise ValueError(f"{channel_name} is personal and needs a user")
        return Stream(organization, user, channel_name)


def _refuse_unfit(channel: Channel, taken: Sequence[str]) -> None:
    if not is_valid(channel.pattern):
        raise ValueError(f"{channel.pattern!r} is no valid channel name or pattern")
    if channel.personal:
        raise ValueError(f"{channel.pattern}: a custom channel cannot be personal")
    for other in taken:
        if intersect(channel.pattern, other) is not None:
            raise ValueError(f"{channel.pattern} overlaps {other}; a name belongs to one channel only")
