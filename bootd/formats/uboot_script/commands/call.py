"""A command's arguments, addresses and files: what most commands need."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from bootd.errors import ConfigError
from bootd.formats.lexing import MAX_PATH
from bootd.formats.uboot_script.state import (
    Content,
    Kind,
    State,
    names_in,
    plain,
    without_marks,
)
from bootd.fsview import normalise, read_text
from bootd.model.option import OWN_PARTITION, FileRef
from bootd.record import dataclass

OK: Final = 0
FAILED: Final = 1

_FIRMWARE_TREES: Final = frozenset({"fdt_addr", "fdtcontroladdr"})
"""Variables in which the firmware leaves the address of the tree that it uses or was given."""

_IMAGES: Final = re.compile(r"image|kernel|bootfile|linux", re.IGNORECASE)
"""Parts of names of variables that hold the name of a kernel."""

_KERNELS: Final = ("Image", "zImage", "uImage", "vmlinuz", "Image.gz")

_HEX: Final = re.compile(r"(?:0[xX])?([0-9a-fA-F]{1,16})")
_DEVICE: Final = re.compile(r"([0-9a-fA-F]*)(?:\.\d+)?(?:[:#](\w+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A command that is being interpreted.

    Attributes:
        words: Arguments, marks in them.
        run: Interprets another script: (state, text, source).
    """

    state: State
    name: str
    words: list[str]
    run: Callable[[State, str, str], None]

    @property
    def plain(self) -> list[str]:
        """The arguments as U-Boot sees them."""
        return [plain(word) for word in self.words]

    def word(self, index: int) -> str:
        """Return an argument as U-Boot sees it, or ""."""
        return plain(self.words[index]) if index < len(self.words) else ""

    def note(self, sentence: str) -> None:
        """Keep a sentence, with the line before it."""
        place = f"line {self.state.line}: " if self.state.numbered else ""
        self.state.note(f"{place}{sentence}")


def number(text: str) -> int | None:
    """Return what U-Boot reads as a hexadecimal number, or None."""
    match = _HEX.fullmatch(text)
    return int(match[1], 16) if match else None


def address(text: str) -> int | str | None:
    """Return the key of an address in `State.memory`: a number, or a variable's name."""
    bare = plain(text)
    if bare:
        return number(bare)
    return next(iter(names_in(text)), None)


def content_at(state: State, where: str) -> Content | None:
    """Return what lies at an address; the firmware's own tree where only it has put one."""
    key = address(where)
    if key is None:
        return None
    if key in _FIRMWARE_TREES and key not in state.memory:
        return Content(kind=Kind.FIRMWARE)
    return state.memory.get(key)


def find(call: Call, interface: str, device: str, name: str) -> Content:
    """Return what a path on a device is: a file, a folder of device trees, or absent.

    A path that is on this file system is taken from here, whatever the device is called: numbers of
    devices differ between firmware and kernel. A path that is not here may be on another partition
    of the same disk, which nobody can look into now; it is taken for present.
    """
    state = call.state
    state.spend_file()
    bare = plain(name)
    path = normalise(bare)
    ref = FileRef(path[:MAX_PATH])
    if len(path) > MAX_PATH:
        return Content(kind=Kind.ABSENT, file=FileRef(path[:MAX_PATH]))
    if bare and state.fs.is_file(path):
        return Content(kind=Kind.FILE, file=ref)
    if (kernel := _kernel(call, name)) is not None:
        return Content(kind=Kind.FILE, file=FileRef(kernel))
    if (folder := _folder(state, name)) is not None:
        return Content(kind=Kind.FOLDER, file=FileRef(folder))
    if other := _other_partition(state, plain(interface), plain(device)):
        return Content(kind=Kind.FILE, file=FileRef(ref.path, f"{OWN_PARTITION}{other}"))
    return Content(kind=Kind.ABSENT, file=ref)


def size_of(state: State, content: Content) -> int:
    """Return the length of a file, 1 when it cannot be seen now."""
    if content.kind is not Kind.FILE or content.file is None or content.file.device:
        return 1
    try:
        return state.fs.identity(content.file.path)[1]
    except OSError:
        return 1


def text_at(call: Call, where: str) -> str | None:
    """Return the text of the file at an address, or None with a note on why there is none."""
    content = content_at(call.state, where)
    if content is None or content.kind is not Kind.FILE or content.file is None:
        return None
    if content.file.device is not None:
        call.note(f"{content.file.path} is on another partition and cannot be read now")
        return None
    try:
        return without_marks(read_text(call.state.fs, content.file.path))
    except ConfigError as error:
        call.note(str(error))
    except OSError as error:
        call.note(f"{content.file.path} cannot be read: {error.strerror}")
    return None


def settings(text: str) -> Iterator[tuple[str, str]]:
    """Yield the variables of an exported environment: `name=value` lines, comments left out.

    Source: lib/hashtable.c of U-Boot, `himport_r` with the separator of `-t`.
    """
    for raw in text.split("\n"):
        line = raw.rstrip("\r").lstrip(" \t")
        name, equals, value = line.partition("=")
        if equals and name and not name.startswith("#") and " " not in name:
            yield name, value


def partition_of(state: State, device: str) -> int | None:
    """Return the number of a partition that is not the one the script is on, or None."""
    match = _DEVICE.fullmatch(device)
    if match is None or not match[2] or not match[2].isdecimal() or len(match[2]) > 3:
        return None
    own = plain(state.get("distro_bootpart") or "1")
    same_disk = match[1] == plain(state.get("devnum") or "0")
    return int(match[2]) if same_disk and match[2] != own else None


def _other_partition(state: State, interface: str, device: str) -> int | None:
    if interface != plain(state.get("devtype") or ""):
        return None
    return partition_of(state, device)


def _kernel(call: Call, name: str) -> str | None:
    """Return a kernel where the path's last part is a variable that only the firmware knows."""
    head, _, last = name.rpartition("/")
    unknown = names_in(last)
    if plain(last) or not any(_IMAGES.search(each) for each in unknown):
        return None
    folder = normalise(plain(head)).rstrip("/")
    for each in _KERNELS:
        call.state.spend_file()
        if call.state.fs.is_file(f"{folder}/{each}"):
            call.note(f"${{{unknown[0]}}} is taken for {folder}/{each}; only the firmware knows it")
            return f"{folder}/{each}"
    return None


def _folder(state: State, name: str) -> str | None:
    """Return the folder of DTBs that a path names when its last part depends on a variable."""
    head, _, last = name.rpartition("/")
    if not names_in(last):
        return None
    folder = normalise(plain(head)) if plain(head) else "/"
    names = state.fs.list_dir(folder)
    if any(each.endswith(".dtb") for each in names):
        return folder
    below = (f"{folder.rstrip('/')}/{each}" for each in names[:64])
    has_below = any(each.endswith(".dtb") for path in below for each in state.fs.list_dir(path))
    return folder if has_below else None
