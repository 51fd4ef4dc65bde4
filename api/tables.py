"""The tables of all domains, registered on the metadata of the store by being imported."""

from api.applications import records as applications
from api.appointments import records as appointments
from api.appointments.records import notice_log as appointment_notices
from api.callbacks.records import tables as callbacks
from api.codes import records as codes
from api.security import records as security
from api.services import records as services
from api.telephony.calls import records as calls
from api.telephony.devices import records as devices
from api.tickets import records as tickets
from api.users import records as users

__all__ = [
    "applications",
    "appointment_notices",
    "appointments",
    "callbacks",
    "calls",
    "codes",
    "devices",
    "security",
    "services",
    "tickets",
    "users",
]
