"""Lines: callbacks that the same agents can answer wait in one line, whichever service they came by.

A line is written as one text, `["sales",{"english":3},"en"]`: queue, skills with their least levels, language. Lines of
a queue are therefore neighbours, and which lines there are is seen from the callbacks that wait.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import msgspec

QUEUE_END: Final = "-"
"""Follows the comma behind the name of a queue."""


class Demand(NamedTuple):
    """What an agent must have to answer a callback."""

    queue: str
    skills: Mapping[str, int]
    language: str | None


class Place(NamedTuple):
    """Where a callback stands in a line. The smaller one is first: the urgent ones, then those that came first."""

    urgency: int
    since: int
    id: str


def line_of(demand: Demand) -> str:
    """The line of a demand. Equal demands have equal lines."""
    return msgspec.json.encode((demand.queue, dict(sorted(demand.skills.items())), demand.language)).decode()


def demand_of(line: str) -> Demand:
    """The inverse of `line_of`."""
    queue, skills, language = msgspec.json.decode(line, type=tuple[str, dict[str, int], str | None])
    return Demand(queue, skills, language)


def lines_of(queue: str) -> tuple[str, str]:
    """The lines of a queue are those from the first text until before the second."""
    head = f"[{msgspec.json.encode(queue).decode()}"
    return f"{head},", f"{head}{QUEUE_END}"


def fits(demand: Demand, queues: Collection[str], skills: Mapping[str, int], languages: Collection[str]) -> bool:
    """Whether somebody with these can answer it."""
    return (
        demand.queue in queues
        and all(skills.get(name, 0) >= level for name, level in demand.skills.items())
        and (demand.language is None or demand.language in languages)
    )
