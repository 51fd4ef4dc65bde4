"""What a facade is asked for, checked and put into the words of the domains below. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import phonenumbers
from msgspec import Struct

from api.applications import rules as applications
from api.applications.rules import UnknownApplication
from api.callbacks.rules import numbers, requests
from api.callbacks.rules.lines import Demand
from api.callbacks.rules.requests import Routing
from api.callbacks.rules.services import Service
from api.tickets.rules import LIFE_SECONDS, LONGEST_LIFE_SECONDS, Type
from channels.access import Role
from hub.auth.principal import Principal
from hub.kernel.applications import Application
from hub.kernel.errors import BadInput, MissingParameter, NotFound

TICKET: Final[Type] = "GENESYS_MULTI_USE_TICKET"
CUSTOMER_NAME: Final = "_usr_customer_name"
MOST_NUMBERS: Final = 5
MOST_DATA: Final = 50
_CONFERENCE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_CALLING_CODE = re.compile(r"\+?([0-9]{1,3})")


class UnknownQueue(NotFound):
    """No callback service of the organization serves that queue."""

    code = "queue_unknown"
    default_detail = "No such queue"


class Site(Struct, frozen=True, kw_only=True):
    """An application, and what links into its conferences begin with."""

    id: str
    organization: str
    base: str

    def customer_url(self, ticket: str) -> str:
        """For whoever has the ticket."""
        return f"{self.base}/t/{ticket}"

    def agent_url(self, conference: str) -> str:
        """For agents, who are known to wherever the conference is held."""
        return f"{self.base}/a?{self._place(conference)}"

    def recording_url(self, conference: str) -> str:
        """What has been recorded of it."""
        return f"{self.base}/r?{self._place(conference)}"

    def _place(self, conference: str) -> str:
        return urlencode({"aid": self.id, "roomId": conference})


class Wish(Struct, frozen=True, kw_only=True):
    """What is said about routing: the words of the facade, the queue being settled."""

    language: str | None = None
    skills: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    priority: int | None = None


def application_of(
    all_applications: Mapping[str, Application], id: str | None, caller: Principal | None
) -> tuple[str, Application]:
    """The application that is meant, by its id: one of the caller's organization, and of their own where they have one.
    Raises MissingParameter, UnknownApplication.
    """
    named = id or (caller.application if caller is not None else None)
    if not named:
        raise MissingParameter("The application is missing", pointer="/applicationId")
    if caller is None:
        found = all_applications.get(named)
        if found is None:
            raise UnknownApplication
        return named, found
    if caller.application not in {None, named}:
        raise UnknownApplication
    return named, applications.require(all_applications, named, caller.organization)


def base_of(application: Application, asked: str | None, public: str) -> str:
    """What links begin with: nothing but what the application permits, or a link of ours would lead to wherever
    somebody else wants. Raises BadInput.
    """
    own = application.url_base or public
    if not asked:
        return own
    permitted = {own, public, *application.allowed_url_bases}
    if asked.rstrip("/") not in permitted:
        raise BadInput("The base of the urls is none that the application permits", pointer="/urlBase")
    return asked.rstrip("/")


def needs_base(caller: Principal | None) -> bool:
    """Whether the base has to be said: back ends serve any number of sites."""
    return caller is not None and Role.CLIENT_SERVICE in caller.roles


def ticket_seconds(asked: int | None, application: Application) -> int:
    """How long the customer's link is good. Raises BadInput."""
    if not asked:
        return application.ticket_seconds or LIFE_SECONDS
    if not 0 < asked <= LONGEST_LIFE_SECONDS:
        raise BadInput(f"The expiration of the ticket must be from 1 to {LONGEST_LIFE_SECONDS} seconds")
    return asked


def queue_of(top: Iterable[str | None], routing: Iterable[str | None]) -> str:
    """The queue that is meant: by its id or its name, which are the same here. What is said at the top counts before
    what is said about routing. Raises MissingParameter, BadInput.
    """
    for place in (top, routing):
        said = {name for name in place if name}
        if len(said) > 1:
            raise BadInput("queueId and queueName are two different queues", pointer="/queueName")
        if said:
            return said.pop()
    raise MissingParameter("queueId or queueName is required", pointer="/queueName")


def service_of(services: Iterable[Service], queue: str) -> Service:
    """The callback service that serves a queue, or is called like it. Raises UnknownQueue."""
    known = list(services)
    for found in (service for service in known if service.options.queue == queue):
        return found
    for found in (service for service in known if service.name == queue):
        return found
    raise UnknownQueue


def number_of(service: Service, written: str, country: str | None, *, valid_only: bool) -> str:
    """A number as it is dialled, where it can be read. `valid_only`: it must be one. Raises BadInput, CallbackRefused.

    Reads files, of the country.
    """
    region = _region(country) or service.options.default_country
    number = numbers.read(written, region, possible_only=valid_only, no_premium=False)
    if valid_only and number.is_internal:
        raise BadInput(f"callbackNumbers: {written} is no phone number of {region}", pointer="/callbackNumbers")
    return number.dialled


def _region(country: str | None) -> str | None:
    """The country of two letters, also where its calling code is given. Raises BadInput."""
    if not country:
        return None
    if _COUNTRY.fullmatch(country) and country.upper() in phonenumbers.SUPPORTED_REGIONS:
        return country.upper()
    calling = _CALLING_CODE.fullmatch(country)
    region = phonenumbers.region_code_for_country_code(int(calling[1])) if calling else phonenumbers.UNKNOWN_REGION
    if region == phonenumbers.UNKNOWN_REGION:
        raise BadInput("countryCode: must be like US or 1", pointer="/countryCode")
    return str(region)


def require_data(data: Mapping[str, str], service: Service) -> None:
    """Raises BadInput for names that would mean something to the service, instead of to the agent."""
    permitted = set(service.lookup_keys) - {requests.CUSTOMER_NUMBER}
    for name in data:
        if not 0 < len(name) <= requests.LONGEST_NAME or (
            name.startswith("_") and not name.startswith("_usr_") and name not in permitted
        ):
            raise BadInput("data: names have 1 to 255 characters and do not begin with an underscore", pointer="/data")


def as_fields(wish: Wish) -> dict[str, Any]:
    """What a stranger says about routing, for the service to take as much of as it lets strangers decide."""
    said: dict[str, Any] = {
        "_language": wish.language,
        "_skills": dict.fromkeys(wish.skills, 1),
        "_preferred_agents": list(wish.agents),
        "_priority": wish.priority,
    }
    return {name: value for name, value in said.items() if value}


def as_routing(service: Service, wish: Wish) -> Routing:
    """The same of somebody of the organization, which counts as it is."""
    own = requests.own_routing(service)
    demand = Demand(
        own.demand.queue,
        {**own.demand.skills, **dict.fromkeys(wish.skills, 1)},
        wish.language or own.demand.language,
    )
    priority = own.priority if wish.priority is None else wish.priority
    return Routing(demand=demand, priority=priority, preferred=wish.agents)


def require_conference(text: str) -> str:
    """Raises BadInput for what is no id of a conference."""
    if not _CONFERENCE.fullmatch(text):
        raise BadInput("roomId: must be the id of a conference", pointer="/roomId")
    return text
