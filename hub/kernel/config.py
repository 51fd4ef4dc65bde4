"""The configuration file `hub.toml`: organizations, channels, clients, applications, office hours, services,
callbacks. Checked whole at start.

Every fault is reported with its path (`custom_channels[1].pattern`); unknown tables and keys are refused.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar
from uuid import NAMESPACE_URL, uuid5

import msgspec
from msgspec import Meta

from channels.access import Role
from channels.catalog import Catalog, Channel
from hub.kernel import callback_options, hours, service_options
from hub.kernel.applications import Application, OrganizationId
from hub.kernel.callback_options import CallbackOptions, NumberExceptions
from hub.kernel.faults import Fault, SettingsError, unknown
from hub.kernel.hours import OfficeHours
from hub.kernel.secret import Secret
from hub.kernel.service_options import ServiceOptions
from hub.kernel.tables import Tables
from hub.kernel.telephony import Telephony

__all__ = ["Client", "Configuration", "CustomChannel", "Organization", "is_organization_id", "load", "parse"]

S = TypeVar("S", bound=msgspec.Struct)

_ORGANIZATION_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_SERVICE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}")
_STATE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_OPERATIONS: Final = frozenset(
    [
        "Ready",
        "NotReady",
        "AfterCallWork",
        "AuxWork",
        "DoNotDisturbOn",
        "DoNotDisturbOff",
        "ForwardCallsOn",
        "ForwardCallsOff",
        "ChangePassword",
        "StartContactCenterSession",
        "EndContactCenterSession",
    ]
)
"""Operations that there are: none of an organization's own can be called the same."""
_RESERVED_NAMES: Final = frozenset({"callback", "storage", "availability"})
"""Words of `/genesys/1/service/…` that cannot be names in the same place."""


class AgentState(msgspec.Struct, frozen=True, kw_only=True):
    """`[organizations.ID.agent_states.NAME]`: a reason for agents not to be ready, asked for by the operation NAME.

    `reason` and `display_name` are the name where they are absent, `id` one that follows from the name.
    """

    reason: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    display_name: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    work_mode: Literal["AuxWork", "AfterCallWork"] | None = None
    id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None

    def guid(self, organization: str, name: str) -> str:
        """The id by which clients know it."""
        return self.id or str(uuid5(NAMESPACE_URL, f"urn:agent-state:{organization}:{name}")).upper()


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    """`[organizations.ID]`. Any other organization works too; a table only adds what is said in it."""

    name: str | None = None
    room_url: Annotated[str, Meta(pattern=r"\Ahttps?://[^\s#<>\"']+\Z")] | None = None
    """Where conferences are held: the page behind a ticket sends its holder there, the ticket in the fragment."""
    public_codes: bool = False
    """Whether customers without a token may ask for one-time codes: the organization pays for the messages."""
    operates: bool = False
    """Whether its administrators run the hub: they see nodes, timers and dead letters of all organizations."""
    wrap_up_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    """How long agents who were ready are left to themselves after a call; 0: they are ready again at once."""
    agent_states: Mapping[str, AgentState] = {}
    """States of agents beside Ready, NotReady, AfterCallWork and AuxWork, by operation."""
    telephony: Telephony | None = None
    """Instead of `[telephony]`, as a whole."""

    def faults(self) -> Iterator[Fault]:
        """See `Checked`."""
        for name in self.agent_states:
            if _STATE_NAME.fullmatch(name) is None or name in _OPERATIONS:
                yield Fault(f"agent_states.{name}", "must be letters and digits, and like no operation that there is")


class CustomChannel(msgspec.Struct, frozen=True, kw_only=True):
    """`[[custom_channels]]`: who may listen and speak (roles), and whether its events have positions and are kept."""

    pattern: str
    subscribe: tuple[Role, ...] = ()
    publish: tuple[Role, ...] = ()
    durable: bool = False

    def channel(self) -> Channel:
        """The entry of the catalogue."""
        return Channel(
            pattern=self.pattern,
            durable=self.durable,
            subscribe=frozenset(self.subscribe),
            publish=frozenset(self.publish),
        )


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """`[clients.ID]`: a back end that gets tokens with ROLE_CLIENT_SERVICE of `organization` for its secret."""

    organization: OrganizationId
    secret: Secret


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says. Without a file everything is empty, which is a working hub."""

    organizations: Mapping[str, Organization] = {}
    custom_channels: tuple[CustomChannel, ...] = ()
    clients: Mapping[str, Client] = {}
    applications: Mapping[str, Application] = {}
    office_hours: Mapping[str, OfficeHours] = {}
    callback_services: Mapping[str, CallbackOptions] = {}
    number_exceptions: Mapping[str, NumberExceptions] = {}
    services: Mapping[str, ServiceOptions] = {}
    telephony: Telephony = Telephony()

    def catalog(self) -> Catalog:
        """The four channels and the custom ones. Never raises for a Configuration that `load` returned."""
        return Catalog([custom.channel() for custom in self.custom_channels])


def load(path: Path | None) -> Configuration:
    """The configuration in the file at `path`; the empty one for None. Raises SettingsError with every fault."""
    if path is None:
        return Configuration()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([Fault(str(path), error.strerror or "cannot be read")]) from None
    except UnicodeDecodeError:
        raise SettingsError([Fault(str(path), "is not UTF-8")]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError([Fault(str(path), f"is not TOML: {error}")]) from None
    return parse(document, path.parent)


def parse(document: Mapping[str, Any], directory: Path) -> Configuration:
    """The configuration in a decoded file; names of further files are relative to `directory`. Raises SettingsError."""
    reader = _Reader(directory)
    configuration = reader.configuration(document)
    if reader.faults:
        raise SettingsError(reader.faults)
    return configuration


def is_organization_id(text: str) -> bool:
    """Whether an organization may be called that; those that are have no need to be listed anywhere."""
    return _ORGANIZATION_ID.fullmatch(text) is not None


class _Reader(Tables):
    """Reads what can be read, and notes each fault under its path."""

    def configuration(self, document: Mapping[str, Any]) -> Configuration:
        tables = Configuration.__struct_fields__
        self.faults.extend(Fault(name, unknown(name, tables)) for name in document if name not in tables)
        office_hours = self._office_hours(document)
        lists = self._number_exceptions(document)
        return Configuration(
            organizations=self._named(document, "organizations", _ORGANIZATION_ID, Organization),
            custom_channels=self._custom_channels(document.get("custom_channels", [])),
            clients=self._named(document, "clients", _CLIENT_ID, Client),
            applications=self._named(document, "applications", _ORGANIZATION_ID, Application),
            office_hours=office_hours,
            callback_services=self._callback_services(document, office_hours, lists),
            number_exceptions=lists,
            services=self._services(document),
            telephony=self.entry("telephony", document.get("telephony", {}), Telephony) or Telephony(),
        )

    def _office_hours(self, document: Mapping[str, Any]) -> dict[str, OfficeHours]:
        found, faults = hours.read(self._tables(document, "office_hours", _SERVICE_NAME), "office_hours")
        self.faults.extend(faults)
        return found

    def _number_exceptions(self, document: Mapping[str, Any]) -> dict[str, NumberExceptions]:
        tables = self._tables(document, "number_exceptions", _SERVICE_NAME)
        found, faults = callback_options.exceptions(tables, "number_exceptions")
        self.faults.extend(faults)
        return found

    def _callback_services(
        self, document: Mapping[str, Any], office_hours: Mapping[str, object], lists: Mapping[str, object]
    ) -> dict[str, CallbackOptions]:
        table = "callback_services"
        found, faults = callback_options.services(self._tables(document, table, _SERVICE_NAME), table)
        self.faults.extend(faults)
        self.faults.extend(callback_options.references(found, table, office_hours, lists))
        return found

    def _services(self, document: Mapping[str, Any]) -> dict[str, ServiceOptions]:
        tables = self._tables(document, "services", _SERVICE_NAME)
        read = {
            name: self.entry(f"services.{name}", service_options.plainly(table), ServiceOptions)
            for name, table in tables.items()
        }
        return {name: options for name, options in read.items() if options is not None}

    def _named(
        self, document: Mapping[str, Any], table: str, name_form: re.Pattern[str], type_: type[S]
    ) -> dict[str, S]:
        read = {
            name: self.entry(f"{table}.{name}", raw, type_)
            for name, raw in self._tables(document, table, name_form).items()
        }
        return {name: entry for name, entry in read.items() if entry is not None}

    def _tables(self, document: Mapping[str, Any], table: str, name_form: re.Pattern[str]) -> dict[str, object]:
        """The tables `[TABLE.NAME]` whose names have the form."""
        entries = document.get(table, {})
        if not isinstance(entries, dict):
            self.faults.append(Fault(table, f"must be tables [{table}.ID]"))
            return {}
        good: dict[str, object] = {}
        for name, raw in entries.items():
            if not name_form.fullmatch(name):
                self.faults.append(Fault(f"{table}.{name}", f"the name must match {name_form.pattern}"))
            elif name_form is _SERVICE_NAME and name in _RESERVED_NAMES:
                self.faults.append(Fault(f"{table}.{name}", "is a reserved word"))
            else:
                good[name] = raw
        return good

    def _custom_channels(self, raw: object) -> tuple[CustomChannel, ...]:
        if not isinstance(raw, list):
            self.faults.append(Fault("custom_channels", "must be tables [[custom_channels]]"))
            return ()
        good: list[CustomChannel] = []
        for index, item in enumerate(raw):
            path = f"custom_channels[{index}]"
            entry = self.entry(path, item, CustomChannel)
            if entry is None:
                continue
            try:
                Catalog([*(custom.channel() for custom in good), entry.channel()])
            except ValueError as error:
                self.faults.append(Fault(f"{path}.pattern", str(error)))
            else:
                good.append(entry)
        return tuple(good)
