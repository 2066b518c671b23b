"""`test` and `[`: comparisons of strings, numbers and files.

Source: GRUB grub-core/commands/test.c. `-o` binds weaker than `-a`; both are evaluated from left to
right; parentheses and `!` as usual. What is on another device exists here once it is lent.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Final

from bootd.errors import ConfigError, ConfigSyntaxError
from bootd.formats.grub.session import FAILED, OK, Call, Session

MAX_DEPTH: Final = 16
"""Parentheses inside one another."""

_STRINGS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_NUMBERS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "-eq": operator.eq,
    "-ne": operator.ne,
    "-lt": operator.lt,
    "-le": operator.le,
    "-gt": operator.gt,
    "-ge": operator.ge,
    "-pgt": operator.gt,
    "-plt": operator.lt,
}
"""The two with a `p` compare what follows a common prefix of letters."""

_TIMES: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "-nt": operator.gt,
    "-ot": operator.lt,
}

_NUMBER: Final = re.compile(r"\s*([+-]?)(0[xX][0-9a-fA-F]{1,15}|[0-9]{1,18})")


def bracket(session: Session, call: Call) -> int:
    """`[ EXPRESSION ]`.

    Raises:
        ConfigSyntaxError: The last word is not `]`.
    """
    if not call.args or call.args[-1] != "]":
        source, line = session.budget.source, session.budget.line
        raise ConfigSyntaxError("']' is missing", source=source, line=line)
    return test(session, Call(call.name, call.args[:-1]))


def test(session: Session, call: Call) -> int:
    """`test EXPRESSION`; without one it fails."""
    return OK if _Expression(session, call.args).holds() else FAILED


class _Expression:
    """Reads words from left to right; all of them, so that a file is looked for at most once."""

    def __init__(self, session: Session, words: list[str]) -> None:
        self._session = session
        self._words = words
        self._at = 0
        self._depth = 0

    def holds(self) -> bool:
        """Return the value of the words up to `)` or the end."""
        any_holds, all_hold, empty = False, True, True
        while self._at < len(self._words) and self._words[self._at] != ")":
            word = self._words[self._at]
            if word == "-o" and not empty:
                any_holds, all_hold, empty = any_holds or all_hold, True, True
                self._at += 1
            elif word == "-a" and not empty:
                self._at += 1
            else:
                all_hold = self._term() and all_hold
                empty = False
        return any_holds or (all_hold and not empty)

    def _term(self) -> bool:
        left = len(self._words) - self._at
        negated = False
        while left > 1 and self._words[self._at] == "!":
            negated = not negated
            self._at += 1
            left -= 1
        return self._plain_term(left) is not negated

    def _plain_term(self, left: int) -> bool:
        words, at = self._words, self._at
        if (
            left > 2
            and (value := self._binary(words[at], words[at + 1], words[at + 2])) is not None
        ):
            self._at += 3
            return value
        if words[at] == "(" and self._depth < MAX_DEPTH:
            self._at += 1
            self._depth += 1
            value = self.holds()
            self._depth -= 1
            self._at += 1
            return value
        if left > 1 and (value := self._unary(words[at], words[at + 1])) is not None:
            self._at += 2
            return value
        self._at += 1
        return words[at] != ""

    def _binary(self, left: str, name: str, right: str) -> bool | None:
        if name in _STRINGS:
            return _STRINGS[name](left, right)
        if name in _NUMBERS:
            numbers = [_without_prefix(left), _without_prefix(right)]
            plain = [left, right] if name[1] != "p" else numbers
            return _NUMBERS[name](_number(plain[0]), _number(plain[1]))
        if name[:3] in _TIMES:
            first, second = self._time(left), self._time(right)
            # `-nt5`: newer by more than so many seconds.
            bias = _number(name[3:]) * 1_000_000_000
            return None not in {first, second} and _TIMES[name[:3]](
                (first or 0) + (-bias if name[1] == "n" else bias), second or 0
            )
        return None

    def _unary(self, name: str, value: str) -> bool | None:
        match name:
            case "-n":
                return value != ""
            case "-z":
                return value == ""
            case "-f":
                return self._session.find(value) is not None
            case "-s":
                return self._identity(value)[1] > 0 or self._is_dir(value)
            case "-d":
                return self._is_dir(value)
            case "-e":
                return self._session.find(value) is not None or self._is_dir(value)
            case _:
                return None

    def _is_dir(self, value: str) -> bool:
        session = self._session
        session.budget.step(1)
        try:
            at = session.locate(f"{value}/" if value.endswith(")") else value)
        except ConfigError:
            return False
        if (lent := session.devices.lent(at)) is not None:
            return session.fs.is_dir(lent)
        session.devices.ask_for(at)
        return session.fs.is_dir(session.devices.visible(at) if at.image else at.path)

    def _time(self, value: str) -> int | None:
        identity = self._identity(value)
        return identity[2] if identity != (0, 0, 0) else None

    def _identity(self, value: str) -> tuple[int, int, int]:
        path = self._session.find(value)
        if path is None:
            return 0, 0, 0
        try:
            return self._session.fs.identity(path)
        except OSError:
            return 0, 0, 0


def _number(text: str) -> int:
    """Return the number at the beginning, as strtol does; 0 when there is none."""
    found = _NUMBER.match(text)
    if found is None:
        return 0
    value = int(found[2], 16 if found[2][:2] in {"0x", "0X"} else 10)
    return -value if found[1] == "-" else value


def _without_prefix(text: str) -> str:
    return text.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.")
