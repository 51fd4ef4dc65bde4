"""`/genesys/1/service/**`, apart from callbacks: starting services, asking them for something, ending them."""

from http import HTTPStatus
from operator import attrgetter
from typing import Any, Final

from api.http import idempotency
from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Reply
from api.http.request import Call
from api.services import actions, rules, storage
from api.services.admission import configured, opened, room_of
from api.services.calendar import SHOW_CALENDAR
from api.services.rules import (
    Access,
    NoMatch,
    PoolEmpty,
    Service,
    StorageFull,
    UnknownRequest,
    UnknownService,
)
from api.services.uploads import Uploads, brought, told
from hub.auth.guesses import network
from hub.kernel import ids, metrics, wire
from hub.kernel.errors import (
    BadInput,
    MissingParameter,
    Overloaded,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)
from hub.kernel.service_options import ServiceOptions
from hub.store.files import FileGone
from hub.store.idempotency import Scope
from hub.store.transaction import Tx

Answer = dict[str, str]

_RUNNING: Final = {"service": "39a98e24-b03b-4191-b756-1efe8f3b16b8"}
_SERVICE: Final = "/genesys/1/service/{service}"
_REFUSALS: Final = (UnknownService, Unauthenticated, TooManyRequests, Overloaded)


async def create_service(call: Call[dict[str, Any]]) -> Reply:
    """Start a service, or find the one of whoever has dialled."""
    name = call.path_params["service"]
    options, is_known = await configured(call, name)
    if options.service == "match-interaction":
        return await _match(call, options, is_known=is_known)
    async with Uploads(call) as uploads:
        members = await call.incoming.members(uploads.take)
        wanted, items = await told(members), await brought(members, keep_json=options.keep_json)
        new = Service(
            id=ids.uuid(),
            organization=options.organization,
            name=name,
            created_at=call.now,
            expires_at=call.now + options.ttl,
        )

        def start(tx: Tx) -> Access | None:
            access = actions.start(tx, new, options, items, wanted, room_of(call))
            uploads.kept = True
            return access

        scope = Scope(options.organization, name, call.path)
        reply = await idempotency.once(
            call,
            start,
            lambda access: _started(new.id, access, options),
            scope=scope,
            fingerprint=rules.fingerprint(members),
        )
    metrics.SERVICES.labels("started").inc()
    return reply


async def _match(call: Call[dict[str, Any]], options: ServiceOptions, *, is_known: bool) -> Reply:
    wanted = await told(await call.incoming.members())
    if not wanted.get("_access_number"):
        raise MissingParameter("_access_number is required", pointer="/_access_number")
    # Codes are short: strangers get few tries. Whoever brings the key has customers who mistype.
    quota, address = call.services.quotas.unmatched, network(call.address)
    if not is_known:
        quota.take(address)
    with_data = wanted.get("_return_user_data", "").lower() == "true"

    def match(tx: Tx) -> Answer:
        service = actions.match(tx, options.organization, wanted, call.now)
        found = {"_id": service.id, "_data_id": service.id}
        return (actions.texts(tx, service.id, call.now) if with_data else {}) | found

    try:
        found = await call.services.db.write(match)
    except NoMatch:
        metrics.SERVICES.labels("unmatched").inc()
        raise
    if not is_known:
        quota.give_back(address)
    metrics.SERVICES.labels("matched").inc()
    return Reply(HTTPStatus.OK, wire.encode(found))


async def request_service(call: Call[dict[str, Any]]) -> Answer:
    """Ask a service that runs for something."""
    service, options = await opened(call)
    match call.path_params["request"]:
        case "get":
            await call.incoming.members()
            values = await call.services.db.read(lambda tx: actions.texts(tx, service.id, call.now))
            return values | _about(service)
        case "update":
            await storage.put_values(call)
            return _about(service)
        case "request-access" if options.access_numbers:
            wanted = await told(await call.incoming.members())
            access = await call.services.db.write(lambda tx: actions.access(tx, service.id, options, wanted, call.now))
            return _started(service.id, access, options)
        case "cancel":
            await call.incoming.members()
            await call.services.db.write(lambda tx: actions.end(tx, service.id, call.now))
            metrics.SERVICES.labels("ended").inc()
            return {"_id": service.id}
        case unknown:
            raise UnknownRequest(unknown)


async def delete_service(call: Call[None]) -> Reply:
    """End a service, and all that it keeps."""
    service, _ = await opened(call)
    await call.services.db.write(lambda tx: actions.end(tx, service.id, call.now))
    metrics.SERVICES.labels("ended").inc()
    return storage.done()


async def extend_service(call: Call[dict[str, Any]]) -> Reply:
    """Have a service end at another time."""
    service, _ = await opened(call)
    expires_at = rules.expiration(call.body, call.now)
    await call.services.db.write(lambda tx: actions.extend(tx, service.id, expires_at, call.now))
    return Reply(HTTPStatus.OK, b"", storage.TEXT)


def _started(id: str, access: Access | None, options: ServiceOptions) -> Answer:
    answer = {"_id": id} | ({"id": id} if options.plain_id else {})
    if access is None:
        return answer
    return answer | {"_access_number": access.number} | ({"_access_code": access.code} if access.code else {})


def _about(service: Service) -> Answer:
    return {
        "_id": service.id,
        "_service": service.name,
        "_expiration_time": wire.millis(wire.instant(service.expires_at)),
    }


def _extend(name: str, path: str) -> Operation:
    return Operation(
        name=name,
        method="PUT",
        path=path,
        summary="Have a service end at another time",
        description="`ttl` in seconds from now, or `expiration_time` in UTC; what the service keeps, and its access "
        "number, end with it.",
        tag="services",
        family=Family.GMS,
        roles=None,
        body=dict[str, Any],
        any_form=True,
        examples={"seconds": {"ttl": 7200}},
        path_example=_RUNNING,
        media_type=storage.TEXT,
        errors=(*_REFUSALS, BadInput),
        handler=extend_service,
    )


OPERATIONS = (
    SHOW_CALENDAR,
    *storage.OPERATIONS,
    Operation(
        name="createService",
        method="POST",
        path=_SERVICE,
        summary="Start a service",
        description="`service` is the name of one in hub.toml. Members with a leading underscore are parameters, like "
        "`_phone_number` and `_provide_code`; all others, files among them, are kept in its storage. A service that "
        "matches takes `_access_number` and `_access_code` or `_phone_number`, and with `_return_user_data` it answers "
        "with what is kept.",
        tag="services",
        family=Family.GMS,
        roles=None,
        body=dict[str, Any],
        any_form=True,
        takes_files=True,
        max_body=attrgetter("service_body_bytes"),
        result=Answer,
        idempotent=True,
        examples={
            "call": {"_phone_number": "6504669999", "_provide_code": "true", "language": "french"},
            "structure": {
                "address": {"street": "mystreet", "city": "mycity"},
                "phones": ["9002@SIP_Switch", "5555666"],
            },
        },
        path_example={"service": "request-interaction"},
        errors=(*_REFUSALS, NoMatch, BadInput, TooLarge, StorageFull, PoolEmpty, FileGone),
        handler=create_service,
    ),
    Operation(
        name="requestService",
        method="POST",
        path=f"{_SERVICE}/{{request}}",
        summary="Ask a service that runs for something",
        description="`get` answers with its values, `update` keeps more of them, `cancel` ends it; `request-access` "
        "gives out another access number.",
        tag="services",
        family=Family.GMS,
        roles=None,
        body=dict[str, Any],
        any_form=True,
        takes_files=True,
        max_body=attrgetter("service_body_bytes"),
        result=Answer,
        examples={"values": {"language": "french"}},
        path_example={**_RUNNING, "request": "update"},
        errors=(*_REFUSALS, UnknownRequest, BadInput, TooLarge, StorageFull, PoolEmpty, FileGone),
        handler=request_service,
    ),
    _extend("extendService", _SERVICE),
    _extend("extendConversation", "/genesys/1/cs/services/{service}"),
    Operation(
        name="deleteService",
        method="DELETE",
        path=_SERVICE,
        summary="End a service, with all that it keeps",
        tag="services",
        family=Family.GMS,
        roles=None,
        media_type=storage.TEXT,
        path_example=_RUNNING,
        errors=_REFUSALS,
        handler=delete_service,
    ),
)
