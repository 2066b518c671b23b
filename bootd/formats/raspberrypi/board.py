"""The boards: which filters of config.txt hold on each, and which kernel its firmware looks for.

Source: Raspberry Pi documentation, computers/config_txt/conditional.adoc (model filters, board
types) and boot.adoc (`kernel`, `arm_64bit`); root compatible strings of the kernel's
arch/arm*/boot/dts/broadcom.
"""

from typing import Final

from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A model.

    Attributes:
        compatible: First string of its root node.
        soc: Last string of its root node without the vendor; also its name in overlay_map.dtb.
        filters: Model filters that hold.
        board_type: Number of `[board-type=…]`.
        dtbs: Names of its DTB without suffix: the firmware vendor's kernel, then the mainline one.
        kernels: Files that the firmware looks for, best first.
        kernels_32: The same with `arm_64bit=0`.
    """

    name: str
    compatible: str
    soc: str
    filters: frozenset[str]
    board_type: int
    dtbs: tuple[str, ...]
    kernels: tuple[str, ...]
    kernels_32: tuple[str, ...]

    @property
    def has_bluetooth(self) -> bool:
        """Whether Bluetooth has the better serial port, which leaves serial0 the other one."""
        return not self.name.startswith(("1", "2", "CM1", "CM3")) and self.name != "Zero"


_BCM2835: Final = ("kernel.img",)
_BCM2836: Final = ("kernel7.img", "kernel8.img")
_BCM2837_32: Final = ("kernel7.img",)
_BCM2711_32: Final = ("kernel7l.img",)
_BCM2711: Final = ("kernel8.img", "kernel7l.img")
_BCM2712: Final = ("kernel_2712.img", "kernel8.img")


_KERNELS: Final = {
    "bcm2835": (_BCM2835, _BCM2835),
    "bcm2836": (_BCM2836, _BCM2837_32),
    "bcm2837": (_BCM2836, _BCM2837_32),
    "bcm2711": (_BCM2711, _BCM2711_32),
    "bcm2712": (_BCM2712, _BCM2712),
}

_ROWS: Final = (
    # name, compatible, SoC, model filters, board type, DTBs
    ("5", "5-model-b", "bcm2712", "pi5", 23, "bcm2712-rpi-5-b"),
    ("500", "500", "bcm2712", "pi5 pi500", 25, "bcm2712-rpi-500"),
    ("CM5", "5-compute-module", "bcm2712", "pi5 cm5", 24, "bcm2712-rpi-cm5-cm5io"),
    ("4", "4-model-b", "bcm2711", "pi4", 17, "bcm2711-rpi-4-b"),
    ("400", "400", "bcm2711", "pi4 pi400", 19, "bcm2711-rpi-400"),
    ("CM4", "4-compute-module", "bcm2711", "pi4 cm4", 20, "bcm2711-rpi-cm4 bcm2711-rpi-cm4-io"),
    ("CM4S", "4-compute-module-s", "bcm2711", "pi4 cm4s", 21, "bcm2711-rpi-cm4s"),
    ("3", "3-model-b", "bcm2837", "pi3", 8, "bcm2710-rpi-3-b bcm2837-rpi-3-b"),
    (
        "3B+",
        "3-model-b-plus",
        "bcm2837",
        "pi3 pi3+",
        13,
        "bcm2710-rpi-3-b-plus bcm2837-rpi-3-b-plus",
    ),
    (
        "3A+",
        "3-model-a-plus",
        "bcm2837",
        "pi3 pi3+",
        14,
        "bcm2710-rpi-3-b-plus bcm2837-rpi-3-a-plus",
    ),
    ("CM3", "3-compute-module", "bcm2837", "pi3 cm3", 10, "bcm2710-rpi-cm3 bcm2837-rpi-cm3-io3"),
    (
        "CM3+",
        "3-compute-module-plus",
        "bcm2837",
        "pi3 cm3 cm3+",
        16,
        "bcm2710-rpi-cm3 bcm2837-rpi-cm3-io3",
    ),
    (
        "Zero 2",
        "model-zero-2-w",
        "bcm2837",
        "pi0 pi0w pi02",
        18,
        "bcm2710-rpi-zero-2-w bcm2837-rpi-zero-2-w",
    ),
    ("2", "2-model-b", "bcm2836", "pi2", 4, "bcm2709-rpi-2-b bcm2836-rpi-2-b"),
    ("Zero W", "model-zero-w", "bcm2835", "pi0 pi0w", 12, "bcm2708-rpi-zero-w bcm2835-rpi-zero-w"),
    ("Zero", "model-zero", "bcm2835", "pi0", 9, "bcm2708-rpi-zero bcm2835-rpi-zero"),
    ("1", "model-b", "bcm2835", "pi1", 1, "bcm2708-rpi-b bcm2835-rpi-b"),
    ("1B+", "model-b-plus", "bcm2835", "pi1", 3, "bcm2708-rpi-b-plus bcm2835-rpi-b-plus"),
    ("1A", "model-a", "bcm2835", "pi1", 0, "bcm2708-rpi-b bcm2835-rpi-a"),
    ("1A+", "model-a-plus", "bcm2835", "pi1", 2, "bcm2708-rpi-b-plus bcm2835-rpi-a-plus"),
    ("CM1", "compute-module", "bcm2835", "pi1 cm1", 6, "bcm2708-rpi-cm bcm2835-rpi-cm1-io1"),
)

BOARDS: Final = tuple(
    Board(
        name=name,
        compatible=f"raspberrypi,{compatible}",
        soc=soc,
        filters=frozenset(filters.split(" ")),
        board_type=board_type,
        dtbs=tuple(dtbs.split(" ")),
        kernels=_KERNELS[soc][0],
        kernels_32=_KERNELS[soc][1],
    )
    for name, compatible, soc, filters, board_type, dtbs in _ROWS
)
"""The newest first. The kernel of 64 bits is second choice of boards whose firmware takes it only
on request, as an image that has no other means it."""

MODEL_FILTERS: Final = frozenset().union(*(board.filters for board in BOARDS)) | {"cm0"}
"""Filters that replace each other."""
