import asyncio
from collections import defaultdict
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.envelope import LoggedEvent, Stream
from hub.store import outbox, streams
from hub.store.database import Database
from hub.store.transaction import Emitted, Tx
from tests.store.harness import ALICE, BOB, NOW, USERS, StandingClock

houses = count()


class Write:
    """A function of a generated history: emits to some streams, then perhaps fails or is cancelled."""

    def __init__(self, targets: list[tuple[int, bool]], fate: str) -> None:
        self.targets = targets
        self.fate = fate

    def __repr__(self) -> str:
        return f"Write({self.targets!r}, {self.fate!r})"

    def __call__(self, tx: Tx, streams: list[Stream]) -> list[Emitted]:
        emitted = [
            outbox.emit(tx, streams[target], b"{}", NOW) if durable else outbox.announce(tx, streams[target], b"{}")
            for target, durable in self.targets
        ]
        if self.fate == "fails":
            raise ZeroDivisionError
        return emitted


writes = st.builds(
    Write,
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=5),
    st.sampled_from(["succeeds", "succeeds", "succeeds", "fails", "cancelled"]),
)


async def carry_out(
    url: str, house: list[Stream], bursts: list[list[Write]]
) -> tuple[list[LoggedEvent], list[Emitted]]:
    published: list[LoggedEvent] = []
    acknowledged: list[Emitted] = []
    async with Database(url, clock=StandingClock()) as db:
        db.after_commit(published.extend)
        for burst in bursts:
            tasks = [asyncio.create_task(db.write(lambda tx, write=write: write(tx, house))) for write in burst]  # type: ignore[misc]
            await asyncio.sleep(0)
            for write, task in zip(burst, tasks, strict=True):
                if write.fate == "cancelled":
                    task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, list):
                    acknowledged += result
        kept = await db.read(lambda tx: {stream: streams.history(tx, stream, 0, 10_000) for stream in house})
        heads = await db.read(lambda tx: streams.heads(tx, house))
    for stream in house:
        assert kept[stream] == [event for event in published if event.stream == stream and event.seq]
        assert heads[stream] == (len(kept[stream]), 1)
    return published, acknowledged


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(writes, min_size=1, max_size=12), min_size=1, max_size=4))
def test_streams_have_no_gaps_and_publication_follows_the_log(url: str, bursts: list[list[Write]]) -> None:
    # Examples share the database, each has its own house.
    house = [stream._replace(organization=f"{stream.organization}{next(houses)}") for stream in (ALICE, BOB, USERS)]
    house.append(ALICE._replace(organization="other" + house[0].organization))
    published, acknowledged = asyncio.run(carry_out(url, house, bursts))
    positions: dict[Stream, list[int]] = defaultdict(list)
    for event in published:
        if event.seq:
            positions[event.stream].append(event.seq)
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in positions.values())
    assert {(e.stream, e.seq) for e in acknowledged if e.durable} <= {(e.stream, e.seq) for e in published}


async def test_one_transaction_writes_to_more_streams_than_a_statement_holds(db: Database) -> None:
    crowd = [Stream("acme", f"user{number}", "/v2/me/calls") for number in range(outbox.ROWS_PER_STATEMENT * 2 + 3)]
    known, number = crowd[::3], len(crowd)
    await db.write(lambda tx: [outbox.emit(tx, stream, b"{}", NOW) for stream in known])
    texts = [b'{"number":%d}' % index for index in range(2 * number)]
    emitted = await db.write(
        lambda tx: [outbox.emit(tx, stream, text, NOW) for stream, text in zip(crowd * 2, texts, strict=True)]
    )
    before = [1 if stream in known else 0 for stream in crowd]
    assert [event.seq for event in emitted] == [seq + 1 for seq in before] + [seq + 2 for seq in before]
    heads = await db.read(lambda tx: streams.heads(tx, crowd))
    assert [heads[stream].seq for stream in crowd] == [seq + 2 for seq in before]
    for index in (0, 1, number - 1):
        told = await db.read(lambda tx, index=index: streams.history(tx, crowd[index], before[index], 10))  # type: ignore[misc]
        assert [event.data for event in told] == [texts[index], texts[number + index]]
