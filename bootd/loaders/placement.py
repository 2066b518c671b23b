"""Planning of a kexec_load: this machine's memory, the layout in it, and the finished tree."""

import hashlib
import os
from collections.abc import Mapping
from typing import Final

from bootd import fdt
from bootd.devicetree import finish
from bootd.errors import LoadError
from bootd.fdt import Fdt
from bootd.images import ImageInfo
from bootd.linux import iomem, kmsg
from bootd.loaders import check, crash, layout, tree_memory
from bootd.loaders.architecture import ARCHITECTURES, Inputs
from bootd.loaders.layout import Demand, Layout
from bootd.loaders.request import LoadRequest
from bootd.model.memory import MemoryMap, Range, subtract
from bootd.model.started import PROPERTY
from bootd.record import dataclass

_ITS: Final = b"arm,gic-v3-its"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A checked plan.

    Attributes:
        blob: The tree as it will lie in memory, initrd addresses and reservations in it; b""
            without one.
        entry: Address to jump to.
        skip: Bytes at the start of the kernel's file that are left out.
        filled: Bytes of the segments that come from no file, by name.
        notes: Sentences that a person should see.
    """

    layout: Layout
    blob: bytes
    entry: int
    skip: int
    filled: Mapping[str, bytes]
    notes: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Hex digest of the blob, "" without one."""
        return hashlib.sha256(self.blob).hexdigest() if self.blob else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A bare kernel.

    Attributes:
        info: What its header says.
        head: Its first bytes, `HEAD_BYTES` of them.
    """

    info: ImageInfo
    head: bytes


def place(
    request: LoadRequest, kernel: Kernel, initrd_bytes: tuple[int, ...], blob: bytes
) -> Placement:
    """Plan a load into this machine's memory and finish the tree for it.

    Args:
        request: What is to be loaded.
        kernel: The bare image.
        initrd_bytes: Lengths of the files as they are now.
        blob: The tree for the next kernel, without initrd addresses; b"" without one.

    Raises:
        LoadError: There is no room, or the plan does not stand up to the check.
        FdtError: The blob is damaged.
        OSError: /proc/iomem or the kernel's log may not be read.
    """
    architecture = ARCHITECTURES[kernel.info.architecture]
    if architecture.needs_tree and not blob:
        raise LoadError(f"an {architecture.name} kernel needs a device tree, and has none")
    memory = iomem.read()
    tree = fdt.read(blob) if blob else None
    if architecture.needs_tree and tree is not None and not tree_memory.is_known(tree):
        raise LoadError("the device tree describes no memory, and the kernel would find none")
    tables = kmsg.lpi_tables() if tree is not None else kmsg.LpiTables(ranges=())
    kept = (*_reserved(tree), *tables.ranges)
    page = os.sysconf("SC_PAGE_SIZE")
    core = crash.core(kernel.info.architecture, memory, tree) if request.crash else b""
    demand = Demand(
        text_offset=architecture.text_offset(kernel.info),
        kernel_bytes=kernel.info.memory_bytes,
        initrd_bytes=initrd_bytes,
        tree=tree is not None,
        core_bytes=len(core),
        page_bytes=page,
    )
    rules = architecture.rules(kernel.info, kernel.head)
    target = crash.target(memory) if request.crash else memory
    planned = layout.plan(_free(target, kept, _usable(tree)), demand, rules)
    check.check(planned.segments, target, kept, page)
    initrd = _initrd_range(planned, initrd_bytes)
    limits = crash.limits(tree, planned, memory) if request.crash and tree is not None else {}
    finished = _finish(request, blob, initrd, tables, limits) if blob else b""
    inputs = Inputs(
        head=kernel.head,
        blob=finished,
        cmdline=request.cmdline.encode("utf-8", "surrogateescape"),
        initrd=initrd,
    )
    lost = tree is not None and not tables.complete and tree_memory.has_node(tree, _ITS)
    return Placement(
        layout=planned,
        blob=finished,
        entry=architecture.entry(planned),
        skip=architecture.skip(kernel.head),
        filled={**architecture.fill(planned, inputs), "elfcorehdr": core},
        notes=(_LOG_LOST,) if lost else (),
    )


def _finish(
    request: LoadRequest,
    blob: bytes,
    initrd: tuple[int, int] | None,
    tables: kmsg.LpiTables,
    limits: Mapping[str, bytes],
) -> bytes:
    return finish.finish(
        blob,
        initrd_range=initrd,
        reservations=tuple((table.start, table.size) for table in tables.ranges),
        seeds=_seeds(),
        chosen={**chosen(request, "kexec_load", blob), **limits},
    )


def _reserved(tree: Fdt | None) -> tuple[Range, ...]:
    return () if tree is None else tree_memory.reserved(tree)


def _usable(tree: Fdt | None) -> tuple[Range, ...]:
    return () if tree is None else tree_memory.usable(tree)


_LOG_LOST: Final = (
    "The start of the kernel's log is overwritten, so memory that the interrupt controller "
    "writes to may have been missed; if the next kernel crashes, boot again right after power-on."
)


def chosen(request: LoadRequest, loader: str, blob: bytes) -> dict[str, bytes]:
    """Return the properties that tell the next kernel's user space how it was started.

    Args:
        request: What is loaded.
        loader: By which loader.
        blob: The tree as it was explained, before a loader finished it.
    """
    words = {
        "bootd,tree": request.origin.value,
        "bootd,loader": loader,
        "bootd,sha256": hashlib.sha256(blob).hexdigest(),
    }
    if request.option:
        words[PROPERTY] = request.option
    return {
        name: text.encode("utf-8", "surrogateescape").replace(b"\0", b"") + b"\0"
        for name, text in words.items()
    }


def _free(
    memory: MemoryMap, kept: tuple[Range, ...], usable: tuple[Range, ...]
) -> tuple[Range, ...]:
    """Memory that both kernels know and nobody reserves."""
    free = subtract(memory.ram, (*memory.reserved, *kept))
    if not usable:  # EFI boots describe memory in a table of the firmware instead
        return free
    return subtract(free, subtract(free, usable))


def _initrd_range(planned: Layout, initrd_bytes: tuple[int, ...]) -> tuple[int, int] | None:
    if not planned.initrds:
        return None
    return planned.initrds[0].start, planned.initrds[-1].start + initrd_bytes[-1]


def _seeds() -> finish.Seeds | None:
    """Fresh entropy; none while the running kernel has too little itself."""
    try:
        return finish.Seeds(
            kaslr=os.getrandom(8, os.GRND_NONBLOCK),
            rng=os.getrandom(finish.RNG_SEED_BYTES, os.GRND_NONBLOCK),
        )
    except BlockingIOError:
        return None
