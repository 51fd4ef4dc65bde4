"""What the hub tells clients about time, and how it reads what they ask for."""

from typing import Any

from msgspec import Struct

from hub.bayeux.messages import Advice, Message

ANSWER_EARLIER = 0.04  # of the advertised timeout: some clients use exactly that as their socket timeout
SURPLUS_TAB_INTERVAL = 2000


class Terms(Struct, frozen=True, kw_only=True):
    """What the operator set for every session; times in milliseconds."""

    epoch: str
    timeout: int = 25_000
    interval: int = 0
    max_interval: int = 60_000
    activity: int = 0
    """A client that sends nothing but connects for so long is sent away; 0 for never."""
    connection_types: tuple[str, ...] = ("websocket", "long-polling")
    max_subscriptions: int = 100
    session_unknown: str = "402::session_unknown"
    """What messages for unknown sessions are answered; some old clients look for a text of their own."""

    def advice(self, reconnect: str = "retry", *, interval: int | None = None) -> Advice:
        """The full advice. Clients replace the former as a whole, so no key is ever left out."""
        chosen = self.interval if interval is None else interval
        return Advice(reconnect=reconnect, interval=chosen, timeout=self.timeout, max_interval=self.max_interval)

    def surplus(self) -> Advice:
        """For a tab whose browser holds enough connects already: it polls slowly instead."""
        return Advice("retry", SURPLUS_TAB_INTERVAL, self.timeout, self.max_interval, multiple_clients=True)

    @property
    def grace(self) -> float:
        """Seconds a session lives without a connect."""
        return (self.interval + self.max_interval) / 1000

    def hold(self, message: Message) -> float:
        """Seconds to hold this connect: a little less than advertised, or what the client asked if that is less."""
        longest = self.timeout * (1 - ANSWER_EARLIER)
        wished = asked(message, "timeout")
        return (longest if wished is None else min(longest, wished)) / 1000


def asked(message: Message, key: str) -> float | None:
    """A number the client put into its own advice, None if there is none or it makes no sense."""
    value: Any = message.advice.get(key) if isinstance(message.advice, dict) else None
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return value
    return None
