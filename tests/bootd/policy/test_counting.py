"""Boot counting: from tries to what is not booted any more."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.model.device import DeviceKind
from bootd.model.option import OptionId, ResolvedOption
from bootd.model.tries import Tries
from bootd.policy import counting
from bootd.policy.counting import Rules
from tests.support.options import device, option, resolved

DISK = device("sda1", uuid="d")
CARD = device("mmcblk0p1", uuid="c", kind=DeviceKind.MMC)
STICK = device("sdb1", uuid="s", kind=DeviceKind.USB, removable=True)

EVERY = Rules(tries=3, every=True)
CONFIRMING = Rules(tries=3)


def on_disk(entry: str = "linux") -> ResolvedOption:
    return resolved(option(entry), DISK)


def with_counter(left: int, done: int = 0, entry: str = "bls") -> ResolvedOption:
    counted = replace(option(entry), format="bls", tries_left=left, tries_done=done)
    return resolved(counted, DISK)


def tried(one: ResolvedOption, times: int, rules: Rules = EVERY) -> tuple[Tries, ...]:
    records: tuple[Tries, ...] = ()
    for _ in range(times):
        records = counting.begin(one, records, rules)
    return records


def test_each_try_takes_one_of_what_is_left() -> None:
    one = on_disk()
    assert tried(one, 1) == (Tries(id=one.id, left=2, done=1),)
    assert tried(one, 2) == (Tries(id=one.id, left=1, done=2),)


def test_an_option_has_failed_when_the_last_try_was_not_confirmed() -> None:
    one = on_disk()
    assert not counting.has_failed(one, tried(one, 2))
    assert counting.has_failed(one, tried(one, 3))
    assert counting.failed((one, on_disk("other")), tried(one, 3)) == {one.id}


def test_a_person_may_boot_what_has_failed_and_nothing_is_counted_below_zero() -> None:
    one = on_disk()
    assert tried(one, 5) == tried(one, 3)


def test_a_confirmation_gives_all_tries_back() -> None:
    one = on_disk()
    records = counting.confirm(one.id, tried(one, 3))
    assert not counting.has_failed(one, records)
    assert counting.begin(one, records, EVERY) == tried(one, 1)


def test_a_confirmation_twice_is_the_same_as_once() -> None:
    one = on_disk()
    records = counting.confirm(one.id, tried(one, 2))
    assert counting.confirm(one.id, records) == records


def test_a_condemned_option_has_failed_at_once() -> None:
    one = on_disk()
    for records in ((), tried(one, 1), counting.confirm(one.id, tried(one, 1))):
        assert counting.has_failed(one, counting.condemn(one.id, records))


def test_nothing_is_counted_when_that_is_off() -> None:
    one = with_counter(3)
    assert tried(one, 2, Rules(tries=0, every=True)) == ()
    assert counting.renamed(one, (), Rules(tries=0)) is None


def test_an_installation_that_never_confirmed_is_not_counted_unless_everything_is() -> None:
    assert tried(on_disk(), 5, CONFIRMING) == ()
    assert tried(on_disk(), 1, EVERY) != ()


def test_what_is_new_on_an_installation_that_confirms_is_counted_from_its_first_try() -> None:
    records = counting.confirm(on_disk("old").id, ())
    new = on_disk("new")
    for _ in range(3):
        records = counting.begin(new, records, CONFIRMING)
    assert counting.has_failed(new, records)
    elsewhere = resolved(option(), CARD)
    assert counting.begin(elsewhere, records, CONFIRMING) == records


def test_more_tries_are_given_from_the_next_confirmation_on() -> None:
    one = on_disk()
    records = counting.confirm(one.id, tried(one, 1))
    again = counting.begin(one, records, Rules(tries=5, every=True))
    assert again == (Tries(id=one.id, left=4, done=1),)


def test_an_entry_with_a_counter_is_counted_from_there() -> None:
    one = with_counter(2, 1)
    (record,) = counting.begin(one, (), CONFIRMING)
    assert record == Tries(id=one.id, left=1, done=2, own=True)
    assert counting.renamed(one, (), CONFIRMING) == record


def test_an_entry_that_is_marked_bad_has_failed_without_any_record() -> None:
    assert counting.has_failed(with_counter(0, 3), ())
    assert counting.has_failed(with_counter(0), ())


def test_tries_that_are_counted_in_the_state_add_to_those_of_the_entry() -> None:
    one = with_counter(2)
    assert counting.has_failed(one, tried(one, 2, CONFIRMING))
    assert not counting.has_failed(one, tried(one, 1, CONFIRMING))


def test_an_entry_that_is_written_anew_starts_anew() -> None:
    records = tried(with_counter(2), 2, CONFIRMING)
    assert not counting.has_failed(with_counter(3), records)


def test_an_entry_whose_counter_somebody_took_away_is_good() -> None:
    plain = resolved(replace(option("bls"), format="bls"), DISK)
    records = tried(with_counter(2), 2, CONFIRMING)
    assert not counting.has_failed(plain, records)
    assert counting.count(plain, records) is None


def test_a_confirmation_in_the_state_wins_over_the_name_of_a_file_that_nobody_can_write() -> None:
    one = with_counter(2)
    records = counting.confirm(one.id, tried(one, 2, CONFIRMING))
    assert not counting.has_failed(one, records)
    assert counting.begin(one, records, CONFIRMING) == tried(one, 1, CONFIRMING)


def test_the_last_good_one_is_the_first_fallback_then_others_that_confirmed() -> None:
    a, b, c = on_disk("a"), on_disk("b"), on_disk("c")
    records: tuple[Tries, ...] = ()
    for each in (a, b, c):
        records = counting.confirm(each.id, records)
    assert counting.fallbacks((a, b, c), records, a.id) == (a.id, c.id, b.id)


def test_what_cannot_boot_has_failed_or_can_be_plugged_in_is_no_fallback() -> None:
    broken = resolved(replace(option("broken"), absent=("/vmlinuz",)), DISK)
    stick, bad, good = resolved(option(), STICK), on_disk("bad"), on_disk("good")
    records: tuple[Tries, ...] = ()
    for each in (good, broken, stick, bad):
        records = counting.confirm(each.id, records)
    records = counting.condemn(bad.id, records)
    menu = (broken, stick, bad, good)
    assert counting.fallbacks(menu, records, stick.id) == (good.id,)
    assert counting.fallbacks(menu, records, "extlinux:gone:linux") == (good.id,)


def test_without_any_confirmation_there_is_no_fallback() -> None:
    assert counting.fallbacks((on_disk(),), tried(on_disk(), 1), "") == ()


def test_records_are_few_and_the_oldest_goes() -> None:
    records: tuple[Tries, ...] = ()
    for number in range(counting.MAX_RECORDS + 5):
        records = counting.confirm(on_disk(f"e{number}").id, records)
    assert len(records) == counting.MAX_RECORDS
    assert records[0].id == "extlinux:d:e5"


@pytest.mark.parametrize(("left", "done"), [(-1, 3), (0, -3), (0, 10**9), (10**30, 1), (-5, -5)])
def test_a_damaged_counter_means_that_all_is_well(left: int, done: int) -> None:
    one = on_disk()
    records = (Tries(id=one.id, left=left, done=done),)
    assert not counting.has_failed(one, records)
    assert counting.begin(one, records, EVERY) == tried(one, 1)


numbers = st.integers() | st.integers(-3, 5)
anything = st.lists(
    st.builds(
        Tries,
        id=st.sampled_from(["extlinux:d:linux", "extlinux:d:b", "", "::", "x"]) | st.text(),
        left=numbers,
        done=numbers,
        own=st.booleans(),
    ),
    max_size=50,
)


@given(anything, st.integers(0, 4))
def test_whatever_is_remembered_a_confirmed_option_boots_again(
    records: Iterable[Tries], tries: int
) -> None:
    one, rules = on_disk(), Rules(tries=tries, every=True)
    known = counting.confirm(one.id, records)
    assert not counting.has_failed(one, known)
    assert one.id in counting.fallbacks((one,), known, one.id)
    again = counting.begin(one, known, rules)
    assert counting.has_failed(one, again) == (tries == 1)


@given(anything, st.integers(1, 9), st.integers(0, 5))
def test_whatever_is_remembered_an_option_fails_after_as_many_tries_as_it_has_and_not_before(
    records: Iterable[Tries], tries: int, other: int
) -> None:
    one, rules = on_disk(), Rules(tries=tries, every=True)
    known = counting.confirm(OptionId(one.id), records)
    for number in range(tries):
        assert counting.has_failed(one, known) == (number >= tries)
        known = counting.begin(one, known, rules)
        known = counting.begin(on_disk(f"other{other}"), known, rules)
    assert counting.has_failed(one, known)
    assert len(known) <= counting.MAX_RECORDS


@pytest.mark.parametrize(
    ("left", "done", "said"),
    [
        (0, 3, "failed 3 times in a row: it boots only when somebody chooses it"),
        (2, 1, "was tried once without a confirmation; it may fail twice more"),
        (1, 2, "was tried twice without a confirmation; it may fail once more"),
        (3, 0, ""),
    ],
)
def test_counters_become_a_sentence(left: int, done: int, said: str) -> None:
    assert counting.describe(Tries(id="x", left=left, done=done)) == said


def test_an_entry_that_somebody_else_marked_is_said_to_be_bad() -> None:
    bad = counting.count(with_counter(0), ())
    assert bad is not None
    assert counting.describe(bad).startswith("is marked as bad")
