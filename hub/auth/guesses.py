"""How often passwords may be tried.

Three rates, of which each try takes one: that of a user from one address, that of the address, and that of the user
from everywhere. What turns out right is given back, so that only wrong tries count and a whole shift may log in from
one address. An address from which a user has got in before is not held up by the last of the three: whoever guesses
elsewhere cannot lock them out. Nothing is locked for good; a rate refills.
"""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from typing import Final

from hub.kernel.errors import TooManyRequests
from hub.kernel.rate import Rates

OF_PAIR: Final = (10, 1 / 30)
OF_ADDRESS: Final = (60, 1.0)
OF_USER: Final = (100, 1 / 36)
"""Burst, and tries a second in the long run."""

REMEMBERED: Final = 10_000


class Guesses:
    """Tries of one process. Users are named as they name themselves, whether they exist or not."""

    def __init__(self) -> None:
        self._pairs, self._addresses, self._users = (
            Rates(per_second, burst) for burst, per_second in (OF_PAIR, OF_ADDRESS, OF_USER)
        )
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def begin(self, user: str, address: str, now: float) -> None:
        """Call before a password is looked at. Raises TooManyRequests, with the time to wait."""
        taken: list[tuple[Rates, object]] = []
        for rates, key in self._concerned(user, address):
            if wait := rates.take(key, now):
                for others, other in taken:
                    others.give_back(other)
                raise TooManyRequests("Too many wrong passwords, try again later", retry_after=wait)
            taken.append((rates, key))

    def right(self, user: str, address: str) -> None:
        """The password was right: the try does not count, and the address is known from now on."""
        for rates, key in self._concerned(user, address):
            rates.give_back(key)
        pair = user, network(address)
        self._known[pair] = None
        self._known.move_to_end(pair)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _concerned(self, user: str, address: str) -> list[tuple[Rates, object]]:
        of = network(address)
        everywhere = [] if (user, of) in self._known else [(self._users, user)]
        return [(self._pairs, (user, of)), (self._addresses, of), *everywhere]


def network(address: str) -> str:
    """What counts as one address: for IPv6 the /64 that a single customer is given."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
