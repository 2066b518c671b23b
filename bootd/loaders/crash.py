"""A kernel that waits for the running one to crash: where it may lie, and what it has to know.

Source: Documentation/admin-guide/kdump/kdump.rst; drivers/of/fdt.c for the properties
`linux,usable-memory-range` and `linux,elfcorehdr` of /chosen. The running kernel checks that
everything lies in the memory that `crashkernel=` set aside for it (kernel/kexec_core.c).
"""

import re
from typing import Final

from bootd.errors import LoadError
from bootd.fdt import Fdt, address
from bootd.linux import crash_notes
from bootd.loaders import elfcore, tree_memory
from bootd.loaders.layout import Layout
from bootd.model.machine import Machine
from bootd.model.memory import MemoryMap, subtract

_DROPPED: Final = "crashkernel="
_ADDED: Final = ("reset_devices", "nr_cpus=1", "irqpoll")
"""What distributions add as well: old transfers may still run, and one processor is enough."""

_WORD: Final = re.compile(r'(\s*)((?:[^\s"]|"[^"]*"?)+)')
"""Spaces, and a word in which they may stand between quotes (lib/cmdline.c, next_arg)."""

_NO_MEMORY: Final = (
    "no memory is set aside for a crash kernel: start the running kernel with crashkernel=256M on "
    "its command line"
)


def why_not(machine: Machine) -> str | None:
    """Say why this machine can keep no crash kernel, or None."""
    return None if machine.crash_bytes else _NO_MEMORY


def cmdline(words: str) -> str:
    """Return the command line of an entry, as a crash kernel needs it."""
    pairs = [pair for pair in _WORD.findall(words) if not pair[1].startswith(_DROPPED)]
    given = {word for _, word in pairs}
    kept = "".join(space + word for space, word in pairs).strip()
    return " ".join(filter(None, (kept, *(word for word in _ADDED if word not in given))))


def target(memory: MemoryMap) -> MemoryMap:
    """Return the memory that a crash kernel may be put in: the largest stretch set aside.

    Raises:
        LoadError: There is none.
    """
    if not memory.crash:
        raise LoadError(_NO_MEMORY)
    largest = max(memory.crash, key=lambda part: part.size)
    return MemoryMap(ram=(largest,))


def core(architecture: str, memory: MemoryMap, tree: Fdt | None) -> bytes:
    """Return the ELF core header; firmware's memory is left out, which may not be read.

    Raises:
        LoadError, OSError: As `crash_notes.read`.
        FdtError: The tree is damaged.
    """
    foreign = () if tree is None else tree_memory.foreign(tree)
    dumped = subtract(memory.ram, (*memory.crash, *foreign))
    return elfcore.build(architecture, crash_notes.read(), dumped)


def limits(tree: Fdt, planned: Layout, memory: MemoryMap) -> dict[str, bytes]:
    """Return the properties of /chosen that keep a crash kernel off the crashed one's memory.

    Raises:
        FdtError: The tree has too few cells for its memory.
    """
    cells = address.layout(tree.root)
    usable = [(part.start, part.size) for part in memory.crash]
    found = {"linux,usable-memory-range": address.encode(usable, cells)}
    if planned.core is not None:
        place = ((planned.core.start, planned.core.size),)
        found["linux,elfcorehdr"] = address.encode(place, cells)
    return found
