"""The history checker: what was published, against what every client received.

`check` is a pure function over two logs. The published log holds every event that ingest acknowledged, with the
position it was given. A client's log holds what reached it, in the order in which it was handed over. What a client
may demand is a matter of its promise (replay, ack or plain), so every fault below is a broken promise, never a taste:

lost           an event that was due did not come, and no gap mark excuses it
twice          an event came a second time, to a client whose promise excludes it
out of order   an event came after a later one of its stream
foreign        an event of another organization or user, or of a channel that the roles may not hear
unasked        an event of a channel that the client never subscribed to
altered        the data is not what was published under that position
unpublished    an event that nobody published
revoked        an event came after the client's access had ended
position       ingest handed out a position twice, or left one out
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

SUPERVISION = frozenset({"ROLE_SUPERVISOR", "ROLE_ADMIN"})
"""Roles that may hear `/v2/users`."""


class Promise(StrEnum):
    """What a client was promised (the table of the delivery promises)."""

    REPLAY = "replay"  # none lost or a gap mark, none twice, also over kill -9
    ACK = "ack"  # none lost while the session lives, repeats possible
    PLAIN = "plain"  # may lose what was in a dying socket or an ended session


class Fault(StrEnum):
    LOST = "lost"
    TWICE = "twice"
    ORDER = "out of order"
    FOREIGN = "foreign"
    UNASKED = "unasked"
    ALTERED = "altered"
    UNPUBLISHED = "unpublished"
    REVOKED = "revoked"
    POSITION = "position"


class Stream(NamedTuple):
    """Whom an event is for. `user` is empty on channels that a whole organization shares."""

    organization: str
    user: str
    channel: str

    def __str__(self) -> str:
        return f"{self.organization}/{self.user or '*'}{self.channel}"


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """An event that ingest acknowledged. `at` is when the acknowledgement came, in seconds of the tests' clock."""

    organization: str
    user: str
    channel: str
    seq: int
    data: Any
    at: float = 0.0

    @property
    def stream(self) -> Stream:
        return Stream(self.organization, self.user, self.channel)


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it reached a client. `seq` is None where the session has not negotiated replay."""

    channel: str
    seq: int | None
    data: Any
    at: float = 0.0


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """The server said that events before `live` (the position from which it goes on) cannot be had any more."""

    channel: str
    live: int
    at: float = 0.0


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """One client and everything that it was told.

    `since` maps each channel it subscribed to onto the position after which events are due. `log` holds events and gap
    marks in the order of arrival. With `revoked_at` set nothing may arrive later than `grace` seconds after it; then,
    and when the client `left` of its own accord, only holes before the last event that it did receive count as loss.
    """

    name: str
    organization: str
    user: str
    roles: frozenset[str]
    since: Mapping[str, int]
    log: Sequence[Received | Gap]
    promise: Promise = Promise.REPLAY
    left: bool = False
    revoked_at: float | None = None
    grace: float = 1.0


class Finding(NamedTuple):
    """One broken promise: who saw it (`client` is empty for faults of the published log itself), where, and what."""

    fault: Fault
    client: str
    stream: Stream
    seq: int | None
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.fault}: {self.client or 'ingest'} {self.stream} seq {self.seq} {self.detail}".rstrip()


def check(published: Sequence[Published], clients: Sequence[Client]) -> list[Finding]:
    """Everything that is wrong, in the order published log, then client by client. Empty means every promise was kept.

    The published log must be complete: an event that was stored but never acknowledged shows up as unpublished, so
    publishers repeat (with an Idempotency-Key) until they are answered.
    """
    histories: dict[Stream, dict[int, Published]] = defaultdict(dict)
    for event in published:
        histories[event.stream].setdefault(event.seq, event)
    findings = _positions(published)
    for client in clients:
        findings += _client(histories, client)
    return findings


def report(findings: Sequence[Finding], limit: int = 20) -> str:
    """Counts by kind, then the first findings, one a line."""
    counts = ", ".join(f"{count} {fault}" for fault, count in Counter(each.fault for each in findings).items())
    shown = [f"  {each}" for each in findings[:limit]]
    rest = [f"  … and {len(findings) - limit} more"] if len(findings) > limit else []
    return "\n".join([counts or "no faults", *shown, *rest])


def home(client: Client, channel: str) -> Stream:
    """The stream that this client hears under that channel name: its own on personal channels, else the shared one."""
    personal = channel == "/v2/me" or channel.startswith("/v2/me/")
    return Stream(client.organization, client.user if personal else "", channel)


def _positions(published: Sequence[Published]) -> list[Finding]:
    findings = []
    given: dict[Stream, list[int]] = defaultdict(list)
    for event in published:
        given[event.stream].append(event.seq)
    for stream, seqs in given.items():
        findings += [
            Finding(Fault.POSITION, "", stream, seq, "given twice") for seq, count in Counter(seqs).items() if count > 1
        ]
        findings += [Finding(Fault.POSITION, "", stream, seq, "positions begin at 1") for seq in seqs if seq < 1]
        left_out = set(range(min(seqs), max(seqs))) - set(seqs)
        findings += [Finding(Fault.POSITION, "", stream, seq, "never given") for seq in sorted(left_out)]
    return findings


def _client(histories: Mapping[Stream, Mapping[int, Published]], client: Client) -> list[Finding]:
    findings = []
    arrived: dict[str, list[Received | Gap]] = {channel: [] for channel in client.since}
    for entry in client.log:
        match entry:
            case Received() if (finding := _admission(histories, client, entry)) is not None:
                findings.append(finding)
            case _:
                arrived.setdefault(entry.channel, []).append(entry)
    for channel, entries in arrived.items():
        findings += _channel(histories.get(home(client, channel), {}), client, channel, entries)
    return findings


def _admission(histories: Mapping[Stream, Mapping[int, Published]], client: Client, event: Received) -> Finding | None:
    """Whether this client may have been told this at all: by channel, by moment, by owner."""
    stream = home(client, event.channel)
    if client.revoked_at is not None and event.at > client.revoked_at + client.grace:
        late = event.at - client.revoked_at
        return Finding(Fault.REVOKED, client.name, stream, event.seq, f"{late:.3f} s after revocation")
    if event.channel == "/v2/users" and not client.roles & SUPERVISION:
        return Finding(Fault.FOREIGN, client.name, stream, event.seq, "by role")
    if event.channel not in client.since:
        return Finding(Fault.UNASKED, client.name, stream, event.seq)
    if _find(histories.get(stream, {}), event) is not None:
        return None
    owners = [
        other for other, history in histories.items() if any(each.data == event.data for each in history.values())
    ]
    if owners and stream not in owners:
        return Finding(Fault.FOREIGN, client.name, stream, event.seq, f"belongs to {owners[0]}")
    if event.seq is not None and event.seq in histories.get(stream, {}):
        return Finding(Fault.ALTERED, client.name, stream, event.seq, repr(event.data)[:200])
    return Finding(Fault.UNPUBLISHED, client.name, stream, event.seq, repr(event.data)[:200])


def _find(history: Mapping[int, Published], event: Received, after: int = 0) -> int | None:
    """The position under which this very data was published. Without one on the wire: the first such after `after`."""
    if event.seq is not None:
        found = history.get(event.seq)
        return event.seq if found is not None and found.data == event.data else None
    seqs = sorted(seq for seq, published in history.items() if published.data == event.data)
    return next((seq for seq in seqs if seq > after), seqs[-1] if seqs else None)


def _channel(
    history: Mapping[int, Published], client: Client, channel: str, entries: Sequence[Received | Gap]
) -> list[Finding]:
    """One client, one stream: repeats, order and holes."""
    stream, findings = home(client, channel), []
    due_after = client.since.get(channel, max(history, default=0))
    seen: set[int] = set()
    excused: set[int] = set()
    last = due_after
    for entry in entries:
        match entry:
            case Gap():
                excused.update(seq for seq in history if last < seq <= entry.live)
                last = max(last, entry.live)
            case Received():
                seq = _find(history, entry, last)
                assert seq is not None, "admitted above"
                if seq in seen:
                    if client.promise is not Promise.ACK:
                        findings.append(Finding(Fault.TWICE, client.name, stream, seq))
                elif seq <= last:
                    detail = f"after {last}" if seq > due_after else f"not asked for: due after {due_after}"
                    findings.append(Finding(Fault.ORDER, client.name, stream, seq, detail))
                seen.add(seq)
                last = max(last, seq)
    if client.promise is not Promise.PLAIN:
        ended = client.left or client.revoked_at is not None
        due = {seq for seq in history if seq > due_after and not (ended and seq > last)}
        findings += [Finding(Fault.LOST, client.name, stream, seq) for seq in sorted(due - seen - excused)]
    return findings
