"""What is particular to PostgreSQL: its settings, its errors, connections that break."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from random import Random
from urllib.parse import urlsplit

import psycopg
import pytest

from channels.envelope import LoggedEvent
from hub.kernel.errors import BadInput
from hub.kernel.faults import SettingsError
from hub.store import clocks, dialects, idempotency, outbox, postgresql, revocations, streams, timers
from hub.store.database import Database
from hub.store.migrations import migrate, prepare
from hub.store.postgresql import numbered, parameters, shown
from hub.store.transaction import Emitted, OutcomeUnknown, Snapshot, TransactionFailed, Tx
from tests.store.harness import ALICE, BOB, NOW, StandingClock, rows, writer_held
from tests.support.hub_process import ROOT
from tests.support.lossy_proxy import LossyProxy, lossy_proxy
from tests.support.postgres import PostgresServer


@pytest.fixture
def url(postgresql_url: str) -> str:
    return postgresql_url


@pytest.fixture
async def proxy(url: str) -> AsyncIterator[LossyProxy]:
    async with lossy_proxy(url) as between:
        yield between


def through(proxy: LossyProxy, url: str) -> str:
    return url.replace(f":{urlsplit(url).port}/", f":{proxy.address}/")


def emit(tx: Tx) -> Emitted:
    return outbox.emit(tx, ALICE, b"{}", NOW)


def end(backend: int, url: str) -> None:
    """As an administrator, or a failing network, would."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])


def backend(tx: Snapshot) -> int:
    found: int = rows(tx, "SELECT pg_backend_pid()")[0][0]  # type: ignore[assignment]
    return found


@pytest.mark.parametrize(("usual", "ours"), [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply")])
async def test_a_commit_is_durable_whatever_is_usual_on_the_server(url: str, usual: str, ours: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = {usual}".encode())
    async with Database(url, clock=StandingClock()) as db:
        assert await db.read(lambda tx: rows(tx, "SHOW synchronous_commit")) == [(ours,)]


async def test_nobody_waits_or_is_waited_for_without_end(db: Database) -> None:
    def look(tx: Snapshot) -> list[object]:
        names = ("lock_timeout", "idle_in_transaction_session_timeout", "statement_timeout")
        return [rows(tx, f"SHOW {name}")[0][0] for name in names]

    assert await db.write(look) == ["2s", "4s", "8s"]
    assert await db.read(look) == ["2s", "4s", "8s"]


async def test_levels_of_isolation(db: Database) -> None:
    def look(tx: Snapshot) -> list[object]:
        return [rows(tx, f"SHOW {name}")[0][0] for name in ("transaction_isolation", "transaction_read_only")]

    assert await db.write(look) == ["read committed", "off"]
    assert await db.read(look) == ["repeatable read", "on"]


def test_parameters_are_numbered() -> None:
    assert numbered('SELECT "user" FROM t WHERE a = ? AND b IN (?, ?)') == (
        b'SELECT "user" FROM t WHERE a = $1 AND b IN ($2, $3)'
    )


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_the_url_is_one_that_postgresql_itself_understands(scheme: str) -> None:
    given = parameters(f"{scheme}://ann:p%40ss@one,two:5433/hub?connect_timeout=9&sslmode=require")
    assert (given["user"], given["password"], given["host"], given["port"]) == ("ann", "p@ss", "one,two", ",5433")
    assert (given["connect_timeout"], given["sslmode"]) == ("9", "require")
    assert given["target_session_attrs"] == "read-write"
    assert shown(given) == "postgresql://ann@one,two:,5433/hub"


@pytest.mark.parametrize("bad", ["postgresql://u:hunter%zz2@h/d", "postgresql://u:hunter2@h/d?passwort=hunter2"])
def test_a_url_that_cannot_be_read_is_not_repeated(bad: str) -> None:
    with pytest.raises(SettingsError) as refused:
        dialects.of(bad)
    assert "HUB_DATABASE_URL: is no connection URI" in str(refused.value)
    assert "hunter" not in str(refused.value)


async def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with pytest.raises(ConnectionError) as refused:
        async with Database("postgresql://ann:hunter2@127.0.0.1:1/hub", clock=StandingClock()):
            pytest.fail("opened")
    assert "no connection to postgresql://ann@127.0.0.1:1/hub" in str(refused.value)
    assert refused.value.__suppress_context__, "a driver's error in the log would be one too many"
    assert "hunter2" not in repr(refused.value)


async def test_statements_are_prepared_once_whatever_the_size_of_their_numbers(db: Database) -> None:
    def prepared(tx: Snapshot) -> int:
        found: int = rows(tx, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%FROM event%'")[0][0]  # type: ignore[assignment]
        return found

    def look(tx: Snapshot) -> int:
        for n in range(18):
            streams.history(tx, ALICE, 10**n, 10)
        return prepared(tx)

    assert [await db.read(look) for _ in range(4)][-1] == 1


async def test_a_failed_statement_undoes_its_function_alone_even_if_that_hides_it(db: Database) -> None:
    def hide(tx: Tx) -> None:
        emit(tx)
        with pytest.raises(psycopg.errors.UndefinedTable):
            tx.cursor.execute("SELECT * FROM nowhere")

    async with writer_held(db):
        writes = [asyncio.create_task(db.write(function)) for function in (emit, hide, emit)]
    first, hidden, last = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(hidden, psycopg.errors.InFailedSqlTransaction)
    assert isinstance(first, Emitted)
    assert isinstance(last, Emitted)
    assert (first.seq, last.seq) == (1, 2)


async def test_a_transaction_that_failed_in_silence_is_not_taken_for_committed(db: Database) -> None:
    def fail_at_last(tx: Tx) -> None:
        def hide() -> None:
            with pytest.raises(psycopg.errors.UndefinedTable):
                tx.cursor.execute("SELECT * FROM nowhere")

        emit(tx)
        tx.at_last.append(hide)

    published: list[LoggedEvent] = []
    db.after_commit(published.extend)
    with pytest.raises(TransactionFailed) as failed:
        await db.write(fail_at_last)
    assert "answered COMMIT with ROLLBACK" in str(failed.value.__cause__)
    assert published == []
    assert (await db.write(emit)).seq == 1


LONG = "".join(map(chr, Random(7).choices(range(33, 0x2FFF), k=9_000)))  # does not become small when packed


@pytest.mark.parametrize("text", ["a\x00b", LONG], ids=["NUL", "longer than an index can hold"])
async def test_a_text_that_cannot_be_kept_is_refused_to_whoever_brought_it(db: Database, text: str) -> None:
    async with writer_held(db):  # so that the two share a transaction
        brought = asyncio.ensure_future(db.write(lambda tx: timers.plan(tx, "kind", text, 1)))
        other = asyncio.ensure_future(db.write(emit))
    with pytest.raises(BadInput, match="cannot be kept"):
        await brought
    assert (await other).seq == 1
    assert await db.read(lambda tx: rows(tx, "SELECT COUNT(*) FROM timer")) == [(0,)]


async def test_a_text_with_nul_cannot_be_looked_for(db: Database) -> None:
    with pytest.raises(BadInput, match="cannot be kept"):
        await db.read(lambda tx: tx.cursor.execute("SELECT 1 FROM timer WHERE key = ?", ("a\x00b",)))
    assert db.trouble() is None


async def test_connections_ended_while_idle_are_not_noticed_by_anybody(db: Database, url: str) -> None:
    for process in [await db.write(backend), *[await db.read(backend) for _ in range(4)]]:
        await asyncio.to_thread(end, process, url)
    assert (await db.write(emit)).seq == 1
    assert len(await db.read(lambda tx: streams.history(tx, ALICE, 0, 10))) == 1
    assert db.trouble() is None


async def test_a_connection_lost_before_the_commit_runs_the_functions_again(db: Database, url: str) -> None:
    runs: list[int] = []
    published: list[LoggedEvent] = []
    db.after_commit(published.extend)

    def lose_once(tx: Tx) -> Emitted:
        emitted = emit(tx)
        runs.append(backend(tx))
        if len(runs) == 1:
            end(runs[0], url)
        return emitted

    async with writer_held(db):
        writes = [asyncio.create_task(db.write(function)) for function in (emit, lose_once, emit)]
    assert [event.seq for event in await asyncio.gather(*writes)] == [1, 2, 3]
    assert len(set(runs)) == len(runs) == 2
    assert [event.seq for event in published] == [1, 2, 3]
    assert len(await db.read(lambda tx: streams.history(tx, ALICE, 0, 10))) == 3


async def test_a_read_whose_connection_is_lost_is_run_again(db: Database, url: str) -> None:
    runs: list[int] = []

    def lose_once(tx: Snapshot) -> int:
        runs.append(backend(tx))
        if len(runs) == 1:
            end(runs[0], url)
        return len(rows(tx, "SELECT 1"))

    assert await db.read(lose_once) == 1
    assert len(set(runs)) == len(runs) == 2


async def test_a_commit_whose_answer_is_lost_is_told_and_not_repeated(url: str, proxy: LossyProxy) -> None:
    runs: list[int] = []
    published: list[LoggedEvent] = []

    def deafen_at_last(tx: Tx) -> Emitted:
        runs.append(len(runs))
        tx.at_last.append(proxy.deafen)
        return emit(tx)

    async with Database(through(proxy, url), clock=StandingClock(), readers=1) as db:
        db.after_commit(published.extend)
        async with writer_held(db):
            writes = [asyncio.create_task(db.write(function)) for function in (deafen_at_last, emit)]
        await proxy.until_swallowed(b"COMMIT")
        proxy.cut()
        results = await asyncio.gather(*writes, return_exceptions=True)
        assert [type(result) for result in results] == [OutcomeUnknown, OutcomeUnknown]
        assert results[0] is not results[1]
        assert runs == [0]
        # It had happened: nobody has published it, and the log tells whoever looks.
        assert published == []
        assert await db.read(lambda tx: streams.heads_touched(tx, 0)) == [(ALICE, 2)]
        assert (await db.write(emit)).seq == 3
        assert [event.seq for event in published] == [3]


async def test_a_commit_that_the_server_did_not_live_to_carry_out_is_told_as_well(db: Database) -> None:
    def die_at_commit(tx: Tx) -> None:
        tx.cursor.execute("CREATE TABLE fuse (id bigint)")
        tx.cursor.execute(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; END'"
        )
        tx.cursor.execute(
            "CREATE CONSTRAINT TRIGGER fuse AFTER INSERT ON fuse DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION die()"
        )

    def light(tx: Tx) -> Emitted:
        tx.cursor.execute("INSERT INTO fuse VALUES (1)")
        return emit(tx)

    await db.write(die_at_commit)
    with pytest.raises(OutcomeUnknown) as unknown:
        await db.write(light)
    assert (unknown.value.status, unknown.value.retriable) == (503, True)
    assert "Idempotency-Key" in unknown.value.detail
    assert await db.read(lambda tx: streams.heads_touched(tx, 0)) == []
    assert (await db.write(emit)).seq == 1


async def test_the_epoch_names_the_timeline(db: Database) -> None:
    def look(tx: Snapshot) -> tuple[object, object]:
        (stored,) = rows(tx, "SELECT epoch FROM log")[0]
        (timeline,) = rows(tx, "SELECT timeline_id FROM pg_control_checkpoint()")[0]
        return f"{stored}-{timeline}", streams.epoch(tx)

    expected, found = await db.read(look)
    assert found == expected
    assert await db.write(streams.new_epoch) == await db.read(streams.epoch) != expected


def recommended(role: str) -> list[str]:
    """The statements that operations.md gives for a second role."""
    text = (ROOT / "docs" / "operations.md").read_text()
    found = re.findall(r"^(?:GRANT|ALTER DEFAULT PRIVILEGES) .*;$", text, re.MULTILINE)
    assert len(found) == 4
    return [each.replace("ROLE hub ", "ROLE owner ").replace("hub_serve", role) for each in found]


@pytest.fixture
def roles(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """Ordinary roles: one that owns a database, and one that may use it as the documentation says."""
    for statement in ("CREATE ROLE owner LOGIN", "CREATE ROLE server LOGIN", "CREATE DATABASE owned OWNER owner"):
        postgres_server.execute(statement)
    yield postgres_server
    postgres_server.drop("owned")
    postgres_server.execute("DROP ROLE owner, server")


@pytest.mark.parametrize("role", ["owner", "server"])
async def test_the_rights_that_are_recommended_are_enough(roles: PostgresServer, role: str) -> None:
    def use_everything(tx: Tx) -> None:
        timers.plan(tx, "remind", "a", 0)
        [due] = timers.due(tx, NOW, ["remind"], 1)
        assert timers.take(tx, due, NOW) is not None
        assert timers.complete(tx, due)
        idempotency.begin(tx, idempotency.Scope("acme", "alice", "/"), "k", b"", 0)
        assert idempotency.expire(tx, NOW, 9) == 1
        revocations.revoke(tx, "acme", "alice", NOW, tokens=True)
        streams.trim(tx, now=NOW, seconds=60, events=1, events_shared=1, batch=9)
        streams.new_epoch(tx)
        emit(tx)

    url = roles.url("owned").replace("postgres@", "owner@")
    await asyncio.to_thread(migrate, url)
    for statement in recommended("server"):
        roles.execute(statement, "owned")
    url = url.replace("owner@", f"{role}@")
    await asyncio.to_thread(prepare, url)
    async with Database(url, clock=StandingClock()) as db:
        for _ in range(2):
            await db.write(use_everything)
        assert (await db.read(streams.epoch)).endswith("-1")
        assert (await db.read(postgresql.inspect)).version.split(".")[0].isdigit()
        assert await db.read(clocks.difference) is not None


async def test_text_that_cannot_be_stored_fails_its_transaction_only(db: Database) -> None:
    with pytest.raises(TransactionFailed):
        await db.write(lambda tx: outbox.emit(tx, BOB._replace(user="a\0b"), b"{}", NOW))
    assert (await db.write(emit)).seq == 1


@pytest.mark.parametrize(("count", "statements"), [(1, 1), (5, 1), (40, 40)], ids=["one", "a few", "many"])
async def test_a_few_rows_are_inserted_by_one_statement(db: Database, count: int, statements: int) -> None:
    def insert(tx: Tx) -> list[tuple[object, ...]]:
        tx.cursor.executemany(timers.PLAN, [("kind", f"k{n:02}", n, None, b"", "") for n in range(count)])
        return rows(tx, "SELECT key, due_at, cmin::text FROM timer ORDER BY key")

    found = await db.write(insert)
    assert [row[:2] for row in found] == [(f"k{n:02}", n) for n in range(count)]
    assert len({command for _, _, command in found}) == statements
