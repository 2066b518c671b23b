"""The last look at a layout before the kernel is asked to load it.

kexec_load(2) on arm64 does not check that a destination is memory, nor that it is free. This module
shares no code with the planner: it takes every pair of ranges and compares them.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations, product

from bootd.errors import LoadError
from bootd.model.load import Segment
from bootd.model.memory import MemoryMap, Range

_MAX_SEGMENTS = 16


def check(
    segments: Sequence[Segment], memory: MemoryMap, kept: Iterable[Range], page_bytes: int
) -> None:
    """Refuse a layout that would overwrite itself, reserved memory, or what is no memory.

    Args:
        segments: As planned.
        memory: Of the running kernel.
        kept: Ranges that must be left alone besides the map's own.
        page_bytes: Of the running kernel.

    Raises:
        LoadError: The first thing that is wrong. It is a mistake in bootd, and says so.
    """
    for reason in _faults(segments, memory, (*memory.reserved, *kept), page_bytes):
        raise LoadError(f"nothing was loaded, bootd planned a wrong layout: {reason}")


def _faults(
    segments: Sequence[Segment], memory: MemoryMap, kept: Sequence[Range], page_bytes: int
) -> Iterable[str]:
    if not 0 < len(segments) <= _MAX_SEGMENTS:
        yield f"{len(segments)} segments"
    for one in segments:
        if one.start % page_bytes or one.size % page_bytes or one.size <= 0:
            yield f"{_show(one)} is not page aligned"
        if not _in_memory(one, memory):
            yield f"{_show(one)} is not in memory"
    yield from _overlaps(segments, kept)


def _overlaps(segments: Sequence[Segment], kept: Sequence[Range]) -> Iterable[str]:
    for one, hole in product(segments, kept):
        if one.start < hole.end and hole.start < one.start + one.size:
            yield f"{_show(one)} lies over reserved {hole.start:#x}..{hole.end:#x}"
    for one, other in combinations(segments, 2):
        if max(one.start, other.start) < min(one.start + one.size, other.start + other.size):
            yield f"{_show(one)} overlaps {_show(other)}"


def _in_memory(one: Segment, memory: MemoryMap) -> bool:
    return any(ram.start <= one.start and one.start + one.size <= ram.end for ram in memory.ram)


def _show(segment: Segment) -> str:
    return f"{segment.name} {segment.start:#x}..{segment.start + segment.size:#x}"
