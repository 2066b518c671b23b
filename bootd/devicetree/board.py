"""Rules of board profiles: what data says about one kind of board, beside the built-in rules.

A profile names nodes of the shipped tree. What comes from the running tree comes from the node that
surely stands for the same thing, with its references rewritten; where that cannot be done the rule
is refused and said so.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase, translate
from functools import cached_property

from bootd.devicetree.edit import Edit, Why, assign, delete, refuse
from bootd.devicetree.match import IDENTITY
from bootd.devicetree.scene import Scene
from bootd.devicetree.transfer import transfer
from bootd.fdt.cells import compatible, is_enabled
from bootd.fdt.tree import Node
from bootd.model.board import ProfileAction, ProfileRule
from bootd.model.tree import FactAction, FactSource


def override(scene: Scene, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """Return the edits of the built-in rules with those of the board's profile put over them."""
    if not scene.known.profile.rules:
        return edits
    rules = _BoardRules(scene)
    decided: dict[tuple[str, str], Edit | None] = {}
    for rule, path, node in rules.hits():
        name = rule.property or "status"
        if (path, name) not in decided:
            decided[path, name] = next(rules.edits(rule, path, node), None)
    kept = [edit for edit in edits if (edit.path, edit.property) not in decided]
    return (*kept, *(edit for edit in decided.values() if edit is not None))


class _BoardRules:
    """The rules of one profile against one pair of trees."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def hits(self) -> Iterator[tuple[ProfileRule, str, Node]]:
        """Yield every rule with every node of the base that it is for, in the rules' order."""
        nodes = list(self._scene.base.walk())
        for rule in self._scene.known.profile.rules:
            # `*` stays within one part of the path.
            wanted = re.compile("/".join(translate(p)[4:-3] for p in rule.path.split("/")))
            for path, node in nodes:
                if rule.path and not wanted.fullmatch(path):
                    continue
                texts = compatible(node)
                if rule.compatible and not any(fnmatchcase(t, rule.compatible) for t in texts):
                    continue
                yield rule, path, node

    def edits(self, rule: ProfileRule, path: str, node: Node) -> Iterator[Edit]:
        """Yield the edit of one rule at one node, if any."""
        why = Why(rule=f"profile {rule.source}", reason=rule.reason)
        policy = Why(rule=why.rule, reason=rule.reason, source=FactSource.POLICY)
        name = rule.property
        match rule.action:
            case ProfileAction.SHIPPED:
                yield Edit(path=path, property=name, value=None, action=FactAction.KEEP, why=policy)
            case ProfileAction.DROP:
                if name in node.properties:
                    yield delete(path, name, policy)
            case ProfileAction.LIVE_IF_MISSING:
                if name not in node.properties:
                    yield from self._live(path, name, why)
            case ProfileAction.LIVE:
                yield from self._live(path, name, why)
            case ProfileAction.DISABLE:
                yield from self._disable(path, node, why)

    def _live(self, path: str, name: str, why: Why) -> Iterator[Edit]:
        live_path = self._twins.get(path)
        live = None if live_path is None else self._scene.live.find(live_path)
        if live is None or live_path is None or name not in live.properties:
            return
        value = transfer(self._scene, live_path, path, name)
        if value is None:
            lost = f"{why.reason}; but the value cannot be said in the DTB's terms"
            yield refuse(path, name, Why(rule=why.rule, reason=lost))
        else:
            yield from assign(self._scene.base, path, name, value, why)

    def _disable(self, path: str, node: Node, why: Why) -> Iterator[Edit]:
        if node.properties.get("device_type") == b"cpu\0" or not is_enabled(node):
            return
        live_path = self._twins.get(path)
        live = None if live_path is None else self._scene.live.find(live_path)
        if live is not None and not is_enabled(live):
            yield from assign(self._scene.base, path, "status", b"disabled\0", why)

    @cached_property
    def _twins(self) -> dict[str, str]:
        """The running tree's path by the base's, where they surely belong together."""
        found: dict[str, str] = {}
        for path, _ in self._scene.live.walk():
            pairing = self._scene.match.find(path)
            if pairing is not None and pairing.confidence >= IDENTITY:
                found[pairing.path] = path
        return found
