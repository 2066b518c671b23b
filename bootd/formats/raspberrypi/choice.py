"""What one board's firmware would load by a configuration.

Source: Raspberry Pi documentation, computers/config_txt/boot.adoc (`kernel`, `initramfs`,
`auto_initramfs`, `os_prefix`, `overlay_prefix`, `upstream_kernel`, `cmdline`) and
computers/configuration/device-tree.adoc (`dtoverlay`, `dtparam`, overlay_map.dtb).
"""

from collections.abc import Iterable
from typing import Final

from bootd.errors import BootdError
from bootd.fdt import MAX_BLOB_BYTES, Fdt, read
from bootd.fdt.cells import string
from bootd.formats.lexing import BLANKS, MAX_FILES, words
from bootd.formats.raspberrypi.board import BOARDS, Board
from bootd.formats.raspberrypi.config import Setting
from bootd.fsview import FsView, normalise
from bootd.model.option import FileRef, TreeChoice
from bootd.model.text import clean
from bootd.record import dataclass

MAX_PARAMETERS: Final = 256

_TRUE: Final = frozenset({"1", "on", "yes", "true", "y"})

_ALIASES: Final = {
    "device_tree_overlay": "dtoverlay",
    "device_tree_param": "dtparam",
    "dtparams": "dtparam",
    "ramfsfile": "initramfs",
}

_UPSTREAM_PREFIX: Final = "upstream/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The files of one board; equal for boards that boot the same.

    Attributes:
        kernel: None when the configuration boots no Linux by itself.
        cmdline_file: Absolute path.
        parameters: Of the base tree, `name=value`.
        overlay_parameters: One text an overlay.
    """

    kernel: FileRef | None
    line: int | None
    initrds: tuple[FileRef, ...]
    cmdline_file: str
    devicetree: FileRef | None
    devicetree_dir: FileRef | None
    devicetree_choices: tuple[TreeChoice, ...]
    devicetree_none: bool
    parameters: tuple[str, ...]
    overlays: tuple[FileRef, ...]
    overlay_parameters: tuple[str, ...]
    architecture: str
    notes: tuple[str, ...]


_PL011_OVERLAYS: Final = ("disable-bt", "miniuart-bt", "pi3-disable-bt", "pi3-miniuart-bt")
"""They give Bluetooth's port back to the console."""


def serial0(choice: Choice, board: Board) -> str:
    """Return the kernel's name of the port that the firmware calls serial0 on a board.

    Source: Raspberry Pi documentation, computers/configuration/uart.adoc, "Primary UART".
    """
    if board.soc == "bcm2712":
        moved = any(each.partition("=")[0] == "uart0_console" for each in choice.parameters)
        return "ttyAMA0" if moved else "ttyAMA10"
    names = {ref.path.rpartition("/")[2].removesuffix(".dtbo") for ref in choice.overlays}
    shared = board.has_bluetooth and names.isdisjoint(_PL011_OVERLAYS)
    return "ttyS0" if shared else "ttyAMA0"


class Files:
    """A file system in which each path is looked up once, however many boards ask."""

    def __init__(self, fs: FsView) -> None:
        self.fs = fs
        self._there: dict[str, bool] = {}
        self._maps: dict[str, Fdt | None] = {}

    def is_file(self, path: str) -> bool:
        """Say whether a regular file is there."""
        if path not in self._there:
            self._there[path] = self.fs.is_file(path)
        return self._there[path]

    def overlay_map(self, folder: str) -> Fdt | None:
        """Return overlay_map.dtb of a folder; None when it is not there or damaged."""
        if folder not in self._maps:
            try:
                self._maps[folder] = read(self.fs.read(f"{folder}/overlay_map.dtb", MAX_BLOB_BYTES))
            except (BootdError, OSError):
                self._maps[folder] = None
        return self._maps[folder]


def choose(files: Files, base: str, settings: Iterable[Setting], board: Board) -> Choice:
    """Return what a board loads.

    Args:
        files: Where the files are.
        base: Directory of the configuration.
        settings: Those whose filters hold on the board, in order.
        board: The board.
    """
    return _Chooser(files, base, board, list(settings)).choice()


class _Chooser:
    def __init__(self, files: Files, base: str, board: Board, settings: list[Setting]) -> None:
        self._files = files
        self._is_file = files.is_file
        self._base = base
        self._board = board
        self._notes: list[str] = []
        self._trees: list[Setting] = []
        self._last: dict[str, Setting] = {}
        for each in settings:
            name = _ALIASES.get(each.name, each.name)
            if name in {"dtoverlay", "dtparam"}:
                self._trees.append(each)
            self._last[name] = each

    def choice(self) -> Choice:
        prefix = self._prefix()
        kernel = self._kernel(prefix)
        tree = self._text("device_tree")
        overlays, overlay_parameters, parameters = self._overlays(prefix)
        given = self._last.get("kernel")
        return Choice(
            kernel=None if kernel is None else FileRef(self._path(prefix + kernel)),
            line=None if given is None else given.line,
            initrds=self._initrds(prefix, kernel or ""),
            cmdline_file=self._path(prefix + (self._text("cmdline") or "cmdline.txt")),
            devicetree=FileRef(self._path(prefix + tree)) if tree else None,
            devicetree_dir=None if tree is not None else FileRef(self._tree_folder(prefix)),
            devicetree_choices=() if tree is not None else self._trees_of_boards(prefix),
            devicetree_none=tree == "",
            parameters=parameters,
            overlays=overlays,
            overlay_parameters=overlay_parameters if any(overlay_parameters) else (),
            architecture=self._architecture(kernel or ""),
            notes=tuple(self._notes),
        )

    def _text(self, name: str) -> str | None:
        return self._last[name].value if name in self._last else None

    def _flag(self, name: str) -> bool | None:
        value = self._text(name)
        return None if value is None else value.lower() in _TRUE

    def _path(self, name: str) -> str:
        return normalise(name.lstrip("/"), self._base)

    def _prefix(self) -> str:
        """Return os_prefix; the firmware forgets one that leads to no kernel."""
        prefix = self._text("os_prefix")
        if prefix is None:
            prefix = _UPSTREAM_PREFIX if self._flag("upstream_kernel") else ""
        if prefix and self._kernel(prefix, quiet=True) is None:
            self._notes.append(f"os_prefix {clean(prefix, 60)} has no kernel, and is not used")
            return ""
        return prefix

    def _kernel(self, prefix: str, *, quiet: bool = False) -> str | None:
        """Return the kernel's name: the one given, or the best that is there."""
        given = self._text("kernel")
        if given:
            there = self._is_file(self._path(prefix + given))
            return given if there or not quiet else None
        narrow = self._flag("arm_64bit") is False
        wide = self._flag("arm_64bit") is True
        names = self._board.kernels_32 if narrow else self._board.kernels
        if wide and "kernel8.img" in names and "kernel_2712.img" not in names:
            names = ("kernel8.img", *names)
        found = [name for name in names if self._is_file(self._path(prefix + name))]
        return found[0] if found else None if quiet else names[0]

    def _architecture(self, kernel: str) -> str:
        if kernel in {"kernel8.img", "kernel_2712.img"}:
            return "aa64"
        return "arm" if kernel in {"kernel.img", "kernel7.img", "kernel7l.img"} else ""

    def _initrds(self, prefix: str, kernel: str) -> tuple[FileRef, ...]:
        """`initramfs name[,name…] [address|followkernel]`, else what belongs to the kernel."""
        given = words((self._text("initramfs") or "").replace("=", " "))
        if given:
            names = [name for name in given[0].split(",") if name][:MAX_FILES]
            return tuple(FileRef(self._path(prefix + name)) for name in names)
        if not self._flag("auto_initramfs") or not kernel.startswith("kernel"):
            return ()
        own = kernel.replace("kernel", "initramfs", 1).removesuffix(".img")
        path = self._path(prefix + own)
        return (FileRef(path),) if self._is_file(path) else ()

    def _tree_folder(self, prefix: str) -> str:
        return self._path(prefix[: prefix.rfind("/") + 1])

    def _trees_of_boards(self, prefix: str) -> tuple[TreeChoice, ...]:
        """Return the DTB of each board that has one; the firmware finds it by its name."""
        found: list[TreeChoice] = []
        for board in BOARDS:
            names = board.dtbs[::-1] if self._flag("upstream_kernel") else board.dtbs
            paths = (self._path(f"{prefix}{name}.dtb") for name in names)
            if path := next((each for each in paths if self._is_file(each)), None):
                found.append(TreeChoice(compatible=board.compatible, devicetree=FileRef(path)))
        return tuple(found)

    def _overlays(
        self, prefix: str
    ) -> tuple[tuple[FileRef, ...], tuple[str, ...], tuple[str, ...]]:
        """Return overlays, their parameters, and those of the base tree.

        A dtparam belongs to the overlay before it, or to the tree after an empty dtoverlay.
        """
        folder = self._overlay_folder(prefix)
        renamed = self._files.overlay_map(folder)
        base: list[str] = []
        files: list[FileRef] = []
        parameters: list[list[str]] = []
        current = base
        for each in self._trees[:MAX_PARAMETERS]:
            if _ALIASES.get(each.name, each.name) == "dtparam":
                current += _parameters(each.value)
                continue
            name, _, rest = each.value.replace(":", ",", 1).partition(",")
            name = name.strip(BLANKS)
            if not name:
                current = base
                continue
            current = _parameters(rest)
            mapped = self._mapped(renamed, name)
            if mapped and len(files) < MAX_FILES:
                files.append(FileRef(normalise(f"{mapped}.dtbo", folder)))
                parameters.append(current)
        return tuple(files), tuple(map(",".join, parameters)), tuple(base)

    def _overlay_folder(self, prefix: str) -> str:
        """Return the overlays' folder; with a prefix only where a README marks it as its own."""
        name = self._text("overlay_prefix")
        name = "overlays/" if name is None else name
        own = self._path(f"{prefix}{name}")
        if not prefix or self._is_file(f"{own}/README"):
            return own
        return self._path(name)

    def _mapped(self, renamed: Fdt | None, name: str) -> str:
        """Return the name of an overlay's file on this board, "" when there is none for it."""
        node = None if renamed is None else renamed.root.children.get(name)
        if node is None:
            return name
        if "renamed" in node.properties:
            return string(node.properties["renamed"]) or name
        if "deprecated" in node.properties:
            self._notes.append(f"the overlay {clean(name, 60)} is deprecated, and left out")
            return ""
        if self._board.soc in node.properties:
            return string(node.properties[self._board.soc]) or name
        family = "bcm2835" if self._board.soc in {"bcm2836", "bcm2837"} else self._board.soc
        if family in node.properties:
            return string(node.properties[family]) or name
        self._notes.append(f"the overlay {clean(name, 60)} is not for this board, and left out")
        return ""


def _parameters(text: str) -> list[str]:
    """Split `a=1,b`; a parameter without a value is switched on."""
    found = [each.strip(BLANKS) for each in text.split(",")[:MAX_PARAMETERS]]
    return [each if "=" in each else f"{each}=true" for each in found if each]
