"""The menu that a script builds, and which of its entries is the default.

Source: GRUB grub-core/normal/menu.c (get_entry_number, menuentry_eq), manual section "default".
"""

import re
from typing import Final

from bootd.formats.grub.environment import Frame
from bootd.formats.grub.syntax import Script
from bootd.model.option import WAIT_FOREVER, FileRef
from bootd.record import dataclass, field

MAX_ENTRIES: Final = 256
"""Of one configuration file with all that it includes (DESIGN.md, limits)."""

_NUMBER: Final = re.compile(r"\s*(\d{1,6})")


@dataclass(frozen=True, slots=True)
class BlsFile:
    """What an entry of `blscfg` has beyond its script: the keys of its file, last value each."""

    name: str
    keys: dict[str, str]
    tries_left: int | None = None
    tries_done: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A `menuentry` or `submenu` as defined, before its body has run.

    Attributes:
        title: As written.
        id: From `--id`, or the title.
        arguments: `$1` and so on of the body; the title is the first.
        outer: Parameters of the function that defined it. GRUB forgets them; petitboot, for which
            some menus were written, does not.
        body: What runs when it is chosen.
        source: File that defines it.
        line: 1-based.
        root: What `$root` was when it was defined; "" where that never counts.
        is_submenu: Its body defines entries.
        frame: Variables that its body sees, as they are when the menu is shown.
        bls: Set when it stands for a file of the Boot Loader Specification.
        file: That file, where another device lends it.
    """

    title: str
    id: str
    arguments: tuple[str, ...]
    body: Script
    source: str
    line: int
    frame: Frame
    outer: tuple[str, ...] = ()
    root: str = ""
    is_submenu: bool = False
    bls: BlsFile | None = None
    file: FileRef | None = None


@dataclass(slots=True)
class Menu:
    """Entries in order.

    Attributes:
        frame: Variables that rule the menu: those of the file that is shown.
        dropped: Entries beyond the limit.
    """

    frame: Frame
    entries: list[Entry] = field(default_factory=list)
    dropped: int = 0

    @property
    def default(self) -> str:
        """What `$default` says."""
        return self.frame.values.get("default", "")

    def add(self, entry: Entry) -> None:
        """Append an entry, or count it when there are too many."""
        if len(self.entries) < MAX_ENTRIES:
            self.entries.append(entry)
        else:
            self.dropped += 1

    def timeout_s(self) -> int | None:
        """Return the seconds to wait; None when the script does not say."""
        text = self.frame.values.get("timeout", "").strip()
        if text.startswith("-") and text[1:].isdecimal():
            return WAIT_FOREVER
        found = _NUMBER.match(text)
        return int(found[1]) if found is not None else None


def choose(entries: list[Entry], default: str) -> tuple[int, str]:
    """Return the index of the default among `entries`, and what it says about the submenu in it.

    A number, an id or a title; parts for submenus are separated by `>`, a `>` inside one is `>>`.
    What names no entry is the first one, as in GRUB. Call it with a menu that has entries.
    """
    first, rest = _split(default)
    number = _NUMBER.match(first)
    if number is not None and number.end() == len(first):
        index = int(number[1])
        return (index, rest) if index < len(entries) else (0, "")
    for index, entry in enumerate(entries):
        if first and first in {entry.id, entry.title, f"{entry.id}.conf" if entry.bls else ""}:
            return index, rest
    return 0, ""


def _split(path: str) -> tuple[str, str]:
    """Take the first part off `1>2`."""
    at = 0
    while (at := path.find(">", at)) >= 0:
        if path.startswith(">>", at):
            at += 2
            continue
        return path[:at].replace(">>", ">"), path[at + 1 :]
    return path.replace(">>", ">"), ""
