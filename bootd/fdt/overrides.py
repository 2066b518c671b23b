"""Parameters of Raspberry Pi overlays: `dtparam=name=value` changes properties that a table names.

The node `__overrides__` has a property for each parameter: a list of targets, each a phandle cell
and a text. `prop` sets a string, `prop:0` a cell at that byte offset (`.` 1, `;` 2, `:` 4, `#` 8
bytes), `prop?` and `prop!` make or delete an empty property, `prop[` takes hexadecimal bytes;
`=literal` and `{key=value,...}` after these replace or translate the value; with phandle 0 the text
switches fragments (`+1-2=3!4`). `status` takes booleans, `reg` also renames the node's unit
address, `name` renames the node, `bootargs` is appended to.
Source: Raspberry Pi documentation, "Device trees, overlays, and parameters", 2.2; differences from
the firmware are none that its own overlays show, but for labels in lookups of nodes that land on a
base node (they keep the overlay's number, and the merge is refused by the last check).
"""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final

from bootd.errors import FdtError
from bootd.fdt import cells
from bootd.fdt.rename import rename
from bootd.fdt.tree import Node, walk
from bootd.record import dataclass

TABLE: Final = "__overrides__"

MAX_OFFSET: Final = 65_535
"""Byte offset of an integer target; no property of a real overlay comes near."""

MAX_VALUE: Final = 255
"""Characters of a value, as in the firmware."""

_SIZES: Final = {".": 1, ";": 2, ":": 4, "#": 8}
_TRUE: Final = frozenset({"y", "yes", "on", "true"})
_FALSE: Final = frozenset({"n", "no", "off", "false"})
_NUMBERS: Final = dict.fromkeys(_TRUE | {"down"}, 1) | dict.fromkeys(_FALSE, 0) | {"up": 2}
_STATUS: Final = dict.fromkeys(_TRUE | {"enable", "1"}, "okay") | dict.fromkeys(
    _FALSE | {"0"}, "disabled"
)
_ESCAPES: Final = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_SWITCH: Final = re.compile(r"([-+=!])(\d{1,4})")
_NAME: Final = re.compile(r"[-0-9A-Za-z,._+*#?]{1,255}")


class _Kind(Enum):
    STRING = ""
    INTEGER = ":"
    PRESENT = "?"
    ABSENT = "!"
    BYTES = "["
    FRAGMENTS = "<0>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """One place that a parameter changes; `value` is already replaced or translated."""

    phandle: int
    kind: _Kind
    property: str
    offset: int
    size: int
    value: str


def parse_parameters(text: str) -> tuple[tuple[str, str], ...]:
    """Split `name=value,name` as in config.txt; a name alone means `true`."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return tuple((name.strip(), value if equals else "true") for name, equals, value in pairs)


def set_parameters(top: Node, parameters: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Change a tree or an overlay as its `__overrides__` say; return what was not understood.

    A parameter that the table does not have is ignored with a sentence, as by the firmware.

    Args:
        top: The root; of an overlay after its phandles have got their final numbers.
        parameters: (name, value) in order.

    Raises:
        FdtError: A value does not fit its target, or the table is malformed.
    """
    notes: list[str] = []
    table = top.children.get(TABLE)
    known = {} if table is None else dict(table.properties)
    by_phandle = {p: node for _, node in walk(top) if (p := cells.phandle(node)) is not None}
    for name, value in parameters:
        if name not in known:
            notes.append(f"there is no parameter {name!r:.60}; it is ignored")
            continue
        try:
            for target in _targets(known[name], value):
                _set(top, by_phandle, target)
        except FdtError as error:
            raise FdtError(f"the parameter {name!r:.60}: {error.reason}") from error
    return tuple(notes)


class _Cursor:
    """Reads the mix of cells and NUL-terminated texts that dtc makes of a table row."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    @property
    def left(self) -> int:
        """Bytes that have not been read."""
        return len(self._data) - self.at

    def cell(self) -> int:
        """Read a cell."""
        if self.left < 4:
            raise FdtError("its row in __overrides__ is cut off")
        self.at += 4
        return int.from_bytes(self._data[self.at - 4 : self.at], "big")

    def text(self) -> str:
        """Read up to and over a NUL."""
        end = self._data.find(b"\0", self.at)
        if end < 0:
            raise FdtError("its row in __overrides__ does not end")
        found = self._data[self.at : end].decode("utf-8", "replace")
        self.at = end + 1
        return found


def _targets(row: bytes, value: str) -> Iterator[_Target]:
    if len(value) > MAX_VALUE:
        raise FdtError(f"its value has more than {MAX_VALUE} characters")
    cursor = _Cursor(row)
    while cursor.left:
        phandle = cursor.cell()
        text = cursor.text()
        if phandle == 0:
            yield _Target(
                phandle=0, kind=_Kind.FRAGMENTS, property=text, offset=0, size=0, value=value
            )
            continue
        yield _target(cursor, phandle, text, value)


def _target(cursor: _Cursor, phandle: int, text: str, value: str) -> _Target:
    """Read one target's text: what is changed, how, and to which value."""
    end = next((at for at, char in enumerate(text) if char in "={"), len(text))
    place, rest = text[:end], text[end:]
    length = next((at for at, char in enumerate(place) if char in ".;:#?!["), end)
    name, mark, digits = place[:length], place[length : length + 1], place[length + 1 :]
    kind, size, offset = _Kind.STRING, 0, 0
    if mark in _SIZES:
        kind, size = _Kind.INTEGER, _SIZES[mark]
        found = re.match(r"\d{1,6}", digits)
        offset = int(found[0]) if found else 0
        if offset > MAX_OFFSET:
            raise FdtError(f"the offset {offset} of its target is beyond any property")
    elif mark:
        kind = _Kind(mark)
    if not _NAME.fullmatch(name):
        raise FdtError("one of its targets has no valid property name")
    if rest.startswith("="):
        value = _literal(cursor, kind, rest[1:])
    elif rest:
        value = _look_up(cursor, rest[1:], value)
    if name == "status" and kind is _Kind.STRING:
        value = _STATUS.get(value, value)
    return _Target(phandle=phandle, kind=kind, property=name, offset=offset, size=size, value=value)


def _literal(cursor: _Cursor, kind: _Kind, text: str) -> str:
    """Return the value after `=`; when nothing follows it is a cell or a text of its own."""
    if text or kind is _Kind.BYTES:
        return text
    if kind is _Kind.STRING:
        return cursor.text() if cursor.left else ""
    return str(cursor.cell())


def _look_up(cursor: _Cursor, text: str, key: str) -> str:
    """Translate a value by `key=value,key=value,=default}`; a key alone stands for itself."""
    found: str | None = None
    default: str | None = None
    while text and not text.startswith("}"):
        length = next((at for at, char in enumerate(text) if char in "=,}"), len(text))
        name, mark, text = text[:length], text[length : length + 1], text[length + 1 :]
        if mark == "}":
            text = "}"
        value, text = _immediate(cursor, text) if mark == "=" else (key, text)
        if name == key and found is None and name:
            found = value
        elif not name and default is None:
            default = value
    if not text:
        raise FdtError("its lookup does not end")
    result = default if found is None else found
    if result is None:
        raise FdtError(f"it has no value {key!r:.60}")
    return result


def _immediate(cursor: _Cursor, text: str) -> tuple[str, str]:
    """Read one value of a lookup; return it and the text after it."""
    if not text:
        # dtc ends the text where a label follows, and starts another after it.
        number = str(cursor.cell())
        return number, cursor.text() if cursor.left else "}"
    if text.startswith("'"):
        value, quote, rest = text[1:].partition("'")
        if not quote:
            raise FdtError("a quoted value of its lookup does not end")
    else:
        length = next((at for at, char in enumerate(text) if char in ",}"), len(text))
        value, rest = text[:length], text[length:]
    return value, rest.removeprefix(",")


def _set(top: Node, by_phandle: dict[int, Node], target: _Target) -> None:
    if target.kind is _Kind.FRAGMENTS:
        _switch(top, target.property, target.value)
        return
    node = by_phandle.get(target.phandle)
    if node is None:
        raise FdtError("one of its targets is not there")
    name, old = target.property, node.properties.get(target.property)
    match target.kind:
        case _Kind.STRING:
            _set_string(top, node, name, target.value)
        case _Kind.BYTES:
            node.properties[name] = _bytes(target.value)
        case _Kind.INTEGER:
            _set_integer(top, node, target, old or b"")
        case _Kind.PRESENT | _Kind.ABSENT:
            if bool(_number(target.value)) == (target.kind is _Kind.PRESENT):
                node.properties[name] = b""
            else:
                node.properties.pop(name, None)


def _set_string(top: Node, node: Node, name: str, text: str) -> None:
    value = _unescape(text) + b"\0"
    old = node.properties.get(name, b"")
    if name == "name":
        rename(top, node, value[:-1].decode("ascii", "replace"))
    elif name == "bootargs" and old.strip(b"\0"):
        node.properties[name] = old[:-1] + b" " + value
    else:
        node.properties[name] = value


def _set_integer(top: Node, node: Node, target: _Target, old: bytes) -> None:
    number = _number(target.value)
    start, end = target.offset, target.offset + target.size
    packed = (number & ((1 << 8 * target.size) - 1)).to_bytes(target.size, "big")
    if target.property == "reg":
        # A missing or short `reg` only stands for the unit address: it is never made.
        if len(old) >= end:
            node.properties["reg"] = old[:start] + packed + old[end:]
        if start == 0 and "@" in node.name:
            rename(top, node, f"{node.name.partition('@')[0]}@{number & 0xFFFFFFFF:x}")
        return
    padded = old.ljust(end, b"\0")
    node.properties[target.property] = padded[:start] + packed + padded[end:]


def _switch(top: Node, text: str, value: str) -> None:
    """Enable or disable fragments: a disabled one has `__dormant__` instead of `__overlay__`."""
    wish = bool(_number(value))
    at = 0
    while at < len(text):
        found = _SWITCH.match(text, at)
        if found is None:
            raise FdtError(f"{text!r:.60} switches no fragments")
        at = found.end()
        active = {"+": True, "-": False, "=": wish, "!": not wish}[found[1]]
        names = (f"fragment@{int(found[2])}", f"fragment-{int(found[2])}")
        fragment = next((top.children[name] for name in names if name in top.children), None)
        if fragment is None:
            raise FdtError(f"the overlay has no fragment {int(found[2])}")
        old, new = ("__dormant__", "__overlay__") if active else ("__overlay__", "__dormant__")
        content = fragment.children.get(old)
        if content is not None:
            rename(top, content, new)


def _number(text: str) -> int:
    """Read a number as C does, or one of the words for one."""
    if text in _NUMBERS:
        return _NUMBERS[text]
    found = re.fullmatch(r"\s*([-+]?)(0[xX][0-9a-fA-F]{1,16}|0[0-7]*|[1-9]\d{0,19})", text)
    if found is None:
        raise FdtError(f"{text!r:.60} is no number")
    digits = found[2].lower()
    base = 16 if digits.startswith("0x") else 8 if digits.startswith("0") else 10
    number = int(digits, base)
    return -number if found[1] == "-" else number


def _bytes(text: str) -> bytes:
    digits = re.sub(r"[: \t]", "", text)
    if len(digits) % 2 or not re.fullmatch(r"[0-9a-fA-F]*", digits):
        raise FdtError(f"{text!r:.60} are no bytes in hexadecimal")
    return bytes.fromhex(digits)


def _unescape(text: str) -> bytes:
    r"""Replace `\n`, `\x41`, `\101` and the like."""

    def value(found: re.Match[str]) -> str:
        word = found[1]
        if word[0] == "x" and len(word) == 3:
            return chr(int(word[1:], 16))
        if word[0] in "01234567":
            return chr(int(word, 8) & 0xFF)
        if word in "\\'\"":
            return word
        if word not in _ESCAPES:
            raise FdtError(f"invalid escape in {text!r:.60}")
        return chr(_ESCAPES[word])

    pattern = r"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.|$)"
    return re.sub(pattern, value, text).encode("utf-8")
