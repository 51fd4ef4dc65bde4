"""The messages of Bayeux 1.0 as they travel: what a client may send, what the hub answers."""

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType, structs

HANDSHAKE = "/meta/handshake"
CONNECT = "/meta/connect"
SUBSCRIBE = "/meta/subscribe"
UNSUBSCRIBE = "/meta/unsubscribe"
DISCONNECT = "/meta/disconnect"

NO_DATA = Raw()
NO_ID = b"null"


class Message(Struct, frozen=True, rename="camel"):
    """One message of a client, exactly as it came.

    Fields are untyped on purpose: a field of the wrong type is answered with a Bayeux error of its own and must not
    spoil the other messages of the batch. `null` stands for an absent field. `data` is kept as the bytes received.
    """

    channel: Any = None
    id: Raw = Raw(NO_ID)
    client_id: Any = None
    data: Raw = NO_DATA
    subscription: Any = None
    connection_type: Any = None
    supported_connection_types: Any = None
    version: Any = None
    advice: Any = None
    ext: Any = None

    @property
    def has_id(self) -> bool:
        """Whether the sender gave an id to echo."""
        return bytes(self.id) != NO_ID

    @property
    def extensions(self) -> dict[str, Any]:
        """`ext` as a dictionary, empty when absent or of another type."""
        return self.ext if isinstance(self.ext, dict) else {}


class Advice(
    Struct,
    frozen=True,
    omit_defaults=True,
    rename={"max_interval": "maxInterval", "multiple_clients": "multiple-clients"},
):
    """How the client goes on; all times in milliseconds. Always sent whole: clients replace the former as a whole."""

    reconnect: str
    interval: int
    timeout: int
    max_interval: int
    multiple_clients: bool | UnsetType = UNSET


class Reply(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The hub's answer to one message. `successful` has no default: clients tell replies from events by it.

    Only what a service returns has `data`; on a publish reply it would make an event of it.
    """

    channel: str
    successful: bool
    id: Raw | UnsetType = UNSET
    client_id: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    minimum_version: str | UnsetType = UNSET
    supported_connection_types: tuple[str, ...] | UnsetType = UNSET
    subscription: Any = UNSET
    data: Raw | UnsetType = UNSET
    error: str | UnsetType = UNSET
    advice: Advice | UnsetType = UNSET
    ext: dict[str, Any] | UnsetType = UNSET

    def extended(self, **extensions: Any) -> "Reply":  # noqa: ANN401 - JSON of the extensions
        """The same reply with more in its `ext`."""
        present = {} if self.ext is UNSET else self.ext
        return structs.replace(self, ext={**present, **extensions})
