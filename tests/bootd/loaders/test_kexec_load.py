"""kexec_load on a board that is played: its memory, its log, and a kernel that takes segments.

The system call itself is recorded and not made; that the segments really boot is proved on the
emulated board.
"""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from bootd import fdt
from bootd.errors import ImageError, LoadError
from bootd.images import identify
from bootd.linux import crash_notes, iomem, kexec, kmsg, meminfo
from bootd.linux.kexec import KexecSegment
from bootd.loaders import kernel_file
from bootd.loaders.dry_run import LOADER as DRY_RUN
from bootd.loaders.kexec_load import LOADER
from bootd.loaders.request import LoadFiles, LoadRequest
from bootd.model.load import LoadReport
from bootd.model.memory import Range
from bootd.model.tree import TreeOrigin
from tests.support import trees
from tests.support.images import arm64_image, gzip_image
from tests.support.iomem import VIRT_GICV2

KERNEL = arm64_image(100_000, image_size=0x200000)
INITRDS = (b"first" * 3000, b"second")
LPI = Range(0x42000000, 0x42010000)
SECURE: trees.Content = {
    "#address-cells": 2,
    "#size-cells": 2,
    "ranges": b"",
    "atf@40200000": {"reg": [0, 0x40200000, 0, 0x100000], "no-map": b""},
}
TREE = trees.blob(
    trees.live_board() | {"reserved-memory": SECURE}, reservations=((0x40000000, 0x1000),)
)


@dataclass
class Board:
    """What the loader saw and did."""

    entry: int = 0
    flags: int = -1
    segments: list[tuple[int, int, bytes]] = field(default_factory=list)

    def kexec_load(self, entry: int, segments: Sequence[KexecSegment], *, flags: int = 0) -> None:
        self.entry = entry
        self.flags = flags
        self.segments = [(one.start, one.memory_bytes, bytes(one.data)) for one in segments]


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    made = Board()
    memory = iomem.parse(VIRT_GICV2)
    monkeypatch.setattr(kexec, "kexec_load", made.kexec_load)
    monkeypatch.setattr(iomem, "read", lambda: memory)
    monkeypatch.setattr(kmsg, "lpi_tables", lambda: kmsg.LpiTables(ranges=(LPI,)))
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("", "", "", "", "aarch64")))
    return made


def opened(data: bytes) -> int:
    fd = os.memfd_create("test")
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def request(kernel: bytes = KERNEL) -> LoadRequest:
    return LoadRequest(
        option="bls:1234:debian",
        kernel=identify(kernel[: 64 << 10], len(kernel)),
        initrd_bytes=tuple(len(data) for data in INITRDS),
        origin=TreeOrigin.MERGED,
        tree_bytes=len(TREE),
        tree_changed=True,
    )


def files(kernel: bytes = KERNEL, initrds: Sequence[bytes] = INITRDS) -> LoadFiles:
    return LoadFiles(
        kernel=opened(kernel),
        initrds=tuple(opened(data) for data in initrds),
        tree=opened(TREE),
    )


def handed_over(board: Board) -> fdt.Fdt:
    return fdt.read(board.segments[-2][2])


def load(board: Board, kernel: bytes = KERNEL) -> LoadReport:
    report = LOADER.load(request(kernel), files(kernel))
    assert board.segments
    return report


def test_kernel_initrds_tree_and_trampoline_are_handed_over_in_this_order(board: Board) -> None:
    report = load(board)
    datas = [data for _, _, data in board.segments]
    assert datas[:3] == [KERNEL, *INITRDS]
    assert report.tree_sha256 == hashlib.sha256(datas[3]).hexdigest()
    assert [(one.start, one.size) for one in report.segments] == [
        (start, size) for start, size, _ in board.segments
    ]
    assert board.entry == board.segments[-1][0]


def test_the_trampoline_jumps_to_the_kernel_with_the_tree(board: Board) -> None:
    load(board)
    code = board.segments[-1][2]
    assert code[32:40] == board.segments[0][0].to_bytes(8, "little")
    assert code[40:48] == board.segments[-2][0].to_bytes(8, "little")


def test_nothing_lies_over_what_the_new_tree_or_the_interrupt_controller_keeps(
    board: Board,
) -> None:
    load(board)
    for start, size, _ in board.segments:
        for kept in (LPI, Range(0x40200000, 0x40300000), Range(0x40000000, 0x40001000)):
            assert start + size <= kept.start or kept.end <= start


def test_interrupt_tables_are_reserved_in_the_new_tree(board: Board) -> None:
    load(board)
    assert handed_over(board).reservations == [(0x40000000, 0x1000), (LPI.start, LPI.size)]


def test_the_new_tree_has_the_exact_initrd_range_over_all_initrds(board: Board) -> None:
    load(board)
    tree = handed_over(board)
    start = board.segments[1][0]
    end = board.segments[2][0] + len(INITRDS[1])
    assert tree.get("/chosen", "linux,initrd-start") == start.to_bytes(8, "big")
    assert tree.get("/chosen", "linux,initrd-end") == end.to_bytes(8, "big")


def test_the_new_tree_says_how_it_was_booted(board: Board) -> None:
    load(board)
    tree = handed_over(board)
    assert tree.get("/chosen", "bootd,tree") == b"merged\0"
    assert tree.get("/chosen", "bootd,loader") == b"kexec_load\0"
    assert tree.get("/chosen", "bootd,option") == b"bls:1234:debian\0"


def test_every_load_has_fresh_seeds(board: Board) -> None:
    load(board)
    first = handed_over(board)
    load(board)
    second = handed_over(board)
    for name in ("kaslr-seed", "rng-seed"):
        assert first.get("/chosen", name) != second.get("/chosen", name)


def test_a_gzip_kernel_is_handed_over_unpacked(board: Board) -> None:
    load(board, gzip_image(KERNEL))
    assert board.segments[0][2] == KERNEL


def test_no_more_is_unpacked_than_half_of_the_free_memory(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meminfo, "read", lambda: {"MemAvailable": 2 << 20})
    packed = gzip_image(arm64_image(3 << 20, image_size=4 << 20))
    with pytest.raises(ImageError, match="more than the 1 MiB allowed"):
        LOADER.load(request(packed), files(packed))
    assert board.segments == []


def test_a_kernel_that_changed_meanwhile_is_refused(board: Board) -> None:
    with pytest.raises(LoadError, match="changed while it was being loaded"):
        LOADER.load(request(), files(gzip_image(KERNEL)))
    assert board.segments == []


def test_an_initrd_that_became_empty_is_refused(board: Board) -> None:
    with pytest.raises(LoadError, match="an initrd is empty"):
        LOADER.load(request(), files(initrds=(b"x", b"")))
    assert board.segments == []


def test_a_lost_log_is_noted_where_there_is_an_its(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kmsg, "lpi_tables", lambda: kmsg.LpiTables(ranges=(), complete=False))
    assert load(board).notes == ()
    its = trees.blob(trees.live_board() | {"its@1": {"compatible": "arm,gic-v3-its"}})
    given = files()
    given = LoadFiles(kernel=given.kernel, initrds=given.initrds, tree=opened(its))
    assert "log is overwritten" in LOADER.load(request(), given).notes[0]


def test_a_rehearsal_plans_the_same_layout_and_makes_no_call(board: Board) -> None:
    planned = DRY_RUN.load(request(), files())
    assert board.segments == []
    assert [one.name for one in planned.segments] == [
        "kernel",
        "initrd",
        "initrd",
        "dtb",
        "trampoline",
    ]
    assert not planned.executed


def test_a_rehearsal_on_another_machine_says_what_it_could_not_plan(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("", "", "", "", "x86_64")))
    report = DRY_RUN.load(request(), files())
    assert report.notes == (
        "No memory layout was planned: the kernel is for aarch64, this is x86_64.",
    )
    assert board.segments == []


def test_a_load_leaves_no_descriptor_behind(board: Board) -> None:
    given = files(gzip_image(KERNEL))
    before = sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are all it needs
    LOADER.load(request(gzip_image(KERNEL)), given)
    with suppress(LoadError), kernel_file.opened(request(), given.kernel):
        pass
    assert sorted(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - ditto
    assert board.segments


@pytest.mark.usefixtures("board")
def test_a_tree_without_memory_is_refused() -> None:
    bare = trees.blob({"compatible": "acme,board"})
    given = LoadFiles(kernel=opened(KERNEL), initrds=(), tree=opened(bare))
    with pytest.raises(LoadError, match="describes no memory"):
        LOADER.load(request(), given)


def test_a_crash_kernel_goes_into_its_memory_with_its_limits_in_the_tree(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside = "  50000000-57ffffff : Crash kernel\n"
    text = VIRT_GICV2.replace("  5be00000", aside + "  5be00000")
    monkeypatch.setattr(iomem, "read", lambda: iomem.parse(text))
    monkeypatch.setattr(crash_notes, "read", lambda: (Range(0x5BE00000, 0x5BE00200),))
    assert LOADER.load(replace(request(), crash=True), files()).crash
    assert board.flags == kexec.KEXEC_ON_CRASH
    assert all(
        start >= 0x50000000 and start + size <= 0x58000000 for start, size, _ in board.segments
    )
    tree = fdt.read(board.segments[3][2])
    assert tree.get("/chosen", "linux,usable-memory-range") == bytes.fromhex(
        "0000000050000000 0000000008000000"
    )
    core = board.segments[-1]
    place = core[0].to_bytes(8, "big") + core[1].to_bytes(8, "big")
    assert tree.get("/chosen", "linux,elfcorehdr") == place
    assert core[2].startswith(b"\x7fELF")


def test_an_ordinary_load_has_no_flag_and_no_limits(board: Board) -> None:
    load(board)
    assert board.flags == 0
    assert handed_over(board).get("/chosen", "linux,usable-memory-range") is None
