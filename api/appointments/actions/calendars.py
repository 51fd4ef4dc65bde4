"""Looking at an appointment as a calendar does: without knowing who looks."""

from api.appointments import records
from api.appointments.rules import formats
from api.appointments.rules.appointment import Appointment
from api.appointments.rules.permissions import UnknownAppointment
from hub.kernel.errors import BadInput
from hub.store.transaction import Snapshot


def find(tx: Snapshot, id: str) -> Appointment:
    """The one with that id, cancelled or not. Raises UnknownAppointment, and BadInput for what is no id."""
    if not formats.is_id(id):
        raise BadInput("id: is not the id of an appointment", pointer="/id")
    found = records.find(tx, id)
    if found is None:
        raise UnknownAppointment
    return found
