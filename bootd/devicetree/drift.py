"""What two trees alone cannot decide: told, so that a person can.

Without the DTB that the firmware started from, a block that is off in the running tree may be fused
off, or simply be off in that release's DTB; and a device that only the running tree has may be an
overlay of the firmware, or have another name in the DTB. The DTB's own word stays; audited profiles
know the blocks that fuses switch off.
"""

from collections.abc import Iterator
from typing import Final

from bootd.devicetree.edit import Edit, Why, keep, refuse
from bootd.devicetree.scene import Scene
from bootd.fdt.cells import compatible, is_enabled
from bootd.fdt.tree import Node
from bootd.model.text import clean
from bootd.model.tree import FactSource

MAX_TOLD: Final = 32
"""Switched-off nodes that are told one by one."""

_NAMED: Final = 4

_OFF: Final = Why(
    rule="switched-off",
    reason="off in the running tree, by a fuse or since its DTB is another; the DTB's own stays",
    source=FactSource.SHIPPED,
)

_ELSEWHERE: Final = (
    *("/chosen", "/aliases", "/memory", "/reserved-memory", "/cpus", "/psci", "/firmware", "/__"),
    *("/hypervisor", "/system"),
)
"""Where other rules decide."""


def switched_off(scene: Scene) -> Iterator[Edit]:
    """Tell which devices the running tree has switched off and the DTB has not."""
    if scene.known.original is not None:
        return
    told = 0
    for path, node in scene.live.walk():
        if is_enabled(node) or path.startswith(_ELSEWHERE) or _is_twin(scene, path, node, on=False):
            continue
        target = scene.counterpart(path)
        ours = None if target is None else scene.base.find(target)
        if target is not None and ours is not None and is_enabled(ours):
            yield keep(target, "status", _OFF)
            told += 1
            if told == MAX_TOLD:
                return


def only_running(scene: Scene) -> Iterator[Edit]:
    """Tell how many devices only the running tree has, and name the first."""
    if scene.known.original is not None:
        return
    found: list[str] = []
    for path, node in scene.live.walk():
        if path.startswith(_ELSEWHERE) or (found and path.startswith(f"{found[-1]}/")):
            continue
        if not compatible(node) or not is_enabled(node) or _is_twin(scene, path, node, on=True):
            continue
        if scene.match.find(path) is None:
            found.append(path)
    if found:
        names = ", ".join(clean(path, 60) for path in found[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        reason = (
            f"only in the running tree: {names}{more}; an overlay of the firmware, or the DTB has"
            " them under other names; overlays can be named in the boot option"
        )
        yield refuse("/", "", Why(rule="only-running", reason=reason))


def _is_twin(scene: Scene, path: str, node: Node, *, on: bool) -> bool:
    """Say whether the same path has the same device in the same state: the usual, cheap case."""
    twin = scene.base.find(path)
    return (
        twin is not None
        and is_enabled(twin) is on
        and bool(set(compatible(twin)) & set(compatible(node)))
    )
