"""Migrations, run from the package itself: no configuration file, no working directory.

A revision is a file in versions/, written by hand, tiny, and made so that the code before it still works after it.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from hub.kernel.errors import Conflict
from hub.store import dialects

HERE = Path(__file__).parent


class NotMigrated(Conflict):
    """There is no database, or one of an older version."""

    code = "not_migrated"
    default_detail = "the database is missing or not up to date: run `hub migrate`"


def migrate(url: str) -> None:
    """Bring the database to the newest revision; an SQLite file (and its directory) is made if it is not there.

    One that newer code has brought further is left alone. All of it happens in one transaction under a lock: several
    processes may start at once, and a migration that fails leaves the database as it was. Blocks; call it in a thread
    where a loop runs. Raises ConnectionError where the database cannot be reached.
    """
    dialect = dialects.of(url)
    dialect.make()
    with dialect.connect() as connection:
        dialect.before_migrating(connection)
        if not _is_up_to_date(connection):
            command.upgrade(_config(connection), "head")
        dialect.after_migrating(connection)
        connection.exec_driver_sql("COMMIT")


def prepare(url: str) -> None:
    """What a process that serves does first: it migrates an SQLite file, and raises NotMigrated for a PostgreSQL
    database that `hub migrate` has not brought up to date. Otherwise like `migrate`.
    """
    if dialects.of(url).migrates_itself():
        migrate(url)
    elif not is_migrated(url):
        raise NotMigrated


def is_migrated(url: str) -> bool:
    """Whether the database stands at the newest revision known to this code, or at one that only newer code knows."""
    dialect = dialects.of(url)
    if not dialect.exists():
        return False
    with dialect.connect() as connection:
        return _is_up_to_date(connection)


def _is_up_to_date(connection: Connection) -> bool:
    current = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_config(connection))
    known = {revision.revision for revision in script.walk_revisions()}
    return current == script.get_current_head() or (current is not None and current not in known)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
