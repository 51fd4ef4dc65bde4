"""What leaves the house because an appointment has changed, or because its time comes."""

from api.appointments.rules.appointment import Appointment, Participant
from api.appointments.rules.site import Site
from channels.appointments import AppointmentNotificationType
from hub.store.transaction import Tx


def changed(
    tx: Tx,
    before: Appointment | None,
    after: Appointment | None,
    kind: AppointmentNotificationType,
    now: float,
    site: Site,
    participant: Participant | None = None,
) -> None:
    """An appointment has changed, in this transaction and after its rows were written. Called once for every change.

    `before` is None for Created, `after` for Cancelled. `participant` is the one whom ParticipantAdded,
    ParticipantRemoved and ParticipantState are about, as they are after that; a removed one as they were.
    """
