"""What is wrong with what the operator gave us, collected so that one start reports everything."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple


class Fault(NamedTuple):
    """One thing to repair. `key` is the name of the setting or the path in the file; `message` holds no secret."""

    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.key}: {self.message}"


class SettingsError(Exception):
    """The process must not start. `faults` holds everything that was found, the text has one line for each."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def unknown(name: str, known: Iterable[str]) -> str:
    """The message for a name that does not exist, with the one that was probably meant."""
    close = get_close_matches(name, list(known), n=1)
    return f"unknown; did you mean {close[0]}?" if close else "unknown"
