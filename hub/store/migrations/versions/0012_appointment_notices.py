"""The notices about appointments that have been handed to the senders."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "appointment_notice",
        sa.Column("appointment", Name, nullable=False),
        sa.Column("schedule_version", sa.Integer, nullable=False),
        sa.Column("type", Name, nullable=False),
        sa.Column("time_offset", Name, nullable=False),
        sa.Column("person", Name, nullable=False),
        sa.Column("way", Name, nullable=False),
        sa.Column("delivery", sa.Text, nullable=False),
        sa.Column("told_at", Number, nullable=False),
        sa.PrimaryKeyConstraint(
            "appointment", "schedule_version", "type", "time_offset", "person", "way", name="pk_appointment_notice"
        ),
    )
    op.create_index("ix_appointment_notice_told_at", "appointment_notice", ["told_at"])
