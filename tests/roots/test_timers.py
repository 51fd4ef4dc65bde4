"""`hub timers`: what operators see of timers that were given up, and what they can do about them."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from hub.doctor import read, write
from hub.kernel.settings import load
from hub.store import timers
from hub.store.migrations import migrate
from hub.store.transaction import Snapshot, Tx

KINDS = ("deliver.sms", "deliver.mail", "deliver.mail", "housekeeping.history")
ERRORS = ("uncertain: cut off", "refused: no such user", "uncertain: timeout", None)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database with three buried timers (1 to 3) and a pending one (4)."""
    monkeypatch.chdir(tmp_path)
    settings = load({"HUB_DATA_DIR": str(tmp_path)})
    migrate(settings.database.reveal())

    def fill(tx: Tx, _: float) -> None:
        for number, (kind, error) in enumerate(zip(KINDS, ERRORS, strict=True), start=1):
            timers.plan(tx, kind, f"key{number}", 10**18, b'{"to":"+301234567890"}')
            if error:
                timers.bury(tx, number, error, 1_800_000_000.0 + number)

    write(settings, fill)
    return tmp_path


def hub(home: Path, *arguments: str) -> Result:
    return CliRunner(env={"HUB_DATA_DIR": str(home)}).invoke(main, ["timers", *arguments])


def pending(home: Path) -> list[int]:
    """Ids of the timers that are not buried."""

    def look(tx: Snapshot) -> list[int]:
        tx.cursor.execute("SELECT id FROM timer WHERE due_at IS NOT NULL ORDER BY id")
        return [row[0] for row in tx.cursor.fetchall()]

    return read(load({"HUB_DATA_DIR": str(home)}), look)


def test_the_buried_are_listed_without_their_contents(home: Path) -> None:
    done = hub(home, "buried")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "1\t2027-01-15T08:00:01Z\tdeliver.sms\tkey1\t1\tuncertain: cut off",
        "2\t2027-01-15T08:00:02Z\tdeliver.mail\tkey2\t1\trefused: no such user",
        "3\t2027-01-15T08:00:03Z\tdeliver.mail\tkey3\t1\tuncertain: timeout",
    ]


def test_a_list_may_be_narrowed_and_says_when_it_was_cut(home: Path) -> None:
    assert [row.split("\t")[0] for row in hub(home, "buried", "--kind", "deliver.mail").stdout.splitlines()] == [
        "2",
        "3",
    ]
    cut = hub(home, "buried", "--limit", "2")
    assert len(cut.stdout.splitlines()) == 2
    assert "there may be more" in cut.stderr
    assert "No timer is buried" in hub(home, "buried", "--kind", "x").stderr


def test_timers_named_by_id_are_done_again_whatever_their_reason(home: Path) -> None:
    done = hub(home, "replay", "1", "3")
    assert (done.exit_code, done.stderr) == (0, "Timers to be done again: 2\n")
    assert pending(home) == [1, 3, 4]


@pytest.mark.parametrize(
    ("options", "left"),
    [([], [2, 4]), (["--uncertain"], [1, 2, 3, 4]), (["--kind", "deliver.sms", "--uncertain"], [1, 4])],
    ids=["not the uncertain", "all", "all of a kind"],
)
def test_all_leaves_the_uncertain_unless_told(home: Path, options: list[str], left: list[int]) -> None:
    assert hub(home, "replay", "--all", *options).exit_code == 0
    assert pending(home) == left


def test_what_is_not_buried_is_neither_done_again_nor_forgotten(home: Path) -> None:
    for command in ("replay", "forget"):
        done = hub(home, command, "4", "99")
        assert done.exit_code == 1
        assert "2 of the ids are of no buried timer" in done.stderr
    assert pending(home) == [4]


def test_forgetting_is_for_good(home: Path) -> None:
    assert hub(home, "forget", "1", "2").exit_code == 0
    assert [row[0] for row in hub(home, "buried").stdout.splitlines()] == ["3"]


def test_without_a_database_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = hub(tmp_path, "buried")
    assert done.exit_code == 1
    assert "run `hub migrate`" in done.stderr
