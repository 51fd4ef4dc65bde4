"""One-time codes, and tickets."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    codes()
    tickets()


def codes() -> None:
    op.create_table(
        "one_time_code",
        sa.Column("organization", Name, nullable=False),
        sa.Column("recipient", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("tries_left", sa.Integer, nullable=False),
        sa.Column("sent_at", Number, nullable=False),
        sa.Column("expires_at", Number, nullable=False),
        sa.Column("spent_until", Number, nullable=False),
        sa.Column("delivery", Name, nullable=True),
        sa.Column("forget_at", Number, nullable=False),
        sa.PrimaryKeyConstraint("organization", "recipient", name="pk_one_time_code"),
        sa.UniqueConstraint("id", name="uq_one_time_code_id"),
    )
    op.create_index("ix_one_time_code_forget_at", "one_time_code", ["forget_at"])


def tickets() -> None:
    op.create_table(
        "ticket",
        sa.Column("id", Name, nullable=False),
        sa.Column("organization", Name, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("created_by", Name, nullable=False),
        sa.Column("customer", Name, nullable=False),
        sa.Column("conference", Name, nullable=False),
        sa.Column("application", Name, nullable=True),
        sa.Column("properties", sa.LargeBinary, nullable=False),
        sa.Column("created_at", Number, nullable=False),
        sa.Column("opens_at", Number, nullable=False),
        sa.Column("expires_at", Number, nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ticket"),
    )
    op.create_index("ix_ticket_expires_at", "ticket", ["expires_at"])
