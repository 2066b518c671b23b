"""test, `[`, itest, true and false.

Source: cmd/test.c of U-Boot, where operators are taken from left to right, `-a` and `-o` alike;
cmd/itest.c.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from bootd.formats.uboot_script.commands.call import FAILED, OK, Call, find, number
from bootd.formats.uboot_script.state import Kind, plain

_INTEGER: Final = re.compile(r"(-?)(0[xX][0-9a-fA-F]{1,16}|0[0-7]{0,21}|[1-9][0-9]{0,18})")
"""Hexadecimal, octal or decimal, as C writes them."""

_TEXTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}

_NUMBERS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "-eq": lambda a, b: a == b,
    "-ne": lambda a, b: a != b,
    "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b,
    "-gt": lambda a, b: a > b,
    "-ge": lambda a, b: a >= b,
}

_ITEST: Final[Mapping[str, Callable[[int, int], bool]]] = {
    **_NUMBERS,
    "==": _NUMBERS["-eq"],
    "!=": _NUMBERS["-ne"],
    "<>": _NUMBERS["-ne"],
    "<": _NUMBERS["-lt"],
    "<=": _NUMBERS["-le"],
    ">": _NUMBERS["-gt"],
    ">=": _NUMBERS["-ge"],
}


def test(call: Call) -> int:
    """Compare texts and numbers, look for files."""
    closed = call.name == "[" and call.plain[-1:] == ["]"]
    return OK if _Test(call, call.words[: -1 if closed else None]).evaluate() else FAILED


def itest(call: Call) -> int:
    """Compare hexadecimal numbers, or with `.s` texts."""
    if len(call.words) != 3:
        return FAILED
    left, operator, right = call.plain
    if call.name.endswith(".s"):
        compare = _TEXTS.get(operator)
        return OK if compare is not None and compare(left, right) else FAILED
    numbers, order = (number(left), number(right)), _ITEST.get(operator)
    if order is None or numbers[0] is None or numbers[1] is None:
        call.note(f"itest {' '.join(call.plain)[:60]} cannot be decided, and is taken as false")
        return FAILED
    return OK if order(numbers[0], numbers[1]) else FAILED


def true(_call: Call) -> int:
    """Succeed."""
    return OK


def false(_call: Call) -> int:
    """Fail."""
    return FAILED


class _Test:
    """One expression, taken from left to right."""

    def __init__(self, call: Call, words: list[str]) -> None:
        self._call = call
        self._words = words
        self._plain = [plain(word) for word in words]
        self._at = 0

    def evaluate(self) -> bool:
        value, joint = False, "-o"
        while self._at < len(self._plain):
            word = self._plain[self._at]
            if word in {"-o", "-a"} and self._at:
                joint = word
                self._at += 1
                continue
            one = self._one()
            value = (value or one) if joint == "-o" else (value and one)
        return value

    def _one(self) -> bool:
        negated = False
        while self._peek(0) == "!" and self._peek(1) not in _TEXTS:
            negated = not negated
            self._at += 1
        return self._primary() is not negated

    def _primary(self) -> bool:
        first, operator = self._peek(0), self._peek(1)
        if operator in _TEXTS:
            self._at += 3
            return _TEXTS[operator](first, self._plain[self._at - 1] if self._complete() else "")
        if operator in _NUMBERS:
            self._at += 3
            right = self._plain[self._at - 1] if self._complete() else ""
            return _NUMBERS[operator](_integer(first), _integer(right))
        if first in {"-z", "-n"}:
            self._at += 2
            return (operator == "") is (first == "-z")
        if first == "-e":
            return self._exists()
        self._at += 1
        return first != ""

    def _exists(self) -> bool:
        """`-e interface device path`."""
        words = (*self._words[self._at + 1 : self._at + 4], "", "", "")[:3]
        self._at += 4
        return find(self._call, *words).kind is not Kind.ABSENT

    def _complete(self) -> bool:
        return self._at <= len(self._plain)

    def _peek(self, ahead: int) -> str:
        at = self._at + ahead
        return self._plain[at] if at < len(self._plain) else ""


def _integer(text: str) -> int:
    """Read the number that a text begins with as `simple_strtol(…, 0)` does, 0 without one."""
    match = _INTEGER.match(text)
    if match is None:
        return 0
    sign, digits = match[1], match[2]
    base = 16 if digits[:2] in {"0x", "0X"} else 8 if digits[0] == "0" else 10
    return int(f"{sign}{digits}", base)
