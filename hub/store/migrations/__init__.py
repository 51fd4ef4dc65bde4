"""Migrations, run from the package itself: no configuration file, no working directory.

A revision is a file in versions/, written by hand, tiny, and made so that the code before it still works after it.
"""

import logging
from pathlib import Path
from typing import NamedTuple

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from hub.kernel import logs
from hub.kernel.errors import Conflict
from hub.store import dialects

HERE = Path(__file__).parent
NOTHING = "nothing"

log = logs.get("hub.store")


class NotMigrated(Conflict):
    """There is no database, or one of an older version."""

    code = "not_migrated"
    default_detail = "the database is missing or not up to date: run `hub migrate`"


class Step(NamedTuple):
    """From which revision to which a database was brought; the same one twice if there was nothing to do."""

    before: str
    after: str


def migrate(url: str) -> Step:
    """Bring the database to the newest revision; an SQLite file (and its directory) is made if it is not there.

    One that newer code has brought further is left alone. All of it happens in one transaction under a lock: several
    processes may start at once, and a migration that fails leaves the database as it was. Blocks; call it in a thread
    where a loop runs. Raises ConnectionError where the database cannot be reached.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)  # a line for each revision; whoever calls has one for all
    dialect = dialects.of(url)
    dialect.make()
    with dialect.connect() as connection:
        dialect.before_migrating(connection)
        before = _revision(connection)
        if not _is_up_to_date(connection):
            command.upgrade(_config(connection), "head")
        dialect.after_migrating(connection)
        after = _revision(connection)
        connection.exec_driver_sql("COMMIT")
    return Step(before or NOTHING, after or NOTHING)


def prepare(url: str) -> None:
    """What a process that serves does first: it migrates an SQLite file, and raises NotMigrated for a PostgreSQL
    database that `hub migrate` has not brought up to date, NotPermitted for one that it may not use. Otherwise like
    `migrate`.
    """
    if dialects.of(url).migrates_itself():
        before, after = migrate(url)
        if before != after:
            log.info("database migrated", before=before, after=after)
    elif not is_migrated(url):
        raise NotMigrated


def is_migrated(url: str) -> bool:
    """Whether the database stands at the newest revision known to this code, or at one that only newer code knows.

    Raises NotPermitted where what is there may not be used.
    """
    dialect = dialects.of(url)
    if not dialect.exists():
        return False
    with dialect.connect() as connection:
        dialect.require_rights(connection)
        return _is_up_to_date(connection)


def _is_up_to_date(connection: Connection) -> bool:
    current = _revision(connection)
    script = ScriptDirectory.from_config(_config(connection))
    known = {revision.revision for revision in script.walk_revisions()}
    return current == script.get_current_head() or (current is not None and current not in known)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
