"""An application of the configuration, as it is served here. Pure."""

from collections.abc import Mapping

from msgspec import Struct

from api.applications import rules
from api.applications.rules import UnknownApplication
from api.appointments.rules.appointment import Appointment
from hub.kernel.applications import Application
from hub.kernel.errors import BadInput


class Site(Struct, frozen=True):
    """An application with its id and the public address of the hub."""

    id: str
    application: Application
    base: str

    @property
    def room_base(self) -> str:
        """What links into rooms begin with."""
        return self.application.url_base or self.base


class Sites(Struct, frozen=True):
    """All of them."""

    applications: Mapping[str, Application]
    base: str

    def find(self, organization: str, id: str) -> Site | None:
        """The application of that organization; None for one of another, as if there were none."""
        try:
            return self.require(organization, id)
        except UnknownApplication:
            return None

    def require(self, organization: str, id: str) -> Site:
        """The same. Raises UnknownApplication."""
        return Site(id, rules.require(self.applications, id, organization), self.base)

    def named(self, organization: str, id: str) -> Site:
        """The same for an id in a body. Raises BadInput."""
        if (found := self.find(organization, id)) is None:
            raise BadInput("applicationId: no such application", pointer="/applicationId")
        return found

    def of(self, appointment: Appointment) -> Site:
        """The one of an appointment. Where it has been taken out of the configuration since, one without settings: what
        was agreed with a customer can still be changed.
        """
        found = self.find(appointment.organization, appointment.application)
        gone = Application(organization=appointment.organization, auto_activate=False)
        return found or Site(appointment.application, gone, self.base)
