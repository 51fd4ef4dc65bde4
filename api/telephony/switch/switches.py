"""Which switch carries whose calls."""

from typing import NamedTuple

from api.telephony.devices.rules import Floor
from api.telephony.switch.connector import ConnectorSwitch
from api.telephony.switch.simulated import SimulatedSwitch
from hub.kernel.config import Configuration


class Switches(NamedTuple):
    """The switches of the organizations, as the configuration says; `base` is the public URL of the hub."""

    configuration: Configuration
    base: str

    @property
    def floor(self) -> Floor:
        """What is settled for the contact centres of this installation."""
        return Floor(self.base, self.configuration.organizations)

    def of(self, organization: str) -> SimulatedSwitch | ConnectorSwitch:
        """The switch that carries the calls of an organization."""
        own = self.configuration.organizations.get(organization)
        telephony = (own and own.telephony) or self.configuration.telephony
        if telephony.switch == "connector" and telephony.connector is not None:
            return ConnectorSwitch(self.floor, telephony.connector)
        return SimulatedSwitch(self.floor, telephony)
