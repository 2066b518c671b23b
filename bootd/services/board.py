"""Reads what is known of this board when something is booted: profiles and the trees they name.

Profiles are looked for below usr/lib, run and etc; one in etc hides one of the same name in run,
and so on. All of it belongs to the administrator, so it is read by the daemon itself; what fails
becomes a note, since a mistake in a profile must not keep a machine from booting.
"""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from bootd.errors import FdtError, SettingError
from bootd.fsview import MAX_DTB_BYTES
from bootd.model.board import Board, LiveChoice, Profile, RiskyTrees, Tier
from bootd.record import dataclass

if TYPE_CHECKING:
    from bootd.devicetree.profile import BoardFile
    from bootd.fdt import Fdt

DIRECTORIES: Final = ("usr/lib/bootd/boards.d", "run/bootd/boards.d", "etc/bootd/boards.d")
"""Later ones hide earlier ones."""

Live = Callable[[LiveChoice], tuple[bytes | None, tuple[str, ...]]]
"""Gives the running tree, or None, and sentences about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardReader:
    """Reads a `Board`; blocking, for a thread.

    Attributes:
        root: Below it are etc, run and usr/lib, and the trees that profiles name.
        live: Reads the running tree.
    """

    root: str
    live: Live

    def read(self, choice: LiveChoice, tier: Tier, risky: RiskyTrees = RiskyTrees.AUTO) -> Board:
        """Read everything anew: profiles may have been changed.

        Raises:
            FdtError: The running tree is damaged.
            OSError: The running tree cannot be read.
        """
        blob, notes = self.live(choice)
        from bootd.fdt import read  # noqa: PLC0415 - only for a boot

        profile, mistakes = find_profile(None if blob is None else read(blob), self.root)
        original, missing = self._named(profile.original)
        if profile.tree:
            whole, lost = self._named(profile.tree)
            blob, missing = (whole or blob), (*missing, *lost)
        from bootd.linux.firmware_env import read_environment  # noqa: PLC0415 - ditto
        from bootd.linux.screens import firmware_screens  # noqa: PLC0415 - ditto
        from bootd.ubootenv import fdtfile  # noqa: PLC0415 - ditto

        environment, unread = read_environment(self.root)
        return Board(
            live=blob,
            original=original,
            profile=profile,
            tier=tier,
            risky=risky,
            screens=firmware_screens(self.root),
            fdtfile=fdtfile(environment),
            notes=(*notes, *mistakes, *missing, *unread),
        )

    def _named(self, path: str) -> tuple[bytes | None, tuple[str, ...]]:
        """Read a tree that a profile names; None when it names none."""
        if not path:
            return None, ()
        try:
            with open(self.root.rstrip("/") + path, "rb") as file:  # noqa: PTH123 - ditto
                blob = file.read(MAX_DTB_BYTES + 1)
        except OSError as error:
            return None, (f"{path} of the board profile cannot be read: {error.strerror}",)
        if len(blob) > MAX_DTB_BYTES:
            raise FdtError(f"{path} is larger than {MAX_DTB_BYTES >> 20} MiB")
        return blob, ()


def find_profile(live: "Fdt | None", root: str = "/") -> tuple[Profile, tuple[str, ...]]:
    """Return what the installed profiles say of a board, and sentences on those that are wrong.

    Args:
        live: The board's tree; None when it has none.
        root: Below it are the `DIRECTORIES`.
    """
    # Parsers that only a boot needs.
    from bootd.devicetree.profile import combine, fits  # noqa: PLC0415 - see above
    from bootd.fdt import Fdt, Node  # noqa: PLC0415 - ditto

    tree = Fdt(root=Node("")) if live is None else live
    mistakes: list[str] = []
    files = [each for each in _parse(root, mistakes) if fits(each, tree)]
    return combine(each.profile for each in reversed(files)), tuple(mistakes)


def _parse(root: str, mistakes: list[str]) -> "Iterator[BoardFile]":
    from bootd.devicetree.profile import MAX_BYTES, parse  # noqa: PLC0415 - see above

    for path in _files(root):
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs 10 ms at start
                yield parse(file.read(MAX_BYTES).decode("utf-8", "replace"), path)
        except (OSError, SettingError) as error:
            mistakes.append(f"the board profile is not used: {error}")


def _files(root: str) -> list[str]:
    found: dict[str, str] = {}
    for directory in DIRECTORIES:
        folder = os.path.join(root, directory)  # noqa: PTH118 - ditto
        try:
            names = os.listdir(folder)  # noqa: PTH208 - ditto
        except OSError:
            continue
        found |= {name: f"{folder}/{name}" for name in names if name.endswith(".toml")}
    return [path for _, path in sorted(found.items())]
