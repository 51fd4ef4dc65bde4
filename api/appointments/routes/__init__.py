"""`/api/appointments`, `/api/cal`, and customers' links."""

from api.appointments.routes import calendars, links, participants, planning, public

OPERATIONS = (
    *planning.OPERATIONS,
    *participants.OPERATIONS,
    *public.OPERATIONS,
    *calendars.OPERATIONS,
    *links.OPERATIONS,
)
