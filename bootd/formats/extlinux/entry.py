"""One label as a boot option.

Rules where the loaders differ or surprise:
- Relative paths start at the directory of the first configuration file, also in included ones.
- A label's APPEND replaces the global one; `APPEND -` is none. The last APPEND of a label counts.
- INITRD takes a list with commas; several INITRD lines add up.
- `initrd=` inside APPEND is the initrd when there is no INITRD line, and is then taken out of the
  command line, as Syslinux does. With an INITRD line it stays, as U-Boot does.
- The first FDT, FDTDIR and FDTOVERLAYS of a label count; `FDT -` asks for the running tree.
"""

import re
from typing import Final

from bootd.formats import version
from bootd.formats.extlinux.menu import Menu, Stanza
from bootd.formats.extlinux.syntax import Statement
from bootd.formats.lexing import BLANKS, check_cmdline, check_count, file_ref, words
from bootd.fsview import FsView, normalise
from bootd.model.option import BootOption, FileRef
from bootd.model.text import clean

MAX_LABEL: Final = 255
"""Characters of a label that are part of the option's id."""

_ALIASES: Final = {
    "devicetree": "fdt",
    "dtb": "fdt",
    "devicetreedir": "fdtdir",
    "devicetree-overlay": "fdtoverlays",
    "overlays": "fdtoverlays",
    "linux": "kernel",
}

_OTHER_PROGRAMS: Final = {
    "com32": "a COM32 module",
    "comboot": "a COMBOOT program",
    "boot": "a boot sector",
    "bss": "a boot sector",
    "pxe": "a network boot program",
    "fdimage": "a floppy disk image",
    "config": "another menu",
}
"""Keywords beside KERNEL and LINUX that name something to run."""

_OTHER_FILES: Final = {
    ".bs": "a boot sector",
    ".bss": "a boot sector",
    ".c32": "a COM32 module",
    ".com": "a COMBOOT program",
    ".cbt": "a COMBOOT program",
}
"""Syslinux tells the kind of a KERNEL by its extension (doc/syslinux.txt, KERNEL). `.0`, `.bin` and
`.img` are left out: kernels are called vmlinuz-6.1.0, uImage.bin and kernel8.img."""

_INITRD_WORD: Final = re.compile(r"(?:(?<=\s)|^)initrd=(\S+)(?:\s+|$)")

_VARIABLE: Final = re.compile(r"\$\{\w+\}")
"""U-Boot expands these in APPEND (boot/pxe_utils.c, label_boot)."""


def build(stanza: Stanza, append: str, base: str, *, is_default: bool) -> BootOption:
    """Turn a label into a boot option.

    Args:
        stanza: The label.
        append: The global APPEND.
        base: Directory of the configuration.
        is_default: It boots when nobody chooses.

    Raises:
        ConfigSyntaxError: A path or the command line is none.
    """
    parts = _Parts(stanza, base)
    kernel, reasons = parts.kernel()
    cmdline = parts.last("append", append)
    cmdline = "" if cmdline == "-" else check_cmdline(cmdline, stanza.source, stanza.line)
    initrds = parts.files("initrd", ",")
    notes = [
        f"{clean(name)} is a variable of U-Boot, which is not expanded here"
        for name in dict.fromkeys(_VARIABLE.findall(cmdline))
    ]
    if not initrds:
        cmdline, initrds = parts.initrds_of(cmdline)
    elif _INITRD_WORD.search(cmdline):
        notes.append("initrd= stays on the command line, because there is an INITRD line as well")
    label = clean(stanza.label)
    tree = parts.first("fdt")
    return BootOption(
        entry=clean(stanza.label, MAX_LABEL),
        format="extlinux",
        source=stanza.source,
        line=stanza.line,
        title=clean(parts.last("menu label", "").replace("^", "", 1)) or label,
        version=clean(version.of_kernel(kernel.path)) if kernel else "",
        linux=kernel,
        initrds=initrds,
        cmdline=cmdline,
        devicetree=parts.file("fdt") if tree not in {"", "-"} else None,
        devicetree_none=tree == "-",
        devicetree_dir=parts.file("fdtdir"),
        overlays=parts.files("fdtoverlays", "", only_first=True),
        submenu=stanza.submenu,
        is_default=is_default,
        reasons=reasons,
        notes=tuple(notes),
    )


def implied(fs: FsView, menu: Menu, base: str, source: str) -> Stanza | None:
    """Return a DEFAULT that names a kernel file instead of a label, as a label (IMPLICIT 1)."""
    name, _, arguments = menu.default.partition(" ")
    if not name or not menu.implicit or name.lower().endswith(tuple(_OTHER_FILES)):
        return None
    if not fs.is_file(normalise(name, base)):
        return None
    statements = (
        Statement(source, 1, "kernel", name),
        Statement(source, 1, "append", f"{menu.append} {arguments}".strip()),
    )
    return Stanza(label=name, source=source, line=1, submenu=(), statements=statements)


class _Parts:
    """Looks up a label's statements, by the first name of each keyword."""

    def __init__(self, stanza: Stanza, base: str) -> None:
        self._base = base
        self._found: dict[str, list[Statement]] = {}
        for each in stanza.statements:
            self._found.setdefault(_ALIASES.get(each.key, each.key), []).append(each)

    def first(self, key: str) -> str:
        return self._found[key][0].value if key in self._found else ""

    def last(self, key: str, otherwise: str) -> str:
        return self._found[key][-1].value if key in self._found else otherwise

    def file(self, key: str) -> FileRef | None:
        if key not in self._found:
            return None
        at = self._found[key][0]
        return self._ref(at.value, at)

    def files(self, key: str, comma: str, *, only_first: bool = False) -> tuple[FileRef, ...]:
        lines = self._found.get(key, [])[: 1 if only_first else None]
        refs: list[FileRef] = []
        for at in lines:
            # NVIDIA's loader has commas in its OVERLAYS.
            text = at.value.replace(",", " ") if at.key == "overlays" else at.value
            names = text.split(comma) if comma else words(text)
            check_count(names, at.source, at.line)
            refs += [self._ref(name, at) for name in names if name]
        return tuple(refs)

    def kernel(self) -> tuple[FileRef | None, tuple[str, ...]]:
        """Return the kernel, and why bootd can not start it if so."""
        for key, what in _OTHER_PROGRAMS.items():
            if key in self._found and "kernel" not in self._found:
                return None, (f"its entry starts {what}, not a Linux kernel",)
        if "localboot" in self._found:
            return None, ("its entry hands over to the firmware's next device (LOCALBOOT)",)
        if "kernel" not in self._found:
            return None, ()
        at = self._found["kernel"][-1]
        if "://" in at.value or "::" in at.value:
            return None, (f"its kernel {clean(at.value)} comes over the network",)
        path, _, configuration = at.value.partition("#")
        if configuration:
            return FileRef(self._ref(path, at).path, part=f"#{configuration}"), ()
        other = _OTHER_FILES.get(path[path.rfind(".") :].lower()) if at.key == "kernel" else None
        reasons = (f"its entry starts {other}, not a Linux kernel",) if other else ()
        return self._ref(path, at), reasons

    def initrds_of(self, cmdline: str) -> tuple[str, tuple[FileRef, ...]]:
        """Take the last `initrd=` out of a command line, as Syslinux does."""
        found = _INITRD_WORD.findall(cmdline)
        if not found:
            return cmdline, ()
        at = self._found.get("append", [Statement(self._base, 1, "append", "")])[-1]
        refs = tuple(self._ref(name, at) for name in found[-1].split(",") if name)
        return _INITRD_WORD.sub("", cmdline).rstrip(), refs

    def _ref(self, name: str, at: Statement) -> FileRef:
        return file_ref(name.strip(BLANKS).replace("\\", "/"), self._base, at.source, at.line)
