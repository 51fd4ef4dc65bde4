"""Devices, the work that agents are logged in to, and what they are found by."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    devices()
    work()
    qualifications()


def devices() -> None:
    op.create_table(
        "device",
        sa.Column("organization", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("number", Name, nullable=False),
        sa.Column("user_id", Name, nullable=True),
        sa.Column("borrowed", sa.Boolean, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("do_not_disturb", sa.Boolean, nullable=False),
        sa.Column("forward_to", sa.Text, nullable=True),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("vendor", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("organization", "id", name="pk_device"),
        sa.UniqueConstraint("organization", "number", name="uq_device_organization_number"),
    )
    op.create_index("ix_device_organization_user_id", "device", ["organization", "user_id"])


def work() -> None:
    op.create_table(
        "agent_work",
        sa.Column("organization", Name, nullable=False),
        sa.Column("user_id", Name, nullable=False),
        sa.Column("channel", Name, nullable=False),
        sa.Column("device", Name, nullable=True),
        sa.Column("queue", Name, nullable=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("work_mode", sa.Text, nullable=True),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("since", Number, nullable=False),
        sa.Column("wrap_up_until", Number, nullable=True),
        sa.Column("free_since", Number, nullable=True),
        sa.Column("reserved_until", Number, nullable=True),
        sa.Column("reserved_for", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("organization", "user_id", "channel", name="pk_agent_work"),
    )
    op.create_index(
        "ix_agent_work_organization_channel_free_since", "agent_work", ["organization", "channel", "free_since"]
    )


def qualifications() -> None:
    op.create_table(
        "qualification",
        sa.Column("organization", Name, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("user_id", Name, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("organization", "kind", "name", "user_id", name="pk_qualification"),
    )
    op.create_index("ix_qualification_organization_user_id", "qualification", ["organization", "user_id"])
