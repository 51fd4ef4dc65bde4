"""Migrations, run from the package itself: no configuration file, no working directory.

A revision is a file in versions/, written by hand, tiny, and made so that the code before it still works after it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from hub.store import sqlite

HERE = Path(__file__).parent


def migrate(url: str) -> None:
    """Bring the database to the newest revision, making it (and its directory) if it is not there.

    All of it happens in one transaction under the write lock: several processes may start at once, and a migration
    that fails leaves the database as it was. Blocks; call it in a thread where a loop runs.
    """
    sqlite.make_file(sqlite.path_of(url))
    with _connected(url) as connection:
        # Rebuilding a table would otherwise delete the rows that refer to it. No effect inside a transaction.
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql(sqlite.BEGIN_WRITE)
        command.upgrade(_config(connection), "head")
        if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
            raise RuntimeError(f"migration left {len(broken)} broken references, the first in {broken[0][0]}")
        connection.exec_driver_sql("COMMIT")


def is_migrated(url: str) -> bool:
    """Whether the database stands at the newest revision known to this code, or at one that only newer code knows."""
    if not sqlite.path_of(url).exists():
        return False
    with _connected(url) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        script = ScriptDirectory.from_config(_config(connection))
        known = {revision.revision for revision in script.walk_revisions()}
        return current == script.get_current_head() or (current is not None and current not in known)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = sqlite.engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        yield connection


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
