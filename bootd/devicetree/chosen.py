"""Rules on /chosen: written for the next kernel, never copied, with the exceptions named here.

Entropy is never used twice: seeds are put in at the end (`bootd.devicetree.finish`).
"""

from collections.abc import Iterator
from typing import Final

from bootd.devicetree.edit import Edit, Why, add_node, assign, delete, refuse
from bootd.devicetree.scene import Scene
from bootd.errors import FdtError, MergeRefusedError
from bootd.fdt import address, cells
from bootd.fdt.tree import Fdt, resolve
from bootd.model.tree import FactSource

CHOSEN: Final = "/chosen"

_KEXEC_FLAG: Final = "linux,booted-from-kexec"

STALE: Final = frozenset(
    {
        "bootargs-append",
        "kaslr-seed",
        "linux,crashkernel-base",
        "linux,crashkernel-size",
        "linux,elfcorehdr",
        "linux,ima-kexec-buffer",
        "linux,initrd-end",
        "linux,initrd-start",
        "linux,kho-fdt",
        "linux,kho-scratch",
        "linux,tpm-kexec-buffer",
        "linux,usable-memory",
        "linux,usable-memory-range",
        "rng-seed",
    }
)
"""Properties that were true for one kernel only: they name memory or secrets of that boot."""

_EFI: Final = (
    "linux,uefi-system-table",
    "linux,uefi-mmap-start",
    "linux,uefi-mmap-size",
    "linux,uefi-mmap-desc-size",
    "linux,uefi-mmap-desc-ver",
)

_EFI_PREFIX: Final = "linux,uefi-"
"""All of them are brought over when those five are there, or none."""

_FROM_LIVE: Final = ("linux,pci-probe-only", "boot-hartid", "smbios3-entrypoint")

_FROM_SHIPPED: Final = frozenset(
    {"#address-cells", "#size-cells", "ranges", "phandle", "linux,phandle"}
)
"""What children of the DTB's /chosen need to be readable; everything else there is dropped."""

_BUFFERS: Final = (
    "linux,elfcorehdr",
    "linux,ima-kexec-buffer",
    "linux,tpm-kexec-buffer",
    "linux,kho-fdt",
    "linux,kho-scratch",
)
"""Properties whose value is an address and a size, each in the root's cells."""

_BOOTARGS: Final = Why(
    rule="bootargs",
    reason="the command line of the boot option, and of nothing else",
    source=FactSource.BOOT_OPTION,
)
_CLEAN: Final = Why(
    rule="chosen",
    reason="/chosen is written for each kernel: this value belonged to another boot",
    source=FactSource.POLICY,
)
_KEXEC: Final = Why(
    rule="chosen",
    reason="tells the next kernel that firmware did not run in between",
    source=FactSource.POLICY,
)
_CONSOLE: Final = Why(rule="console", reason="the console that this board is being used with")
_LIVE: Final = Why(rule="chosen", reason="handed over by the firmware; the DTB cannot know it")


def boots_by_efi(live: Fdt) -> bool:
    """Say whether the running kernel was handed an EFI memory map."""
    node = live.root.children.get("chosen")
    return node is not None and all(name in node.properties for name in _EFI)


def stale_ranges(live: Fdt) -> frozenset[tuple[int, int]]:
    """Return the (start, size) that reservations of the running kernel's own things may have."""
    node = live.root.children.get("chosen")
    if node is None:
        return frozenset()
    found: set[tuple[int, int]] = set()
    values = node.properties
    if "linux,initrd-start" in values and "linux,initrd-end" in values:
        try:
            start = cells.number(values["linux,initrd-start"])
            size = cells.number(values["linux,initrd-end"]) - start
        except FdtError:
            start = size = 0
        # Firmware reserves the exact size, kernels a whole number of pages.
        found |= {(start, size), (start, (size + 0xFFF) & ~0xFFF)}
    for name in _BUFFERS:
        try:
            found |= set(address.decode(values.get(name, b""), address.layout(live.root)))
        except FdtError:
            continue
    return frozenset(entry for entry in found if entry[1] > 0)


def chosen(scene: Scene) -> Iterator[Edit]:
    """Write the base's /chosen: command line, console and what only the firmware knows."""
    base = scene.base.find(CHOSEN)
    if base is None:
        yield add_node(CHOSEN, _CLEAN)
    else:
        wanted = _FROM_SHIPPED | {"bootargs", "stdout-path", _KEXEC_FLAG, *_FROM_LIVE}
        gone = [n for n in base.properties if n not in wanted and not n.startswith(_EFI_PREFIX)]
        yield from (delete(CHOSEN, name, _CLEAN) for name in gone)
    yield from _always(scene.base, scene.cmdline)
    yield from _console(scene)
    yield from _handed_over(scene)


def rewrite_running(live: Fdt, cmdline: str) -> Iterator[Edit]:
    """Change the running tree's /chosen to what the next kernel needs."""
    node = live.find(CHOSEN)
    if node is None:
        yield add_node(CHOSEN, _CLEAN)
    else:
        gone = [name for name in node.properties if name in STALE or name.startswith("bootd,")]
        yield from (delete(CHOSEN, name, _CLEAN) for name in gone)
    yield from _always(live, cmdline)


def _always(base: Fdt, cmdline: str) -> Iterator[Edit]:
    yield from assign(base, CHOSEN, "bootargs", cells.from_string(cmdline), _BOOTARGS)
    yield from assign(base, CHOSEN, _KEXEC_FLAG, b"", _KEXEC)


def _console(scene: Scene) -> Iterator[Edit]:
    """Say where the console is, as a path: aliases may mean another port in the other tree."""
    node = scene.live.find(CHOSEN)
    values = {} if node is None else node.properties
    value = values.get("stdout-path") or values.get("linux,stdout-path")
    if not value:
        return
    text, colon, options = cells.string(value).partition(":")
    live_path = resolve(scene.live, text)
    pairing = None if live_path is None else scene.match.find(live_path)
    node = None if pairing is None else scene.base.find(pairing.path)
    if pairing is not None and node is not None and cells.is_enabled(node):
        target = cells.from_string(f"{pairing.path}{colon}{options}")
        ours = cells.string(scene.base.get(CHOSEN, "stdout-path") or b"")
        # Already meant by the DTB's own value, be it an alias: nothing to change.
        if resolve(scene.base, ours.partition(":")[0]) != pairing.path:
            yield from assign(scene.base, CHOSEN, "stdout-path", target, _CONSOLE)
        return
    if scene.base.get(CHOSEN, "stdout-path") is None and "console=" not in scene.cmdline:
        msg = (
            f"the console {text!r:.80} of this board is not in the DTB or off there, and neither"
            " the DTB nor the command line (console=) names one: the next kernel would be silent"
        )
        raise MergeRefusedError(msg)
    reason = "the console of this board is not in the DTB or off there; its own stays"
    lost = Why(rule="console", reason=reason)
    yield refuse(CHOSEN, "stdout-path", lost)


def _handed_over(scene: Scene) -> Iterator[Edit]:
    node = scene.live.find(CHOSEN)
    base = scene.base.find(CHOSEN)
    values = {} if node is None else node.properties
    efi = boots_by_efi(scene.live)
    ours = {} if base is None else base.properties
    for name in ours | values:
        if name not in _FROM_LIVE and not name.startswith(_EFI_PREFIX):
            continue
        value = values.get(name) if efi or name in _FROM_LIVE else None
        if value is not None:
            yield from assign(scene.base, CHOSEN, name, value, _LIVE)
        elif name in ours:
            yield delete(CHOSEN, name, _CLEAN)
