"""The log of events with its epoch, timers, idempotency keys and revocations."""

import sqlalchemy as sa
from alembic import op

from hub.kernel.ids import epoch

revision = "0001"
down_revision = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    log_and_streams()
    timers()
    idempotency()
    revocations()


def log_and_streams() -> None:
    log = op.create_table(
        "log",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_log_single"),
        sa.PrimaryKeyConstraint("id", name="pk_log"),
    )
    op.bulk_insert(log, [{"id": 1, "epoch": epoch()}])
    op.create_table(
        "stream_head",
        sa.Column("id", Number, nullable=False),
        sa.Column("organization", Name, nullable=False),
        sa.Column("user", Name, nullable=False),
        sa.Column("channel", Name, nullable=False),
        sa.Column("seq", Number, nullable=False),
        sa.Column("touched_at", Number, nullable=False),
        sa.Column("trimmed", Number, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_stream_head"),
        sa.UniqueConstraint("organization", "user", "channel", name="uq_stream_head_organization_user_channel"),
    )
    op.create_index("ix_stream_head_touched_at", "stream_head", ["touched_at"])
    op.create_table(
        "event",
        sa.Column("stream_id", Number, autoincrement=False, nullable=False),
        sa.Column("seq", Number, autoincrement=False, nullable=False),
        sa.Column("at", Number, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("binary", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("stream_id", "seq", name="pk_event"),
        sqlite_with_rowid=False,
    )


def timers() -> None:
    op.create_table(
        "timer",
        sa.Column("id", Number, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("due_at", Number, nullable=True),
        sa.Column("not_after", Number, nullable=True),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.Text, nullable=True),
        sa.Column("lease_until", Number, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_timer"),
        sa.UniqueConstraint("key", "kind", name="uq_timer_key_kind"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_timer_due_at", "timer", ["due_at"])


def idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("body_hash", sa.LargeBinary, nullable=False),
        sa.Column("at", Number, nullable=False),
        sa.Column("status", sa.Integer, nullable=True),
        sa.Column("headers", sa.LargeBinary, nullable=True),
        sa.Column("body", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("organization", "principal", "path", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_at", "idempotency", ["at"])


def revocations() -> None:
    op.create_table(
        "revocation",
        sa.Column("id", Number, nullable=False),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("at", Number, nullable=False),
        sa.Column("tokens", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revocation"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_revocation_at", "revocation", ["at"])
