"""The menu of a configuration: its labels as stanzas, its submenus, default and timeout.

Which entry is the default: what ONTIMEOUT names, else u-root's NERFDEFAULT, else DEFAULT (the last
one), else the first entry
with MENU DEFAULT, else the first one with a kernel, as U-Boot tries labels in order then. TIMEOUT
counts tenths of a second; 0 and below mean "none" to Syslinux but "at once" to people who write for
U-Boot, so they leave the decision to bootd's own setting.
"""

from collections.abc import Iterable
from typing import Final

from bootd.formats.extlinux.syntax import Statement
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.record import dataclass

MAX_STANZAS: Final = 4096
"""Labels that are kept; those after them are only counted."""

MAX_DEPTH: Final = 16
"""Submenus deeper than this lose their titles, not their entries."""

_NAVIGATION: Final = frozenset({"menu goto", "menu exit", "menu quit", "menu disable"})
"""Labels with one of these are lines of the menu that boot nothing."""

_SILENT: Final = frozenset(
    {
        "allowoptions",
        "console",
        "display",
        "endtext",
        "font",
        "implicit",
        "ipappend",
        "kaslrseed",
        "kbdmap",
        "label",
        "noescape",
        "nocomplete",
        "nohalt",
        "onerror",
        "path",
        "prompt",
        "say",
        "sendcookies",
        "serial",
        "sysappend",
        "totaltimeout",
        "ui",
        "f0",
        "f1",
        "f2",
        "f3",
        "f4",
        "f5",
        "f6",
        "f7",
        "f8",
        "f9",
        "f10",
        "f11",
        "f12",
    }
)
"""What a menu on a screen needs and a list of boot options does not."""

_OF_LABELS: Final = frozenset(
    {
        "append",
        "boot",
        "bss",
        "comboot",
        "com32",
        "config",
        "devicetree",
        "devicetreedir",
        "devicetree-overlay",
        "dtb",
        "fdimage",
        "fdt",
        "fdtdir",
        "fdtoverlays",
        "initrd",
        "kernel",
        "linux",
        "localboot",
        "overlays",
        "pxe",
    }
)
"""What stands inside labels and means nothing outside, APPEND apart."""

_KNOWN: Final = _SILENT | _OF_LABELS


@dataclass(frozen=True, slots=True, kw_only=True)
class Stanza:
    """A LABEL with what follows it.

    Attributes:
        submenu: Titles around it, outermost first.
        statements: Its own, in order.
    """

    label: str
    source: str
    line: int
    submenu: tuple[str, ...]
    statements: tuple[Statement, ...]

    def has(self, key: str) -> bool:
        """Whether it has a statement with this keyword."""
        return any(each.key == key for each in self.statements)


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """Everything of a configuration that is not inside a label, and the labels.

    Attributes:
        append: Global APPEND: for labels without one of their own.
        default: What DEFAULT names, or "".
        on_timeout: What ONTIMEOUT names, or "".
        implicit: DEFAULT may name a kernel file.
        dropped: Labels beyond `MAX_STANZAS`.
    """

    stanzas: tuple[Stanza, ...]
    append: str = ""
    default: str = ""
    on_timeout: str = ""
    implicit: bool = True
    dropped: int = 0
    timeout_s: int | None = None


def group(statements: Iterable[Statement], problems: list[Problem]) -> Menu:
    """Sort the statements into labels and global settings; unknown ones are added to `problems`."""
    grouping = _Grouping(problems)
    for statement in statements:
        grouping.take(statement)
    return grouping.finish()


def visible(menu: Menu) -> tuple[Stanza, ...]:
    """Return the labels that boot something, hidden ones only when they are the default."""
    chosen = choose_default(menu)
    return tuple(each for each in menu.stanzas if each is chosen or _is_listed(each))


def choose_default(menu: Menu) -> Stanza | None:
    """Return the label that boots when nobody chooses; None when there is none at all."""
    if found := named_default(menu):
        return found
    listed = [each for each in menu.stanzas if _is_listed(each)]
    marked = [s for s in listed if s.has("menu default") and not s.submenu]
    kernels = [s for s in listed if s.has("linux") or s.has("kernel")]
    return next(iter([*marked, *kernels, *listed]), None)


def named_default(menu: Menu) -> Stanza | None:
    """Return the label that ONTIMEOUT or DEFAULT names."""
    return _named(menu, menu.on_timeout) or _named(menu, menu.default)


def _named(menu: Menu, name: str) -> Stanza | None:
    """Find a label by its whole name, or by the first word when kernel arguments follow it."""
    for wanted in (name, name.partition(" ")[0]):
        for stanza in menu.stanzas:
            if wanted and stanza.label == wanted:
                return stanza
    return None


def _is_listed(stanza: Stanza) -> bool:
    return not any(s.key in _NAVIGATION or s.key == "menu hide" for s in stanza.statements)


class _Grouping:
    """Reads statements one after another; `finish` gives the menu."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._stanzas: list[Stanza] = []
        self._dropped = 0
        self._submenus: list[str] = []
        self._label: Statement | None = None
        self._lines: list[Statement] = []
        self._globals: dict[str, Statement] = {}

    def take(self, at: Statement) -> None:
        match at.key:
            case "label":
                self._close()
                self._label = at
            case "menu begin":
                self._close()
                self._submenus.append(_title(at.value))
            case "menu end":
                self._close()
                del self._submenus[-1:]
            case "menu title" | "menu label" if self._label is None:
                self._name_submenu(at)
            case "default" | "nerfdefault" | "ontimeout" | "timeout" | "implicit":
                self._globals[at.key] = at
            case _:
                self._take_other(at)

    def finish(self) -> Menu:
        self._close()
        values = {key: each.value for key, each in self._globals.items()}
        return Menu(
            stanzas=tuple(self._stanzas),
            append=values.get("append", ""),
            default=values.get("nerfdefault", "") or values.get("default", ""),
            on_timeout=values.get("ontimeout", ""),
            implicit=values.get("implicit", "1") != "0",
            dropped=self._dropped,
            timeout_s=self._timeout_s(),
        )

    def _take_other(self, at: Statement) -> None:
        if self._label is not None and (at.key in _OF_LABELS or at.key.startswith("menu ")):
            self._lines.append(at)
        elif at.key == "append":
            self._globals[at.key] = at
        elif at.key not in _KNOWN and not at.key.startswith(("menu", "text")):
            self._report(at, f"unknown keyword {at.key}, ignored")

    def _close(self) -> None:
        label, lines = self._label, self._lines
        self._label, self._lines = None, []
        if label is None:
            return
        if len(self._stanzas) >= MAX_STANZAS:
            self._dropped += 1
            return
        self._stanzas.append(
            Stanza(
                label=label.value,
                source=label.source,
                line=label.line,
                submenu=tuple(self._submenus[:MAX_DEPTH]),
                statements=tuple(lines),
            )
        )

    def _name_submenu(self, at: Statement) -> None:
        """MENU LABEL names the submenu in the menu around it, MENU TITLE inside; label first."""
        if self._submenus and at.value:
            self._submenus[-1] = _title(at.value)

    def _timeout_s(self) -> int | None:
        at = self._globals.get("timeout")
        if at is None:
            return None
        try:
            tenths = int(at.value)
        except ValueError:
            self._report(at, f"TIMEOUT {at.value} is no number of tenths of a second, ignored")
            return None
        return min(-(-tenths // 10), 1 << 20) if tenths > 0 else None

    def _report(self, at: Statement, message: str) -> None:
        if len(self._problems) > MAX_STANZAS:
            return
        self._problems.append(
            Problem(source=clean(at.source), line=at.line, message=clean(message))
        )


def _title(text: str) -> str:
    return clean(text.replace("^", "", 1).strip())
