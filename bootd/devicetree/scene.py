"""What a merge rule may look at: both trees, how their nodes pair, and what the entry asks for."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from bootd.devicetree.match import IDENTITY, Match
from bootd.errors import FdtError, MergeRefusedError
from bootd.fdt import address
from bootd.fdt.cells import phandle
from bootd.fdt.tree import Fdt, Node
from bootd.model.board import Profile

MAX_PHANDLE: Final = 0xFFFFFFFE
"""Numbers from here on are none (libfdt, FDT_MAX_PHANDLE)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the board besides the two trees.

    Attributes:
        profile: What its profiles say.
        original: The tree that the firmware starts from, before it changes it; None when unknown.
        screens: Paths of the running tree's framebuffers that are still being drawn into.
    """

    profile: Profile = field(default_factory=Profile)
    original: Fdt | None = None
    screens: frozenset[str] = frozenset()


@dataclass(kw_only=True)
class Scene:
    """Read-only for rules; no slots, since the matching is built when first asked for.

    Attributes:
        base: The shipped tree with the entry's overlays.
        live: The running kernel's tree.
        cmdline: Becomes /chosen/bootargs.
        known: What else is known of the board.
    """

    base: Fdt
    live: Fdt
    cmdline: str
    known: Known = field(default_factory=Known)

    @cached_property
    def match(self) -> Match:
        """How nodes of the live tree pair with nodes of the base."""
        return Match(self.live, self.base)

    @cached_property
    def handles(self) -> "NewHandles":
        """Phandles for nodes of the base that had none and are now referred to."""
        return NewHandles(self.base)

    def counterpart(self, live_path: str) -> str | None:
        """Return the base's path for a live node when the pairing is sure enough for identity."""
        pairing = self.match.find(live_path)
        return None if pairing is None or pairing.confidence < IDENTITY else pairing.path


class NewHandles:
    """Numbers above all of the base's own, which never change."""

    def __init__(self, base: Fdt) -> None:
        self.given: dict[str, int] = {}
        self._last = max(
            (p for _, node in base.walk() if (p := phandle(node)) is not None), default=0
        )

    def give(self, path: str) -> int | None:
        """Return the new phandle of a node, or None when there are no numbers left."""
        if path not in self.given:
            if self._last + 1 >= MAX_PHANDLE:
                return None
            self._last += 1
            self.given[path] = self._last
        return self.given[path]


def ranges(node: Node, cells: address.Layout) -> tuple[tuple[int, int], ...]:
    """Return the (start, size) pairs of a node's `reg`, those without a size dropped.

    Rockchip's vendor U-Boot pads the memory node with many empty ranges.

    Raises:
        MergeRefusedError: The `reg` is malformed.
    """
    try:
        entries = address.decode(node.properties.get("reg", b""), cells)
    except FdtError as error:
        msg = f"{node.name}: {error}"
        raise MergeRefusedError(msg) from error
    return tuple(entry for entry in entries if entry[1])


def encode(entries: tuple[tuple[int, int], ...], cells: address.Layout, what: str) -> bytes:
    """Return a `reg` value.

    Raises:
        MergeRefusedError: A number does not fit; `what` says whose.
    """
    try:
        return address.encode(entries, cells)
    except FdtError as error:
        msg = f"{what} cannot be written in the DTB's cells: {error}"
        raise MergeRefusedError(msg) from error
