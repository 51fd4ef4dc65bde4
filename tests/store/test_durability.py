import asyncio
import os
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path

import hub
from channels.envelope import Stream
from hub.store import dialects, outbox, streams
from hub.store.database import Database
from hub.store.transaction import Snapshot
from tests.store.harness import NOW, StandingClock

ROOT = Path(hub.__file__).parents[1]
VICTIM = Path(__file__).with_name("victim.py")
USERS = [Stream("acme", f"user{n}", "/v2/me/calls") for n in range(8)]


def run_until_killed(url: str, acknowledgements: int) -> list[tuple[str, int, int]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, VICTIM, url], stdout=subprocess.PIPE, text=True, env=environment) as victim:
        assert victim.stdout is not None
        lines = list(islice(victim.stdout, acknowledgements))
        victim.send_signal(signal.SIGKILL)
        lines += victim.stdout.readlines()
    assert victim.returncode == -signal.SIGKILL
    assert len(lines) >= acknowledgements
    fields = [line.split() for line in lines if line.endswith("\n")]
    return [(user, int(seq), int(n)) for user, seq, n in fields]


async def test_what_was_acknowledged_survives_kill_9_without_gaps(url: str) -> None:
    acknowledged = [entry for _ in range(3) for entry in run_until_killed(url, 200)]

    async with Database(url, clock=StandingClock()) as db:

        def look(tx: Snapshot) -> tuple[dict[Stream, streams.Head], dict[Stream, list[tuple[int, bytes]]]]:
            kept = {
                stream: [(event.seq, event.data) for event in streams.history(tx, stream, 0, 100_000)]
                for stream in USERS
            }
            return streams.heads(tx, USERS), kept

        heads, kept = await db.read(look)
        for stream in USERS:
            assert [seq for seq, _ in kept[stream]] == list(range(1, heads[stream].seq + 1))
        for user, seq, n in acknowledged:
            assert kept[Stream("acme", user, "/v2/me/calls")][seq - 1] == (seq, b'{"n":%d}' % n)
        following = await db.write(lambda tx: outbox.emit(tx, USERS[0], b"{}", NOW))
        assert following.seq == heads[USERS[0]].seq + 1
    if not dialects.is_postgresql(url):
        await asyncio.to_thread(check_integrity, url)


def check_integrity(url: str) -> None:
    with dialects.of(url).connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").fetchall() == [("ok",)]
