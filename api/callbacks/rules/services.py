"""A callback service as the configuration file describes it, with everything that it names."""

from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from msgspec import Struct

from api.services import office_hours
from hub.kernel import wire
from hub.kernel.callback_options import CallbackOptions, words
from hub.kernel.config import Configuration
from hub.kernel.hours import OfficeHours


class Service(Struct, frozen=True, kw_only=True):
    """`exceptions` are the lists of refused numbers by their names; without `hours` it is always open."""

    name: str
    options: CallbackOptions
    hours: OfficeHours | None
    exceptions: Mapping[str, tuple[str, ...]]

    @property
    def organization(self) -> str:
        """Whose service it is."""
        return self.options.organization

    @property
    def is_customer_first(self) -> bool:
        """Whether customers are called before the agent who is reserved for them."""
        return self.options.userterminated_first_connect_party == "CUSTOMER"

    @property
    def zone(self) -> ZoneInfo:
        """Where the office is."""
        return self.hours.zone if self.hours is not None else ZoneInfo("UTC")

    @property
    def lookup_keys(self) -> tuple[str, ...]:
        """Properties by which callbacks are found: the mandatory ones always."""
        return tuple(dict.fromkeys((*self.mandatory_keys, *words(self.options.customer_lookup_keys))))

    @property
    def mandatory_keys(self) -> tuple[str, ...]:
        """Properties that a request must have."""
        return words(self.options.mandatory_customer_lookup_keys)

    def why_closed(self, at: float) -> str | None:
        """Why the office is closed at an instant; None while it is open."""
        return None if self.hours is None else office_hours.closed(self.hours, wire.instant(at))

    def places(self, start: float) -> int:
        """How many callbacks the bucket that begins there takes."""
        flat = self.options.max_request_by_time_bucket
        local = wire.instant(start).astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return next((each.places for each in self.options.capacity if each.covers(local.date(), minute)), flat)


def find(configuration: Configuration, name: str) -> Service | None:
    """The service of that name. A blank may stand for an underscore, as in some printed addresses."""
    for each in (name, name.replace(" ", "_")):
        if (options := configuration.callback_services.get(each)) is not None:
            return _service(configuration, each, options)
    return None


def every(configuration: Configuration) -> Iterator[Service]:
    """All services there are."""
    for name, options in configuration.callback_services.items():
        yield _service(configuration, name, options)


def of(configuration: Configuration, organization: str) -> Iterator[Service]:
    """The services of an organization, in the order of the file."""
    return (service for service in every(configuration) if service.organization == organization)


def _service(configuration: Configuration, name: str, options: CallbackOptions) -> Service:
    hours = options.business_hours_service
    lists = configuration.number_exceptions
    return Service(
        name=name,
        options=options,
        hours=None if hours is None else configuration.office_hours[hours],
        exceptions={each: lists[each].numbers for each in words(options.exceptions)},
    )
