"""In SQLite the events lie in the order in which they came, no longer in that of their streams."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return  # where they have always done so
    op.rename_table("event", "event_by_stream")
    op.create_table(
        "event",
        sa.Column("stream_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("binary", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("stream_id", "seq", name="pk_event"),
    )
    # As they lie: to sort the old ones takes a temporary file as large as the log, for which there may be no room.
    columns = 'stream_id, seq, at, id, data, "binary"'
    op.execute(f"INSERT INTO event ({columns}) SELECT {columns} FROM event_by_stream")
    op.drop_table("event_by_stream")
