"""The RULES table: every fact of the running board that a shipped tree may receive.

The list is closed. What no rule names comes from the shipped tree, since that is what shipping a
DTB is for. To add a rule: write its function beside those of its subject, then its line here.
"""

from collections.abc import Callable, Iterator
from typing import Final

from bootd.devicetree import (
    board,
    chosen,
    display,
    drift,
    firmware,
    identity,
    memory,
    original,
    processors,
)
from bootd.devicetree.edit import Edit
from bootd.devicetree.scene import Scene
from bootd.devicetree.transfer import new_phandles
from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRule:
    """One kind of fact.

    Attributes:
        name: As facts carry it.
        about: What it brings over, for documentation and `bootdctl dt explain`.
        edits: From both trees to the changes; sees the base as it was before any rule.
        essential: Applied in mode `shipped` as well: without it no kernel starts.
    """

    name: str
    about: str
    edits: Callable[[Scene], Iterator[Edit]]
    essential: bool = False


RULES: Final[tuple[MergeRule, ...]] = (
    MergeRule(name="memory", about="the RAM", edits=memory.memory, essential=True),
    MergeRule(
        name="reservations",
        about="the reservation block",
        edits=memory.reservations,
        essential=True,
    ),
    MergeRule(
        name="reserved-memory",
        about="fixed ranges of /reserved-memory",
        edits=memory.reserved_memory,
        essential=True,
    ),
    MergeRule(
        name="cpu-start",
        about="enable-method and release addresses of CPUs",
        edits=processors.cpu_start,
        essential=True,
    ),
    MergeRule(name="cpu-set", about="which CPUs there are", edits=processors.cpu_set),
    MergeRule(name="boot-cpu", about="the CPU that boots", edits=processors.boot_cpu),
    MergeRule(name="psci", about="how PSCI is called", edits=firmware.psci, essential=True),
    MergeRule(name="firmware", about="OP-TEE and hypervisors", edits=firmware.services),
    MergeRule(name="board-name", about="what the DTB calls the board", edits=identity.board_name),
    MergeRule(name="serial", about="serial number and revision", edits=identity.serial),
    MergeRule(name="mac-address", about="hardware addresses", edits=identity.mac_address),
    MergeRule(
        name="firmware-change",
        about="what the firmware changed in its own DTB, where that is known",
        edits=original.firmware_changes,
    ),
    MergeRule(
        name="switched-off",
        about="what is off in the running tree for a reason that two trees cannot tell",
        edits=drift.switched_off,
    ),
    MergeRule(
        name="only-running",
        about="devices that only the running tree has",
        edits=drift.only_running,
    ),
    MergeRule(
        name="display",
        about="the framebuffer, where the screen still shows it",
        edits=display.display,
        essential=True,
    ),
    MergeRule(
        name="chosen",
        about="command line, console and what the firmware put in /chosen",
        edits=chosen.chosen,
        essential=True,
    ),
)
"""In the order in which facts are listed; rules do not see each other's edits."""


def plan(scene: Scene, rules: tuple[MergeRule, ...] = RULES) -> tuple[Edit, ...]:
    """List every edit, without making any; the board's profile has the last word.

    Raises:
        MergeRefusedError: A fact that the board cannot do without does not fit the base.
    """
    edits = board.override(scene, tuple(edit for rule in rules for edit in rule.edits(scene)))
    # Two rules may need the same node.
    return tuple(dict.fromkeys((*edits, *new_phandles(scene))))
