"""What a boot script changes in its device tree, made to the shipped tree as an overlay would be.

The running tree's facts are merged in afterwards and win. What only the running tree decides
(memory, CPUs, firmware) and /chosen, which bootd writes, a script may not change: such an edit is
refused and told. The tiers of `bootd.policy.trust` treat edits like overlays.
"""

from collections.abc import Iterator
from typing import Final

from bootd.devicetree.edit import Edit, Why, add_node, apply, assign, delete, refuse
from bootd.devicetree.trustclass import TrustClass, trust_class
from bootd.fdt.tree import Fdt, copy_fdt
from bootd.model.text import clean
from bootd.model.tree import FactSource, TreeEdit

RULE: Final = "script"
"""Name that these facts carry."""

_NOT_ALLOWED: Final = {
    TrustClass.MACHINE: "but the running tree decides this",
    TrustClass.CHOSEN: "but bootd writes /chosen",
}


def apply_edits(base: Fdt, edits: tuple[TreeEdit, ...]) -> tuple[Fdt, tuple[Edit, ...]]:
    """Return a tree with a script's edits made, and what became of each.

    Args:
        base: With its overlays; not changed.
        edits: In order; each sees those before it.
    """
    if not edits:
        return base, ()
    result = copy_fdt(base)
    done: list[Edit] = []
    for each in edits:
        made = tuple(_edits(result, each))
        apply(result, made)
        done += made
    return result, tuple(done)


def _edits(tree: Fdt, it: TreeEdit) -> Iterator[Edit]:
    """Yield the change that an edit makes to the tree as it is now."""
    path = _whole_path(tree, it)
    shown, name = path or f"/{clean(it.path, 80).lstrip('/')}", it.property
    if path is None:
        yield refuse(shown, name, _why(it, "but there is no such node"))
        return
    # Properties that are a machine's own by name, such as MAC addresses, the merge sets anyway.
    reason = _NOT_ALLOWED.get(trust_class(path, ""))
    if reason is not None:
        yield refuse(path, name, _why(it, reason))
    elif it.value is None:
        if path != "/" and (not name or tree.get(path, name) is not None):
            yield delete(path, name, _why(it))
    elif name:
        yield from assign(tree, path, name, bytes.fromhex(it.value), _why(it))
    elif tree.find(path) is None:
        yield add_node(path, _why(it))


def _whole_path(tree: Fdt, it: TreeEdit) -> str | None:
    """Return the whole path of a node, or None when it is not there; a new one needs its parent."""
    path = it.path
    if not path.startswith("/"):
        alias, _, rest = path.partition("/")
        target = (tree.get("/aliases", alias) or b"").rstrip(b"\0").decode("ascii", "replace")
        path = f"{target}/{rest}" if rest else target
    is_new = not it.property and it.value is not None
    wanted, _, name = path.rpartition("/") if is_new else (path, "", "")
    found = tree.locate(wanted or "/") if path.startswith("/") else None
    if found is None:
        return None
    return f"{found[0].rstrip('/')}/{name}" if is_new else found[0]


def _why(it: TreeEdit, refused: str = "") -> Why:
    reason = f"edit of {it.source}" + (f", {refused}" if refused else "")
    return Why(rule=RULE, reason=reason, source=FactSource.BOOT_OPTION)
