"""The tables of a configuration file as structs, key by key, so that every fault is found and has its path.

A table inside a table is read the same way. A `Secret` may be given as text or, as KEY_file, by the file that holds it.
A struct with a method `faults` says with it what is wrong between its values.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Protocol, TypeVar, Union, get_args, get_origin, runtime_checkable

import msgspec

from hub.kernel.faults import Fault, unknown
from hub.kernel.periods import Period
from hub.kernel.secret import Secret

S = TypeVar("S", bound=msgspec.Struct)

_FILE: Final = "_file"


@runtime_checkable
class Checked(Protocol):
    """A struct whose values can contradict each other, or what no type can say."""

    def faults(self) -> Iterable[Fault]:
        """What is wrong, under the names of the keys."""
        ...


class Tables:
    """Reads tables. `faults` has everything found so far; names of further files are relative to `directory`."""

    def __init__(self, directory: Path) -> None:
        self.faults: list[Fault] = []
        self._directory = directory

    def entry(self, path: str, raw: object, type_: type[S]) -> S | None:
        """The table at `path`; None when something was wrong in it."""
        if not isinstance(raw, dict):
            self.faults.append(Fault(path, "must be a table"))
            return None
        fields = {field.name: field for field in msgspec.structs.fields(type_)}
        secrets = {name for name, field in fields.items() if _plain(field.type) is Secret}
        before = len(self.faults)
        known = [*fields, *(name + _FILE for name in secrets)]
        self.faults.extend(Fault(f"{path}.{key}", unknown(key, known)) for key in raw if key not in known)
        values: dict[str, Any] = {}
        for key, field in fields.items():
            if key in secrets:
                self._secret(path, key, raw, values, required=field.required)
            elif key in raw:
                values[key] = self._value(f"{path}.{key}", raw[key], field.type)
            elif field.required:
                self.faults.append(Fault(f"{path}.{key}", "is missing"))
        if len(self.faults) > before:
            return None
        entry = type_(**values)
        checked: object = entry
        if isinstance(checked, Checked):
            self.faults.extend(Fault(f"{path}.{key}", message) for key, message in checked.faults())
        return None if len(self.faults) > before else entry

    def _value(self, path: str, raw: object, type_: object) -> object:
        """One value; whatever comes back for a bad one is of no use, since its fault has been noted."""
        plain = _plain(type_)
        item = get_args(plain)[-1:] if get_origin(plain) is Mapping else get_args(plain)[:1]
        if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
            return self.entry(path, raw, plain)
        if get_origin(plain) is tuple and _is_table(item[0]) and isinstance(raw, list):
            return tuple(self._value(f"{path}[{index}]", each, item[0]) for index, each in enumerate(raw))
        if get_origin(plain) is Mapping and _is_table(item[0]) and isinstance(raw, dict):
            key_type = get_args(plain)[0]
            return {
                self._converted(f"{path}.{key}", key, key_type): self._value(f"{path}.{key}", each, item[0])
                for key, each in raw.items()
            }
        return self._converted(path, raw, type_)

    def _converted(self, path: str, raw: object, type_: object) -> Any:  # noqa: ANN401 - what `type_` says
        try:
            return msgspec.convert(raw, type_, dec_hook=_custom)
        except (msgspec.ValidationError, RecursionError) as error:
            message, _, place = str(error).partition(" - at `$")
            self.faults.append(Fault(f"{path}{place.rstrip('`')}", message))
            return None

    def _secret(self, path: str, key: str, raw: dict[str, Any], values: dict[str, Any], *, required: bool) -> None:
        given = [name for name in (key, key + _FILE) if name in raw]
        if len(given) > 1 or (required and not given):
            self.faults.append(Fault(f"{path}.{key}", f"set exactly one of {key} and {key}{_FILE}"))
        elif given:
            text = self._converted(f"{path}.{given[0]}", raw[given[0]], str)
            if text is not None and given[0] != key:
                text = self._content(f"{path}.{given[0]}", text)
            if text is not None:
                values[key] = Secret(text)
            if text == "":
                self.faults.append(Fault(f"{path}.{key}", "is empty"))

    def _content(self, path: str, name: str) -> str | None:
        try:
            return (self._directory / name).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            self.faults.append(Fault(path, f"cannot be read: {name}"))
            return None


def _is_table(type_: object) -> bool:
    """Whether values of the annotation are read table by table, at whatever depth."""
    plain = _plain(type_)
    if get_origin(plain) is Mapping:
        return _is_table(get_args(plain)[1])
    return isinstance(plain, type) and issubclass(plain, msgspec.Struct)


def _plain(type_: Any) -> Any:  # noqa: ANN401
    """The annotation without Annotated and without the None of an optional."""
    bare = getattr(type_, "__origin__", type_) if hasattr(type_, "__metadata__") else type_
    if get_origin(bare) in {Union, UnionType}:
        members = [member for member in get_args(bare) if member is not NoneType]
        return members[0] if len(members) == 1 else bare
    return bare


def _custom(type_: type, value: object) -> object:
    if type_ is Period:
        if not isinstance(value, str):
            raise ValueError("must be an ISO 8601 period like P1D or PT30M")
        return Period.parse(value)
    raise NotImplementedError(type_)
