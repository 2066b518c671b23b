"""Computer hardware ids."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from bootd.model.option import HardwareId
from bootd.policy.chid import calculate, match

LAPTOP = ("ACME", "Books", "Book 14", "B14-8G", "ACME", "B14-MB")


def test_an_id_is_the_one_that_other_programs_calculate() -> None:
    # What fwupd says of this board: HardwareID-9 of manufacturer and product name.
    assert "c12c1f4a-332d-5d72-aa36-7a3d413b479a" in calculate(
        ("Micro-Star International Co., Ltd.", "", "MS-7D70", "", "", "")
    )


def test_blanks_around_and_zeros_before_a_name_do_not_count() -> None:
    assert calculate((" 00ACME \n", *LAPTOP[1:])) == calculate(LAPTOP)


def test_the_most_specific_id_wins() -> None:
    whole, *_, family = calculate(LAPTOP)
    known = [HardwareId(compatible="acme,family", chids=(family,))]
    assert match(known, LAPTOP) == "acme,family"
    known.append(HardwareId(compatible="acme,book14", chids=("0", whole)))
    assert match(known, LAPTOP) == "acme,book14"


def test_of_two_rows_with_one_id_the_first_counts() -> None:
    whole, *_ = calculate(LAPTOP)
    known = [HardwareId(compatible=name, chids=(whole,)) for name in ("a", "b")]
    assert match(known, LAPTOP) == "a"


def test_another_machine_has_none() -> None:
    known = [HardwareId(compatible="a", chids=calculate(LAPTOP))]
    assert match(known, ("ACME", "Desks", "Desk 1", "D1", "ACME", "D1")) is None


@given(st.lists(st.text(), min_size=6, max_size=6))
def test_every_name_has_ids(names: list[str]) -> None:
    assert all(UUID(each).version == 5 for each in calculate(names))
