"""The wire forms of one-time codes."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.codes.rules import Channel

Text = Annotated[str, Meta(min_length=1, max_length=254)]


class CodeRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where to send a code. The number or address decides where `channel` is missing."""

    to: Annotated[Text, Meta(description="A phone number like +306931234567, or a mail address")]
    channel: Channel | None = None
    locale: Annotated[str, Meta(max_length=35, description="Language of the message")] = "en_US"
    custom_name: (
        Annotated[str, Meta(max_length=40, description="Who the message is from; only with a token, else ignored")]
        | None
    ) = None
    organization_id: (
        Annotated[
            str, Meta(max_length=64, description="In whose name; without a token it or X-ApplicationId is required")
        ]
        | None
    ) = None


class CodeSent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The id that goes with the code. It says nothing about whether the recipient exists."""

    id: str
    expires_in: Annotated[int, Meta(description="Seconds")]


class CodeGiven(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A code for its id."""

    verification_id: Text
    to: Annotated[Text, Meta(description="The recipient, as in the request for the code")] | None = None
    code: Annotated[str, Meta(min_length=1, max_length=16)]


class CodeRight(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The code was right, and is used."""

    id: str
    verified: bool = True
