"""The AsyncAPI 3.0 document of the Bayeux side, made from the catalogue.

Payloads describe the `data` of the Bayeux messages; the frame around it (`channel`, `ext`) is the protocol's. The
document speaks for the hub: what clients subscribe to is what it sends, what they may publish is what it receives.
"""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from channels.catalog import Catalog, Channel
from channels.envelope import Notification, encode, message_type
from channels.examples import EXAMPLES
from channels.names import is_pattern

ENDPOINT: Final = "/api/v2/notifications"

_DESCRIPTION: Final = (
    "Notifications over Bayeux 1.0 (CometD). Subscribe with `/meta/subscribe`; wildcards mean the channels that the "
    "caller's roles may hear. Every payload below is the `data` of a Bayeux message."
)
_WILDCARD: Final = {"*": "One segment.", "**": "One or more segments."}
_CUSTOM_MESSAGE: Final = "CustomMessage"

Json = dict[str, Any]


def document(catalog: Catalog, *, url: str, version: str) -> Json:
    """The document as plain JSON values, in a stable order. `url` is the public base of the hub (http or https)."""
    idents = _idents(catalog)
    kinds = _kinds(catalog)
    schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")[1]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Notification hub", "version": version, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": _servers(url),
        "channels": {ident: _channel(channel) for ident, channel in idents.items()},
        "operations": dict(_operations(idents)),
        "components": {
            "messages": {message_type(kind): _message(kind) for kind in kinds} | _custom_message(catalog),
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _kinds(catalog: Catalog) -> list[type[Notification]]:
    return list(dict.fromkeys(kind for channel in catalog.channels for kind in channel.messages))


def _idents(catalog: Catalog) -> dict[str, Channel]:
    """Identifiers that need no escaping in references: letters, digits, dots; numbered where two would be equal."""
    idents: dict[str, Channel] = {}
    for channel in catalog.channels:
        plain = channel.pattern[1:].replace("**", "all").replace("*", "each").replace("/", ".")
        ident = base = "".join(letter if letter.isalnum() or letter in ".-_" else "_" for letter in plain)
        number = 2
        while ident in idents:
            ident, number = f"{base}-{number}", number + 1
        idents[ident] = channel
    return idents


def _servers(url: str) -> Json:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    common = {
        "host": parts.netloc,
        "pathname": parts.path.rstrip("/") + ENDPOINT,
        "security": [{"$ref": "#/components/securitySchemes/token"}],
    }
    return {
        "websocket": {"protocol": "wss" if secure else "ws", "description": "Transport websocket.", **common},
        "long-polling": {"protocol": parts.scheme, "description": "Transport long-polling.", **common},
    }


def _channel(channel: Channel) -> Json:
    names = [message_type(kind) for kind in channel.messages] or [_CUSTOM_MESSAGE]
    described: Json = {
        "address": channel.pattern,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "x-personal": channel.personal,
        "x-durable": channel.durable,
        "x-subscribe": "any role" if channel.subscribe is None else sorted(channel.subscribe),
        "x-publish": sorted(channel.publish),
    }
    if is_pattern(channel.pattern):
        head, _, wildcard = channel.pattern.rpartition("/")
        described["address"] = f"{_literal(head)}/{{name}}"
        described["parameters"] = {"name": {"description": _WILDCARD[wildcard]}}
    else:
        described["address"] = _literal(channel.pattern)
    return described


def _literal(name: str) -> str:
    # Braces are letters in channel names and parameters in AsyncAPI addresses.
    return name.replace("{", "%7B").replace("}", "%7D")


def _operations(idents: dict[str, Channel]) -> Iterable[tuple[str, Json]]:
    for ident, channel in idents.items():
        reference = {"$ref": f"#/channels/{ident}"}
        yield f"send.{ident}", {"action": "send", "channel": reference, "summary": f"Events on {channel.pattern}"}
        if channel.publish:
            summary = f"Clients publish on {channel.pattern}"
            yield f"receive.{ident}", {"action": "receive", "channel": reference, "summary": summary}


def _message(kind: type[Notification]) -> Json:
    name = message_type(kind)
    described: Json = {"name": name, "title": name, "payload": {"$ref": f"#/components/schemas/{name}"}}
    if (example := EXAMPLES.get(kind)) is not None:
        described["examples"] = [{"name": name, "payload": msgspec.json.decode(encode(example))}]
    return described


def _custom_message(catalog: Catalog) -> Json:
    if all(channel.messages for channel in catalog.channels):
        return {}
    described = {"name": _CUSTOM_MESSAGE, "title": "Whatever its publishers send", "payload": {"type": "object"}}
    return {_CUSTOM_MESSAGE: described}
