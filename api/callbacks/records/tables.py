"""The tables of callbacks."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, text

from hub.store.schema import Micros, Name, metadata

OUTSTANDING: Final = "state <> 'COMPLETED'"
"""What the partial indexes hold; a query has to say it in these words."""

# preferred is a JSON array, properties a JSON object. line is set while the callback may be given to an agent.
callback = Table(
    "callback",
    metadata,
    Column("id", Name, primary_key=True),
    Column("organization", Name, nullable=False),
    Column("service", Name, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=True),
    Column("number", Name, nullable=False),
    Column("customer_number", Text, nullable=False),
    Column("requested_at", Micros, nullable=False),
    Column("wanted_at", Micros, nullable=False),
    Column("bucket_at", Micros, nullable=True),
    Column("line", Name, nullable=True),
    Column("demand", Name, nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("preferred", Text, nullable=False),
    Column("properties", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("rejects", Integer, nullable=False),
    Column("agent", Name, nullable=True),
    Column("call", Name, nullable=True),
    Column("call_id", Name, nullable=True),
    Column("expires_at", Micros, nullable=False),
    Column("completed_at", Micros, nullable=True),
    Index(None, "organization", "line", "urgency", "wanted_at", "id"),
    Index(None, "organization", "service", "bucket_at"),
    Index(
        None,
        "organization",
        "service",
        "wanted_at",
        sqlite_where=text(OUTSTANDING),
        postgresql_where=text(OUTSTANDING),
    ),
    Index(
        None, "organization", "service", "number", sqlite_where=text(OUTSTANDING), postgresql_where=text(OUTSTANDING)
    ),
    Index(None, "organization", "agent", sqlite_where=text(OUTSTANDING), postgresql_where=text(OUTSTANDING)),
    Index(None, "completed_at"),
)

# The properties by which an outstanding callback is found.
callback_key = Table(
    "callback_key",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("service", Name, primary_key=True),
    Column("name", Name, primary_key=True),
    Column("value", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Index(None, "id"),
)

# What was accepted lately. parameter is empty in one row of each callback; in those of immediate ones it names what is
# counted, and digest is the hash of its value.
callback_accepted = Table(
    "callback_accepted",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("service", Name, primary_key=True),
    Column("parameter", Name, primary_key=True),
    Column("digest", Name, primary_key=True),
    Column("at", Micros, primary_key=True),
    Column("id", Name, primary_key=True),
    Index(None, "at"),
)

# One row a service: whoever books holds it, so that what is counted cannot change before it is acted upon.
callback_gate = Table(
    "callback_gate",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("service", Name, primary_key=True),
    Column("high", Boolean, nullable=False),
)
