"""What a loader is asked, and the record that every row of the LOADERS table fills in."""

from collections.abc import Callable
from typing import Final

from bootd.images import ImageInfo
from bootd.model.load import LoadReport
from bootd.model.machine import Machine
from bootd.model.tree import TreeOrigin
from bootd.record import dataclass

_CMDLINE_BYTES: Final = {"arm": 1023, "riscv64": 1023}
_MAX_CMDLINE_BYTES: Final = 2047


def cmdline_limit(kernel: ImageInfo) -> int:
    """Return how long a kernel's command line may be; longer ones are cut silently.

    What the image itself says counts, else COMMAND_LINE_SIZE of its architecture without the NUL
    (arch/*/include/uapi/asm/setup.h).
    """
    return kernel.cmdline_bytes or _CMDLINE_BYTES.get(kernel.architecture, _MAX_CMDLINE_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """Everything about a load that can be known without opening the files.

    Attributes:
        option: Id of the boot option, for the next kernel's /chosen.
        kernel: As its header describes it.
        initrd_bytes: Length of each initrd, in order.
        cmdline: Exactly what the next kernel gets.
        origin: What the tree was made from.
        tree_bytes: Length of the blob, 0 on a machine without a device tree.
        tree_changed: The blob differs from the running kernel's tree elsewhere than in /chosen.
        memory_available: MemAvailable in bytes, 0 when unknown.
        memory_total: MemTotal in bytes, 0 when unknown.
        crash: It is to wait for the running kernel to crash, in memory set aside for that.
    """

    option: str
    kernel: ImageInfo
    initrd_bytes: tuple[int, ...] = ()
    cmdline: str = ""
    origin: TreeOrigin = TreeOrigin.RUNNING
    tree_bytes: int = 0
    tree_changed: bool = False
    memory_available: int = 0
    memory_total: int = 0
    crash: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadJob:
    """What the helper is told: which loader, what to load, and whether a tree comes along.

    Attributes:
        watchdog_s: What a watchdog will be set to right before the jump; 0: none will be.
    """

    loader: str
    request: LoadRequest
    has_tree: bool
    watchdog_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFiles:
    """Open files of a load; all stay the caller's.

    Attributes:
        kernel: Open for reading, at offset 0.
        initrds: In order.
        tree: The blob, or None on a machine without a device tree.
    """

    kernel: int
    initrds: tuple[int, ...] = ()
    tree: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """A row of the LOADERS table.

    Attributes:
        name: Shown to people and written into the next kernel's /chosen.
        why_not: A sentence on why it cannot load this here, or None. Pure.
        why: A sentence on what the next kernel gets from it.
        need_bytes: Memory that has to be free for it.
        load: Puts the kernel in memory, in a process of its own. Raises LoadError, ImageError,
            FdtError or OSError; the caller unloads then.
        own_tree: The running kernel makes the next one's tree, so that nothing can be said in it.
    """

    name: str
    why_not: Callable[[LoadRequest, Machine], str | None]
    why: Callable[[LoadRequest], str]
    need_bytes: Callable[[LoadRequest], int]
    load: Callable[[LoadRequest, LoadFiles], LoadReport]
    own_tree: bool = False
