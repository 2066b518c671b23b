"""The menu: in which order options are shown, and which one boots when nobody chooses.

Order of appearance does not matter: two boots with the same devices show the same menu.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.option import OptionId, ResolvedOption
from bootd.model.order import ANY, KINDS, UUID, uuid
from bootd.model.remembered import SAVED
from bootd.model.tries import Tries
from bootd.policy import counting
from bootd.policy import order as boot_order
from bootd.record import dataclass

KIND_ORDER: Final = (
    DeviceKind.NVME,
    DeviceKind.MMC,
    DeviceKind.DISK,
    DeviceKind.DIRECTORY,
    DeviceKind.USB,
    DeviceKind.OPTICAL,
    DeviceKind.NETWORK,
)
"""Built-in media first, what anybody can plug in after them."""

_LISTS: Final = frozenset({"bls", "uki"})
"""Formats whose entries are a list of equals, the best first (UAPI.1, section "Sorting")."""

_PARTS: Final = re.compile(r"\d+|\D+")


def order(options: Iterable[ResolvedOption]) -> tuple[ResolvedOption, ...]:
    """Return the options by kind of device, disk and partition.

    Options of one device keep their order, which is the one of their own boot loader.
    """
    return tuple(sorted(options, key=_rank))


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What people and the administrator want booted, the strongest wish first.

    Attributes:
        one_shot: Id to boot once, or "".
        temporary: Default until the next power-on: an id, a pattern of ids, `SAVED` or "".
        default: The same for good.
        last_chosen: What `SAVED` means, or "".
        order: Words of `bootd.policy.order`; empty for the built-in order.
        tries: What is remembered of boots, see `bootd.policy.counting`.
        last_good: Id of the option that confirmed its boot last, or "".
    """

    one_shot: str = ""
    temporary: str = ""
    default: str = ""
    last_chosen: str = ""
    order: tuple[str, ...] = ()
    tries: tuple[Tries, ...] = ()
    last_good: str = ""

    @property
    def wishes(self) -> Iterator[str]:
        """The ids and patterns to try, in turn."""
        for wish in (self.one_shot, self.temporary, self.default):
            found = self.last_chosen if wish == SAVED else wish
            if found:
                yield found


NO_PREFERENCE: Final = Preference()


def default(
    options: Sequence[ResolvedOption],
    preference: Preference = NO_PREFERENCE,
    given_up: Collection[str] = (),
) -> OptionId | None:
    """Return what boots when nobody chooses, or None.

    Where that has failed as often as it may, it is what is known to be good. Where nothing is, the
    next entry of the same list, if that is one of the Boot Loader Specification: its entries stand
    for one another. Then it is another configuration's default. An option that is to boot once does
    so whatever became of it.

    Args:
        options: In menu order.
        preference: Of people and the administrator.
        given_up: Ids of options that could not be loaded.
    """
    wanted = _default([each for each in options if each.bootable], preference)
    lost = counting.failed(options, preference.tries).union(map(OptionId, given_up))
    if wanted not in lost or (wanted == preference.one_shot and wanted not in given_up):
        return wanted
    good = counting.fallbacks(options, preference.tries, preference.last_good)
    left = [each for each in options if each.bootable and each.id not in lost]
    chosen = next((each for each in good if each not in lost), None)
    return chosen or _next_entry(options, wanted, left) or _default(left, preference)


def _next_entry(
    options: Iterable[ResolvedOption], wanted: OptionId | None, left: Iterable[ResolvedOption]
) -> OptionId | None:
    failed = next((each for each in options if each.id == wanted), None)
    if failed is None or failed.option.format not in _LISTS:
        return None
    same = (
        each.id
        for each in left
        if each.device == failed.device and each.option.format == failed.option.format
    )
    return next(same, None)


def _default(able: Sequence[ResolvedOption], preference: Preference) -> OptionId | None:
    """Return what would boot if nothing ever failed.

    The first wish that an option fulfils counts. Without one it is, of the options that their own
    configuration marks as default, the first one in boot order, then in menu order, that can boot.
    Where a configuration has options for several boards, the one that names this board
    most specifically stands for its default (fit_conf_find_compat in U-Boot's boot/image-fit.c).

    Never one of a medium that anybody can plug in, unless the order names it or it is to boot once.
    """
    for wish in preference.wishes:
        if (found := _wished(able, wish, preference)) is not None:
            return found
    return _ordered(able, preference.order or (ANY,))


def fulfils(option: ResolvedOption, wish: str) -> bool:
    """Say whether an option is what an id or a pattern of ids means."""
    return option.id == wish or (
        is_pattern(wish) and _pattern(wish).fullmatch(option.id) is not None
    )


def is_pattern(wish: str) -> bool:
    """Say whether a wish may mean several options."""
    return "*" in wish or "?" in wish


def expected(
    options: Sequence[ResolvedOption], preference: Preference, devices: Iterable[BlockDevice]
) -> tuple[str, ...]:
    """Return what is not there yet and would be preferred to the default: words for a person.

    Only devices are expected: the file system of an option that is wished for, or one that the boot
    order names before what it finds now. One that is there, with whatever is on it, is not.

    Args:
        options: In menu order.
        preference: As for `default`.
        devices: Those that are there.
    """
    able = [each for each in options if each.bootable and each.option.tries_left != 0]
    there = list(devices)
    names = {name.casefold() for it in there for name in (it.uuid, it.partuuid, it.name) if name}
    kinds = {it.kind.value for it in there}

    def absent() -> Iterator[str]:
        for wish in preference.wishes:
            if _wished(able, wish, preference) is not None:
                return
            yield UUID + uuid(wish)
        for word in preference.order:
            if _ordered(able, (word,)) is not None:
                return
            yield word

    return tuple(word for word in dict.fromkeys(absent()) if _is_absent(word, names, kinds))


def _is_absent(word: str, names: Collection[str], kinds: Collection[str]) -> bool:
    """Say whether a word of the order means a device, and none that is there."""
    place = word.removeprefix(UUID)
    if place != word:
        return place != "" and not is_pattern(place) and place.casefold() not in names
    return word in KINDS and word not in kinds


def _wished(able: Sequence[ResolvedOption], wish: str, preference: Preference) -> OptionId | None:
    for each in able:
        allowed = wish == preference.one_shot or boot_order.allows(preference.order, each)
        if allowed and fulfils(each, wish):
            return each.id
    return None


def _ordered(able: Sequence[ResolvedOption], words: Iterable[str]) -> OptionId | None:
    marked = [each for each in able if each.option.is_default or each.board_rank is not None]
    for word in words:
        for each in marked:
            if boot_order.matches(word, each) and boot_order.allows((word,), each):
                return _best_fit(each, able).id
    return None


@lru_cache(maxsize=16)
def _pattern(wish: str) -> re.Pattern[str]:
    """Return what `*` (anything) and `?` (one character) mean; brackets mean themselves."""
    return re.compile(re.escape(wish).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _best_fit(first: ResolvedOption, options: Sequence[ResolvedOption]) -> ResolvedOption:
    """Return the option of the same configuration that names this board most specifically."""
    place = (first.device, first.option.source)
    return min(
        (
            each
            for each in options
            if each.board_rank is not None and (each.device, each.option.source) == place
        ),
        key=lambda each: (each.board_rank, not each.option.is_default),
        default=first,
    )


def _rank(resolved: ResolvedOption) -> tuple[object, ...]:
    return (
        KIND_ORDER.index(resolved.kind),
        _natural(resolved.disk or resolved.device),
        _natural(resolved.device),
    )


@lru_cache(maxsize=1024)
def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that puts mmcblk0p2 before mmcblk0p10, and sdb before sdaa."""
    return tuple(
        (0, int(part), "") if part.isdecimal() and part.isascii() else (1, len(part), part)
        for part in _PARTS.findall(name)
    )
