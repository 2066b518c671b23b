"""A unified kernel image as the parts of boot options; shared by all that can name one.

Source: UAPI.5 Unified Kernel Image; os-release(5); src/shared/bootspec.c of systemd for titles and
versions; systemd-stub(7) for the order of initrds (`.ucode` first) and for `.dtbauto`, of which the
first that is for this board replaces `.dtb` (src/boot/devicetree.c: the first compatible strings
have to be equal). A machine without a device tree is known by its `.hwids` (`bootd.formats.hwids`).

Each `.profile` makes an option of its own: the sections before the first `.profile`, overridden by
those behind its own. Not used without a word: .splash, .sbat, .pcrsig, .pcrpkey, .efifw.
Signatures are not verified.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from bootd.container import read_part
from bootd.container.pe import Pe, load
from bootd.errors import BootdError, ImageError
from bootd.formats.treechoice import Trees
from bootd.fsview import FsView
from bootd.model.option import FileRef, HardwareId, TreeChoice
from bootd.model.text import clean
from bootd.record import dataclass

MAX_PROFILES: Final = 32

_MAX_TEXT_BYTES: Final = 16 << 10

_ARCHITECTURES: Final[Mapping[int, str]] = {
    0x014C: "ia32",
    0x01C0: "arm",
    0x01C2: "arm",
    0x01C4: "arm",
    0x5032: "riscv32",
    0x5064: "riscv64",
    0x6232: "loongarch32",
    0x6264: "loongarch64",
    0x8664: "x64",
    0xAA64: "aa64",
}
"""Machine numbers of PE to the architectures of UEFI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one profile of an image boots.

    Attributes:
        number: 0 for the first, which boots when nobody chooses.
        id: From `.profile`, cleaned, or "".
        name: What to show for it, cleaned; "" for an image without profiles.
        cmdline: Byte for byte, as systemd-stub passes it on.
        choices: For the boards that they name.
        hardware_ids: Which of them is for a machine without a device tree.
    """

    number: int
    id: str
    name: str
    linux: FileRef
    initrds: tuple[FileRef, ...]
    cmdline: str
    devicetree: FileRef | None
    choices: tuple[TreeChoice, ...]
    hardware_ids: tuple[HardwareId, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uki:
    """A unified kernel image.

    Attributes:
        title: Of its `.osrel`, cleaned, or "".
        version: Ditto.
        sort_key: Ditto.
        kernel_version: Its `.uname`, cleaned, or "".
        architecture: As UEFI calls it.
    """

    title: str
    version: str
    sort_key: str
    kernel_version: str
    architecture: str
    profiles: tuple[Profile, ...]


def read(fs: FsView, path: str) -> Uki:
    """Read an image's headers and texts.

    Raises:
        ImageError: It is no unified kernel image, or damaged.
        OSError: It cannot be read.
    """
    pe = load(partial(fs.read_range, path))
    image = _Image(fs, path)
    base, extra = _split(_named(pe))
    release = _assignments(image.text(base, ".osrel"))
    if not any(".linux" in each for each in (base, *extra)):
        raise ImageError("it is an EFI program without a kernel inside")
    layers = [(base, each) for each in extra[:MAX_PROFILES]] or [(base, {})]
    return Uki(
        title=clean(_first(release, "PRETTY_NAME", "IMAGE_ID", "NAME", "ID")),
        version=clean(_first(release, "IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID")),
        sort_key=clean(_first(release, "IMAGE_ID", "ID")),
        kernel_version=clean(image.text(base, ".uname").strip()),
        architecture=_ARCHITECTURES.get(pe.machine, f"PE machine {pe.machine:#x}"),
        profiles=tuple(
            image.profile(number, *each)
            for number, each in enumerate(layers)
            if ".linux" in each[0] or ".linux" in each[1]
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Addon:
    """What an add-on brings to the images that it is for.

    Attributes:
        cmdline: To put behind the image's own.
        has_tree: It also brings device trees.
    """

    cmdline: str
    initrds: tuple[FileRef, ...]
    has_tree: bool


def read_addon(fs: FsView, path: str) -> Addon:
    """Read an `.addon.efi`; raises like `read`."""
    pe = load(partial(fs.read_range, path))
    sections, _ = _split(_named(pe))
    cmdline = _mangle(_Image(fs, path).text(sections, ".cmdline"))
    return Addon(
        cmdline=cmdline,
        initrds=tuple(
            FileRef(path, part=name) for name in (".ucode", ".initrd") if name in sections
        ),
        has_tree=".dtb" in sections or ".dtbauto" in sections,
    )


_Sections = dict[str, list[str]]
"""Parts by section name, in order."""


def _named(pe: Pe) -> Iterator[tuple[str, str]]:
    """Yield each section's name and what it is called as a part."""
    seen: dict[str, int] = {}
    for section in pe.sections:
        number = seen.get(section.name, 0)
        seen[section.name] = number + 1
        yield section.name, f"{section.name}:{number}" if number else section.name


def _split(named: Iterator[tuple[str, str]]) -> tuple[_Sections, list[_Sections]]:
    """Return the sections that all profiles share, and those of each profile."""
    layers: list[_Sections] = [{}]
    for name, part in named:
        if name == ".profile":
            layers.append({})
        layers[-1].setdefault(name, []).append(part)
    return layers[0], layers[1:]


class _Image:
    """Reads the parts of one file."""

    def __init__(self, fs: FsView, path: str) -> None:
        self._fs = fs
        self._path = path
        self._trees = Trees(fs, path)

    def profile(self, number: int, base: _Sections, own: _Sections) -> Profile:
        """Return what a profile boots; its sections take the place of the shared ones."""
        both = {**base, **own}
        about = _assignments(self.text(own, ".profile"))
        ident = clean(about.get("ID", ""), 60)
        name = clean(about.get("TITLE", "")) or ident or (f"profile {number}" if number else "")
        trees = [*own.get(".dtbauto", []), *base.get(".dtbauto", [])]
        choices = self._trees.choices(trees)
        hardware_ids, notes = self._hardware_ids(both, choices)
        return Profile(
            number=number,
            id=ident,
            name=name if own else "",
            linux=self._ref(both[".linux"][0]),
            initrds=tuple(self._ref(both[k][0]) for k in (".ucode", ".initrd") if k in both),
            cmdline=_mangle(self.text(both, ".cmdline")),
            devicetree=self._ref(both[".dtb"][0]) if ".dtb" in both else None,
            choices=choices,
            hardware_ids=hardware_ids,
            notes=(*self._trees.notes(trees), *notes),
        )

    def _hardware_ids(
        self, sections: _Sections, choices: tuple[TreeChoice, ...]
    ) -> tuple[tuple[HardwareId, ...], tuple[str, ...]]:
        """Return the ids that lead to one of `choices`, and why there are none."""
        if ".hwids" not in sections or not choices:
            return (), ()
        from bootd.formats import hwids  # noqa: PLC0415 - 4 ms, and few images have them

        try:
            data = read_part(self._fs, self._path, sections[".hwids"][0], hwids.MAX_BYTES)
            return hwids.parse(data, {each.compatible for each in choices}), ()
        except ImageError as error:
            return (), (clean(str(error)),)

    def text(self, sections: _Sections, name: str) -> str:
        """Return the text of a section, or "" when there is none.

        Raises:
            ImageError: It lies outside of the file, or is too large for a text.
        """
        if name not in sections:
            return ""
        data = read_part(self._fs, self._path, sections[name][0], _MAX_TEXT_BYTES)
        return data.partition(b"\0")[0].decode("utf-8", "surrogateescape")

    def _ref(self, part: str) -> FileRef:
        return FileRef(self._path, part=part)


def why_not(error: BootdError | OSError, path: str) -> str:
    """Return a sentence on why the file is no unified kernel image that can be used."""
    if isinstance(error, FileNotFoundError):
        return clean(f"the EFI program {path} is not there")
    reason = (error.strerror or "it cannot be read") if isinstance(error, OSError) else error
    return clean(f"its EFI program {path} cannot be started: {reason}")


def _assignments(text: str) -> dict[str, str]:
    """Return the `KEY=value` lines of os-release(5), quotes taken off; a later one counts."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        key, separator, value = line.strip().partition("=")
        if separator and not key.startswith("#"):
            found[key] = _unquote(value.strip())
    return found


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1].replace('\\"', '"').replace("\\$", "$").replace("\\\\", "\\")
    return value


def _first(release: Mapping[str, str], *keys: str) -> str:
    return next((release[key] for key in keys if release.get(key)), "")


def _mangle(text: str) -> str:
    """Return a command line as systemd-stub does (mangle_stub_cmdline): no control characters."""
    return "".join(" " if char < " " else char for char in text).strip(" ")
