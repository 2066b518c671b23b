"""The published interface says what the code does: names, types, methods, errors."""

import typing
from dataclasses import MISSING, fields
from enum import Enum
from importlib import resources
from types import NoneType, UnionType

import pytest
from varlink import Interface
from varlink.scanner import _Alias, _Method

from bootd.protocol import messages, methods
from bootd.protocol.codec import camel

TEXT = resources.files("bootd.protocol").joinpath("org.bootd.Boot.varlink").read_text()


def declare(kind: object, named: dict[str, type]) -> str:
    """Write a Python type as Varlink does; `named` collects the records and enums met."""
    if typing.get_origin(kind) in {UnionType, typing.Union}:
        members = typing.get_args(kind)
        if NoneType not in members:
            return "Event"
        return "?" + declare(next(m for m in members if m is not NoneType), named)
    if typing.get_origin(kind) is tuple:
        return "[]" + declare(typing.get_args(kind)[0], named)
    if kind in (str, int, bool):
        return {str: "string", int: "int", bool: "bool"}[typing.cast(type, kind)]
    record = typing.cast(type, kind)
    name = record.__name__.removesuffix("View")
    if name not in named:
        named[name] = record
    return name


def members(record: type, named: dict[str, type], *, optional: bool = False) -> str:
    """Write the members of a record; with `optional` those with a default may be left out."""
    hints = typing.get_type_hints(record)
    written = []
    for field in fields(record):
        kind = declare(hints[field.name], named)
        may_be_absent = optional and field.default is not MISSING and not kind.startswith("?")
        written.append(f"{camel(field.name)}: {'?' if may_be_absent else ''}{kind}")
    return f"({', '.join(written)})"


def squeezed(text: str) -> str:
    """Return the interface without comments and line breaks inside declarations."""
    lines = [line for line in text.split("\n") if not line.startswith("#")]
    flat = " ".join(" ".join(lines).split())
    return flat.replace("( ", "(").replace(" )", ")")


def test_methods_are_those_of_the_table() -> None:
    named: dict[str, type] = {}
    for method in methods.METHODS:
        takes = members(method.parameters, named, optional=True)
        gives = "(event: Event)" if method is methods.SUBSCRIBE else members(method.reply, named)
        assert f"method {method.name}{takes} -> {gives}" in squeezed(TEXT)
    assert TEXT.count("\nmethod ") == len(methods.METHODS)


def test_errors_are_those_of_the_table() -> None:
    for name, record in methods.ERRORS.items():
        assert f"error {name}{members(record, {})}" in squeezed(TEXT)
    assert TEXT.count("\nerror ") == len(methods.ERRORS)


def test_types_are_those_of_the_messages() -> None:
    named: dict[str, type] = {}
    for kind in messages.EVENT_KINDS.values():
        declare(kind, named)
    for method in methods.METHODS:
        if method is not methods.SUBSCRIBE:
            members(method.reply, named)
        members(method.parameters, named)
    written: set[str] = set()
    while named.keys() - written:
        name = min(named.keys() - written)
        written.add(name)
        record = named[name]
        if issubclass(record, Enum):
            text = f"({', '.join(str(member.value) for member in record)})"
        else:
            text = members(record, named, optional=record is messages.Overrides)
        assert f"type {name} {text}" in squeezed(TEXT)
    assert TEXT.count("\ntype ") == len(written) + 1  # Event


def test_an_event_has_one_member_for_each_kind() -> None:
    kinds = ", ".join(f"{n}: ?{k.__name__}" for n, k in messages.EVENT_KINDS.items())
    assert f"type Event (sequence: int, {kinds})" in squeezed(TEXT)


@pytest.mark.parametrize("name", ["org.bootd.Boot", "org.varlink.service"])
def test_a_foreign_parser_reads_the_interface(name: str) -> None:
    text = resources.files("bootd.protocol").joinpath(f"{name}.varlink").read_text()
    interface = Interface(text)
    assert interface.name == name
    assert any(isinstance(member, _Method) for member in interface.members.values())


def test_every_option_field_of_systemd_that_bootd_has_is_called_as_there() -> None:
    ours = {camel(field.name) for field in fields(messages.OptionView)}
    systemd = {
        "id", "title", "sortKey", "version", "machineId", "architecture", "options", "linux",
        "initrd", "devicetree", "devicetreeOverlay", "isDefault", "isSelected", "triesLeft",
        "triesDone",
    }  # fmt: skip
    assert systemd <= ours


def test_types_can_be_looked_up_by_a_foreign_parser() -> None:
    assert isinstance(Interface(TEXT).members["Option"], _Alias)
