"""What HTTP clients put their messages into: JSON, a form, or a form that calls itself plain text.

The content type is not believed: clients send none, or the wrong one. The first bytes tell.
"""

from urllib.parse import parse_qsl

from hub.kernel.errors import BadInput

FORM_FIELD = "message"
MOST_FIELDS = 64


def messages_in(body: bytes) -> bytes:
    """The JSON array in a request body. Raises `BadInput`.

    `message=…`, URL-encoded and any number of times, is how old browsers and cross-origin clients post; each holds an
    object or an array.
    """
    if body.lstrip()[:1] in (b"[", b"{"):
        return body
    if body.startswith(b"message="):
        return joined(fields(body.decode("latin-1"), FORM_FIELD))
    raise BadInput("neither JSON nor a form with messages")


def fields(text: str, name: str) -> list[str]:
    """All values of one field of a form or query. Raises `BadInput` for too many fields."""
    try:
        pairs = parse_qsl(text.strip(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except (ValueError, UnicodeDecodeError):
        raise BadInput("not a form") from None
    return [value for key, value in pairs if key == name]


def joined(parts: list[str]) -> bytes:
    """Several JSON texts, each a message or an array of messages, as one array; not checked further."""
    texts = [part.strip().encode() for part in parts]
    inner = [text[1:-1] if text.startswith(b"[") and text.endswith(b"]") else text for text in texts]
    return b"[%b]" % b",".join(text for text in inner if text.strip())
