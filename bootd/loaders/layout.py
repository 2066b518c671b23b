"""Where the parts of an arm64 kernel go in physical memory.

Rules: Documentation/arch/arm64/booting.rst. The kernel lies `text_offset` above a multiple of
2 MiB; the initrd lies with it in one window of 32 GiB that starts at a multiple of 1 GiB; the tree
is 8-byte aligned, at most 2 MiB long and crosses no 2 MiB boundary, for which it gets a block of
its own. What the running kernel occupies may be overwritten: it has left by then.
"""

from collections.abc import Sequence
from typing import Final

from bootd.errors import LoadError
from bootd.model.load import Segment
from bootd.model.memory import Range, subtract
from bootd.record import dataclass

DTB_BYTES: Final = 2 << 20
KERNEL_ALIGN: Final = 2 << 20
MAX_INITRDS: Final = 13
"""kexec_load(2) takes 16 segments; kernel, tree and trampoline are one each."""

_INITRD_ALIGN: Final = 64 << 10
"""The next kernel frees the initrd in whole pages of its own, which may be this large."""

_WINDOW: Final = 32 << 30
_WINDOW_ALIGN: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What has to be placed.

    Attributes:
        text_offset: From the kernel's header.
        kernel_bytes: Memory of the kernel from its first byte, its BSS included.
        initrd_bytes: Length of each initrd, in order; none may be 0.
        page_bytes: Of the running kernel, a power of two.
        lowest_only: The kernel finds nothing that lies below it.
    """

    text_offset: int
    kernel_bytes: int
    initrd_bytes: tuple[int, ...] = ()
    page_bytes: int = 4096
    lowest_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything goes; segments are page aligned and do not overlap.

    The initrds follow each other, each at the start of a page with zeros up to the next: the
    kernel's unpacker passes over zeros between archives
    (Documentation/driver-api/early-userspace/buffer-format.rst).
    """

    kernel: Segment
    initrds: tuple[Segment, ...]
    dtb: Segment
    trampoline: Segment

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All of them: kernel, initrds, tree, trampoline."""
        return (self.kernel, *self.initrds, self.dtb, self.trampoline)


def round_up(size: int, align: int) -> int:
    """Return the next multiple of `align` that is not below `size`."""
    return -(-size // align) * align


def plan(free: Sequence[Range], demand: Demand) -> Layout:
    """Place everything in free memory, the kernel as low as it can.

    Args:
        free: Memory that may be overwritten; what must be kept is already taken out.
        demand: What to place.

    Raises:
        LoadError: There is no room, or there are too many initrds.
    """
    if len(demand.initrd_bytes) > MAX_INITRDS:
        raise LoadError(
            f"the option has {len(demand.initrd_bytes)} initrds, "
            f"kexec_load takes at most {MAX_INITRDS}"
        )
    for kernel in _kernel_places(free, demand):
        if (layout := _around(kernel, free, demand)) is not None:
            return layout
    raise LoadError(
        f"no room in physical memory for the kernel ({_mib(demand.kernel_bytes)}) "
        f"and its initrd ({_mib(sum(demand.initrd_bytes))}): "
        f"the largest free stretch has {_mib(max((part.size for part in free), default=0))}"
    )


def _kernel_places(free: Sequence[Range], demand: Demand) -> list[Segment]:
    """The lowest place in each stretch, and the highest: the initrd may fit only below it."""
    lowest: list[Segment] = []
    highest: list[Segment] = []
    size = round_up(demand.kernel_bytes, demand.page_bytes)
    for part in sorted(free):
        base = round_up(part.start, KERNEL_ALIGN)
        top = (part.end - size - demand.text_offset) // KERNEL_ALIGN * KERNEL_ALIGN
        if base <= top:
            lowest.append(Segment(name="kernel", start=base + demand.text_offset, size=size))
            highest.append(Segment(name="kernel", start=top + demand.text_offset, size=size))
    return lowest + highest


def _around(kernel: Segment, free: Sequence[Range], demand: Demand) -> Layout | None:
    # Nothing may share the kernel's last 64 KiB, which it frees and protects as a whole.
    taken = Range(kernel.start // KERNEL_ALIGN * KERNEL_ALIGN,
                  round_up(kernel.start + kernel.size, _INITRD_ALIGN))  # fmt: skip
    left: Sequence[Range] = subtract(free, (taken,))
    if demand.lowest_only:
        left = _within(left, Range(taken.start, 1 << 64))
    first = _initrd_start(kernel, left, demand)
    if first is None:
        return None
    initrds = _chain(first, demand)
    left = subtract(left, (Range(one.start, round_up(one.start + one.size, _INITRD_ALIGN))
                           for one in initrds))  # fmt: skip
    dtb = _first_fit(left, DTB_BYTES, DTB_BYTES)
    if dtb is None:
        return None
    left = subtract(left, (Range(dtb, dtb + DTB_BYTES),))
    code = _first_fit(left, demand.page_bytes, demand.page_bytes)
    if code is None:
        return None
    return Layout(
        kernel=kernel,
        initrds=initrds,
        dtb=Segment(name="dtb", start=dtb, size=DTB_BYTES),
        trampoline=Segment(name="trampoline", start=code, size=demand.page_bytes),
    )


def _initrd_start(kernel: Segment, free: Sequence[Range], demand: Demand) -> int | None:
    total = sum(round_up(size, demand.page_bytes) for size in demand.initrd_bytes)
    if total == 0:
        return 0
    end = kernel.start + kernel.size
    # Any window that covers the kernel will do; the two extreme ones reach everything.
    lowest = max(0, round_up(end - _WINDOW, _WINDOW_ALIGN))
    for start in (kernel.start // _WINDOW_ALIGN * _WINDOW_ALIGN, lowest):
        inside = _within(free, Range(start, start + _WINDOW))
        if (found := _first_fit(inside, total, _INITRD_ALIGN)) is not None:
            return found
    return None


def _within(free: Sequence[Range], window: Range) -> tuple[Range, ...]:
    pairs = ((max(part.start, window.start), min(part.end, window.end)) for part in free)
    return tuple(Range(start, end) for start, end in pairs if start < end)


def _chain(start: int, demand: Demand) -> tuple[Segment, ...]:
    chained: list[Segment] = []
    for size in demand.initrd_bytes:
        padded = round_up(size, demand.page_bytes)
        chained.append(Segment(name="initrd", start=start, size=padded))
        start += padded
    return tuple(chained)


def _first_fit(free: Sequence[Range], size: int, align: int) -> int | None:
    for part in free:
        start = round_up(part.start, align)
        if start + size <= part.end:
            return start
    return None


def _mib(size: int) -> str:
    return f"{round_up(size, 1 << 20) >> 20} MiB"
