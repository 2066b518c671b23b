"""fdt: the tree in work, overlays for it, and edits of single properties.

Source: cmd/fdt.c of U-Boot. `fdt set`, `rm` and `mknode` are kept as edits for the merge of the
device trees, which judges them as it does overlays; `fdt memory` and `rsvmem` are noted, since RAM
is always what the running tree says.
"""

from collections.abc import Callable, Mapping
from typing import Final

from bootd.formats.uboot_script.commands import treevalues
from bootd.formats.uboot_script.commands.call import FAILED, OK, Call, address, content_at
from bootd.formats.uboot_script.state import Kind, names_in, plain
from bootd.formats.uboot_script.values import property_value
from bootd.model.text import clean
from bootd.model.tree import TreeEdit

MAX_OVERLAYS: Final = 64
MAX_EDITS: Final = 64
MAX_VALUE: Final = 1024
"""Bytes of a property that a script sets."""


def fdt(call: Call) -> int:
    """`fdt` with its own first word."""
    verb = call.word(0)
    known = _VERBS.get(verb)
    if known is None:
        call.note(f"fdt {verb} is not understood, and taken as failed")
        return FAILED
    return known(Call(state=call.state, name=f"fdt {verb}", words=call.words[1:], run=call.run))


def _address(call: Call) -> int:
    """Choose the tree that is worked on; fails when there is none at the address."""
    words = [word for word in call.words if plain(word) not in {"-c", "-q"}]
    key = address(words[0]) if words else None
    content = content_at(call.state, words[0]) if words else None
    if key is None or content is None or content.kind is Kind.ABSENT:
        return FAILED
    call.state.tree = key
    return OK


def _apply(call: Call) -> int:
    """Remember an overlay for the tree in work."""
    state = call.state
    key = address(call.words[0]) if call.words else None
    overlay = None if key is None else state.memory.get(key)
    if state.tree is None or overlay is None or overlay.kind is not Kind.FILE:
        return FAILED
    applied = state.overlays.setdefault(state.tree, [])
    if overlay.file is None or len(applied) >= MAX_OVERLAYS:
        call.note(f"more than {MAX_OVERLAYS} overlays; this one is left out")
        return FAILED
    applied.append(overlay.file)
    return OK


def _move(call: Call) -> int:
    """`fdt move from to size`: the tree in work is then the one at the new address."""
    if len(call.words) < 2:
        return FAILED
    start, target = address(call.words[0]), address(call.words[1])
    content = None if start is None else call.state.memory.get(start)
    if start is None or target is None or content is None or content.kind is Kind.ABSENT:
        return FAILED
    overlays = list(call.state.overlays.get(start, ()))
    edits = list(call.state.edits.get(start, ()))
    call.state.place(target, content)
    call.state.overlays[target], call.state.edits[target] = overlays, edits
    call.state.tree = target
    return OK


def _set(call: Call) -> int:
    """`fdt set PATH PROPERTY [VALUE …]`."""
    value = property_value([plain(word) for word in call.words[2:]])
    if len(call.words) < 2 or value is None or len(value) > MAX_VALUE:
        return _left_out(call)
    return _edit(call, call.word(0), call.word(1), value.hex())


def _remove(call: Call) -> int:
    """`fdt rm PATH [PROPERTY]`."""
    return _edit(call, call.word(0), call.word(1), None) if call.words else FAILED


def _make_node(call: Call) -> int:
    """`fdt mknode PATH NAME`."""
    if len(call.words) < 2:
        return FAILED
    return _edit(call, f"{call.word(0).rstrip('/')}/{call.word(1)}", "", "")


def _edit(call: Call, path: str, name: str, value: str | None) -> int:
    """Remember an edit of the tree in work."""
    state = call.state
    if state.tree is None:
        return FAILED
    known = state.edits.setdefault(state.tree, [])
    if any(names_in(word) for word in call.words) or len(known) >= MAX_EDITS or not path:
        return _left_out(call)
    where = f"{state.source} line {state.line}" if state.numbered else state.source
    known.append(TreeEdit(path=path[:255], property=name[:255], value=value, source=clean(where)))
    return OK


def _left_out(call: Call) -> int:
    """Note a change that is not carried over."""
    call.note(f"{call.name} {' '.join(call.plain)[:80]} is not carried over to the device tree")
    return OK if call.state.tree is not None else FAILED


def _nothing(_call: Call) -> int:
    return OK


_VERBS: Final[Mapping[str, Callable[[Call], int]]] = {
    "addr": _address,
    "apply": _apply,
    "boardsetup": _nothing,
    "chosen": _nothing,
    "get": treevalues.get,
    "header": treevalues.header,
    "list": treevalues.show,
    "memory": _left_out,
    "mknode": _make_node,
    "move": _move,
    "print": treevalues.show,
    "resize": _nothing,
    "rm": _remove,
    "rsvmem": _left_out,
    "set": _set,
    "systemsetup": _nothing,
}
