"""/dev/kmsg: the boot log, for the one fact that the kernel tells nowhere else.

The redistributors of a GICv3 keep writing to their LPI tables over a kexec. The tables show up in
/proc/iomem only on EFI boots, so that their addresses have to come from the boot log
(drivers/irqchip/irq-gic-v3-its.c, `its_allocate_prop_table` and `its_cpu_init_lpis`).
"""

import os
import re
from collections.abc import Iterable
from typing import Final

from bootd.model.memory import Range
from bootd.record import dataclass

LPI_TABLE_BYTES: Final = 64 << 10
"""LPI_PROPBASE_SZ and LPI_PENDBASE_SZ of the driver."""

_TABLE: Final = re.compile(r"LPI (?:property|pending) table @(0x[0-9a-f]{1,16})\b")
_MAX_RECORD_BYTES: Final = 8192
_MAX_RECORDS: Final = 1 << 17
"""More than the largest buffer holds; ends the loop when records arrive faster than it reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LpiTables:
    """Tables of GICv3 redistributors.

    Attributes:
        ranges: In the order of addresses; empty without a GICv3 with LPIs.
        complete: The log still begins with the kernel's first record; if not, tables may be
            missing.
    """

    ranges: tuple[Range, ...]
    complete: bool = True


def parse(records: Iterable[str]) -> LpiTables:
    """Find the tables in records of the form `prefix,sequence,time,flags;text`."""
    starts: set[int] = set()
    first: str | None = None
    for record in records:
        head, _, text = record.partition(";")
        prefix, sequence, *_ = (*head.split(","), "")
        if first is None:
            first = sequence
        # Only the kernel's own records (facility 0) count: user space may write any others.
        if prefix.isdecimal() and int(prefix) < 8:
            starts.update(int(match.group(1), 16) for match in _TABLE.finditer(text))
    ranges = tuple(Range(start, start + LPI_TABLE_BYTES) for start in sorted(starts))
    return LpiTables(ranges=ranges, complete=first == "0")


def lpi_tables(path: str = "/dev/kmsg") -> LpiTables:
    """Return the tables that the running kernel logged when it booted.

    Raises:
        OSError: The log may not be read.
    """
    return parse(_records(path))


def _records(path: str) -> Iterable[str]:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        for _ in range(_MAX_RECORDS):
            try:
                record = os.read(fd, _MAX_RECORD_BYTES)
            except BlockingIOError:
                return
            except BrokenPipeError:  # overwritten while reading: the next read goes on after it
                continue
            if not record:
                return
            yield record.decode("utf-8", "replace")
    finally:
        os.close(fd)
