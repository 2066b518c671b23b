"""Where the parts of a kernel go in physical memory, by the rules of its architecture.

The tree gets a block of 2 MiB of its own: on arm64 it may be at most so long and cross no such
boundary. What the running kernel occupies may be overwritten: it has left by then.
"""

from collections.abc import Sequence
from typing import Final

from bootd.errors import LoadError
from bootd.model.load import Segment
from bootd.model.memory import Range, subtract
from bootd.record import dataclass

DTB_BYTES: Final = 2 << 20
MAX_INITRDS: Final = 13
"""kexec_load(2) takes 16 segments; kernel, tree and trampoline are one each."""

_INITRD_ALIGN: Final = 64 << 10
"""The next kernel frees the initrd in whole pages of its own, which may be this large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an architecture demands of the places; bounds are addresses, the rest bytes.

    Attributes:
        kernel_align: The kernel lies `text_offset` above a multiple of this.
        window_bytes: The initrd lies in a window of this length that covers the kernel.
        window_align: The window starts at a multiple of this.
        tree_in_window: So does the tree.
        floor: Nothing lies below.
        kernel_floor: Nor does the kernel.
        ceiling: Nothing reaches above.
        initrd_ceiling: Nor does the initrd.
        tail_align: Nothing shares the kernel's last block of this length, a power of two, which it
            frees and protects as a whole.
        trampoline_bytes: Length of what the architecture adds, 0 for nothing.
        lowest_only: The kernel finds nothing that lies below it.
    """

    kernel_align: int
    window_bytes: int = 1 << 64
    window_align: int = 1 << 64
    tree_in_window: bool = False
    floor: int = 0
    kernel_floor: int = 0
    ceiling: int = 1 << 64
    initrd_ceiling: int = 1 << 64
    tail_align: int = 64 << 10
    trampoline_bytes: int = 0
    lowest_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What has to be placed.

    Attributes:
        text_offset: Of the kernel, less than its alignment.
        kernel_bytes: Memory of the kernel from its first byte, its BSS included.
        initrd_bytes: Length of each initrd, in order; none may be 0.
        tree: Whether there is one.
        core_bytes: Length of the ELF core header of a crash kernel, 0 without one.
        page_bytes: Of the running kernel, a power of two.
    """

    text_offset: int
    kernel_bytes: int
    initrd_bytes: tuple[int, ...] = ()
    tree: bool = True
    core_bytes: int = 0
    page_bytes: int = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything goes; segments are page aligned and do not overlap.

    The initrds follow each other, each at the start of a page with zeros up to the next: the
    kernel's unpacker passes over zeros between archives
    (Documentation/driver-api/early-userspace/buffer-format.rst).
    """

    kernel: Segment
    initrds: tuple[Segment, ...]
    dtb: Segment | None
    trampoline: Segment | None
    core: Segment | None = None

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All of them: kernel, initrds, tree, trampoline, ELF core header."""
        return (self.kernel, *self.initrds, *self.added)

    @property
    def added(self) -> tuple[Segment, ...]:
        """Those that come from no file: tree, trampoline, ELF core header."""
        added = (self.dtb, self.trampoline, self.core)
        return tuple(one for one in added if one is not None)


def round_up(size: int, align: int) -> int:
    """Return the next multiple of `align` that is not below `size`."""
    return -(-size // align) * align


def plan(free: Sequence[Range], demand: Demand, rules: Rules) -> Layout:
    """Place everything in free memory, the kernel as low as it can.

    Args:
        free: Memory that may be overwritten; what must be kept is already taken out.
        demand: What to place.
        rules: Of the architecture.

    Raises:
        LoadError: There is no room, or there are too many initrds.
    """
    if len(demand.initrd_bytes) > MAX_INITRDS:
        raise LoadError(
            f"the option has {len(demand.initrd_bytes)} initrds, "
            f"kexec_load takes at most {MAX_INITRDS}"
        )
    free = within(free, Range(rules.floor, rules.ceiling))
    for kernel in _kernel_places(free, demand, rules):
        if (layout := _around(kernel, free, demand, rules)) is not None:
            return layout
    raise LoadError(
        f"no room in physical memory for the kernel ({_mib(demand.kernel_bytes)}) "
        f"and its initrd ({_mib(sum(demand.initrd_bytes))}): "
        f"the largest free stretch has {_mib(max((part.size for part in free), default=0))}"
        + _bounds(rules)
    )


def _bounds(rules: Rules) -> str:
    """Say what else was in the way."""
    if rules.initrd_ceiling < 1 << 64:
        return f", and this kernel reads an initrd only below {_mib(rules.initrd_ceiling)}"
    if rules.window_bytes < 1 << 64:
        return f", and they have to lie within {_mib(rules.window_bytes)} of each other"
    return ""


def _kernel_places(free: Sequence[Range], demand: Demand, rules: Rules) -> list[Segment]:
    """The lowest place in each stretch, and the highest: the initrd may fit only below it."""
    lowest: list[Segment] = []
    highest: list[Segment] = []
    size = round_up(demand.kernel_bytes, demand.page_bytes)
    align = rules.kernel_align
    for part in sorted(free):
        base = round_up(max(part.start, rules.kernel_floor), align)
        top = (part.end - size - demand.text_offset) // align * align
        if base <= top:
            lowest.append(Segment(name="kernel", start=base + demand.text_offset, size=size))
            highest.append(Segment(name="kernel", start=top + demand.text_offset, size=size))
    return lowest + highest


def _around(kernel: Segment, free: Sequence[Range], demand: Demand, rules: Rules) -> Layout | None:
    base = kernel.start // rules.kernel_align * rules.kernel_align
    taken = Range(base, round_up(kernel.start + kernel.size, rules.tail_align))
    left: Sequence[Range] = subtract(free, (taken,))
    if rules.lowest_only:
        left = within(left, Range(base, 1 << 64))
    first = _initrd_start(kernel, left, demand, rules)
    if first is None:
        return None
    initrds = _chain(first, demand)
    left = subtract(left, (Range(one.start, round_up(one.start + one.size, _INITRD_ALIGN))
                           for one in initrds))  # fmt: skip
    near = within(left, Range(base, base + rules.window_bytes)) if rules.tree_in_window else left
    dtb = _place("dtb", near, DTB_BYTES if demand.tree else 0, DTB_BYTES)
    left = _without(left, dtb)
    page = demand.page_bytes
    code = _place("trampoline", left, round_up(rules.trampoline_bytes, page), page)
    core = _place("elfcorehdr", _without(left, code), round_up(demand.core_bytes, page), page)
    wanted = (demand.tree, rules.trampoline_bytes, demand.core_bytes)
    if any(size and one is None for size, one in zip(wanted, (dtb, code, core), strict=True)):
        return None
    return Layout(kernel=kernel, initrds=initrds, dtb=dtb, trampoline=code, core=core)


def _without(free: Sequence[Range], taken: Segment | None) -> Sequence[Range]:
    if taken is None:
        return free
    return subtract(free, (Range(taken.start, taken.start + taken.size),))


def _place(name: str, free: Sequence[Range], size: int, align: int) -> Segment | None:
    start = _first_fit(free, size, align) if size else None
    return None if start is None else Segment(name=name, start=start, size=size)


def _initrd_start(
    kernel: Segment, free: Sequence[Range], demand: Demand, rules: Rules
) -> int | None:
    total = sum(round_up(size, demand.page_bytes) for size in demand.initrd_bytes)
    if total == 0:
        return 0
    end = kernel.start + kernel.size
    # Any window that covers the kernel will do; the two extreme ones reach everything.
    align = rules.window_align
    lowest = max(0, round_up(end - rules.window_bytes, align))
    for start in (kernel.start // align * align, lowest):
        window_end = min(start + rules.window_bytes, rules.initrd_ceiling)
        inside = within(free, Range(start, window_end)) if start < window_end else ()
        if (found := _first_fit(inside, total, _INITRD_ALIGN)) is not None:
            return found
    return None


def within(free: Sequence[Range], window: Range) -> tuple[Range, ...]:
    """Return what of `free` lies in `window`."""
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
