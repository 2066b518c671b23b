"""Frozen dataclasses to JSON values and back, with the place of the error when they do not fit.

Wire names are camelCase of the field names; a field whose metadata has `wire` uses that. A field
that is missing or null on the wire takes its default; unknown members are ignored, so that an older
reader understands a newer writer. None is written as null for plain fields and left out never:
readers in other languages see every member.

What has to be done for a type is found out once and kept as a function: 448 options of 32 disks
pass here four times before the menu stands.
"""

import types
import typing
from collections.abc import Callable
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, Final, TypeVar, cast

from bootd.errors import ProtocolError
from bootd.record import MISSING, fields, is_dataclass

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""What the json module gives and takes."""

T = TypeVar("T")

Reader = Callable[[Json], object]
"""Raises _MisfitError."""

_SCALARS: Final = frozenset({str, bool, int, float, type(None)})
_ABSENT: Final = object()


class _MisfitError(Exception):
    """A value does not fit; on its way up the error learns where the value stands."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.place = ""

    def below(self, step: str) -> "_MisfitError":
        """Return it as an error of what is one step further up."""
        self.place = step + self.place
        return self


def camel(name: str) -> str:
    """Return `tries_left` as `triesLeft`."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def to_json(value: object) -> Json:
    """Turn a dataclass value (nested, with tuples, dicts, enums and scalars) into a JSON value."""
    kind: Any = type(value)  # mypy takes no type[object] for hashable
    return _writer(kind)(value)


def from_json(kind: type[T], value: Json, where: str = "$") -> T:
    """Turn a JSON value into `kind`, checking every type on the way.

    Raises:
        ProtocolError: `$.option.id: expected str, got int`.
    """
    hint: Any = kind  # as in to_json
    try:
        return cast(T, _reader(hint)(value))
    except _MisfitError as error:
        raise ProtocolError(f"{where}{error.place}: {error.message}") from None


# Values to JSON -----------------------------------------------------------------------------------


@cache
def _writer(kind: type) -> Callable[[Any], Json]:
    if kind in _SCALARS:
        return _same
    if issubclass(kind, Enum):
        return _write_enum
    if issubclass(kind, tuple | list):
        return _write_list
    if issubclass(kind, dict):
        return _write_object
    if is_dataclass(kind):
        return _record_writer(kind)
    if issubclass(kind, str | int | float):
        return _same
    msg = f"cannot put {kind.__name__} on the wire"
    raise TypeError(msg)


def _same(value: Json) -> Json:
    return value


def _write_enum(value: Enum) -> Json:
    return to_json(value.value)


def _write_list(value: tuple[object, ...]) -> Json:
    return [to_json(item) for item in value]


def _write_object(value: dict[object, object]) -> Json:
    return {str(key): to_json(item) for key, item in value.items()}


def _record_writer(kind: type) -> Callable[[Any], Json]:
    members = tuple((_wire_name(each), attrgetter(each.name)) for each in fields(kind))

    def write(value: object) -> Json:
        found: dict[str, Json] = {}
        for wire, get in members:
            item = get(value)
            inner: Any = type(item)
            found[wire] = item if inner in _SCALARS else _writer(inner)(item)
        return found

    return write


# JSON to values -----------------------------------------------------------------------------------


@cache
def _reader(kind: Any) -> Reader:  # noqa: ANN401 - a type expression
    origin = typing.get_origin(kind)
    if origin in {types.UnionType, typing.Union}:
        return _optional_reader(typing.get_args(kind))
    if origin is tuple:
        return _tuple_reader(typing.get_args(kind))
    if origin is dict:
        return _object_reader(_reader(typing.get_args(kind)[1]))
    if isinstance(kind, typing.NewType):
        return _reader(kind.__supertype__)
    if kind is object:
        return _same
    if is_dataclass(kind):
        return _record_reader(cast(type, kind))
    if issubclass(kind, Enum):
        return _enum_reader(kind)
    return _scalar_reader(kind)


def _optional_reader(kinds: tuple[Any, ...]) -> Reader:
    (kind,) = [each for each in kinds if each is not type(None)]
    read, optional = _reader(kind), len(kinds) > 1

    def read_optional(value: Json) -> object:
        return None if value is None and optional else read(value)

    return read_optional


def _tuple_reader(kinds: tuple[Any, ...]) -> Reader:
    repeated = _reader(kinds[0]) if kinds[1:] == (Ellipsis,) else None
    readers = () if repeated else tuple(map(_reader, kinds))

    def read(value: Json) -> tuple[object, ...]:
        if not isinstance(value, list):
            raise _MisfitError(f"expected a list, got {_name(value)}")
        each = [repeated] * len(value) if repeated else readers
        if len(each) != len(value):
            raise _MisfitError(f"expected {len(each)} items, got {len(value)}")
        found: list[object] = []
        try:
            for read_item, item in zip(each, value, strict=True):
                found.append(read_item(item))
        except _MisfitError as error:
            raise error.below(f"[{len(found)}]") from None
        return tuple(found)

    return read


def _object_reader(read_item: Reader) -> Reader:
    def read(value: Json) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, item in _object(value).items():
            try:
                found[key] = read_item(item)
            except _MisfitError as error:
                raise error.below(f".{key}") from None
        return found

    return read


def _record_reader(kind: type) -> Reader:
    hints = typing.get_type_hints(kind)
    plan = tuple(
        (each.name, _wire_name(each), hints[each.name], _reader(hints[each.name]), _required(each))
        for each in fields(kind)
    )

    def read(value: Json) -> object:
        get = _object(value).get
        given: dict[str, object] = {}
        for name, wire, hint, read_item, required in plan:
            item = get(wire, _ABSENT)
            if type(item) is hint:  # a plain str, int or bool: nothing to do
                given[name] = item
            elif item is _ABSENT or (item is None and not required):
                if required:
                    raise _MisfitError("is missing").below(f".{wire}")
            else:
                try:
                    given[name] = read_item(cast(Json, item))
                except _MisfitError as error:
                    raise error.below(f".{wire}") from None
        try:
            return kind(**given)
        except ValueError as error:
            raise _MisfitError(str(error)) from error

    return read


def _enum_reader(kind: type[Enum]) -> Reader:
    def read(value: Json) -> Enum:
        try:
            return kind(value)
        except ValueError:
            allowed = ", ".join(str(member.value) for member in kind)
            raise _MisfitError(f"{value!r:.40} is none of {allowed}") from None

    return read


def _scalar_reader(kind: type) -> Reader:
    def read(value: Json) -> object:
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise _MisfitError(f"expected {kind.__name__}, got {_name(value)}")
        return value

    return read


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise _MisfitError(f"expected an object, got {_name(value)}")
    return value


def _name(value: Json) -> str:
    return "null" if value is None else type(value).__name__


def _wire_name(field: Any) -> str:  # noqa: ANN401 - a Field of either kind of dataclass
    return str(field.metadata.get("wire", camel(field.name)))


def _required(field: Any) -> bool:  # noqa: ANN401 - as above
    return field.default is MISSING and field.default_factory is MISSING
