"""Interrupt-controller tables in the boot log."""

from pathlib import Path

from bootd.linux import kmsg
from bootd.model.memory import Range

FIRST = "6,0,0,-;Booting Linux on physical CPU 0x0000000000 [0x411fd070]\n"
LOG = [
    FIRST,
    "6,70,0,-;ITS@0x0000000008080000: allocated 8192 Devices @42830000 (indirect, esz 8)\n",
    "6,73,0,-;GICv3: using LPI property table @0x0000000042850000\n",
    "6,74,0,-;GICv3: CPU0: using allocated LPI pending table @0x0000000042860000\n",
    "6,99,9,-;GICv3: CPU1: using allocated LPI pending table @0x0000000042870000\n",
]


def test_each_table_is_64_kib() -> None:
    assert kmsg.parse(LOG).ranges == tuple(
        Range(start, start + 0x10000) for start in (0x42850000, 0x42860000, 0x42870000)
    )


def test_a_reused_table_is_found_as_well() -> None:
    line = "6,74,0,-;GICv3: CPU0: using reserved LPI pending table @0x0000000042860000\n"
    assert kmsg.parse([FIRST, line]).ranges == (Range(0x42860000, 0x42870000),)


def test_what_user_space_logs_does_not_count() -> None:
    forged = "12,80,0,-;GICv3: using LPI property table @0x0000000040000000\n"
    assert kmsg.parse([FIRST, forged]).ranges == ()


def test_a_log_whose_start_is_overwritten_is_not_complete() -> None:
    assert kmsg.parse(LOG).complete
    assert not kmsg.parse(LOG[1:]).complete


def open_fds() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_this_machines_log_is_read_to_its_end_without_waiting() -> None:
    before = open_fds()
    assert isinstance(kmsg.lpi_tables().complete, bool)
    assert open_fds() == before
