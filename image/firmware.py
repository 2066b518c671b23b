"""Device trees of the emulated boards: what firmware hands over, and what a system ships.

QEMU makes its tree itself, so there is nothing in it that only firmware knows. `firmware_tree`
stands in for a board's firmware: it adds what real firmware fixes up (serial number, MAC address,
the exact model). `shipped_tree` is what a distribution would ship for that board: without these,
without memory, PSCI and stdout-path, with other phandles, and with a node of its own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from image import command

MEMORY_MIB: Final = 512
PROCESSORS: Final = 2
ETHERNET: Final = "/ethernet@b000000"
MAC: Final = "52:54:00:b0:07:d0"
SERIAL: Final = "BOOTD-0001"
GREETING: Final = "from the shipped tree"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """An emulated board.

    Attributes:
        name: Word for `make run BOARD=…`.
        machine: QEMU's machine with its options.
        compatible: Most specific root compatible string.
        model: For people.
    """

    name: str
    machine: str
    compatible: str
    model: str

    @property
    def dtb(self) -> str:
        """Where a system's folder of DTBs has this board's."""
        return f"{self.compatible.replace(',', '/')}.dtb"


BOARDS: Final = {
    board.name: board
    for board in (
        Board(
            name="virt",
            machine="virt,gic-version=2",
            compatible="qemu,virt-gicv2",
            model="QEMU virt board, GICv2",
        ),
        Board(
            name="virt-gicv3",
            machine="virt,gic-version=3",
            compatible="qemu,virt-gicv3",
            model="QEMU virt board, GICv3",
        ),
    )
}
"""The boards that `make run` and the board test know."""


def firmware_tree(board: Board, target: Path) -> None:
    """Write the tree that QEMU hands to the first kernel."""
    _dump(board, PROCESSORS, target)
    _describe(board, target)
    _put(target, "s", "/", "serial-number", SERIAL)
    _put(target, "bx", ETHERNET, "local-mac-address", *MAC.split(":"))


def shipped_tree(board: Board, target: Path) -> None:
    """Write the tree that the demo systems ship for a board.

    It is made from a board with one processor more, which moves every phandle by one.
    """
    _dump(board, PROCESSORS + 1, target)
    _describe(board, target)
    core = f"/cpus/cpu-map/socket0/cluster0/core{PROCESSORS}"
    for node in (f"/cpus/cpu@{PROCESSORS}", core, "/psci", "/chosen"):
        command.run("fdtput", "-r", target, node)
    for number in range(PROCESSORS):
        command.run("fdtput", "-d", target, f"/cpus/cpu@{number}", "enable-method")
    _put(target, "x", "/memory@40000000", "reg", "0", "40000000", "0", "8000000")
    _put(target, "s", "/bootd-demo", "compatible", "bootd,demo")
    _put(target, "s", "/bootd-demo", "greeting", GREETING)
    _put(target, "s", "/pl011@9000000", "bootd,shipped", "yes")


def overlay(target: Path) -> None:
    """Write an overlay that adds a node below the root."""
    source = '/dts-v1/; /plugin/; &{/} { bootd-overlay { greeting = "from the overlay"; }; };'
    command.run("dtc", "-q", "-@", "-I", "dts", "-O", "dtb", "-o", target, "-", stdin=source)


def _describe(board: Board, target: Path) -> None:
    _put(target, "s", "/", "compatible", board.compatible, "linux,dummy-virt")
    _put(target, "s", "/", "model", board.model)
    # No driver binds to this one: QEMU's own network card sits on PCI and has no node.
    _put(target, "s", ETHERNET, "compatible", "bootd,demo-ethernet")
    _put(target, "x", ETHERNET, "reg", "0", "b000000", "0", "1000")
    _put(target, "s", "/aliases", "ethernet0", ETHERNET)


def _dump(board: Board, processors: int, target: Path) -> None:
    machine = f"{board.machine},dumpdtb={target}"
    sizes = ("-cpu", "cortex-a57", "-smp", str(processors), "-m", str(MEMORY_MIB))
    command.run("qemu-system-aarch64", "-M", machine, *sizes, "-nic", "none", "-display", "none")
    # QEMU pads its blob to a megabyte.
    command.run("dtc", "-q", "-I", "dtb", "-O", "dtb", "-p", "4096", "-o", target, target)


def _put(target: Path, kind: str, node: str, name: str, *values: str) -> None:
    command.run("fdtput", "-p", "-t", kind, target, node, name, *values)
