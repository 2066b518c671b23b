"""What `kexec_load` has to know about an architecture: the record of a row of the table."""

from collections.abc import Callable, Mapping

from bootd.images import ImageInfo
from bootd.loaders.layout import Layout, Rules
from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What goes into memory beside kernel and initrd.

    Attributes:
        head: First bytes of the bare kernel's file.
        blob: The finished tree, b"" without one.
        cmdline: Without a NUL.
        initrd: Physical (start, end), or None.
    """

    head: bytes
    blob: bytes = b""
    cmdline: bytes = b""
    initrd: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A row of the table.

    Attributes:
        name: For a person.
        kinds: Of bare images that there is a layout for.
        needs_tree: Its kernels cannot start without a device tree.
        rules: Where things may lie, for a kernel and the first bytes of its file.
        text_offset: Bytes above an aligned address where the kernel lies.
        skip: Bytes at the start of the kernel's file that are not put into memory.
        entry: Address that the running kernel jumps to.
        fill: Bytes of the segments `dtb` and `trampoline`, by name.
        crash: A kernel learns from its device tree alone that another one has crashed.
    """

    name: str
    kinds: tuple[str, ...]
    needs_tree: bool
    rules: Callable[[ImageInfo, bytes], Rules]
    text_offset: Callable[[ImageInfo], int]
    skip: Callable[[bytes], int]
    entry: Callable[[Layout], int]
    fill: Callable[[Layout, Inputs], Mapping[str, bytes]]
    crash: bool = False


def no_skip(_head: bytes) -> int:
    """Put the whole file into memory."""
    return 0


def at_kernel(layout: Layout) -> int:
    """Enter the kernel at its first byte."""
    return layout.kernel.start


def tree_alone(_layout: Layout, inputs: Inputs) -> Mapping[str, bytes]:
    """Add nothing but the tree: the running kernel finds it among the segments by its magic."""
    return {"dtb": inputs.blob}
