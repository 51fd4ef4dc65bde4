"""Callbacks."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
OUTSTANDING = sa.text("state <> 'COMPLETED'")


def upgrade() -> None:
    callbacks()
    counts()


def callbacks() -> None:
    op.create_table(
        "callback",
        sa.Column("id", Name, nullable=False),
        sa.Column("organization", Name, nullable=False),
        sa.Column("service", Name, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("number", Name, nullable=False),
        sa.Column("customer_number", sa.Text, nullable=False),
        sa.Column("requested_at", Number, nullable=False),
        sa.Column("wanted_at", Number, nullable=False),
        sa.Column("bucket_at", Number, nullable=True),
        sa.Column("line", Name, nullable=True),
        sa.Column("demand", Name, nullable=False),
        sa.Column("urgency", sa.Integer, nullable=False),
        sa.Column("preferred", sa.Text, nullable=False),
        sa.Column("properties", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("rejects", sa.Integer, nullable=False),
        sa.Column("agent", Name, nullable=True),
        sa.Column("call", Name, nullable=True),
        sa.Column("call_id", Name, nullable=True),
        sa.Column("expires_at", Number, nullable=False),
        sa.Column("completed_at", Number, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_callback"),
    )
    index("organization", "line", "urgency", "wanted_at", "id")
    index("organization", "service", "bucket_at")
    index("organization", "service", "wanted_at", where=OUTSTANDING)
    index("organization", "service", "number", where=OUTSTANDING)
    index("organization", "agent", where=OUTSTANDING)
    index("completed_at")
    op.create_table(
        "callback_key",
        sa.Column("organization", Name, nullable=False),
        sa.Column("service", Name, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("value", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.PrimaryKeyConstraint("organization", "service", "name", "value", "id", name="pk_callback_key"),
    )
    op.create_index("ix_callback_key_id", "callback_key", ["id"])


def index(*columns: str, where: sa.TextClause | None = None) -> None:
    name = "ix_callback_" + "_".join(columns)
    op.create_index(name, "callback", list(columns), sqlite_where=where, postgresql_where=where)


def counts() -> None:
    op.create_table(
        "callback_accepted",
        sa.Column("organization", Name, nullable=False),
        sa.Column("service", Name, nullable=False),
        sa.Column("parameter", Name, nullable=False),
        sa.Column("digest", Name, nullable=False),
        sa.Column("at", Number, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.PrimaryKeyConstraint(
            "organization", "service", "parameter", "digest", "at", "id", name="pk_callback_accepted"
        ),
    )
    op.create_index("ix_callback_accepted_at", "callback_accepted", ["at"])
    op.create_table(
        "callback_gate",
        sa.Column("organization", Name, nullable=False),
        sa.Column("service", Name, nullable=False),
        sa.Column("high", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("organization", "service", name="pk_callback_gate"),
    )
