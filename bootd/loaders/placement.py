"""Planning of a kexec_load: this machine's memory, the layout in it, and the finished tree."""

import hashlib
import os
from typing import Final

from bootd import fdt
from bootd.devicetree import finish
from bootd.images import ImageInfo
from bootd.linux import iomem, kmsg
from bootd.loaders import check, layout, tree_memory
from bootd.loaders.layout import Demand, Layout
from bootd.loaders.request import LoadRequest
from bootd.model.memory import MemoryMap, Range, subtract
from bootd.record import dataclass

_ITS: Final = b"arm,gic-v3-its"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A checked plan.

    Attributes:
        blob: The tree as it will lie in memory, initrd addresses and reservations in it.
        notes: Sentences that a person should see.
    """

    layout: Layout
    blob: bytes
    notes: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Hex digest of the blob."""
        return hashlib.sha256(self.blob).hexdigest()


def place(
    request: LoadRequest, kernel: ImageInfo, initrd_bytes: tuple[int, ...], blob: bytes
) -> Placement:
    """Plan a load into this machine's memory and finish the tree for it.

    Args:
        request: What is to be loaded.
        kernel: Of the bare image.
        initrd_bytes: Lengths of the files as they are now.
        blob: The tree for the next kernel, without initrd addresses.

    Raises:
        LoadError: There is no room, or the plan does not stand up to the check.
        FdtError: The blob is damaged.
        OSError: /proc/iomem or the kernel's log may not be read.
    """
    memory = iomem.read()
    tables = kmsg.lpi_tables()
    tree = fdt.read(blob)
    kept = (*tree_memory.reserved(tree), *tables.ranges)
    page = os.sysconf("SC_PAGE_SIZE")
    planned = layout.plan(
        _free(memory, kept, tree_memory.usable(tree)),
        Demand(
            text_offset=kernel.text_offset,
            kernel_bytes=kernel.memory_bytes,
            initrd_bytes=initrd_bytes,
            page_bytes=page,
            lowest_only=kernel.lowest_only,
        ),
    )
    check.check(planned.segments, memory, kept, page)
    finished = finish.finish(
        blob,
        initrd_range=_initrd_range(planned, initrd_bytes),
        reservations=tuple((table.start, table.size) for table in tables.ranges),
        seeds=_seeds(),
        chosen=chosen(request, "kexec_load"),
    )
    notes = () if tables.complete or not tree_memory.has_node(tree, _ITS) else (_LOG_LOST,)
    return Placement(layout=planned, blob=finished, notes=notes)


_LOG_LOST: Final = (
    "The start of the kernel's log is overwritten, so memory that the interrupt controller "
    "writes to may have been missed; if the next kernel crashes, boot again right after power-on."
)


def chosen(request: LoadRequest, loader: str) -> dict[str, bytes]:
    """Return the properties that tell the next kernel's user space how it was started."""
    words = {"bootd,tree": request.origin.value, "bootd,loader": loader}
    if request.option:
        words["bootd,option"] = request.option
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
