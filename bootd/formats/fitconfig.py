"""A configuration of a FIT image as the parts of a boot option; shared by all that can name one.

Source: doc/usage/fit/source_file_format.rst of U-Boot, boot/image-fit.c (`fit_image_load`,
`boot_get_fdt_fit`: the first `fdt` is the tree, all others are overlays for it).

Unsupported: `loadables`, `fpga` and `firmware` are noted; signed configurations are not verified.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from bootd.container import read_part
from bootd.container.fit import Fit, load
from bootd.errors import BootdError, ConfigLimitError, FdtError, ImageError
from bootd.fdt import MAX_BLOB_BYTES, Fdt, Node, read
from bootd.fdt.cells import string, strings
from bootd.fsview import FsView
from bootd.model.option import FileRef
from bootd.model.text import clean
from bootd.record import dataclass

MAX_TREES: Final = 64
"""Device trees of one image that are read to see for which board they are."""

_ARCHITECTURES: Final[Mapping[str, str]] = {
    "arm64": "aa64",
    "arm": "arm",
    "x86_64": "x64",
    "x86": "ia32",
    "riscv": "",  # U-Boot has one name for both sizes
    "": "",
}
"""U-Boot's names to those of UEFI, which boot options use."""

_OTHER_ROLES: Final = ("firmware", "fpga", "loadables", "script")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a configuration boots.

    Attributes:
        title: Its description, cleaned, or "".
        cmdline: `/chosen/bootargs` of its device tree, byte for byte; "" when it has none.
        compatible: For which boards it is, see `BootOption.compatible`.
        reasons: Why bootd cannot start it.
        notes: What was understood but not used.
    """

    title: str
    linux: FileRef | None
    initrds: tuple[FileRef, ...]
    devicetree: FileRef | None
    overlays: tuple[FileRef, ...]
    cmdline: str
    compatible: tuple[str, ...]
    architecture: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


class Image:
    """A FIT image on a file system."""

    def __init__(self, fs: FsView, path: str) -> None:
        """Read its tree.

        Raises:
            ImageError: It is no FIT image, or malformed.
            OSError: It cannot be read.
        """
        self._fs = fs
        self._path = path
        self._trees: dict[str, Fdt | str] = {}
        self.fit: Fit = load(partial(fs.read_range, path))

    @property
    def title(self) -> str:
        """The description of the whole image, cleaned, or ""."""
        return clean(string(self.fit.tree.root.properties.get("description", b"")))

    @property
    def names(self) -> tuple[str, ...]:
        """The configurations, in order."""
        return tuple(self.fit.configurations)

    @property
    def default(self) -> str:
        """The configuration that U-Boot takes when nothing else is said, or ""."""
        node = self.fit.tree.find("/configurations")
        named = "" if node is None else string(node.properties.get("default", b""))
        return named if named in self.fit.configurations else next(iter(self.names), "")

    def parts(self, name: str) -> Parts | None:
        """Return what a configuration boots; None when there is none of that name."""
        node = self.fit.configurations.get(name)
        if node is None:
            return None
        trees = strings(node.properties.get("fdt", b""))
        kernel, ramdisk = _text(node, "kernel"), _text(node, "ramdisk")
        image = self.fit.images.get(kernel)
        tree, wrong = self._tree(trees[0]) if trees else (None, "")
        named = strings(node.properties.get("compatible", b""))
        reasons = [*self._why_not(kernel, image, (ramdisk, *trees)), *([wrong] if wrong else [])]
        return Parts(
            title=clean(_text(node, "description")),
            linux=self.ref(kernel) if kernel else None,
            initrds=(self.ref(ramdisk),) if ramdisk else (),
            devicetree=self.ref(trees[0]) if trees else None,
            overlays=tuple(self.ref(each) for each in trees[1:]),
            cmdline=_bootargs(tree),
            compatible=tuple(clean(each) for each in named or _compatible(tree)),
            architecture=_architecture(image),
            reasons=tuple(reasons),
            notes=tuple(
                f"the {role} of the FIT configuration is not used"
                for role in _OTHER_ROLES
                if role in node.properties and (role != "firmware" or kernel)
            ),
        )

    def ref(self, image: str) -> FileRef:
        """Return a reference to the part of that name."""
        return FileRef(self._path, part=f"/images/{image}")

    def _tree(self, name: str) -> tuple[Fdt | None, str]:
        """Return a device tree of the image, or why it cannot be used ("" when nobody looked)."""
        if name not in self._trees:
            if len(self._trees) >= MAX_TREES:
                return None, ""
            self._trees[name] = self._read_tree(name)
        found = self._trees[name]
        return (None, found) if isinstance(found, str) else (found, "")

    def _read_tree(self, name: str) -> Fdt | str:
        node = self.fit.images.get(name)
        if node is None:
            return ""  # `_why_not` says so
        compression = _text(node, "compression")
        if compression not in {"", "none"}:
            return f"its device tree {clean(name, 60)} is compressed ({clean(compression, 20)})"
        try:
            return read(read_part(self._fs, self._path, f"/images/{name}", MAX_BLOB_BYTES))
        except (FdtError, ImageError, ConfigLimitError) as error:
            return f"its device tree {clean(name, 60)} cannot be used: {clean(str(error))}"
        except OSError as error:
            return f"its device tree {clean(name, 60)} cannot be read: {error.strerror}"

    def _why_not(self, kernel: str, image: Node | None, others: tuple[str, ...]) -> list[str]:
        if not kernel:
            return ["its FIT configuration names no kernel"]
        reasons = [
            f"the FIT image has no {clean(name, 60)}, which its configuration names"
            for name in (kernel, *others)
            if name and name not in self.fit.images
        ]
        system = "" if image is None else _text(image, "os")
        if system not in {"", "linux"}:
            reasons.append(f"its kernel is for {clean(system, 30)}, not Linux")
        there = [name for name in (kernel, *others) if name in self.fit.images]
        reasons.extend(why for name in there if (why := self._misplaced(name)))
        return reasons

    def _misplaced(self, name: str) -> str:
        try:
            self.fit.part(name)
        except BootdError as error:
            return clean(str(error))
        return ""


def _text(node: Node, name: str) -> str:
    return string(node.properties.get(name, b""))


def _architecture(image: Node | None) -> str:
    name = "" if image is None else _text(image, "arch")
    return _ARCHITECTURES.get(name, clean(name, 30))


def _compatible(tree: Fdt | None) -> tuple[str, ...]:
    """Return the root's compatible strings, which count when a configuration has none."""
    return () if tree is None else strings(tree.root.properties.get("compatible", b""))


def _bootargs(tree: Fdt | None) -> str:
    value = None if tree is None else tree.get("/chosen", "bootargs")
    return "" if value is None else string(value)
