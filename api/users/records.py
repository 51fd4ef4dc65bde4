"""The table of profiles: what is known of a user beyond the account."""

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Column, Row, Table, Text, bindparam, delete, select, text

from api.users.rules import Profile
from hub.store.schema import Name, metadata
from hub.store.transaction import Snapshot, Tx

# queues and languages are JSON arrays, skills a JSON object.
profile = Table(
    "profile",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("email_address", Text, nullable=False),
    Column("queues", Text, nullable=False),
    Column("skills", Text, nullable=False),
    Column("languages", Text, nullable=False),
)

PUT = text("""
INSERT INTO profile (organization, id, first_name, last_name, email_address, queues, skills, languages)
VALUES (:organization, :id, :first_name, :last_name, :email_address, :queues, :skills, :languages)
ON CONFLICT (organization, id) DO UPDATE SET first_name = excluded.first_name, last_name = excluded.last_name,
email_address = excluded.email_address, queues = excluded.queues, skills = excluded.skills,
languages = excluded.languages
""")
FIND = select(profile).where(
    profile.c.organization == bindparam("organization"), profile.c.id.in_(bindparam("ids", expanding=True))
)
IDS_PER_QUERY = 500


def put(tx: Tx, organization: str, id: str, new: Profile) -> None:
    """The whole profile, whether there was one or not."""
    values = {
        "organization": organization,
        "id": id,
        "first_name": new.first_name,
        "last_name": new.last_name,
        "email_address": new.email_address,
        "queues": _json(new.queues),
        "skills": _json(new.skills),
        "languages": _json(new.languages),
    }
    tx.connection.execute(PUT, values)


def find(tx: Snapshot, organization: str, ids: Collection[str]) -> dict[str, Profile]:
    """The profiles that there are, by id."""
    wanted, found = list(ids), {}
    for start in range(0, len(wanted), IDS_PER_QUERY):
        part = {"organization": organization, "ids": wanted[start : start + IDS_PER_QUERY]}
        found.update({row.id: _profile(row) for row in tx.connection.execute(FIND, part)})
    return found


def remove(tx: Tx, organization: str, id: str) -> None:
    """The profile, if there is one."""
    tx.connection.execute(delete(profile).where(profile.c.organization == organization, profile.c.id == id))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _profile(row: Row[Any]) -> Profile:
    return Profile(
        first_name=row.first_name,
        last_name=row.last_name,
        email_address=row.email_address,
        queues=msgspec.json.decode(row.queues, type=tuple[str, ...]),
        skills=msgspec.json.decode(row.skills, type=dict[str, int]),
        languages=msgspec.json.decode(row.languages, type=tuple[str, ...]),
    )
