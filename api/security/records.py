"""The tables of accounts, logins and clients."""

from typing import Any, NamedTuple

from sqlalchemy import Boolean, Column, Index, LargeBinary, Select, Table, Text, delete, func, select, text, update

from api.security.rules import Account
from hub.kernel.clock import micros, seconds
from hub.store.schema import Micros, Name, metadata
from hub.store.transaction import Snapshot, Tx

account = Table(
    "account",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Column("user_name", Name, nullable=True, unique=True),
    Column("roles", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("password", Text, nullable=True),
    Column("must_change", Boolean, nullable=False),
    Column("created_at", Micros, nullable=False),
)

# The id is a hash of the cookie: who reads this table cannot log in with it.
login = Table(
    "login",
    metadata,
    Column("id", Name, primary_key=True),
    Column("organization", Name, nullable=False),
    Column("account_id", Name, nullable=False),
    Column("issued_at", Micros, nullable=False),
    Column("expires_at", Micros, nullable=False),
    Index(None, "organization", "account_id"),
    Index(None, "expires_at"),
)

# The secret is 256 random bits, of which the SHA-256 is stored: there is nothing to guess that argon2 would slow down.
client = Table(
    "client",
    metadata,
    Column("id", Name, primary_key=True),
    Column("organization", Name, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Micros, nullable=False),
)

# Two processes may add the same name at once; neither may see an error of the database for it.
INSERT_ACCOUNT = text("""
INSERT INTO account (organization, id, user_name, roles, enabled, password, must_change, created_at)
VALUES (:organization, :id, :user_name, :roles, :enabled, :password, :must_change, :created_at)
ON CONFLICT DO NOTHING
""")
INSERT_CLIENT = text("""
INSERT INTO client (id, organization, secret, created_at) VALUES (:id, :organization, :secret, :created_at)
ON CONFLICT DO NOTHING
""")
ACCOUNT = (
    account.c.organization,
    account.c.id,
    account.c.user_name,
    account.c.roles,
    account.c.enabled,
    account.c.password,
    account.c.must_change,
)


class Login(NamedTuple):
    """A login that is in force, and whose it is. Unix seconds."""

    account: Account
    issued_at: float
    expires_at: float


class Client(NamedTuple):
    """A registered client of OAuth; `secret` is a hash."""

    organization: str
    secret: bytes


def insert_account(tx: Tx, new: Account, now: float) -> bool:
    """Whether the account was new in its id and its name."""
    values = {
        "organization": new.organization,
        "id": new.id,
        "user_name": new.user_name,
        "roles": " ".join(sorted(new.roles)),
        "enabled": new.enabled,
        "password": new.password,
        "must_change": new.must_change,
        "created_at": micros(now),
    }
    return tx.connection.execute(INSERT_ACCOUNT, values).rowcount == 1


def find_account(tx: Snapshot, organization: str, id: str) -> Account | None:
    """By its id."""
    return _one(tx, select(*ACCOUNT).where(account.c.organization == organization, account.c.id == id))


def lock_account(tx: Tx, organization: str, id: str) -> Account | None:
    """The account, which nobody else changes before this transaction ends."""
    found = select(*ACCOUNT).where(account.c.organization == organization, account.c.id == id)
    return _one(tx, found.with_for_update())


def find_account_named(tx: Snapshot, user_name: str) -> Account | None:
    """By the name to log in with."""
    return _one(tx, select(*ACCOUNT).where(account.c.user_name == user_name))


def accounts(tx: Snapshot, organization: str, offset: int, limit: int) -> list[Account]:
    """A part of an organization's accounts, by id."""
    part = select(*ACCOUNT).where(account.c.organization == organization).order_by(account.c.id)
    return [_account(row) for row in tx.connection.execute(part.offset(offset).limit(limit))]


def count_accounts(tx: Snapshot, organization: str) -> int:
    """All accounts of an organization."""
    counted = select(func.count()).select_from(account).where(account.c.organization == organization)
    return int(tx.connection.execute(counted).scalar_one())


def update_account(tx: Tx, old: Account, **values: object) -> None:
    """Change columns of the account."""
    changed = update(account).where(account.c.organization == old.organization, account.c.id == old.id)
    tx.connection.execute(changed.values(**values))


def delete_account(tx: Tx, old: Account) -> None:
    """Only the account: its logins are another matter."""
    tx.connection.execute(delete(account).where(account.c.organization == old.organization, account.c.id == old.id))


def insert_login(tx: Tx, id: str, owner: Account, issued_at: float, expires_at: float) -> None:
    """Unix seconds; the id is new."""
    values = {
        "id": id,
        "organization": owner.organization,
        "account_id": owner.id,
        "issued_at": micros(issued_at),
        "expires_at": micros(expires_at),
    }
    tx.connection.execute(login.insert().values(**values))


def find_login(tx: Snapshot, id: str, now: float) -> Login | None:
    """The login with its account as it is now; None once its time is over."""
    owner = (account.c.organization == login.c.organization) & (account.c.id == login.c.account_id)
    found = select(*ACCOUNT, login.c.issued_at, login.c.expires_at).join_from(login, account, owner)
    row = tx.connection.execute(found.where(login.c.id == id, login.c.expires_at > micros(now))).one_or_none()
    return None if row is None else Login(_account(row), seconds(row.issued_at), seconds(row.expires_at))


def renew_login(tx: Tx, id: str, issued_at: float) -> None:
    """It counts as made at another time."""
    tx.connection.execute(update(login).where(login.c.id == id).values(issued_at=micros(issued_at)))


def delete_login(tx: Tx, id: str) -> None:
    """One login."""
    tx.connection.execute(delete(login).where(login.c.id == id))


def delete_logins(tx: Tx, owner: Account, *, spared: str | None = None) -> None:
    """All logins of the account, or all but one."""
    those = delete(login).where(login.c.organization == owner.organization, login.c.account_id == owner.id)
    tx.connection.execute(those if spared is None else those.where(login.c.id != spared))


def trim_logins(tx: Tx, owner: Account, keep: int, now: float) -> None:
    """Delete whatever has expired, and of the account's logins the oldest beyond `keep`."""
    tx.connection.execute(delete(login).where(login.c.expires_at <= micros(now)))
    mine = select(login.c.id).where(login.c.organization == owner.organization, login.c.account_id == owner.id)
    surplus = mine.order_by(login.c.issued_at.desc(), login.c.id).offset(keep).limit(1_000)
    ids = [row.id for row in tx.connection.execute(surplus)]
    if ids:
        tx.connection.execute(delete(login).where(login.c.id.in_(ids)))


def insert_client(tx: Tx, id: str, organization: str, secret: bytes, now: float) -> bool:
    """Whether the id was free."""
    values = {"id": id, "organization": organization, "secret": secret, "created_at": micros(now)}
    return tx.connection.execute(INSERT_CLIENT, values).rowcount == 1


def find_client(tx: Snapshot, id: str) -> Client | None:
    """By its id."""
    row = tx.connection.execute(select(client.c.organization, client.c.secret).where(client.c.id == id)).one_or_none()
    return None if row is None else Client(row.organization, row.secret)


def _one(tx: Snapshot, query: Select[Any]) -> Account | None:
    row = tx.connection.execute(query).one_or_none()
    return None if row is None else _account(row)


def _account(row: Any) -> Account:  # noqa: ANN401 - a row that has at least the columns of ACCOUNT
    return Account(
        organization=row.organization,
        id=row.id,
        user_name=row.user_name,
        roles=frozenset(row.roles.split()),
        enabled=row.enabled,
        password=row.password,
        must_change=row.must_change,
    )
