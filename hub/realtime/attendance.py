"""Who has a desktop on this node, and what of it the others have not been told yet. Pure.

Tabs and transports do not count, users do. Programs and customers have no desktop.
"""

from collections.abc import Mapping
from typing import NamedTuple

from channels.access import STAFF
from hub.auth.principal import Principal
from hub.store.presence import Who


class Difference(NamedTuple):
    """What has become other than it was written: users who came, and since when users who left have been away."""

    came: tuple[Who, ...]
    left: Mapping[Who, float]


class Attendance:
    """Told of every session; `difference` costs as much as has changed since the last that was written."""

    def __init__(self) -> None:
        self._desktops: dict[Who, set[str]] = {}
        self._written: set[Who] = set()
        self._changed: set[Who] = set()
        self._last_signs: dict[Who, float] = {}

    def __len__(self) -> int:
        """How many users are here."""
        return len(self._desktops)

    def opened(self, client_id: str, principal: Principal) -> None:
        """A session has begun."""
        if principal.roles.isdisjoint(STAFF):
            return
        who = principal.identity
        self._desktops.setdefault(who, set()).add(client_id)
        self._changed.add(who)
        self._last_signs.pop(who, None)

    def closed(self, client_id: str, who: Who, last_sign: float) -> None:
        """A session is over; its client was there at `last_sign`, and not later."""
        desktops = self._desktops.get(who)
        if desktops is None or client_id not in desktops:
            return
        desktops.discard(client_id)
        self._last_signs[who] = max(last_sign, self._last_signs.get(who, last_sign))
        if not desktops:
            del self._desktops[who]
            self._changed.add(who)

    def difference(self) -> Difference:
        """What is to be written."""
        return Difference(
            tuple(sorted(who for who in self._changed if who in self._desktops and who not in self._written)),
            {who: self._last_signs[who] for who in self._changed if who not in self._desktops and who in self._written},
        )

    def wrote(self, difference: Difference) -> None:
        """The difference has been written; what has changed since it was made is the next one."""
        self._written.update(difference.came)
        self._written.difference_update(difference.left)
        self._changed = {who for who in self._changed if (who in self._desktops) != (who in self._written)}
        self._last_signs = {
            who: at for who, at in self._last_signs.items() if who in self._desktops or who in self._changed
        }

    def start_over(self) -> None:
        """Nothing counts as written."""
        self._written.clear()
        self._changed = set(self._desktops)
