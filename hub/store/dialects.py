"""Which database an address stands for."""

from hub.kernel.settings import POSTGRESQL
from hub.store import postgresql, sqlite
from hub.store.dialect import Dialect
from hub.store.postgresql import PostgreSQL, parameters, shown
from hub.store.sqlite import SQLite


def is_postgresql(url: str) -> bool:
    """Whether `url` is that of a PostgreSQL database."""
    return url.partition("://")[0] in POSTGRESQL


def of(url: str) -> Dialect:
    """The database behind `url`. Raises ValueError where it is neither a SQLite file nor a PostgreSQL database."""
    return PostgreSQL(url) if is_postgresql(url) else SQLite(url)


def without_secrets(url: str) -> str:
    """`url` as it may be shown."""
    return shown(parameters(url)) if is_postgresql(url) else url


def unusable(error: BaseException) -> str | None:
    """Why the database cannot be used, as a sentence for operators; None for errors that mean something else."""
    return postgresql.unusable(error) or sqlite.unusable(error)
