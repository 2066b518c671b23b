"""What a script booted as a boot option: its files looked into, its title found.

A kernel, initrd or tree that was made with mkimage is inside a legacy or FIT image; the option then
names the part.
"""

from functools import partial
from typing import Final

from bootd.container import fit, legacy
from bootd.errors import BootdError, ImageError
from bootd.fdt import MAX_BLOB_BYTES, read
from bootd.fdt.cells import string
from bootd.formats import fitconfig, version
from bootd.formats.lexing import check_cmdline, lex
from bootd.formats.uboot_script.state import Boot, Content, Kind, State, names_in, plain
from bootd.fsview import FsView, read_text
from bootd.model.option import BootOption, FileRef
from bootd.model.text import clean, escape
from bootd.model.tree import TreeEdit
from bootd.record import dataclass, replace

_RELEASES: Final = ("/etc/os-release", "/usr/lib/os-release")

_ENVIRONMENTS: Final = {
    "armbianEnv.txt": "Armbian",
    "dietpiEnv.txt": "DietPi",
    "orangepiEnv.txt": "Orange Pi OS",
    "ubuntuEnv.txt": "Ubuntu",
    "bianbuEnv.txt": "Bianbu",
}
"""Files beside a script that say whose it is, where no os-release is."""

_HINTS: Final = (
    ("flash-kernel", "Debian"),
    ("armbian", "Armbian"),
    ("odroid", "ODROID"),
    ("ubuntu", "Ubuntu"),
    ("openwrt", "OpenWrt"),
    ("libreelec", "LibreELEC"),
    ("coreelec", "CoreELEC"),
)
"""Words in a script's text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a script came from.

    Attributes:
        path: Of its file.
        name: In its header, or "".
        text: Its first lines.
    """

    path: str
    name: str
    text: str


def build(state: State, boot: Boot, origin: Origin) -> BootOption:
    """Return the option.

    Raises:
        ConfigSyntaxError: The command line is none.
    """
    kernel = _named(boot.kernel)
    given, edits = _of_tree(boot)
    cmdline = _without_unknown_consoles(state, given or "")
    option = BootOption(
        entry=clean(origin.path.lstrip("/")),
        format="uboot_script",
        source=origin.path,
        title=title(state, origin),
        line=boot.line if state.numbered else None,
        version=clean(version.of_kernel(kernel.path)) if kernel else "",
        linux=kernel,
        initrds=() if (initrd := _named(boot.initrd)) is None else (initrd,),
        cmdline=check_cmdline(cmdline, origin.path, boot.line),
        overlays=boot.overlays,
        devicetree_edits=edits,
        is_default=True,
        notes=state.notes,
    )
    unpacked = _unpacked(state.fs, _with_tree(option, boot.tree), boot.configuration)
    if given is None:
        unpacked = _with_bootargs(state.fs, unpacked)
    return _with_efi_reason(unpacked)


def _without_unknown_consoles(state: State, given: str) -> str:
    """Return a command line as U-Boot would see it, but without `console=` and nothing behind it.

    A kernel that is told so uses no console at all, and the firmware of the board would have one.
    """
    if "console=\ue000" not in given:
        return plain(given).strip()
    words = given.split(" ")
    lacking = [
        each for each in words if each.startswith("console=") and not plain(each[8:]).strip(",")
    ]
    for each in lacking:
        names = ", ".join(names_in(each))
        state.note(f"console= is left out: only the firmware knows {names}")
    return plain(" ".join(each for each in words if each not in lacking)).strip()


def _of_tree(boot: Boot) -> tuple[str | None, tuple[TreeEdit, ...]]:
    """Return the command line and the edits; `bootargs` in /chosen counts where none is set.

    U-Boot writes its variable over the property (boot/fdt_support.c, fdt_chosen).
    """
    is_bootargs = [e.path in {"/chosen", "chosen"} and e.property == "bootargs" for e in boot.edits]
    rest = tuple(e for e, is_it in zip(boot.edits, is_bootargs, strict=True) if not is_it)
    values = [e.value for e, is_it in zip(boot.edits, is_bootargs, strict=True) if is_it]
    if boot.cmdline is not None or not values:
        return boot.cmdline, rest
    text = bytes.fromhex(values[-1] or "").rstrip(b"\0").decode("utf-8", "surrogateescape")
    return text.replace("\0", "\ufffd"), rest


def title(state: State, origin: Origin) -> str:
    """Return whose script it is, with the name of its file."""
    name = (
        _release(state.fs)
        or plain(state.get("bootlabel") or "")  # Hardkernel's own
        or _by_environment(state.fs, origin.path)
        or _by_text(origin)
    )
    return clean(f"{name} ({origin.path.rpartition('/')[2]})")


def _release(fs: FsView) -> str:
    for path in _RELEASES:
        try:
            lines = {line.key.partition("=")[0]: line for line in lex(read_text(fs, path))}
        except (BootdError, OSError):
            continue
        for key in ("PRETTY_NAME", "NAME"):
            if key in lines:
                line = lines[key]
                whole = f"{line.key} {line.value}".strip()
                return whole.partition("=")[2].strip("\"'")
    return ""


def _by_environment(fs: FsView, path: str) -> str:
    folder = path.rpartition("/")[0]
    return next((n for f, n in _ENVIRONMENTS.items() if fs.is_file(f"{folder}/{f}")), "")


def _by_text(origin: Origin) -> str:
    text = f"{origin.name}\n{origin.text}".lower()
    return next((name for word, name in _HINTS if word in text), "") or "U-Boot script"


def _named(content: Content | None) -> FileRef | None:
    if content is None or content.kind not in {Kind.FILE, Kind.ABSENT}:
        return None
    return content.file


def _with_tree(option: BootOption, tree: Content | None) -> BootOption:
    if tree is not None and tree.kind is Kind.FIRMWARE:
        return replace(option, devicetree_none=True)
    if tree is None or tree.file is None:
        return option
    match tree.kind:
        case Kind.FOLDER:
            return replace(option, devicetree_dir=tree.file)
        case Kind.ABSENT if tree.file.path.endswith(".dtb"):
            return replace(option, devicetree=tree.file)
        case Kind.FILE:
            return replace(option, devicetree=tree.file)
        case _:
            return option


def _unpacked(fs: FsView, option: BootOption, configuration: str) -> BootOption:
    """Name the parts of images that mkimage made."""
    found = replace(
        option,
        initrds=tuple(_inside(fs, ref, legacy.RAMDISK) for ref in option.initrds),
        devicetree=None if option.devicetree is None else _inside(fs, option.devicetree),
    )
    kernel = option.linux
    if kernel is None or kernel.device is not None:
        return found
    head = _head(fs, kernel)
    if legacy.matches(head):
        return _from_legacy(fs, found, kernel)
    return _from_fit(fs, found, kernel, configuration) if fit.matches(head) else found


def _from_legacy(fs: FsView, option: BootOption, kernel: FileRef) -> BootOption:
    """A multi-file image may bring initrd and tree along."""
    try:
        header = legacy.parse_header(_head(fs, kernel))
        count = len(legacy.files(header, partial(fs.read_range, kernel.path)))
    except ImageError as error:
        return replace(option, reasons=(*option.reasons, clean(str(error))))
    parts = [replace(kernel, part=str(index)) for index in range(count)]
    if not parts:
        return option
    return replace(
        option,
        linux=parts[0],
        initrds=option.initrds or tuple(parts[1:2]),
        devicetree=option.devicetree or next(iter(parts[2:3]), None),
    )


def _from_fit(fs: FsView, option: BootOption, kernel: FileRef, configuration: str) -> BootOption:
    try:
        image = fitconfig.Image(fs, kernel.path)
    except (ImageError, OSError) as error:
        return replace(option, reasons=(*option.reasons, clean(str(error))))
    if configuration.startswith("/images/"):
        return replace(option, linux=replace(kernel, part=configuration))
    parts = image.parts(configuration or image.default)
    if parts is None:
        reason = f"the FIT image has no configuration {configuration!r:.60}"
        return replace(option, reasons=(*option.reasons, clean(reason)))
    own = option.devicetree is not None or option.devicetree_dir is not None
    return replace(
        option,
        linux=parts.linux,
        initrds=option.initrds or parts.initrds,
        devicetree=option.devicetree if own else parts.devicetree,
        overlays=(*(() if own else parts.overlays), *option.overlays),
        cmdline=option.cmdline or parts.cmdline,
        compatible=() if own else parts.compatible,
        architecture=parts.architecture,
        reasons=(*option.reasons, *parts.reasons),
        notes=(*option.notes, *parts.notes),
    )


def _inside(fs: FsView, ref: FileRef, kind: int = legacy.FLAT_DT) -> FileRef:
    """Return part 0 of a file that is a legacy image; others stay as they are."""
    head = _head(fs, ref)
    if not legacy.matches(head):
        return ref
    try:
        header = legacy.parse_header(head)
    except ImageError:
        return ref
    return replace(ref, part="0") if header.kind in {kind, legacy.KERNEL, legacy.MULTI} else ref


def _head(fs: FsView, ref: FileRef) -> bytes:
    if ref.device is not None or ref.part:
        return b""
    try:
        return fs.read_head(ref.path, legacy.HEADER_BYTES)
    except OSError:
        return b""


def _with_bootargs(fs: FsView, option: BootOption) -> BootOption:
    """Without `bootargs` U-Boot leaves the command line that is in the device tree."""
    ref = option.devicetree
    if option.cmdline or ref is None or ref.device is not None or ref.part:
        return option
    try:
        value = read(fs.read(ref.path, MAX_BLOB_BYTES)).get("/chosen", "bootargs")
    except (BootdError, OSError):
        return option
    if value is None:
        return option
    return replace(option, cmdline=check_cmdline(string(value), option.source, option.line or 1))


def _with_efi_reason(option: BootOption) -> BootOption:
    kernel = option.linux
    if kernel is None or not kernel.path.lower().endswith(".efi"):
        return option
    reason = f"its script starts the EFI program {escape(kernel.path)}, not a Linux kernel"
    return replace(option, reasons=(*option.reasons, clean(reason)))
