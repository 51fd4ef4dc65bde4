"""`[telephony]` and `[organizations.ID.telephony]`: which switch carries the calls, and how it behaves."""

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from hub.kernel.faults import Fault
from hub.kernel.secret import Secret

Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=86_400)]


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """`[[telephony.outside]]`: what parties do whose number fits the pattern, in which * and ? stand for any digits.

    They answer after `answers_after` seconds, unless they are busy or do not answer at all; an agent is told so after
    the seconds given. Who has answered hangs up after `hangs_up_after`, or never.
    """

    number: Annotated[str, Meta(pattern=r"\A\+?[0-9*?#]{1,32}\Z")] = "*"
    answers_after: Seconds = 2.0
    busy_after: Seconds | None = None
    unanswered_after: Seconds | None = None
    hangs_up_after: Seconds | None = None

    def faults(self) -> Iterator[Fault]:
        """See `Checked`."""
        if self.busy_after is not None and self.unanswered_after is not None:
            yield Fault("busy_after", "set at most one of busy_after and unanswered_after")


class Connector(msgspec.Struct, frozen=True, kw_only=True):
    """`[telephony.connector]`: who is handed the operations. `secret` is the key of the signature; who does not report
    anything about a call for `answer_seconds` after an operation on it is taken not to have carried it out.
    """

    url: Annotated[str, Meta(pattern=r"\Ahttps?://[^\s#]+\Z", max_length=2000)]
    secret: Secret
    answer_seconds: Annotated[float, Meta(ge=1, le=3600)] = 15.0


class Telephony(msgspec.Struct, frozen=True, kw_only=True):
    """How calls are carried. `recording`: calls can be recorded. `ring_seconds`: so long a phone rings at most."""

    switch: Literal["simulated", "connector"] = "simulated"
    recording: bool = False
    ring_seconds: Annotated[float, Meta(ge=1, le=3600)] = 60.0
    outside: tuple[Outside, ...] = ()
    connector: Connector | None = None

    def faults(self) -> Iterator[Fault]:
        """See `Checked`."""
        if self.switch == "connector" and self.connector is None:
            yield Fault("connector", "is missing")
