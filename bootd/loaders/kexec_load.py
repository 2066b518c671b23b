"""kexec_load(2): bootd places the kernel, its initrds and any device tree in memory itself.

Unsupported: every architecture but arm64.
"""

import mmap
import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from bootd.errors import LoadError
from bootd.linux import files, kexec
from bootd.linux.kexec import KexecSegment
from bootd.loaders import kernel_file, layout, trampoline
from bootd.loaders.placement import Placement, place
from bootd.loaders.request import Loader, LoadFiles, LoadRequest
from bootd.model.load import LoadReport, Segment
from bootd.model.machine import Machine
from bootd.model.tree import TreeOrigin

_NAME: Final = "kexec_load"

_KINDS: Final = {"aarch64": ("arm64",)}
"""Kinds of image that there is a layout for, per architecture."""

_WORKING_BYTES: Final = 32 << 20


def _why_not(request: LoadRequest, machine: Machine) -> str | None:
    if machine.architecture not in _KINDS:
        return f"bootd has no memory layout for {machine.architecture} yet"
    if not machine.kexec_load:
        return machine.kexec_refusal or "kexec_load may not be used"
    if request.kernel.kind not in _KINDS[machine.architecture]:
        return f"kexec_load starts no {request.kernel.title} on {machine.architecture}"
    if not request.tree_bytes:
        return "an arm64 kernel needs a device tree, and this machine runs without one"
    return None


_WHY: Final = {
    TreeOrigin.MERGED: "kexec_load: the next kernel gets its own tree with this board's facts",
    TreeOrigin.SHIPPED: "kexec_load: the next kernel gets its own tree nearly as shipped",
    TreeOrigin.RUNNING: "kexec_load: the next kernel gets the running kernel's tree",
}


def _why(request: LoadRequest) -> str:
    return _WHY[request.origin]


def _need_bytes(request: LoadRequest) -> int:
    unpacked = request.kernel.memory_bytes if request.kernel.compression else 0
    initrds = sum(layout.round_up(size, mmap.PAGESIZE) for size in request.initrd_bytes)
    return request.kernel.memory_bytes + unpacked + initrds + layout.DTB_BYTES + _WORKING_BYTES


def _load(request: LoadRequest, given: LoadFiles) -> LoadReport:
    if given.tree is None:
        raise LoadError("an arm64 kernel needs a device tree, and none was handed over")
    with ExitStack() as stack:
        bare, image = stack.enter_context(kernel_file.opened(request, given.kernel))
        sizes = tuple(os.fstat(fd).st_size for fd in given.initrds)
        if 0 in sizes:
            raise LoadError("an initrd is empty")
        placed = place(request, image, sizes, os.pread(given.tree, layout.DTB_BYTES + 1, 0))
        kernel = stack.enter_context(files.mapped(bare))
        initrds = [stack.enter_context(files.mapped(fd)) for fd in given.initrds]
        kexec.kexec_load(placed.layout.trampoline.start, _segments(placed, kernel, initrds))
    return report(request, placed)


def report(request: LoadRequest, placed: Placement) -> LoadReport:
    """Say what a plan puts in memory."""
    return LoadReport(
        loader=_NAME,
        tree=request.origin,
        why=_why(request),
        tree_sha256=placed.sha256,
        segments=placed.layout.segments,
        notes=placed.notes,
    )


def _segments(
    placed: Placement, kernel: mmap.mmap, initrds: Sequence[mmap.mmap]
) -> list[KexecSegment]:
    plan = placed.layout
    code = trampoline.arm64(plan.kernel.start, plan.dtb.start)
    pairs: list[tuple[Segment, mmap.mmap | bytearray]] = [
        (plan.kernel, kernel),
        *zip(plan.initrds, initrds, strict=True),
        (plan.dtb, bytearray(placed.blob)),
        (plan.trampoline, bytearray(code)),
    ]
    return [
        KexecSegment(data=data, start=where.start, memory_bytes=where.size) for where, data in pairs
    ]


LOADER: Final = Loader(name=_NAME, why_not=_why_not, why=_why, need_bytes=_need_bytes, load=_load)
