from dataclasses import dataclass, field
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.errors import ProtocolError
from bootd.protocol.codec import Json, from_json, to_json
from bootd.protocol.messages import OptionView, Overrides, Status


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    name: str
    inner: tuple[Inner, ...] = ()
    colour: Colour = Colour.RED
    maybe: int | None = None
    kind: str = field(default="", metadata={"wire": "type"})


def test_names_on_the_wire_are_camel_case_unless_the_field_says_otherwise() -> None:
    value = Outer(name="a", inner=(Inner(size_bytes=1),), kind="k")
    assert to_json(value) == {
        "name": "a",
        "inner": [{"sizeBytes": 1}],
        "colour": "red",
        "maybe": None,
        "type": "k",
    }


def test_absent_and_null_members_take_their_default() -> None:
    assert from_json(Outer, {"name": "a", "inner": None}) == Outer(name="a")


def test_unknown_members_are_ignored() -> None:
    assert from_json(Outer, {"name": "a", "invented": [1]}) == Outer(name="a")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, r"\$\.name: is missing"),
        ({"name": None}, r"\$\.name: expected str, got null"),
        ({"name": 1}, r"\$\.name: expected str, got int"),
        ({"name": "a", "maybe": True}, r"\$\.maybe: expected int, got bool"),
        ({"name": "a", "inner": [{"sizeBytes": "x"}]}, r"\$\.inner\[0\]\.sizeBytes: expected int"),
        ({"name": "a", "colour": "blue"}, r"\$\.colour: 'blue' is none of red"),
        ([], r"\$: expected an object, got list"),
    ],
)
def test_an_error_says_where_it_is(value: Json, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        from_json(Outer, value)


@pytest.mark.parametrize(
    "value", [OptionView(id="a", device="b", format="c", source="/d", title="e"), Status()]
)
def test_messages_survive_the_way_over_the_wire(value: object) -> None:
    assert from_json(type(value), to_json(value)) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_overrides_or_a_protocol_error(value: Json) -> None:
    try:
        assert isinstance(from_json(Overrides, value), Overrides)
    except ProtocolError as error:
        assert str(error).startswith("$")  # noqa: PT017 - either outcome is right
