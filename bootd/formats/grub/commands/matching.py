"""`regexp`: patterns and the parts that they match.

Source: GRUB grub-core/commands/regexp.c: extended POSIX expressions, searched for. A pattern that
could take long is not tried: at most three repetitions, none inside another.
"""

import re
from typing import Final

from bootd.formats.grub.commands.arguments import pairs
from bootd.formats.grub.session import FAILED, OK, Call, Session

MAX_PATTERN: Final = 200
MAX_SUBJECT: Final = 200
MAX_REPEATS: Final = 3

COST: Final = 1000
"""Steps: the slowest pattern that is tried takes some milliseconds."""

_REPEAT: Final = re.compile(r"\\.|\[\^?\]?[^\]]*\]|(?P<repeat>[*+?{])|(?P<group>[()])", re.DOTALL)

_CLASSES: Final = {
    "[:alnum:]": "a-zA-Z0-9",
    "[:alpha:]": "a-zA-Z",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:space:]": r"\s",
    "[:upper:]": "A-Z",
    "[:xdigit:]": "0-9A-Fa-f",
}


def regexp(session: Session, call: Call) -> int:
    """`regexp [--set [NUMBER:]NAME]… PATTERN STRING`."""
    given = pairs(call.args, ("--set", "-s"))
    settings = [value for name, value in given if name in {"--set", "-s"}]
    words = [value for name, value in given if not name]
    session.budget.step(COST)
    if len(words) != 2:
        return FAILED
    pattern, subject = words
    compiled = _compile(pattern)
    if compiled is None or len(subject) > MAX_SUBJECT:
        session.remark("regexp: this pattern is not tried, because it could take long")
        return FAILED
    found = compiled.search(subject)
    if found is None:
        return FAILED
    for setting in settings:
        number, colon, name = setting.partition(":")
        group = int(number) if colon and number.isdecimal() and len(number) < 3 else 1
        if group <= compiled.groups:
            session.env.set(name if colon else setting, found[group] or "")
    return OK


def _compile(pattern: str) -> re.Pattern[str] | None:
    """Return the pattern, or None when it is too much or no pattern."""
    for name, characters in _CLASSES.items():
        pattern = pattern.replace(name, characters)
    if len(pattern) > MAX_PATTERN or "(?" in pattern or not _is_quick(pattern):
        return None
    try:
        return re.compile(pattern)
    except (re.error, OverflowError):
        return None


def _is_quick(pattern: str) -> bool:
    """Say whether repetitions are few and none contains another one."""
    repeats = 0
    inside = [0]
    closed = 0
    for token in _REPEAT.finditer(pattern):
        if token["group"] == "(":
            inside.append(repeats)
        elif token["group"] == ")" and len(inside) > 1:
            closed = repeats - inside.pop()
            if closed and pattern[token.end() : token.end() + 1] in {"*", "+", "{", "?"}:
                return False
        elif token["repeat"]:
            repeats += 1
    return repeats <= MAX_REPEATS
