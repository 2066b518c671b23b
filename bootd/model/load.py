"""Loads: what a loader is asked to put in memory, and what it did."""

from bootd.model.tree import TreeOrigin
from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of physical memory of the next kernel; `start` and `size` in bytes, page aligned.

    Attributes:
        name: `kernel`, `initrd`, `dtb`, `trampoline` or `elfcorehdr`.
    """

    name: str
    start: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What was loaded, or would have been.

    Attributes:
        loader: Name in the LOADERS table.
        tree: What tree the next kernel gets.
        tree_sha256: Hex digest of the blob in memory; "" when the kernel builds it itself.
        why: Sentence on why this loader and this tree.
        segments: Empty when the kernel places them itself.
        notes: Sentences that a person should see.
        executed: False for a dry run.
        crash: It waits for the running kernel to crash; nothing else starts it.
    """

    loader: str
    tree: TreeOrigin
    why: str
    tree_sha256: str = ""
    segments: tuple[Segment, ...] = ()
    notes: tuple[str, ...] = ()
    executed: bool = True
    crash: bool = False
