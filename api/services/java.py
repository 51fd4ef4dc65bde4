"""Values as the product keeps them: whatever has structure becomes a text that looks like a Java map or list."""

import math
from decimal import Decimal


def text_of(value: object) -> str:
    """`{street=mystreet, city=mycity}`, `[9002@SIP_Switch, 5555666]`; texts as they are."""
    match value:
        case str():
            return value
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return _number(value)
        case dict():
            return "{" + ", ".join(f"{name}={text_of(member)}" for name, member in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(text_of, value)) + "]"
        case _:
            return str(value)


def _number(value: float) -> str:
    """As Java prints a double: `1.0E10`, `1.5`."""
    size = abs(value)
    if size == 0 or 1e-3 <= size < 1e7 or not math.isfinite(value):
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    first, *rest = map(str, digits)
    return f"{'-' * sign}{first}.{''.join(rest) or '0'}E{int(exponent) + len(rest)}"
