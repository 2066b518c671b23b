"""Physical memory as the next kernel may find it: ranges, and what has to be left alone."""

from collections.abc import Iterable

from bootd.record import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """Physical addresses from `start` up to, not including, `end`; never empty."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            msg = f"not a memory range: {self.start:#x}..{self.end:#x}"
            raise ValueError(msg)

    @property
    def size(self) -> int:
        """Bytes in the range."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryMap:
    """What the running kernel says about physical memory.

    Attributes:
        ram: Usable memory, reserved parts included, in the order of addresses.
        reserved: What must keep its content over a kexec; may lie outside `ram` and overlap.
        crash: What of it was set aside for a kernel that takes over when the running one crashes.
    """

    ram: tuple[Range, ...]
    reserved: tuple[Range, ...] = ()
    crash: tuple[Range, ...] = ()


def subtract(ranges: Iterable[Range], holes: Iterable[Range]) -> tuple[Range, ...]:
    """Return what is left of `ranges` without `holes`, in the order of addresses."""
    left = sorted(ranges)
    for hole in sorted(holes):
        left = [piece for whole in left for piece in _without(whole, hole)]
    return tuple(left)


def _without(whole: Range, hole: Range) -> tuple[Range, ...]:
    if hole.end <= whole.start or hole.start >= whole.end:
        return (whole,)
    before = (Range(whole.start, hole.start),) if whole.start < hole.start else ()
    after = (Range(hole.end, whole.end),) if hole.end < whole.end else ()
    return before + after
