"""One entry that several formats, or several files, lead to."""

from collections.abc import Iterable, Iterator, Mapping

from bootd.model.option import BootOption, ScanResult
from bootd.record import replace


def with_lent(results: Mapping[str, ScanResult]) -> Iterator[BootOption]:
    """Drop an entry that another format reads as well, and better, on behalf of its own.

    GRUB's `blscfg` lists the same files as `bls`, but knows the values of the variables in them.
    """
    lent = {
        (option.format, option.entry)
        for name, result in results.items()
        for option in result.options
        if option.format != name
    }
    for name, result in results.items():
        for option in result.options:
            if option.format != name or (option.format, option.entry) not in lent:
                yield option


def without_repeats(options: Iterable[BootOption]) -> list[BootOption]:
    """Drop an option that was reached a second time, such as through /boot -> . ."""
    seen: dict[BootOption, BootOption] = {}
    for option in options:
        seen.setdefault(replace(option, source="", is_default=False), option)
    return list(seen.values())
