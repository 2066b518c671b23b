"""Board profiles: TOML files that add to the merge rules, or override them, for some boards.

A file has `[match]` with `compatible` (patterns of root compatible strings), `node` (a path that
the running tree must have, with `node-compatible`) or both top-level `base`, `reason`,
`devicetree`, `original`, `tree` and `also`, any number of `[[rule]]` with `path`, `compatible`,
`property`, `action` and `reason`, and `[quiesce]` with `unbind`, `offline-cpus` and `delay-ms`.
Unknown keys are errors: a typing mistake must not be silent.
"""

import re
from collections.abc import Iterable
from enum import Enum
from fnmatch import fnmatchcase
from typing import Final, TypeVar

from bootd.errors import SettingError
from bootd.fdt.cells import compatible
from bootd.fdt.tree import Fdt
from bootd.model.board import Base, Profile, ProfileAction, ProfileRule, Quiesce
from bootd.record import dataclass

MAX_BYTES: Final = 1 << 16
MAX_RULES: Final = 256

_STRICTNESS: Final = (Base.MERGE, Base.LIVE, Base.REFUSE)

_Word = TypeVar("_Word", bound=Enum)

MAX_DELAY_MS: Final = 5_000

_DRIVER: Final = re.compile(r"[-\w]+/(?!\.)[-\w.,:]+", re.ASCII)
_PROPERTY: Final = re.compile(r"[-0-9A-Za-z,._+*#?]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFile:
    """One profile file.

    Attributes:
        compatible: Patterns; empty when only `node` decides.
        node: Path that the running tree must have, or "".
        node_compatible: Pattern of that node's compatible strings, or "".
        without_board: For machines whose tree names no board.
        profile: What it says.
    """

    compatible: tuple[str, ...]
    node: str
    node_compatible: str
    without_board: bool
    profile: Profile


def parse(text: str, source: str) -> BoardFile:
    """Read a profile.

    Args:
        text: TOML.
        source: File name for messages; its stem becomes the profile's name.

    Raises:
        SettingError: With the line.
    """
    import tomllib  # noqa: PLC0415 - 8 ms that only a boot needs

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column \d+\)", str(error))
        raise SettingError(
            f"{source}:{found[1] if found else len(text.splitlines())}: {error}"
        ) from error
    match = _Table(data.pop("match", {}), source, text, "match")
    quiet = _Table(data.pop("quiesce", {}), source, text, "quiesce")
    rules = data.pop("rule", [])
    top = _Table(data, source, text, "")
    if not isinstance(rules, list) or len(rules) > MAX_RULES:
        raise top.error("rule", f"rules are written as [[rule]], at most {MAX_RULES}")
    made = tuple(
        _rule(_Table(each, source, text, "rule", number)) for number, each in enumerate(rules)
    )
    base = top.word("base", Base, Base.MERGE)
    reason = top.text("reason")
    if base is not Base.MERGE and not reason:
        raise top.error("base", f'base = "{base.value}" needs a reason')
    file = BoardFile(
        compatible=match.texts("compatible"),
        node=match.path("node"),
        node_compatible=match.text("node-compatible"),
        without_board=match.switch("without-board"),
        profile=Profile(
            names=(source.rpartition("/")[2].removesuffix(".toml"),),
            base=base,
            reason=reason,
            devicetree=top.text("devicetree"),
            original=top.path("original"),
            tree=top.path("tree"),
            also=top.texts("also"),
            rules=made,
            quiesce=_quiesce(quiet),
        ),
    )
    if not file.compatible and not file.node:
        raise match.error("match", "[match] names neither compatible nor node")
    match.finish()
    top.finish()
    return file


def fits(file: BoardFile, live: Fdt) -> bool:
    """Say whether a profile is for the board that a running tree describes."""
    board = compatible(live.root)
    if file.without_board and board:
        return False
    if file.compatible and not any(fnmatchcase(t, p) for t in board for p in file.compatible):
        return False
    if not file.node:
        return True
    node = live.find(file.node)
    if node is None:
        return False
    return not file.node_compatible or any(
        fnmatchcase(text, file.node_compatible) for text in compatible(node)
    )


def combine(profiles: Iterable[Profile]) -> Profile:
    """Join the profiles of one board: earlier ones win, the strictest base counts."""
    joined = Profile()
    for each in profiles:
        stricter = _STRICTNESS.index(each.base) > _STRICTNESS.index(joined.base)
        joined = Profile(
            names=joined.names + each.names,
            base=each.base if stricter else joined.base,
            reason=each.reason if stricter else joined.reason,
            devicetree=joined.devicetree or each.devicetree,
            original=joined.original or each.original,
            tree=joined.tree or each.tree,
            also=joined.also + each.also,
            rules=joined.rules + each.rules,
            quiesce=Quiesce(
                unbind=joined.quiesce.unbind + each.quiesce.unbind,
                offline_cpus=joined.quiesce.offline_cpus or each.quiesce.offline_cpus,
                delay_ms=max(joined.quiesce.delay_ms, each.quiesce.delay_ms),
            ),
        )
    return joined


def _quiesce(table: "_Table") -> Quiesce:
    quiesce = Quiesce(
        unbind=table.texts("unbind"),
        offline_cpus=table.switch("offline-cpus"),
        delay_ms=table.number("delay-ms", MAX_DELAY_MS),
    )
    for driver in quiesce.unbind:
        if not _DRIVER.fullmatch(driver):
            raise table.error("unbind", f"{driver!r:.60} is no bus/driver, such as pci/nvme")
    table.finish()
    return quiesce


def _rule(table: "_Table") -> ProfileRule:
    action = table.word("action", ProfileAction, None)
    rule = ProfileRule(
        action=action,
        reason=table.text("reason"),
        source=f"{table.source}:{table.line('')}",
        path=table.path("path"),
        compatible=table.text("compatible"),
        property=table.text("property"),
    )
    if not rule.reason:
        raise table.error("", "a rule needs a reason: it is what a person gets to read")
    if not rule.path and not rule.compatible:
        raise table.error("", "a rule names nodes by path or compatible")
    if (action is ProfileAction.DISABLE) == bool(rule.property):
        raise table.error("property", "every action but disable is for a property")
    if rule.property and not _PROPERTY.fullmatch(rule.property):
        raise table.error("property", f"{rule.property!r:.60} is no property name")
    table.finish()
    return rule


class _Table:
    """One table of a file: takes values out by type, and knows on which line they stand."""

    def __init__(self, data: object, source: str, text: str, name: str, number: int = 0) -> None:
        self.source = source
        self._lines = text.splitlines()
        self._name = name
        self._number = number
        if not isinstance(data, dict):
            raise self.error("", f"expected a table [{name}]")
        self._data: dict[str, object] = dict(data)

    def line(self, key: str) -> int:
        """Return the 1-based line of a key of this table, or of its header."""
        header = re.compile(rf"\s*\[+\s*{re.escape(self._name)}\s*\]+" if self._name else r"")
        starts = [at for at, line in enumerate(self._lines) if self._name and header.match(line)]
        start = starts[self._number] if self._number < len(starts) else 0
        wanted = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=") if key else None
        for at in range(start + bool(self._name), len(self._lines)):
            if wanted is not None and wanted.match(self._lines[at]):
                return at + 1
            if self._lines[at].lstrip().startswith("["):
                break
        return start + 1

    def error(self, key: str, reason: str) -> SettingError:
        """Return an error that says where."""
        return SettingError(f"{self.source}:{self.line(key)}: {reason}")

    def text(self, key: str) -> str:
        """Take a text, "" when it is not there."""
        value = self._data.pop(key, "")
        if not isinstance(value, str) or not value.isprintable():
            raise self.error(key, f"{key} is not one line of text")
        return value

    def switch(self, key: str) -> bool:
        """Take true or false, which it is when it is not there."""
        value = self._data.pop(key, False)
        if not isinstance(value, bool):
            raise self.error(key, f"{key} is true or false")
        return value

    def number(self, key: str, most: int) -> int:
        """Take a whole number from 0 to `most`, 0 when it is not there."""
        value = self._data.pop(key, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise self.error(key, f"{key} is a whole number from 0 to {most}")
        return value

    def path(self, key: str) -> str:
        """Take an absolute path, "" when it is not there."""
        value = self.text(key)
        if value and (not value.startswith("/") or ".." in value.split("/")):
            raise self.error(key, f"{key} is no absolute path")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of texts."""
        value = self._data.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.error(key, f"{key} is no list of texts")
        return tuple(value)

    def word(self, key: str, kind: type[_Word], default: _Word | None) -> _Word:
        """Take one of the words of an enum; without default there has to be one."""
        value = self._data.pop(key, None)
        if value is None and default is not None:
            return default
        words = {str(each.value): each for each in kind}
        if not isinstance(value, str) or value not in words:
            raise self.error(key, f"{key} is one of {', '.join(words)}")
        return words[value]

    def finish(self) -> None:
        """Complain about what nobody took."""
        for key in self._data:
            raise self.error(key, f"there is no key {key!r:.60} here")
