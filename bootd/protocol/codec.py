"""Frozen dataclasses to JSON values and back, with the place of the error when they do not fit.

Wire names are camelCase of the field names; a field whose metadata has `wire` uses that. A field
that is missing or null on the wire takes its default; unknown members are ignored, so that an older
reader understands a newer writer. None is written as null for plain fields and left out never:
readers in other languages see every member.
"""

import types
import typing
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar, cast

from bootd.errors import ProtocolError

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""What the json module gives and takes."""

T = TypeVar("T")

_SCALARS: Final = (str, bool, int, float)


def camel(name: str) -> str:
    """Return `tries_left` as `triesLeft`."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def to_json(value: object) -> Json:
    """Turn a dataclass value (nested, with tuples, dicts, enums and scalars) into a JSON value."""
    if value is None or isinstance(value, _SCALARS):
        return value
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {wire: to_json(getattr(value, name)) for name, wire, _, _ in _shape(type(value))}
    msg = f"cannot put {type(value).__name__} on the wire"
    raise TypeError(msg)


def from_json(kind: type[T], value: Json, where: str = "$") -> T:
    """Turn a JSON value into `kind`, checking every type on the way.

    Raises:
        ProtocolError: `$.option.id: expected str, got int`.
    """
    return cast(T, _convert(kind, value, where))


@cache
def _shape(kind: type) -> tuple[tuple[str, str, Any, bool], ...]:
    """Per field: name, wire name, type, whether it must be present."""
    hints = typing.get_type_hints(kind)
    return tuple((f.name, _wire_name(f), hints[f.name], _required(f)) for f in fields(kind))


def _wire_name(field: Field[Any]) -> str:
    return str(field.metadata.get("wire", camel(field.name)))


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _convert(kind: Any, value: Json, where: str) -> object:  # noqa: ANN401 - a type expression
    origin = typing.get_origin(kind)
    if origin in {types.UnionType, typing.Union}:
        return _convert_optional(typing.get_args(kind), value, where)
    if origin is tuple:
        return _convert_tuple(typing.get_args(kind), value, where)
    if origin is dict:
        item = typing.get_args(kind)[1]
        return {
            key: _convert(item, v, f"{where}.{key}") for key, v in _object(value, where).items()
        }
    if isinstance(kind, typing.NewType):
        return _convert(kind.__supertype__, value, where)
    if kind is object:
        return value
    if is_dataclass(kind):
        return _convert_record(cast(type, kind), value, where)
    if issubclass(kind, Enum):
        return _convert_enum(kind, value, where)
    return _convert_scalar(kind, value, where)


def _convert_optional(kinds: tuple[Any, ...], value: Json, where: str) -> object:
    if value is None and type(None) in kinds:
        return None
    (kind,) = [k for k in kinds if k is not type(None)]
    return _convert(kind, value, where)


def _convert_tuple(kinds: tuple[Any, ...], value: Json, where: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise ProtocolError(f"{where}: expected a list, got {_name(value)}")
    if kinds[1:] == (Ellipsis,):
        return tuple(_convert(kinds[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if len(kinds) != len(value):
        raise ProtocolError(f"{where}: expected {len(kinds)} items, got {len(value)}")
    pairs = zip(kinds, value, strict=True)
    return tuple(_convert(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(pairs))


def _convert_record(kind: type, value: Json, where: str) -> object:
    members = _object(value, where)
    given: dict[str, object] = {}
    for name, wire, hint, required in _shape(kind):
        if wire in members and (required or members[wire] is not None):
            given[name] = _convert(hint, members[wire], f"{where}.{wire}")
        elif required:
            raise ProtocolError(f"{where}.{wire}: is missing")
    try:
        return kind(**given)
    except ValueError as error:
        raise ProtocolError(f"{where}: {error}") from error


def _convert_enum(kind: type[Enum], value: Json, where: str) -> Enum:
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(str(member.value) for member in kind)
        raise ProtocolError(f"{where}: {value!r:.40} is none of {allowed}") from None


def _convert_scalar(kind: type, value: Json, where: str) -> object:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ProtocolError(f"{where}: expected {kind.__name__}, got {_name(value)}")
    return value


def _object(value: Json, where: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise ProtocolError(f"{where}: expected an object, got {_name(value)}")
    return value


def _name(value: Json) -> str:
    return "null" if value is None else type(value).__name__
