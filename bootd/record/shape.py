"""What a record consists of, and how its class is made; see the package for why."""

import operator
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NoReturn, TypeVar

T = TypeVar("T")

Value = Any
"""Of a field: any type; what may be in it is the type checker's business."""

NO_METADATA: Final[Mapping[str, Value]] = MappingProxyType({})


class _Missing:
    """The type of `MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""Stands for a default that a field does not have."""


class Field:
    """One field: a name, and where its value comes from when none is given."""

    __slots__ = ("default", "default_factory", "metadata", "name")

    def __init__(
        self, default: Value, default_factory: Value, metadata: Mapping[str, Value]
    ) -> None:
        self.name = ""
        self.default = default
        self.default_factory = default_factory
        self.metadata = metadata


class Shape:
    """What the shared methods need to know of a class.

    Attributes:
        key: Gives the values of a record as a tuple, in the order of the fields.
    """

    __slots__ = ("fields", "key", "kw_only", "names")

    def __init__(self, fields: tuple[Field, ...], *, kw_only: bool) -> None:
        self.fields = fields
        self.names = tuple(each.name for each in fields)
        self.kw_only = kw_only
        self.key = _key(self.names)


def field(
    *,
    default: Value = MISSING,
    default_factory: Value = MISSING,
    metadata: Mapping[str, Value] = NO_METADATA,
) -> Field:
    """Describe a field whose default is made anew each time, or that carries metadata."""
    return Field(default, default_factory, metadata)


def dataclass(
    *, frozen: bool = False, slots: bool = True, kw_only: bool = False, order: bool = False
) -> Callable[[type[T]], type[T]]:
    """Make a record class of one with annotated fields; the options mean what they always do."""
    if not slots:
        msg = "records have slots; take dataclasses.dataclass for a class without"
        raise TypeError(msg)

    def make(kind: type[T]) -> type[T]:
        space = dict(kind.__dict__)
        # From Python 3.14 on the name space has a function in place of the annotations.
        shape = Shape(_take_fields(space, kind.__annotations__), kw_only=kw_only)
        for name in ("__dict__", "__weakref__"):
            space.pop(name, None)
        for methods in (_COMMON, _FROZEN if frozen else _MUTABLE, _ORDER if order else {}):
            for name, method in methods.items():
                space.setdefault(name, method)
        space["__slots__"] = shape.names
        space["__match_args__"] = () if kw_only else shape.names
        space["__record__"] = shape
        made: type[T] = type(kind.__name__, kind.__bases__, space)
        return made

    return make


def fields(record: object) -> tuple[Field, ...]:
    """Return the fields of a record or record class, in order."""
    shape: Shape | None = getattr(record, "__record__", None)
    return _standard_fields(record) if shape is None else shape.fields


def is_dataclass(value: object) -> bool:
    """Say whether it is a record or a record class, of this package or of the standard library."""
    return hasattr(value, "__record__") or hasattr(value, "__dataclass_fields__")


def replace(record: T, /, **changes: Value) -> T:
    """Return a record with other values in some fields."""
    shape: Shape | None = getattr(record, "__record__", None)
    if shape is None:
        import dataclasses  # noqa: PLC0415 - costs time, and bootd's own records never get here

        return dataclasses.replace(record, **changes)  # type: ignore[type-var] # it checks that
    given = dict(zip(shape.names, shape.key(record), strict=True))
    given.update(changes)
    return type(record)(**given)


def _standard_fields(record: Value) -> tuple[Field, ...]:
    """Return those of a dataclass of the standard library."""
    import dataclasses  # noqa: PLC0415 - costs time, and bootd's own records never get here

    found = []
    for each in dataclasses.fields(record):
        default, make = (
            MISSING if value is dataclasses.MISSING else value
            for value in (each.default, each.default_factory)
        )
        found.append(Field(default, make, each.metadata))
        found[-1].name = each.name
    return tuple(found)


def _take_fields(space: dict[str, Value], names: Iterable[str]) -> tuple[Field, ...]:
    """Return the annotated fields, and take their defaults out of the class's name space."""
    found = []
    for name in names:
        default = space.pop(name, MISSING)
        each = default if isinstance(default, Field) else Field(default, MISSING, NO_METADATA)
        each.name = name
        found.append(each)
    return tuple(found)


def _key(names: tuple[str, ...]) -> Callable[[Value], tuple[Value, ...]]:
    if len(names) > 1:
        return operator.attrgetter(*names)
    return lambda record: tuple(getattr(record, name) for name in names)


def _first_init(self: Value, *args: Value, **given: Value) -> None:
    """Make the class's own `__init__`, and run it from now on."""
    kind = type(self)
    kind.__init__ = make_init(kind, kind.__record__)
    kind.__init__(self, *args, **given)


def make_init(kind: type, shape: Shape) -> Callable[..., None]:
    """Compile `__init__`: as a function of its own it is three times faster than a loop."""
    known: dict[str, Value] = {"_missing": MISSING}
    head, body = ["self", "*"] if shape.kw_only and shape.fields else ["self"], []
    for number, each in enumerate(shape.fields):
        known[f"_set{number}"] = getattr(kind, each.name).__set__  # past a frozen `__setattr__`
        value = each.name
        if each.default_factory is not MISSING:
            known[f"_make{number}"] = each.default_factory
            value = f"_make{number}() if {value} is _missing else {value}"
            head.append(f"{each.name}=_missing")
        elif each.default is not MISSING:
            known[f"_default{number}"] = each.default
            head.append(f"{each.name}=_default{number}")
        else:
            head.append(each.name)
        body.append(f" _set{number}(self, {value})\n")
    if hasattr(kind, "__post_init__"):
        body.append(" self.__post_init__()\n")
    source = f"def __init__({', '.join(head)}):\n{''.join(body) or ' pass'}"
    exec(source, known)  # noqa: S102 - made of field names, which are Python's own identifiers
    made: Callable[..., None] = known["__init__"]
    made.__qualname__ = f"{kind.__qualname__}.__init__"
    return made


def _equal(self: Value, other: Value) -> Value:
    if other.__class__ is not self.__class__:
        return NotImplemented
    key = self.__record__.key
    return bool(key(self) == key(other))


def _hash(self: Value) -> int:
    return hash(self.__record__.key(self))


def _repr(self: Value) -> str:
    shape = self.__record__
    pairs = zip(shape.names, shape.key(self), strict=True)
    return f"{type(self).__qualname__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"


def _reduce(self: Value) -> tuple[Value, ...]:
    shape = self.__record__
    return _rebuild, (type(self), dict(zip(shape.names, shape.key(self), strict=True)))


def _rebuild(kind: type[T], values: dict[str, Value]) -> T:
    return kind(**values)


def _refuse(self: Value, name: str, *_: Value) -> NoReturn:
    from dataclasses import FrozenInstanceError  # noqa: PLC0415 - costs time, and is a mistake

    raise FrozenInstanceError(f"cannot change {name!r} of a {type(self).__qualname__}")


def _ordering(compare: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    def ordered(self: Value, other: Value) -> Value:
        if other.__class__ is not self.__class__:
            return NotImplemented
        key = self.__record__.key
        return bool(compare(key(self), key(other)))

    return ordered


class _StandardFields:
    """`__dataclass_fields__` of a record class, for the functions of `dataclasses`."""

    def __get__(self, _record: object, kind: type) -> Value:
        import dataclasses  # noqa: PLC0415 - only for those who use it

        def standard(value: Value) -> Value:
            return dataclasses.MISSING if value is MISSING else value

        shape: Shape = kind.__record__  # type: ignore[attr-defined] # it is one of ours
        twins = [
            (
                each.name,
                kind.__annotations__[each.name],
                dataclasses.field(
                    default=standard(each.default),
                    default_factory=standard(each.default_factory),
                    metadata=each.metadata,
                ),
            )
            for each in shape.fields
        ]
        twin: Value = dataclasses.make_dataclass(kind.__name__, twins, kw_only=True)
        return twin.__dataclass_fields__


_COMMON: Final[Mapping[str, Value]] = {
    "__init__": _first_init,
    "__repr__": _repr,
    "__eq__": _equal,
    "__reduce__": _reduce,
    "__dataclass_fields__": _StandardFields(),
}
_FROZEN: Final[Mapping[str, Value]] = {
    "__hash__": _hash,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
}
_MUTABLE: Final[Mapping[str, Value]] = {"__hash__": None}
_ORDER: Final[Mapping[str, Value]] = {
    "__lt__": _ordering(operator.lt),
    "__le__": _ordering(operator.le),
    "__gt__": _ordering(operator.gt),
    "__ge__": _ordering(operator.ge),
}
