"""A tree that a hook has changed: what differs, and whether it may be handed over."""

from bootd.devicetree.verify import verify
from bootd.errors import MergeRefusedError
from bootd.fdt import Fdt, read, write
from bootd.fdt.cells import from_string
from bootd.fdt.tree import Node
from bootd.model.tree import Fact, FactAction, FactSource


def accept(
    changed: bytes, before: bytes, live: bytes, cmdline: str
) -> tuple[bytes, tuple[Fact, ...]]:
    """Return a hook's tree with the final command line, and every difference from `before`.

    Args:
        changed: What the hook gave.
        before: What it was given.
        live: The running kernel's.
        cmdline: What the next kernel gets.

    Raises:
        MergeRefusedError: It does not pass the checks that a merged tree passes.
        FdtError: It is damaged.
    """
    fdt, base = read(changed), read(before)
    _set_cmdline(fdt, cmdline)
    facts = tuple(_differences(base, fdt))
    blob = write(fdt)
    try:
        verify(blob, base, read(live), facts, cmdline)
    except MergeRefusedError as error:
        raise MergeRefusedError(f"after a hook: {error}") from error
    return blob, facts


def _set_cmdline(fdt: Fdt, cmdline: str) -> None:
    chosen = fdt.root.children.get("chosen") or fdt.root.add("chosen")
    chosen.properties["bootargs"] = from_string(cmdline)


def _differences(base: Fdt, changed: Fdt) -> list[Fact]:
    before, after = dict(base.walk()), dict(changed.walk())
    facts = []
    for path in before | after:
        old, new = before.get(path), after.get(path)
        if new is None:
            facts.append(_fact(path, "", FactAction.DELETE))
            continue
        ours = {} if old is None else old.properties
        facts += [
            _fact(path, name, _action(name, ours, new))
            for name in ours | new.properties
            if ours.get(name) != new.properties.get(name)
        ]
    return facts


def _action(name: str, before: dict[str, bytes], after: Node) -> FactAction:
    if name not in after.properties:
        return FactAction.DELETE
    return FactAction.SET if name in before else FactAction.ADD


def _fact(path: str, name: str, action: FactAction) -> Fact:
    return Fact(
        path=path,
        property=name,
        source=FactSource.POLICY,
        rule="hook",
        action=action,
        reason="a hook has changed it",
    )
