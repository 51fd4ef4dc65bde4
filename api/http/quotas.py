"""How often strangers may do what costs somebody else something, or what could be guessed at.

One process counts for itself, and begins anew with it. What an address stands for is said in `hub.auth.guesses`.
"""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Final

from hub.auth.guesses import network
from hub.kernel.clock import Clock
from hub.kernel.errors import Overloaded, TooManyRequests
from hub.kernel.rate import Rates

# Burst, and so many a second in the long run.
CODES_OF_ADDRESS: Final = (10, 1 / 60)
CODES_OF_ORGANIZATION: Final = (200, 2.0)
WRONG_CODES_OF_ADDRESS: Final = (30, 1 / 20)
UNKNOWN_TICKETS_OF_ADDRESS: Final = (20, 1 / 30)
REQUESTS_OF_STRANGERS: Final = (300, 5.0)
NOTICE_TESTS_OF_ORGANIZATION: Final = (20, 1 / 10)
APPOINTMENTS_OF_ADDRESS: Final = (10, 1 / 60)
CALLBACKS_OF_NUMBER: Final = (10, 1 / 120)
UNMATCHED_OF_ADDRESS: Final = (20, 1 / 30)
LARGE_BODIES_AT_ONCE: Final = 24
LARGE_BODIES_OF_ADDRESS_AT_ONCE: Final = 4


class Quota:
    """One rate for each key."""

    def __init__(self, clock: Clock, rate: tuple[int, float], excess: str) -> None:
        """`excess` is what somebody is told who wants more."""
        self._clock = clock
        self._excess = excess
        burst, per_second = rate
        self._rates = Rates(per_second, burst)

    def take(self, key: Hashable) -> None:
        """Count one more. Raises TooManyRequests, with the time to wait."""
        if wait := self._rates.take(key, self._clock.monotonic()):
            raise TooManyRequests(self._excess, retry_after=wait)

    def give_back(self, key: Hashable) -> None:
        """One that was taken does not count after all."""
        self._rates.give_back(key)


class Places:
    """How many may be at something at the same time, in all and of one key."""

    def __init__(self, most: int, most_of_key: int) -> None:
        self._most = most
        self._most_of_key = most_of_key
        self._taken: Counter[Hashable] = Counter()

    @contextmanager
    def one(self, key: Hashable) -> Iterator[None]:
        """Take a place for as long as the block lasts. Raises Overloaded."""
        if self._taken.total() >= self._most or self._taken[key] >= self._most_of_key:
            raise Overloaded
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]


class Quotas:
    """The quotas of one process. Those of addresses are taken with what `network` makes of the address."""

    def __init__(self, clock: Clock) -> None:
        self._codes_of_address = Quota(clock, CODES_OF_ADDRESS, "Too many codes from here, try again later")
        self._codes_of_organization = Quota(clock, CODES_OF_ORGANIZATION, "Too many codes, try again later")
        self.wrong_codes = Quota(clock, WRONG_CODES_OF_ADDRESS, "Too many wrong codes, try again later")
        self.strangers = Quota(clock, REQUESTS_OF_STRANGERS, "Too many requests from here, try again later")
        self.unmatched = Quota(clock, UNMATCHED_OF_ADDRESS, "Too many wrong codes, try again later")
        self.large_bodies = Places(LARGE_BODIES_AT_ONCE, LARGE_BODIES_OF_ADDRESS_AT_ONCE)
        self.unknown_tickets = Quota(clock, UNKNOWN_TICKETS_OF_ADDRESS, "Too many wrong tickets, try again later")
        self.notice_tests = Quota(clock, NOTICE_TESTS_OF_ORGANIZATION, "Too many test messages, try again later")
        self.appointments = Quota(clock, APPOINTMENTS_OF_ADDRESS, "Too many appointments from here, try again later")
        self.callbacks_of_number = Quota(clock, CALLBACKS_OF_NUMBER, "Too many requests for this number, try later")

    def take_code(self, organization: str, address: str | None) -> None:
        """One more code in the name of an organization; `address` is that of a stranger. Raises TooManyRequests."""
        if address is not None:
            self._codes_of_address.take(network(address))
        self._codes_of_organization.take(organization)
