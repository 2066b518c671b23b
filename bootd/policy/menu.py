"""The menu: in which order options are shown, and which one boots when nobody chooses.

Order of appearance does not matter: two boots with the same devices show the same menu.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from bootd.model.device import DeviceKind
from bootd.model.option import OptionId, ResolvedOption

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

_PARTS: Final = re.compile(r"\d+|\D+")


def order(options: Iterable[ResolvedOption]) -> tuple[ResolvedOption, ...]:
    """Return the options by kind of device, disk and partition.

    Options of one device keep their order, which is the one of their own boot loader.
    """
    return tuple(sorted(options, key=_rank))


def default(options: Sequence[ResolvedOption]) -> OptionId | None:
    """Return what boots when nobody chooses, or None.

    Of the options that their own configuration marks as default, the first one in menu order that
    can boot. Where a configuration has options for several boards, the one that names this board
    most specifically stands for its default (fit_conf_find_compat in U-Boot's boot/image-fit.c).
    Never one of a medium that anybody can plug in, and none whose boot attempts are used up.

    Args:
        options: In menu order.
    """
    able = [each for each in options if _may_be_default(each)]
    marked = (each for each in able if each.option.is_default or each.board_rank is not None)
    first = next(marked, None)
    return None if first is None else _best_fit(first, able).id


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


def _may_be_default(resolved: ResolvedOption) -> bool:
    return resolved.bootable and not resolved.removable and resolved.option.tries_left != 0


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
