"""`[services.NAME]`: what applications may start at `/genesys/1/service/NAME`. Options have the product's names, and
may be written with its underscore (`_ttl`), with dashes or plainly.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from hub.kernel.applications import OrganizationId
from hub.kernel.faults import Fault
from hub.kernel.secret import Secret

LONGEST_LIFE_SECONDS: Final = 366 * 86_400

Kind: TypeAlias = Literal["request-interaction", "request-access", "match-interaction", "storage"]
PhoneNumber: TypeAlias = Annotated[str, Meta(pattern=r"\A\+?[0-9]{1,20}\Z")]


class ServiceOptions(msgspec.Struct, frozen=True, kw_only=True):
    """One service. Anonymous calls belong to its organization; with an `api_key` there are none."""

    organization: OrganizationId
    type: Literal["builtin"] = "builtin"
    service: Kind = "storage"
    """What it does: give out access numbers (`request-…`), find who has dialled one (`match-…`), or only keep data."""
    api_key: Secret | None = None
    access_numbers: tuple[PhoneNumber, ...] = ()
    booking_expiration_timeout: Annotated[int, Meta(ge=5, le=86_400)] | None = None
    """How long numbers are booked: with a code or a caller's number as long as the service, alone 30 s."""
    ttl: Annotated[int, Meta(ge=1, le=LONGEST_LIFE_SECONDS)] = 86_400
    most_live: Annotated[int, Meta(ge=1, le=10_000_000)] = 10_000
    """How many may live at once."""
    most_bytes: Annotated[int, Meta(ge=1, le=2**50)] = 2**30
    """How much all of them may keep."""
    keep_json: bool = False
    """Whether values with structure are kept as JSON, and not in the look of the product."""
    plain_id: bool = False
    """Whether the id is given as `id` as well as `_id`."""

    def faults(self) -> Iterator[Fault]:
        """See `hub.kernel.tables.Checked`."""
        if self.service.startswith("request-") and not self.access_numbers:
            yield Fault("access_numbers", f"is missing, {self.service} needs it")
        if len(set(self.access_numbers)) < len(self.access_numbers):
            yield Fault("access_numbers", "has a number twice")


def plainly(table: object) -> object:
    """The table with its keys in the plain spelling."""
    if not isinstance(table, dict):
        return table
    spelled: Mapping[str, Any] = table
    return {key.removeprefix("_").replace("-", "_"): value for key, value in spelled.items()}
