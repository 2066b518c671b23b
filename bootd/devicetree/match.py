"""Which node of the shipped tree stands for the same thing as a node of the live one.

Device trees of one board differ from kernel release to kernel release: only one board in twenty
keeps every node path between two Debian releases, and a path alone is no identity either. So
several keys are asked, and must not contradict each other. Aliases come last and never decide who
owns an address: they are renumbered between releases.
"""

from collections import defaultdict
from functools import cached_property
from typing import Final

from bootd.fdt.address import translate
from bootd.fdt.cells import compatible, string
from bootd.fdt.tree import Fdt, Node, join, parent_path
from bootd.record import dataclass

IDENTITY: Final = 0.85
"""A pairing of at least this confidence may receive an address, a serial number or a range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """A node of the shipped tree, and how sure it is.

    Attributes:
        path: In the shipped tree.
        key: What the two nodes share: `label`, `path`, `address`, `parent` or `alias`.
        confidence: 0 to 1; see IDENTITY.
    """

    path: str
    key: str
    confidence: float


class Side:
    """One of the two trees with the indexes that matching needs, each built when first asked."""

    def __init__(self, fdt: Fdt) -> None:
        self.fdt = fdt

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """Every node by its path."""
        return dict(self.fdt.walk())

    @cached_property
    def labels(self) -> dict[str, str]:
        """Path by label, from /__symbols__."""
        return self._paths("/__symbols__")

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Path by alias."""
        return self._paths("/aliases")

    @cached_property
    def addresses(self) -> dict[int, list[str]]:
        """Paths by the CPU's address of the first `reg` entry."""
        found: dict[int, list[str]] = defaultdict(list)
        for path, node in self.nodes.items():
            if "reg" in node.properties:
                address = self.address(path)
                if address is not None:
                    found[address].append(path)
        return found

    def address(self, path: str) -> int | None:
        """Return the CPU's address of a node, or None."""
        chain = [self.nodes[path]]
        while path != "/":
            path = parent_path(path)
            chain.append(self.nodes[path])
        found = translate(chain[::-1])
        return None if found is None else found[0]

    def _paths(self, table: str) -> dict[str, str]:
        node = self.fdt.find(table)
        if node is None:
            return {}
        return {name: string(value) for name, value in node.properties.items()}


class Match:
    """Pairs nodes of the live tree with nodes of the shipped one, on demand."""

    def __init__(self, live: Fdt, shipped: Fdt) -> None:
        self._live = Side(live)
        self._shipped = Side(shipped)
        self._known: dict[str, Pairing | None] = {"/": Pairing(path="/", key="path", confidence=1)}

    def find(self, live_path: str) -> Pairing | None:
        """Return the shipped node for a live one; None when there is none or keys disagree."""
        # From the root down, so that no call nests deeper than the tree.
        missing: list[str] = []
        path = live_path
        while path not in self._known:
            missing.append(path)
            path = parent_path(path)
        for step in reversed(missing):
            self._known[step] = self._pair(step)
        return self._known[live_path]

    def _pair(self, path: str) -> Pairing | None:
        node = self._live.nodes.get(path)
        if node is None:
            return None
        found = [
            Pairing(path=target, key=key, confidence=confidence)
            for key, target, confidence in (
                ("label", self._by_label(path, node), 1.0),
                ("path", self._by_path(path, node), 0.95),
                ("address", self._by_address(path, node), 0.9),
                ("parent", self._by_parent(path, node), IDENTITY),
            )
            if target is not None
        ]
        if len({pairing.path for pairing in found}) > 1:
            return None
        return found[0] if found else self._by_alias(path, node)

    def _alike(self, node: Node, target: str, *, bare: bool) -> bool:
        """Say whether a shipped node shares a compatible; `bare`: or neither has any."""
        other = self._shipped.nodes.get(target)
        if other is None:
            return False
        ours, theirs = compatible(node), compatible(other)
        return bool(set(ours) & set(theirs)) or (bare and not ours and not theirs)

    def _by_label(self, path: str, node: Node) -> str | None:
        labels = [label for label, where in self._live.labels.items() if where == path]
        targets = {self._shipped.labels[label] for label in labels if label in self._shipped.labels}
        hits = [target for target in targets if self._alike(node, target, bare=False)]
        return hits[0] if len(hits) == 1 else None

    def _by_path(self, path: str, node: Node) -> str | None:
        return path if self._alike(node, path, bare=True) else None

    def _by_address(self, path: str, node: Node) -> str | None:
        if "reg" not in node.properties or not compatible(node):
            return None
        address = self._live.address(path)
        if address is None:
            return None
        hits = [t for t in self._shipped.addresses[address] if self._alike(node, t, bare=False)]
        ours = [
            p
            for p in self._live.addresses[address]
            if set(compatible(self._live.nodes[p])) & set(compatible(node))
        ]
        return hits[0] if len(hits) == 1 and len(ours) == 1 else None

    def _by_parent(self, path: str, node: Node) -> str | None:
        parent = self._known[parent_path(path)]
        if parent is None:
            return None
        same_name = join(parent.path, node.name)
        if self._alike(node, same_name, bare=True):
            return same_name
        reg = node.properties.get("reg")
        siblings = self._shipped.nodes[parent.path].children
        hits = [
            join(parent.path, name)
            for name, other in siblings.items()
            if reg is not None
            and other.properties.get("reg") == reg
            and self._alike(node, join(parent.path, name), bare=False)
        ]
        return hits[0] if len(hits) == 1 else None

    def _by_alias(self, path: str, node: Node) -> Pairing | None:
        names = [alias for alias, where in self._live.aliases.items() if where == path]
        targets = {self._shipped.aliases[name] for name in names if name in self._shipped.aliases}
        hits = [target for target in targets if self._alike(node, target, bare=False)]
        return Pairing(path=hits[0], key="alias", confidence=0.5) if len(hits) == 1 else None
