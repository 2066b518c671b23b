"""Order of the menu and choice of the default."""

from dataclasses import replace

from bootd.model.device import DeviceKind
from bootd.model.option import ResolvedOption
from bootd.model.tries import Tries
from bootd.policy import menu
from bootd.policy.resolve import resolve
from tests.support.options import device, option, resolved

NVME = device("nvme0n1p1", uuid="n", kind=DeviceKind.NVME)
CARD = device("mmcblk0p1", uuid="c", kind=DeviceKind.MMC)
STICK = device("sda1", uuid="s", kind=DeviceKind.USB)


def test_devices_come_by_kind_disk_and_partition_whatever_came_first() -> None:
    names = ["sdb1", "sda10", "sda2"]
    options = [resolved(option(), device(name, uuid=name)) for name in names]
    options += [resolved(option(), each) for each in (STICK, CARD, NVME)]
    wanted = ["nvme0n1p1", "mmcblk0p1", "sda2", "sda10", "sdb1", "sda1"]
    assert [each.device for each in menu.order(options)] == wanted
    assert menu.order(reversed(options)) == menu.order(options)


def test_options_of_one_device_keep_their_order() -> None:
    options = [resolved(option(entry), NVME) for entry in ("zeta", "alpha", "mid")]
    assert [o.option.entry for o in menu.order(options)] == ["zeta", "alpha", "mid"]


def test_the_default_is_the_marked_option_of_the_best_device() -> None:
    options = menu.order(
        [
            resolved(option("other"), NVME),
            resolved(option("chosen", is_default=True), NVME),
            resolved(option("card", is_default=True), CARD),
        ]
    )
    assert menu.default(options) == "extlinux:n:chosen"


def test_a_marked_option_that_cannot_boot_leaves_the_default_to_the_next_device() -> None:
    broken = replace(option(is_default=True), absent=("/vmlinuz",))
    options = menu.order([resolved(broken, NVME), resolved(option("card", is_default=True), CARD)])
    assert menu.default(options) == "extlinux:c:card"


def test_what_anybody_can_plug_in_is_never_the_default() -> None:
    marked = option(is_default=True)
    media = [STICK, device("sr0", kind=DeviceKind.OPTICAL), device("sdc1", removable=True)]
    assert menu.default([resolved(marked, each) for each in media]) is None


def test_an_option_whose_attempts_are_used_up_is_not_the_default() -> None:
    bad = replace(option(is_default=True), tries_left=0, tries_done=3)
    assert menu.default([resolved(bad, NVME)]) is None


def times(one: ResolvedOption, left: int, done: int) -> Tries:
    return Tries(id=one.id, left=left, done=done)


MAIN = resolved(option("main", is_default=True), NVME)
OLD = resolved(option("old"), NVME)
SPARE = resolved(option("spare", is_default=True), CARD)


def test_what_failed_too_often_gives_way_to_what_was_good_last() -> None:
    lost = menu.Preference(tries=(times(OLD, 3, 0), times(MAIN, 0, 3)), last_good=OLD.id)
    assert menu.default((MAIN, OLD, SPARE), lost) == OLD.id
    may_fail_once_more = menu.Preference(tries=(times(MAIN, 1, 2),), last_good=OLD.id)
    assert menu.default((MAIN, OLD, SPARE), may_fail_once_more) == MAIN.id


def test_without_a_good_one_another_default_is_tried_and_then_the_menu_stays() -> None:
    one = menu.Preference(tries=(times(MAIN, 0, 3),))
    assert menu.default((MAIN, OLD, SPARE), one) == SPARE.id
    both = menu.Preference(tries=(times(MAIN, 0, 3), times(SPARE, 0, 3)))
    assert menu.default((MAIN, OLD, SPARE), both) is None


def test_the_next_entry_of_a_list_of_equals_stands_for_one_that_failed() -> None:
    new, old = (
        resolved(replace(option(name, is_default=name == "new"), format="bls"), NVME)
        for name in ("new", "old")
    )
    lost = menu.Preference(tries=(times(new, 0, 3),))
    assert menu.default((new, old, SPARE), lost) == old.id


def test_a_default_that_was_set_gives_way_and_one_that_boots_once_does_not() -> None:
    tries = (times(OLD, 0, 3),)
    assert menu.default((MAIN, OLD), menu.Preference(default=OLD.id, tries=tries)) == MAIN.id
    assert menu.default((MAIN, OLD), menu.Preference(one_shot=OLD.id, tries=tries)) == OLD.id


def test_what_could_not_be_loaded_is_not_tried_again() -> None:
    good = menu.Preference(tries=(times(OLD, 3, 0),), last_good=OLD.id)
    assert menu.default((MAIN, OLD, SPARE), good, {MAIN.id}) == OLD.id
    assert menu.default((MAIN, OLD, SPARE), good, {MAIN.id, OLD.id}) == SPARE.id
    once = menu.Preference(one_shot=OLD.id)
    assert menu.default((MAIN, OLD), once, {OLD.id}) == MAIN.id


def test_nothing_marked_means_no_default() -> None:
    assert menu.default([resolved(option(), NVME)]) is None


def for_board(entry: str, *compatible: str, is_default: bool = False) -> ResolvedOption:
    opt = replace(option(entry, is_default=is_default), compatible=compatible)
    return resolve(opt, NVME, {NVME.name: NVME}, "aarch64", ("acme,board-b", "acme,soc"))


def test_the_option_that_names_this_board_most_specifically_stands_for_the_default() -> None:
    options = [
        for_board("a", "acme,board-a", "acme,soc", is_default=True),
        for_board("soc", "acme,soc"),
        for_board("b", "acme,board-b", "acme,soc"),
    ]
    assert menu.default(options) == "extlinux:n:b"


def test_of_options_that_fit_equally_the_marked_one_is_the_default() -> None:
    options = [for_board("a", "acme,soc"), for_board("b", "acme,soc", is_default=True)]
    assert menu.default(options) == "extlinux:n:b"


def test_an_option_for_another_board_is_not_the_default() -> None:
    options = [for_board("a", "acme,other", is_default=True), for_board("any", is_default=True)]
    assert menu.default(options) == "extlinux:n:any"
