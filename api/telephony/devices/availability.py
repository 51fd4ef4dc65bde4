"""Who is free for a queue, and promises of agents, so that no two calls are given to the same one.

`became_free` is the one place where it is known that an agent has become free.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from api.telephony.devices import records
from api.telephony.devices.records import Free, Requirement
from api.users.rules import Profile
from hub.kernel.clock import micros
from hub.store import timers
from hub.store.transaction import Snapshot, Tx

__all__ = ["Able", "Free", "Wanted", "able", "became_free", "free", "qualify", "release", "reserve"]

ROUTE: Final = "callbacks.route"

QUEUE: Final = "queue"
SKILL: Final = "skill"
LANGUAGE: Final = "language"


class Wanted(NamedTuple):
    """Whom a call is for. Skills are names with the level that is needed; `users`, where named, are the only ones."""

    queue: str
    skills: Mapping[str, int] = {}
    language: str | None = None
    users: tuple[str, ...] = ()


class Able(NamedTuple):
    """What a free agent can be given: calls of these queues, for these skills (name to level) and languages."""

    queues: Collection[str]
    skills: Mapping[str, int]
    languages: Collection[str]


def free(tx: Snapshot, organization: str, wanted: Wanted, now: float, limit: int) -> list[Free]:
    """Agents who may be given a call now, longest free first: ready, at no call, promised to nobody, at a desktop."""
    required = [Requirement(QUEUE, wanted.queue, 0)]
    required += [Requirement(SKILL, name, level) for name, level in sorted(wanted.skills.items())]
    if wanted.language is not None:
        required.append(Requirement(LANGUAGE, wanted.language, 0))
    return records.free(tx, organization, wanted.queue, required, wanted.users, micros(now), limit)


def able(tx: Snapshot, organization: str, user: str, now: float) -> Able:
    """The same, asked of one agent: what they can be given now, which is nothing unless they are free."""
    only, found = records.able(tx, organization, user, micros(now))
    return Able(
        queues=[each.name for each in found if each.kind == QUEUE and only in {None, each.name}],
        skills={each.name: each.level for each in found if each.kind == SKILL},
        languages=[each.name for each in found if each.kind == LANGUAGE],
    )


def reserve(tx: Tx, organization: str, user: str, reference: str, now: float, until: float) -> bool:
    """Promise the agent to `reference`; False if somebody was faster, or the agent is not free any more.

    The promise ends with `release`, with the next call at the device, with any state in which the agent is not free,
    and by itself at `until`.
    """
    return records.reserve(tx, organization, user, reference, micros(now), micros(until))


def release(tx: Tx, organization: str, user: str, reference: str, now: float) -> bool:
    """Take the promise back; the agent keeps the place of whoever has been free for so long. False if there is none."""
    if not records.release(tx, organization, user, reference):
        return False
    became_free(tx, organization, user, now)
    return True


def became_free(tx: Tx, organization: str, user: str, now: float) -> None:
    """An agent has become free: whoever has work for agents looks for some."""
    timers.plan(tx, ROUTE, f"{organization}/{user}", micros(now))


def qualify(tx: Tx, organization: str, user: str, profile: Profile | None) -> None:
    """Have the agent found by what the profile says; by nothing without one."""
    able: list[Requirement] = []
    if profile is not None:
        able += [Requirement(QUEUE, name, 0) for name in profile.queues]
        able += [Requirement(SKILL, name, level) for name, level in profile.skills.items()]
        able += [Requirement(LANGUAGE, name, 0) for name in profile.languages]
    records.qualify(tx, organization, user, list(dict.fromkeys(able)))
