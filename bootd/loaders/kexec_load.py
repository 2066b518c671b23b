"""kexec_load(2): bootd places the kernel, its initrds and any device tree in memory itself.

What is different between architectures is in `bootd.loaders.architecture`.
"""

import mmap
import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from bootd.errors import LoadError
from bootd.images import HEAD_BYTES, family
from bootd.linux import files, kexec
from bootd.linux.kexec import KexecSegment
from bootd.loaders import kernel_file, layout
from bootd.loaders.architecture import ARCHITECTURES
from bootd.loaders.placement import Kernel, Placement, place
from bootd.loaders.request import Loader, LoadFiles, LoadRequest
from bootd.model.load import LoadReport, Segment
from bootd.model.machine import Machine
from bootd.model.tree import TreeOrigin

_NAME: Final = "kexec_load"

_WORKING_BYTES: Final = 32 << 20


def _why_not(request: LoadRequest, machine: Machine) -> str | None:
    architecture = ARCHITECTURES.get(family(machine.architecture))
    if architecture is None:
        return f"bootd has no memory layout for {machine.architecture}"
    if not machine.kexec_load:
        return machine.kexec_refusal or "kexec_load may not be used"
    if request.crash and not architecture.crash:
        return f"kexec_load keeps no crash kernel on {machine.architecture}"
    if request.kernel.kind not in architecture.kinds:
        return f"kexec_load starts no {request.kernel.title} on {machine.architecture}"
    if architecture.needs_tree and not request.tree_bytes:
        return (
            f"an {architecture.name} kernel needs a device tree, and this machine runs without one"
        )
    return None


_WHY: Final = {
    TreeOrigin.MERGED: "kexec_load: the next kernel gets its own tree with this board's facts",
    TreeOrigin.SHIPPED: "kexec_load: the next kernel gets its own tree nearly as shipped",
    TreeOrigin.RUNNING: "kexec_load: the next kernel gets the running kernel's tree",
}
_WHY_NO_TREE: Final = "kexec_load: this machine has no device tree"


def _why(request: LoadRequest) -> str:
    return _WHY[request.origin] if request.tree_bytes else _WHY_NO_TREE


def _need_bytes(request: LoadRequest) -> int:
    unpacked = request.kernel.memory_bytes if request.kernel.compression else 0
    initrds = sum(layout.round_up(size, mmap.PAGESIZE) for size in request.initrd_bytes)
    return request.kernel.memory_bytes + unpacked + initrds + layout.DTB_BYTES + _WORKING_BYTES


def _load(request: LoadRequest, given: LoadFiles) -> LoadReport:
    with ExitStack() as stack:
        bare, image = stack.enter_context(kernel_file.opened(request, given.kernel))
        sizes = tuple(os.fstat(fd).st_size for fd in given.initrds)
        if 0 in sizes:
            raise LoadError("an initrd is empty")
        head = os.pread(bare, HEAD_BYTES, 0)
        blob = b"" if given.tree is None else os.pread(given.tree, layout.DTB_BYTES + 1, 0)
        placed = place(request, Kernel(info=image, head=head), sizes, blob)
        kernel = stack.enter_context(files.mapped(bare))
        initrds = [stack.enter_context(files.mapped(fd)) for fd in given.initrds]
        flags = kexec.KEXEC_ON_CRASH if request.crash else 0
        kexec.kexec_load(placed.entry, _segments(placed, kernel, initrds), flags=flags)
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
        crash=request.crash,
    )


def _segments(
    placed: Placement, kernel: mmap.mmap, initrds: Sequence[mmap.mmap]
) -> list[KexecSegment]:
    plan = placed.layout
    pairs: list[tuple[Segment, mmap.mmap | bytearray, int]] = [
        (plan.kernel, kernel, placed.skip),
        *((where, data, 0) for where, data in zip(plan.initrds, initrds, strict=True)),
        *((where, bytearray(placed.filled[where.name]), 0) for where in plan.added),
    ]
    return [
        KexecSegment(data=data, start=where.start, memory_bytes=where.size, skip=skip)
        for where, data, skip in pairs
    ]


LOADER: Final = Loader(name=_NAME, why_not=_why_not, why=_why, need_bytes=_need_bytes, load=_load)
