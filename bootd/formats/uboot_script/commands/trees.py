"""fdt: the tree in work, and overlays for it.

Source: cmd/fdt.c of U-Boot. Edits of single properties are noted: the merge of the device trees has
its own rules for what firmware writes.
"""

from collections.abc import Callable, Mapping
from typing import Final

from bootd.formats.uboot_script.commands.call import FAILED, OK, Call, address, content_at
from bootd.formats.uboot_script.state import Kind, plain

MAX_OVERLAYS: Final = 64


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
    call.state.place(target, content)
    call.state.overlays[target] = overlays
    call.state.tree = target
    return OK


def _edit(call: Call) -> int:
    """Note a change that is not carried over."""
    call.note(f"{call.name} {' '.join(call.plain)[:80]} is not carried over to the device tree")
    return OK if call.state.tree is not None else FAILED


def _get(call: Call) -> int:
    """Fail: the value is the firmware's, or in a tree that is not looked into."""
    call.note(f"{call.name} {' '.join(call.plain)[:80]} cannot be known here; taken as failed")
    return FAILED


def _nothing(_call: Call) -> int:
    return OK


_VERBS: Final[Mapping[str, Callable[[Call], int]]] = {
    "addr": _address,
    "apply": _apply,
    "boardsetup": _nothing,
    "chosen": _nothing,
    "get": _get,
    "header": _nothing,
    "list": _nothing,
    "memory": _edit,
    "mknode": _edit,
    "move": _move,
    "print": _nothing,
    "resize": _nothing,
    "rm": _edit,
    "rsvmem": _edit,
    "set": _edit,
    "systemsetup": _nothing,
}
