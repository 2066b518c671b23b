"""fdt get, list, print and header: questions about the tree in work.

Source: cmd/fdt.c of U-Boot (fdt_value_env_set, fdt_get_header_value, fdt_print). Where the tree
cannot be known (`worktree`), what is asked is noted and taken as failed, as is `fdt get addr`.
"""

from typing import TYPE_CHECKING, Final

from bootd.fdt.header import HEADER_BYTES, MAGIC
from bootd.formats.uboot_script.commands.call import FAILED, OK, Call, number
from bootd.formats.uboot_script.commands.variables import assign
from bootd.formats.uboot_script.state import Kind
from bootd.model.text import clean

if TYPE_CHECKING:
    from bootd.fdt.tree import Fdt, Node

_MAX_CELLS: Final = 5
"""Of a property that becomes one text (20 bytes, a SHA-1)."""

_MEMBERS: Final = (
    "magic",
    "totalsize",
    "off_dt_struct",
    "off_dt_strings",
    "off_mem_rsvmap",
    "version",
    "last_comp_version",
    "boot_cpuid_phys",
    "size_dt_strings",
    "size_dt_struct",
)


def get(call: Call) -> int:
    """`fdt get value|name|size VARIABLE PATH [PROPERTY] [INDEX]`."""
    fdt, node = _looked_up(call, call.word(2))
    if fdt is None or call.word(0)[:1] not in {"n", "s", "v"}:
        return _unknown(call)
    found = None if node is None else _answer(node, call.word(0)[0], call.plain[3:])
    return FAILED if found is None or not call.word(1) else assign(call, call.word(1), found)


def _answer(node: "Node", what: str, words: list[str]) -> str | None:
    """Return what is asked of a node, or None when it has no such thing."""
    if what == "n":
        index = number(words[0]) if words else None
        below = list(node.children)
        return None if index is None or index >= len(below) else below[index]
    if not words:
        return str(len(node.children)) if what == "s" else None
    value = node.properties.get(words[0])
    if not value:
        return None if value is None else ""
    if what == "s":
        return f"0x{len(value):08X}"
    return as_text(value, number(words[1]) if len(words) > 1 else None)


def as_text(value: bytes, index: int | None) -> str | None:
    """Return what U-Boot sets a variable to for a property; None when it would not.

    Args:
        value: Not empty.
        index: Which of several strings or cells.
    """
    if value.endswith(b"\0") and not value.startswith(b"\0") and b"\0\0" not in value:
        texts = value[:-1].split(b"\0")
        if all(0x20 <= byte < 0x7F or 9 <= byte <= 13 for text in texts for byte in text):
            at = index or 0
            return texts[at].decode("ascii") if at < len(texts) else None
    if len(value) % 4:
        return None
    cells = [value[at : at + 4] for at in range(0, len(value), 4)]
    if len(cells) == 1:
        return f"0x{value.hex().upper()}"
    if index is not None:
        return f"0x{cells[index].hex().upper()}" if index < len(cells) else None
    # The processor's own order: little endian on all boards that bootd knows.
    return "".join(cell[::-1].hex() for cell in cells) if len(cells) <= _MAX_CELLS else None


def show(call: Call) -> int:
    """`fdt list [PATH [PROPERTY]]` and `fdt print`: as a question whether it is there."""
    if not call.words:
        return OK if call.state.tree is not None else FAILED
    fdt, node = _looked_up(call, call.word(0))
    if fdt is None:
        return OK  # mostly for a person to look at, and the firmware's tree has what is looked at
    name = call.word(1)
    return FAILED if node is None or (name and name not in node.properties) else OK


def header(call: Call) -> int:
    """`fdt header`, and `fdt header get VARIABLE MEMBER`."""
    state = call.state
    if not call.words:
        return OK if state.tree is not None else FAILED
    content = None if state.tree is None else state.memory.get(state.tree)
    member = call.word(2)
    if content is None or content.kind is not Kind.FILE or content.file is None:
        return _unknown(call)
    if call.word(0)[:1] != "g" or member not in _MEMBERS:
        return FAILED
    state.spend_file()
    try:
        data = b"" if content.file.device else state.fs.read_head(content.file.path, HEADER_BYTES)
    except OSError:
        data = b""
    if len(data) < HEADER_BYTES or int.from_bytes(data[:4], "big") != MAGIC:
        return _unknown(call)
    at = 4 * _MEMBERS.index(member)
    return assign(call, call.word(1), f"{int.from_bytes(data[at : at + 4], 'big'):x}")


def _looked_up(call: Call, path: str) -> "tuple[Fdt | None, Node | None]":
    from bootd.formats.uboot_script import worktree  # noqa: PLC0415 - few scripts ask

    call.state.spend_file()
    fdt = worktree.current(call.state)
    return fdt, None if fdt is None else worktree.find(fdt, path)


def _unknown(call: Call) -> int:
    words = clean(" ".join(call.plain), 80)
    call.note(f"{call.name} {words} cannot be known here; taken as failed")
    return FAILED
