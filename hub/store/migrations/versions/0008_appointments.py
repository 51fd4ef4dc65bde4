"""Appointments."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    appointments()
    participants()
    bookings()


def appointments() -> None:
    op.create_table(
        "appointment",
        sa.Column("id", Name, nullable=False),
        sa.Column("organization", Name, nullable=False),
        sa.Column("application", Name, nullable=False),
        sa.Column("status", Name, nullable=False),
        sa.Column("organizer", Name, nullable=False),
        sa.Column("organizer_type", sa.Text, nullable=False),
        sa.Column("start", Number, nullable=False),
        sa.Column("end", Number, nullable=False),
        sa.Column("timezone", Name, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("title", Name, nullable=True),
        sa.Column("notes", sa.Text, nullable=True),
        sa.Column("metadata", sa.LargeBinary, nullable=False),
        sa.Column("notification_headers", sa.LargeBinary, nullable=False),
        sa.Column("notifications_active", sa.Boolean, nullable=False),
        sa.Column("interaction", sa.LargeBinary, nullable=True),
        sa.Column("room_url", sa.Text, nullable=True),
        sa.Column("room_conference", Name, nullable=True),
        sa.Column("room_expires", Number, nullable=True),
        sa.Column("created_at", Number, nullable=False),
        sa.Column("created_by", Name, nullable=False),
        sa.Column("schedule_version", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_appointment"),
    )
    op.create_index(
        "ix_appointment_organization_application_start", "appointment", ["organization", "application", "start"]
    )
    op.create_index(
        "ix_appointment_organization_organizer_start", "appointment", ["organization", "organizer", "start"]
    )
    op.create_index("ix_appointment_end", "appointment", ["end"])


def participants() -> None:
    op.create_table(
        "appointment_participant",
        sa.Column("appointment", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=True),
        sa.Column("has_joined", sa.Boolean, nullable=False),
        sa.Column("username", sa.Text, nullable=True),
        sa.Column("first_name", sa.Text, nullable=True),
        sa.Column("last_name", sa.Text, nullable=True),
        sa.Column("email", sa.Text, nullable=True),
        sa.Column("phone", sa.Text, nullable=True),
        sa.Column("metadata", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("appointment", "id", name="pk_appointment_participant"),
    )


def bookings() -> None:
    op.create_table(
        "appointment_booking",
        sa.Column("organization", Name, nullable=False),
        sa.Column("application", Name, nullable=False),
        sa.Column("bookings", Number, nullable=False),
        sa.PrimaryKeyConstraint("organization", "application", name="pk_appointment_booking"),
    )
