"""The tables of all domains, registered on the metadata of the store by being imported."""

from api.applications import records as applications
from api.appointments import records as appointments
from api.callbacks.records import tables as callbacks
from api.codes import records as codes
from api.security import records as security
from api.telephony.devices import records as devices
from api.tickets import records as tickets
from api.users import records as users

__all__ = ["applications", "appointments", "codes", "devices", "security", "tickets", "users"]
__all__ = ["applications", "callbacks", "codes", "devices", "security", "tickets", "users"]
