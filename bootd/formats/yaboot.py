"""yaboot.conf, of PowerPC Macs and IBM machines: `image=` sections with `label`, `root`, `append`.

Source: yaboot.conf(5) of yaboot 1.3; discover/yaboot-parser.c of petitboot, whose order of
arguments is the one used: ro or rw, root, ramdisk, ramdisk_size, append. A setting of a section
wins over the same one before the first section. Without `default` the first one is the default.

Not supported without a word: Open Firmware paths as devices, except for the partition in them;
passwords, messages, colours, `sysmap`, `alias`, macosx and bsd entries.
"""

import re
from collections.abc import Mapping
from typing import Final

from bootd.errors import ConfigError
from bootd.formats import devpath, pairs, version
from bootd.formats.lexing import Line, check_cmdline, first_file, problem
from bootd.fsview import FsView
from bootd.model.option import OWN_PARTITION, BootOption, FileRef, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.record import replace

MAX_ENTRIES: Final = 256
"""Of one file (DESIGN.md, limits)."""

PLACES: Final = tuple(
    f"{folder}/{name}"
    for folder in ("", "/etc", "/boot", "/suseboot", "/ETC", "/SUSEBOOT")
    for name in ("yaboot.conf", "yaboot.cnf", "YABOOT.CONF", "YABOOT.CNF")
)
"""The first one that is there is used."""

_IMAGES: Final = {"image": "", "image[32bit]": "32", "image[64bit]": "64"}
_MAX_LABEL: Final = 255
_FIRMWARE: Final = re.compile(r"[^,:]*:(\d{1,3})?,(.*)", re.DOTALL)
r"""An Open Firmware path: `hd:3,/vmlinux` or `/pci@…/disk@0:3,\vmlinux`."""


def scan(fs: FsView) -> ScanResult:
    """Collect the sections of the configuration."""
    return first_file(fs, PLACES, _scan_file)


def _scan_file(path: str, text: str) -> ScanResult:
    problems: list[Problem] = []
    options: list[BootOption] = []
    shared, sections = _group(text)
    if len(sections) > MAX_ENTRIES:
        message = f"{len(sections)} entries, only the first {MAX_ENTRIES} are listed"
        problems.append(Problem(source=path, message=message))
    if shared and not sections:
        problems.append(Problem(source=path, message="has settings but no image section"))
    for section in sections[:MAX_ENTRIES]:
        try:
            options.append(_option(path, section, shared))
        except ConfigError as error:
            problems.append(problem(error, path))
    wanted = shared["default"].value.casefold() if "default" in shared else ""
    chosen = next((o for o in options if o.entry.casefold() == wanted), next(iter(options), None))
    return ScanResult(
        options=tuple(replace(o, is_default=True) if o is chosen else o for o in options),
        problems=tuple(problems),
        timeout_s=_timeout_s(shared),
    )


def _group(text: str) -> tuple[dict[str, Line], list[list[Line]]]:
    """Return the settings before the first section, and the lines of each, `image` first."""
    shared: dict[str, Line] = {}
    sections: list[list[Line]] = []
    for line in pairs.lex(text):
        if line.key in _IMAGES:
            sections.append([line])
        elif sections:
            sections[-1].append(line)
        else:
            shared[line.key] = line
    return shared, sections


def _timeout_s(shared: Mapping[str, Line]) -> int | None:
    """Return the timeout, which is in tenths of a second."""
    text = shared["timeout"].value if "timeout" in shared else ""
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        return None
    return -(-int(text) // 10)


def _option(path: str, section: list[Line], shared: Mapping[str, Line]) -> BootOption:
    image, own = section[0], {line.key: line for line in section[1:]}
    known = {**shared, **own}
    bits = _IMAGES[image.key]
    suse = bool(bits) and not image.value.startswith("/")
    kernel = f"/suseboot/vmlinux{bits}" if suse else image.value
    initrd = f"/suseboot/initrd{bits}" if suse else _value(known, "initrd")
    label = _value(own, "label") or kernel.rpartition("/")[2]
    appended = [line.value for line in section[1:] if line.key == "append"]
    linux = _file(kernel, known, path, image.number)
    return BootOption(
        entry=clean(label, _MAX_LABEL),
        format="yaboot",
        source=path,
        line=image.number,
        title=clean(label),
        version=clean(version.of_kernel(linux.path)),
        linux=linux,
        initrds=(_file(initrd, known, path, image.number),) if initrd else (),
        cmdline=check_cmdline(
            _cmdline(own, known, appended or [_value(shared, "append")]), path, image.number
        ),
    )


def _value(lines: Mapping[str, Line], key: str) -> str:
    return lines[key].value if key in lines else ""


def _cmdline(own: Mapping[str, Line], known: Mapping[str, Line], appended: list[str]) -> str:
    literal = _value(known, "literal")
    if literal:
        return literal
    where = own if "read-only" in own or "read-write" in own else known
    mode = "rw" if "read-write" in where else "ro" if "read-only" in where else ""
    settings = {"root": "root", "ramdisk": "ramdisk", "ramdisk_size": "initrd-size"}
    named = [f"{word}={value}" for word, key in settings.items() if (value := _value(known, key))]
    return " ".join(each for each in (mode, *named, *(a.strip(" ") for a in appended)) if each)


def _file(value: str, known: Mapping[str, Line], source: str, line: int) -> FileRef:
    """Return a file on the device that the file's name, or `device` and `partition`, say."""
    match = _FIRMWARE.fullmatch(value)
    if match is not None:
        ref = devpath.parse(match[2].replace("\\", "/"), source, line)
        return replace(ref, device=f"{OWN_PARTITION}{match[1]}") if match[1] else ref
    ref = devpath.parse(value, source, line)
    if ":" in value:
        return ref
    device, partition = _value(known, "device"), _value(known, "partition")
    if device.startswith("/dev/") or (device and device.isalnum() and device != "hd"):
        stem = device.rstrip("0123456789") if partition else device
        return devpath.parse(f"{stem}{partition}:{value}", source, line)
    partition = partition or device.partition(":")[2].rstrip(",")
    if partition.isascii() and partition.isdecimal() and len(partition) < 4:
        return replace(ref, device=f"{OWN_PARTITION}{partition}")
    return ref
