"""A migrated and empty SQLite file: migrating takes longer than most of the tests that begin with one."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hub.store.migrations import migrate


@cache
def empty_database() -> bytes:
    """What is in the file. All copies have the same epoch."""
    # In a thread, because it blocks and a loop may be running.
    with TemporaryDirectory() as directory, ThreadPoolExecutor(1) as thread:
        file = Path(directory) / "hub.db"
        thread.submit(migrate, f"sqlite:///{file}").result()
        return file.read_bytes()


def migrated(directory: Path) -> str:
    """The URL of a new, empty database in the directory."""
    file = directory / "hub.db"
    file.write_bytes(empty_database())
    return f"sqlite:///{file}"
