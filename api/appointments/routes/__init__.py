"""`/api/appointments` and `/api/cal`."""

from api.appointments.routes import calendars, participants, planning, public

OPERATIONS = (*planning.OPERATIONS, *participants.OPERATIONS, *public.OPERATIONS, *calendars.OPERATIONS)
