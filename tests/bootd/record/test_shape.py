"""Records behave as the standard library's dataclasses do."""

import copy
import dataclasses
import inspect
import subprocess
import sys
from typing import Any

import pytest

from bootd.model.option import BootOption, FileRef
from bootd.record import dataclass, field, fields, is_dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A record."""

    name: str
    size: int = 0
    tags: list[str] = field(default_factory=list)
    wire: str = field(default="w", metadata={"wire": "Wire"})

    @property
    def double(self) -> int:
        return self.size * 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """The same by the standard library."""

    name: str
    size: int = 0
    tags: list[str] = dataclasses.field(default_factory=list)
    wire: str = dataclasses.field(default="w", metadata={"wire": "Wire"})


@dataclass(slots=True)
class Counter:
    """A record that may change, with positional fields."""

    count: int
    step: int = 1


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """A record with an order."""

    first: int
    second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """A record of nothing."""


def test_values_and_defaults_are_where_they_belong() -> None:
    record = Ours(name="a", size=4)
    assert (record.name, record.size, record.tags, record.wire) == ("a", 4, [], "w")
    assert record.double == 8


def test_a_default_is_made_anew_for_each_record() -> None:
    assert Ours(name="a").tags is not Ours(name="a").tags


def test_equal_values_make_equal_records_with_equal_hashes() -> None:
    assert Pair(1, 2) == Pair(1, 2)
    assert hash(Pair(1, 2)) == hash(Pair(1, 2))
    assert Pair(1, 2) != Pair(1, 3)


def test_records_of_different_classes_are_never_equal() -> None:
    other: object = Standard(name="a")
    assert Ours(name="a") != other


def test_a_frozen_record_refuses_changes_and_deletions() -> None:
    record: Any = Pair(1, 2)
    with pytest.raises(dataclasses.FrozenInstanceError, match="first"):
        record.first = 3
    with pytest.raises(dataclasses.FrozenInstanceError, match="first"):
        del record.first


def test_a_record_that_may_change_has_no_hash() -> None:
    counter = Counter(1)
    counter.count += counter.step
    assert counter == Counter(2)
    with pytest.raises(TypeError, match="unhashable"):
        hash(counter)


def test_there_is_no_room_for_other_attributes() -> None:
    counter: Any = Counter(1)
    with pytest.raises(AttributeError):
        counter.other = 1


@pytest.mark.parametrize("given", [{}, {"name": "a", "colour": 1}])
def test_missing_and_unknown_fields_are_mistakes(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Ours(**given)


def test_keyword_fields_are_refused_by_position() -> None:
    kind: Any = Ours
    with pytest.raises(TypeError):
        kind("a")


def test_a_record_shows_its_fields_like_the_standard_one() -> None:
    assert repr(Ours(name="a")) == repr(Standard(name="a")).replace("Standard", "Ours")


def test_order_is_that_of_the_fields() -> None:
    assert sorted([Pair(2, 1), Pair(1, 3), Pair(1, 2)]) == [Pair(1, 2), Pair(1, 3), Pair(2, 1)]
    assert Pair(1, 2) <= Pair(1, 2)
    assert Pair(2, 0) > Pair(1, 9)
    assert Pair(2, 0) >= Pair(2, 0)


def test_positional_fields_can_be_matched_by_position() -> None:
    match Pair(1, 2):
        case Pair(1, second):
            assert second == 2
        case _:
            pytest.fail("it did not match")


def test_replace_keeps_all_other_values() -> None:
    assert replace(Ours(name="a", size=3), name="b") == Ours(name="b", size=3)


def test_replace_checks_the_new_value_like_the_first_one() -> None:
    with pytest.raises(ValueError, match="absolute"):
        replace(FileRef("/a"), path="a")


def test_replace_takes_standard_dataclasses_as_well() -> None:
    assert replace(Standard(name="a"), name="b") == Standard(name="b")


def test_the_standard_functions_take_records() -> None:
    record = Ours(name="a", tags=["x"])
    assert dataclasses.is_dataclass(record)
    assert dataclasses.replace(record, name="b") == Ours(name="b", tags=["x"])
    assert dataclasses.asdict(record) == dataclasses.asdict(Standard(name="a", tags=["x"]))
    ours, theirs = dataclasses.fields(Ours), dataclasses.fields(Standard)
    assert [(f.name, f.type, f.default, dict(f.metadata)) for f in ours] == [
        (f.name, f.type, f.default, dict(f.metadata)) for f in theirs
    ]


def test_fields_come_with_their_metadata() -> None:
    assert [each.name for each in fields(Ours)] == ["name", "size", "tags", "wire"]
    assert fields(Ours)[3].metadata["wire"] == "Wire"
    assert [each.name for each in fields(Standard)] == ["name", "size", "tags", "wire"]
    assert fields(Standard)[0].default is fields(Ours)[0].default


def test_only_records_are_records() -> None:
    assert is_dataclass(Ours)
    assert is_dataclass(Ours(name="a"))
    assert is_dataclass(Standard)
    assert not is_dataclass(3)


def test_a_record_can_be_copied_and_can_be_empty() -> None:
    record = Ours(name="a", tags=["x"])
    twin = copy.deepcopy(record)
    assert twin == record
    assert twin.tags is not record.tags
    assert Empty() == Empty()
    assert repr(Empty()) == "Empty()"


def test_the_signature_of_a_used_record_names_its_fields() -> None:
    Counter(1)
    assert list(inspect.signature(Counter).parameters) == ["count", "step"]


def test_a_class_keeps_its_name_and_docstring() -> None:
    assert (BootOption.__name__, BootOption.__module__) == ("BootOption", "bootd.model.option")
    assert str(BootOption.__doc__).startswith("One entry")


def test_a_class_without_slots_is_refused() -> None:
    with pytest.raises(TypeError, match="slots"):
        dataclass(slots=False)


def test_records_do_not_import_what_they_are_to_save() -> None:
    code = "import sys, bootd.record; sys.exit(bool({'dataclasses', 'inspect'} & {*sys.modules}))"
    subprocess.run([sys.executable, "-S", "-c", code], check=True, timeout=20)
