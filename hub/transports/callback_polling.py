"""callback-polling (JSONP): messages in the query of a GET, answers in a script that calls a function of the page.

It is for pages so old that they know no other way across origins, and off unless HUB_CALLBACK_POLLING says otherwise:
any page may include the script, whoever it belongs to. So it never counts who the browser is, only the clientId and
the token in the query.
"""

import re

from hub.kernel.errors import BadInput
from hub.transports import bodies

HEADERS = [
    (b"content-type", b"text/javascript;charset=UTF-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-disposition", b"attachment; filename=answer.js"),
]
DEFAULT_CALLBACK = "jsonpcallback"
CALLBACK = re.compile(r"[A-Za-z0-9._-]{1,64}")


def read(query: str) -> tuple[bytes, str]:
    """The JSON array of messages and the name of the function to call. Raises `BadInput`."""
    callbacks = bodies.fields(query, "jsonp") or [DEFAULT_CALLBACK]
    if len(callbacks) > 1 or CALLBACK.fullmatch(callbacks[0]) is None:
        raise BadInput("jsonp must be one name of letters, digits, dots, dashes and underscores, 64 at most")
    messages = bodies.fields(query, bodies.FORM_FIELD)
    if not messages:
        raise BadInput("no message")
    return bodies.joined(messages), callbacks[0]


def script(callback: str, answers: bytes) -> bytes:
    """The script. The comment in front and the escapes keep the answer from being taken for something else."""
    escaped = answers.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return b"/**/%b(%b);" % (callback.encode("ascii"), escaped)
