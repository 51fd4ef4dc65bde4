"""One-time codes, and tickets."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    codes()


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
