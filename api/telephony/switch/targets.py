"""Where a number leads to in the simulated switch, and what the parties behind it do. Pure."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final, NamedTuple, TypeAlias

from hub.kernel.telephony import Outside


class Line(NamedTuple):
    """The device of a user, which will ring."""

    user: str
    device: str
    number: str


class Far(NamedTuple):
    """A party outside of the organization, and what it does."""

    number: str
    does: Outside


class Busy(NamedTuple):
    """Nobody who could be called at present."""

    number: str


Target: TypeAlias = Line | Far | Busy

_DEFAULT: Final = Outside()


def outside(number: str, patterns: Iterable[Outside]) -> Far:
    """Somebody outside, who does what the first pattern says that fits; answers soon if none does."""
    return Far(number, next((each for each in patterns if fnmatchcase(number, each.number)), _DEFAULT))
