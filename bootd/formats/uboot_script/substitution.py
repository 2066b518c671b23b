"""`setexpr NAME sub|gsub`: texts changed by regular expressions.

Source: cmd/setexpr.c and lib/slre.c of U-Boot. Its own rules are kept: after a match the search
begins anew, so that `^` matches there again; what is replaced is the first place with the text that
matched; back references are filled in one after the other.
"""

import re
from typing import Final

from bootd.formats.pattern import Pattern, PatternError, compile_pattern
from bootd.formats.uboot_script.state import State

MAX_PATTERN: Final = 200
MAX_RESULT: Final = 4096
MAX_WORK: Final = 50_000
"""Instructions of the pattern times characters of the text, for one search."""

_ESCAPES: Final = {"d": "[0-9]", "s": "[ \t\n\r\f\v]", "S": "[^ \t\n\r\f\v]", "r": "\r", "n": "\n"}
_SPECIAL: Final = re.compile(r"\\x([0-9A-Fa-f]{2})|\\(.)|\[\^?\]?[^\]]*\]|([{}])", re.DOTALL)


def substitute(
    state: State, pattern: str, replacement: str, text: str, *, everywhere: bool
) -> str | None:
    """Return the text with the first match, or every one, replaced; None when nothing matches.

    Raises:
        PatternError: It is no pattern, or too much work.
        ConfigLimitError: The script did too much in all.
    """
    if len(pattern) > MAX_PATTERN:
        raise PatternError("the pattern is too long")
    compiled = compile_pattern(_SPECIAL.sub(_translated, pattern), lazy=True)
    done, rest, matched = "", text, False
    while (groups := _search(state, compiled, rest)) is not None:
        if not groups[0]:
            raise PatternError("it matches nothing at all")
        matched = True
        before, _, rest = rest.partition(groups[0])
        done += before + _filled(replacement, groups)
        if len(done) > MAX_RESULT:
            raise PatternError("the result is too long")
        if not everywhere:
            break
    return done + rest if matched else None


def _search(state: State, pattern: Pattern, text: str) -> tuple[str, ...] | None:
    work = pattern.size * (len(text) + 1)
    if work > MAX_WORK:
        raise PatternError("pattern and text are too long")
    state.spend_text(2 * work)
    return pattern.search(text)


def _translated(match: re.Match[str]) -> str:
    """Return what SLRE writes differently as an extended POSIX expression."""
    code, escaped, brace = match.groups()
    if brace:
        return f"\\{brace}"
    if code:
        return f"\\{chr(int(code, 16))}"
    return _ESCAPES.get(escaped, match[0]) if escaped else match[0]


def _filled(replacement: str, groups: tuple[str, ...]) -> str:
    for number, text in enumerate(groups[:10]):
        if not text:
            break
        replacement = replacement.replace(f"\\{number}", text)
        if len(replacement) > MAX_RESULT:
            raise PatternError("the result is too long")
    return replacement
