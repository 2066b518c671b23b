"""What people and the boot order make the default, and what is waited for."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.model import order as words
from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.option import ResolvedOption
from bootd.model.remembered import MAX_ORDER
from bootd.policy import menu, order
from bootd.policy.menu import Preference
from tests.support.options import device, option, resolved

NVME = device("nvme0n1p1", uuid="n", kind=DeviceKind.NVME)
CARD = device("mmcblk0p1", uuid="c", kind=DeviceKind.MMC)
STICK = device("sda1", uuid="s", kind=DeviceKind.USB)

MARKED = menu.order(
    [resolved(option("os", is_default=True), each) for each in (NVME, CARD, STICK)]
    + [resolved(option("spare"), CARD)]
)
N, C, S, SPARE = (f"extlinux:{name}" for name in ("n:os", "c:os", "s:os", "c:spare"))


def chosen(**members: object) -> str | None:
    return menu.default(MARKED, Preference(**members))  # type: ignore[arg-type] # members of it


def expected(options: list[ResolvedOption], devices: list[BlockDevice], **members: object) -> str:
    preference = Preference(**members)  # type: ignore[arg-type] # members of it
    return " ".join(menu.expected(menu.order(options), preference, devices))


# Wishes -------------------------------------------------------------------------------------------


def test_the_stronger_wish_counts() -> None:
    assert chosen() == N
    assert chosen(default=SPARE) == SPARE
    assert chosen(default=SPARE, temporary=C) == C
    assert chosen(default=SPARE, temporary=C, one_shot=N) == N


def test_a_wish_that_nothing_fulfils_leaves_the_choice_to_the_next() -> None:
    assert chosen(one_shot="bls:gone:x", temporary="bls:*", default=SPARE) == SPARE
    assert chosen(default="bls:gone:x") == N


def test_saved_is_what_was_booted_last() -> None:
    assert chosen(default="@saved", last_chosen=SPARE) == SPARE
    assert chosen(default="@saved") == N


def test_a_pattern_means_the_first_option_in_menu_order() -> None:
    assert chosen(default="extlinux:c:*") == C
    assert chosen(default="extlinux:?:spare") == SPARE
    assert chosen(default="extlinux:[cn]:spare") == N, "brackets mean themselves"


def test_an_option_that_cannot_boot_is_nobodys_default() -> None:
    broken = resolved(replace(option("os", is_default=True), absent=("/vmlinuz",)), NVME)
    spare = resolved(option("spare"), NVME)
    assert menu.default([broken, spare], Preference(default=broken.id)) is None
    assert menu.default([broken, spare], Preference(default=spare.id)) == spare.id


# Removable media ----------------------------------------------------------------------------------


def test_a_removable_medium_is_the_default_only_where_the_order_names_it() -> None:
    assert chosen(default=S) == N
    assert chosen(default="*") == N
    assert chosen(default="@saved", last_chosen=S) == N
    assert chosen(default=S, order=("any",)) == N
    assert chosen(default=S, order=("any", "usb")) == S
    assert chosen(default=S, order=("any", "UUID=S")) == S


def test_a_removable_medium_boots_once_when_somebody_says_so() -> None:
    assert chosen(one_shot=S) == S


# The order ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "winner"),
    [
        ("mmc nvme", C),
        ("usb any", S),
        ("UUID=c any", C),
        ("uuid=C", C),
        ("optical any", N),
        ("format:bls mmc", C),
        ("format:extlinux", N),
        ("any usb", N),
        ("optical", None),
        ("none", N),
        ("usb,nvme", S),
    ],
)
def test_the_first_word_that_an_option_fits_decides(text: str, winner: str | None) -> None:
    assert chosen(order=words.parse_text(text)) == winner


@pytest.mark.parametrize(
    "text", ["floppy", "UUID=", "format:", "nvme usbb", "UUID=ü", f"UUID={'x' * 200}"]
)
def test_a_word_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        words.parse_text(text)


def test_an_order_has_an_end() -> None:
    with pytest.raises(ValueError, match="at most 32"):
        words.parse(f"UUID={n}" for n in range(MAX_ORDER + 1))


def test_a_word_that_comes_twice_counts_once() -> None:
    assert words.parse(["NVMe", "nvme", "any"]) == ("nvme", "any")


@given(st.text(max_size=20))
def test_any_text_is_an_order_or_refused(text: str) -> None:
    try:
        found = words.parse_text(text)
    except ValueError:
        return
    assert words.parse(found) == found


@given(st.lists(st.sampled_from(["any", "nvme", "mmc", "usb", "UUID=s", "UUID=c"]), unique=True))
def test_a_default_is_always_one_that_the_order_allows(wanted: list[str]) -> None:
    for wish in ("", S, SPARE, "*"):
        found = menu.default(MARKED, Preference(order=tuple(wanted), default=wish))
        option_ = next((each for each in MARKED if each.id == found), None)
        assert option_ is None or order.allows(wanted, option_)


# What is waited for -------------------------------------------------------------------------------


def test_nothing_is_waited_for_without_a_wish() -> None:
    assert expected([resolved(option(is_default=True), CARD)], [CARD]) == ""


def test_a_disk_that_the_order_prefers_is_waited_for_until_it_is_there() -> None:
    card = resolved(option(is_default=True), CARD)
    preferred = ("UUID=n", "usb", "mmc", "any")
    assert expected([card], [CARD], order=preferred) == "UUID=n usb"
    assert expected([card], [CARD, STICK], order=preferred) == "UUID=n"
    assert expected([card], [CARD, NVME], order=preferred) == "usb"
    assert expected([card], [CARD, NVME, STICK], order=preferred) == ""


def test_what_the_order_names_behind_the_default_is_not_waited_for() -> None:
    assert expected([resolved(option(is_default=True), CARD)], [CARD], order=("mmc", "nvme")) == ""


def test_the_disk_of_an_option_that_is_wished_for_is_waited_for() -> None:
    card = resolved(option(is_default=True), CARD)
    assert expected([card], [CARD], default="bls:n:debian") == "UUID=n"
    assert expected([card], [CARD], one_shot="bls:n:debian", default="bls:x:y") == "UUID=n UUID=x"
    assert expected([card], [CARD, NVME], default="bls:n:debian") == "", "it is there, without it"
    assert expected([card], [CARD], default="bls:*") == "", "a pattern names no disk"
    assert expected([card], [CARD], default="*:n:*") == "UUID=n"


def test_a_disk_is_known_by_its_partition_where_it_has_no_uuid() -> None:
    bare = device("sdb1", uuid="", partuuid="P-1")
    assert expected([], [bare], default="bare:p-1:vmlinuz") == ""
