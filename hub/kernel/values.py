"""The text of one setting as its declared type, and that type in words."""

from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from hub.kernel.secret import Secret

_WORDS = {"on": True, "yes": True, "true": True, "1": True, "off": False, "no": False, "false": False, "0": False}


class ValueFault(ValueError):
    """The text does not fit. The message says what would, and repeats the text only where it is no secret."""


def parse(text: str, type_: object) -> Any:  # noqa: ANN401
    """`text` as a value of the annotation `type_`. Raises ValueFault.

    Booleans are on/off, yes/no, true/false, 1/0; choices ignore case; lists are comma-separated.
    """
    plain = _plain(type_)
    value: object = text
    if plain is bool:
        value = _WORDS.get(text.lower(), text)
    elif get_origin(plain) is Literal:
        value = text.lower()
    elif get_origin(plain) is tuple:
        value = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return msgspec.convert(value, type_, strict=False, dec_hook=_custom)
    except msgspec.ValidationError:
        seen = "" if plain is Secret else f", not {text!r}"
        raise ValueFault(f"must be {expectation(type_)}{seen}") from None


def expectation(type_: object) -> str:
    """What a value of the annotation looks like, in words."""
    plain = _plain(type_)
    if get_origin(plain) is Literal:
        return " or ".join(str(choice) for choice in get_args(plain))
    if get_origin(plain) is tuple:
        return "a comma-separated list"
    words = {bool: "on or off", int: "a whole number", float: "a number", Path: "a path", Secret: "a secret text"}
    return words.get(plain, "text") + _bounds(type_)


def meaning(type_: object) -> str:
    """The description in the annotation."""
    return next((meta.description for meta in _metas(type_) if meta.description), "")


def _bounds(type_: object) -> str:
    metas = _metas(type_)
    lowest = next((f"from {meta.ge}" for meta in metas if meta.ge is not None), "")
    above = next((f"above {meta.gt}" for meta in metas if meta.gt is not None), "")
    highest = next((f"to {meta.le}" for meta in metas if meta.le is not None), "")
    pattern = next((f"matching `{meta.pattern}`" for meta in metas if meta.pattern), "")
    return "".join(f" {part}" for part in (lowest, above, highest, pattern) if part)


def _metas(type_: object) -> list[Meta]:
    return [meta for meta in getattr(type_, "__metadata__", ()) if isinstance(meta, Meta)]


def _plain(type_: Any) -> Any:  # noqa: ANN401
    """The annotation without Annotated and without the None of an optional."""
    bare = getattr(type_, "__origin__", type_) if hasattr(type_, "__metadata__") else type_
    if get_origin(bare) in {Union, UnionType}:
        (bare,) = (member for member in get_args(bare) if member is not NoneType)
    return bare


def _custom(type_: type, value: Any) -> object:  # noqa: ANN401
    if type_ in {Path, Secret}:
        return type_(value)
    raise NotImplementedError(type_)
