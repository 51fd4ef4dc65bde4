"""What bringing callbacks about takes beside the database."""

from typing import NamedTuple

from api.callbacks.rules import services
from api.callbacks.rules.callback import Callback
from api.callbacks.rules.services import Service
from api.telephony.switch.switches import Switches
from hub.kernel.config import Configuration


class House(NamedTuple):
    """The configuration of the hub, the switches that carry calls, and the public URL."""

    configuration: Configuration
    switches: Switches
    base: str

    def service(self, callback: Callback) -> Service | None:
        """The service of a callback; None if it has been taken out of the configuration."""
        found = services.find(self.configuration, callback.service)
        return found if found is not None and found.organization == callback.organization else None
