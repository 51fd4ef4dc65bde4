"""The endpoints of devices, media and sessions."""

from typing import Final

from api.http.operations import Operation
from api.telephony.devices import directory, own

OPERATIONS: Final[tuple[Operation, ...]] = (*own.OPERATIONS, *directory.OPERATIONS)
