"""load and its like, size, ls, source, and commands that copy or unpack what was loaded.

Source: cmd/fs.c, fs/fs.c of U-Boot: `load <interface> [<dev[:part]> [<addr> [<file> …]]]`.
"""

from typing import Final

from bootd.errors import ImageError
from bootd.formats.uboot_script.commands.call import (
    FAILED,
    OK,
    Call,
    address,
    find,
    number,
    size_of,
)
from bootd.formats.uboot_script.image import script_at
from bootd.formats.uboot_script.state import Content, Kind, names_in, plain
from bootd.fsview import normalise

_MOUNTED: Final = frozenset({"ubifsload", "sqfsload", "cramfsload", "jffs2load", "zfsload"})
"""With the address as first argument when they are given no device."""


def load(call: Call) -> int:
    """Remember which file lies at an address."""
    words = list(call.words)
    if call.name in _MOUNTED and len(words) < 4:
        words = ["", "", *words]
    interface, device, where, name = (*words, "", "", "", "")[:4]
    if not where:
        where = call.state.get("loadaddr") or ""
    if not name:
        name = call.state.get("bootfile") or ""
    key = address(where)
    if key is None:
        call.note(f"{call.name} has no valid address")
        return FAILED
    content = find(call, interface, device, name)
    call.state.place(key, content)
    if content.kind is Kind.ABSENT:
        for unknown in names_in(name)[:1]:
            call.note(f"{name} is not found; only the firmware knows ${{{unknown}}} in its name")
        return FAILED
    call.state.set("filesize", f"{size_of(call.state, content):x}")
    if isinstance(key, int):
        call.state.set("fileaddr", f"{key:x}")
    return OK


def size(call: Call) -> int:
    """Set `filesize` when there is a file."""
    content = find(call, *(*call.words, "", "", "")[:3])
    if content.kind is not Kind.FILE:
        return FAILED
    call.state.set("filesize", f"{size_of(call.state, content):x}")
    return OK


def ls(call: Call) -> int:
    """Say whether there is such a folder or file."""
    path = normalise(call.word(2) or "/")
    call.state.spend_file()
    return OK if call.state.fs.is_dir(path) or call.state.fs.is_file(path) else FAILED


def source(call: Call) -> int:
    """Interpret a script that was loaded."""
    where, _, part = (call.words[0] if call.words else "").partition(":")
    key = address(where or call.state.get("loadaddr") or "")
    content = None if key is None else call.state.memory.get(key)
    if content is None or content.kind is not Kind.FILE or content.file is None:
        return FAILED
    if content.file.device is not None:
        call.note(f"{content.file.path} is on another partition and cannot be read now")
        return FAILED
    call.state.spend_file()
    try:
        text = script_at(call.state.fs, content.file.path, plain(part))
    except (ImageError, OSError) as error:
        call.note(f"{content.file.path} cannot be used as a script: {error}")
        return FAILED
    call.run(call.state, text, content.file.path)
    return call.state.status


def copy(call: Call) -> int:
    """`cp` and `fdt move`-like copies: the file is then at the other address too."""
    return _moved(call, call.words[0], call.words[1]) if len(call.words) > 1 else FAILED


def unpack(call: Call) -> int:
    """`unzip`, `lzmadec` …: what was packed is remembered at where it is unpacked to.

    bootd unpacks a kernel itself, so the packed file is what it wants.
    """
    if len(call.words) < 2:
        return FAILED
    call.state.set("filesize", call.state.get("filesize") or "1")
    return _moved(call, call.words[0], call.words[1])


def over_network(call: Call) -> int:
    """Fail, as without a network."""
    call.note(f"{call.name} needs a network, and is taken as failed")
    return FAILED


def _moved(call: Call, source_at: str, target_at: str) -> int:
    key, target = address(source_at), address(target_at)
    content: Content | None = None if key is None else call.state.memory.get(key)
    if content is None or target is None:
        # Memory whose content nobody knows, such as the firmware's own tables.
        return OK if number(plain(source_at)) is not None else FAILED
    overlays = call.state.overlays.get(key) if key is not None else None
    call.state.place(target, content)
    if overlays:
        call.state.overlays[target] = list(overlays)
    return OK
