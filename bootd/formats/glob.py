"""Patterns of file names, as systemd-boot matches them.

Source: src/boot/efi-string.c of systemd, efi_fnmatch: `*`, `?`, `[a-c]`, and a backslash before any
of these. A bracket that never closes matches nothing. Takes time of at most the product of both
lengths, whatever the pattern.
"""

from collections.abc import Iterator

_Ranges = tuple[tuple[str, str], ...]
_STAR: _Ranges = ()


def matches(name: str, pattern: str) -> bool:
    """Say whether the whole of `name` is meant by `pattern`; case counts."""
    try:
        tokens = tuple(_tokens(pattern))
    except ValueError:
        return False
    at, token, star, from_star = 0, 0, -1, 0
    while at < len(name):
        if token < len(tokens) and tokens[token] is _STAR:
            star, from_star = token, at
            token += 1
        elif token < len(tokens) and any(a <= name[at] <= b for a, b in tokens[token]):
            at += 1
            token += 1
        elif star >= 0:
            # The last star takes one character more.
            from_star += 1
            at, token = from_star, star + 1
        else:
            return False
    return all(each is _STAR for each in tokens[token:])


def _tokens(pattern: str) -> Iterator[_Ranges]:
    """Yield _STAR, or the ranges that one character may be in; raises ValueError."""
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            yield _STAR
        elif char == "?":
            yield (("\0", "\U0010ffff"),)
        elif char == "[":
            at, ranges = _bracket(pattern, at)
            yield ranges
        else:
            if char == "\\" and at < len(pattern):
                char = pattern[at]
                at += 1
            yield ((char, char),)


def _bracket(pattern: str, at: int) -> tuple[int, _Ranges]:
    """Return where a bracket expression ends, and its ranges; raises ValueError."""
    ranges: list[tuple[str, str]] = []
    while True:
        if at >= len(pattern):
            raise ValueError(pattern)
        if pattern[at] == "]" and ranges:
            return at + 1, tuple(ranges)
        at, first = _member(pattern, at)
        last = first
        if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in {"]", ""}:
            at, last = _member(pattern, at + 1)
        ranges.append((first, last))


def _member(pattern: str, at: int) -> tuple[int, str]:
    """Return the index behind a character of a bracket expression, and the character."""
    if pattern[at] == "\\" and at + 1 < len(pattern):
        at += 1
    return at + 1, pattern[at]
