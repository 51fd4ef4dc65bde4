"""What happens by itself, because its time has come."""

from api.appointments import notices, records
from api.appointments.actions import rooms
from api.appointments.actions.saving import save
from api.appointments.rules.notices import due
from api.appointments.rules.site import Sites
from hub.store.transaction import Tx


def fire(tx: Tx, payload: bytes, now: float, sites: Sites) -> None:
    """Something planned. What has become of the appointment meanwhile decides. An invitation to the room opens it where
    nobody has yet.
    """
    timed = notices.read(payload)
    appointment = records.lock(tx, timed.appointment)
    if appointment is None:
        return
    site = sites.of(appointment)
    told = due(appointment, timed, site.application, now)
    if told is None:
        return
    if timed.type == "ROOM" and appointment.room is None:
        opened = rooms.opened(tx, appointment, site, now, appointment.organizer.id)
        appointment = save(tx, appointment, opened, "Activated", now, sites)
    notices.come(tx, appointment, timed, told, now, site)
