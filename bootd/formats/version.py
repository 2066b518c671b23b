"""Version order: which of two kernels is newer.

Source: UAPI.10 Version Format Specification, section "Version Comparison"; its clauses are quoted
where they are carried out.
"""

import re
from typing import Final

# 1. "Any characters which are outside of the set of listed above (a-z, A-Z, 0-9, -, ., ~, ^) are
#    skipped in both strings."  They still end a number or a word, hence tokens.
_TOKEN: Final = re.compile("[0-9]+|[A-Za-z]+|[-.~^]")

_KERNEL: Final = re.compile(
    r"(?:vmlinu[xz]|[zu]?Image|linux|kernel|bzImage)-(v?\d[^/]*?)(?:-[bz]?Image)?$"
)

MAX_CHARACTERS: Final = 256
"""Characters of a version beyond these do not take part: file names have no more."""


def compare(left: str, right: str) -> int:
    """Return a number below, equal to or above 0: `left` is older, the same or newer."""
    return _compare(_tokens(left), _tokens(right))


class Key:
    """For `sorted`: oldest first. Takes a version apart once."""

    __slots__ = ("_tokens",)

    def __init__(self, version: str) -> None:
        self._tokens = _tokens(version)

    def __lt__(self, other: "Key") -> bool:
        return _compare(self._tokens[:], other._tokens[:]) < 0


def _compare(a: list[str], b: list[str]) -> int:
    """Compare tokens, first one last; both lists are used up."""
    while True:
        # 2. "~ … compares lower" comes before the end of a string: 1~rc1 is older than 1.
        if order := _separator(a, b, "~"):
            return order
        # 3. "If one of the strings has ended: … the string that has remaining characters compares
        #    higher. Otherwise, the strings compare equal."
        if not a or not b:
            return bool(a) - bool(b)
        # 4. to 6. "the string with - [then ^, then .] compares lower. Otherwise, both minus
        #    characters are skipped."
        for mark in "-^.":
            if order := _separator(a, b, mark):
                return order
        if order := _number(a, b) or _letters(a, b):
            return order


def of_kernel(path: str) -> str:
    """Return the version in a kernel's file name (`/boot/vmlinuz-6.1.0-13-arm64`), or ""."""
    match = _KERNEL.search(path)
    return match.group(1) if match else ""


def _tokens(text: str) -> list[str]:
    """Return the tokens, first one last, so that taking one is cheap."""
    return _TOKEN.findall(text[:MAX_CHARACTERS])[::-1]


def _separator(a: list[str], b: list[str], mark: str) -> int:
    in_a, in_b = bool(a) and a[-1] == mark, bool(b) and b[-1] == mark
    if in_a and in_b:
        del a[-1], b[-1]
        return 0
    return in_b - in_a


def _number(a: list[str], b: list[str]) -> int:
    # 7. "If either of the remaining parts starts with a digit: numerical prefixes are compared
    #    numerically. … If one of the prefixes is empty, it evaluates as 0."
    numbers = [int(side.pop()) if side and side[-1].isdigit() else 0 for side in (a, b)]
    return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])


def _letters(a: list[str], b: list[str]) -> int:
    # 8. "Leading alphabetical prefixes are compared alphabetically. … Capital letters compare lower
    #    than lower-case letters. When the end of one substring has been reached …, if the other
    #    substring has remaining letters, it compares higher."  An empty prefix is such an end.
    words = [side.pop() if side and side[-1].isalpha() else "" for side in (a, b)]
    return (words[0] > words[1]) - (words[0] < words[1])
