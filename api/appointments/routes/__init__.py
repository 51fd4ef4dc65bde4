"""`/api/appointments`."""

from api.appointments.routes import participants, planning, public

OPERATIONS = (*planning.OPERATIONS, *participants.OPERATIONS, *public.OPERATIONS)
