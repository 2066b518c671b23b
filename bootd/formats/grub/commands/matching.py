"""`regexp`: patterns and the parts that they match.

Source: GRUB grub-core/commands/regexp.c: extended POSIX expressions, searched for.
"""

from typing import Final

from bootd.formats.grub.commands.arguments import pairs
from bootd.formats.grub.session import FAILED, OK, Call, Session
from bootd.formats.pattern import PatternError, compile_pattern

MAX_PATTERN: Final = 400
MAX_WORK: Final = 100_000
"""Instructions of the pattern times characters of the text."""


def regexp(session: Session, call: Call) -> int:
    """`regexp [--set [NUMBER:]NAME]… PATTERN STRING`."""
    given = pairs(call.args, ("--set", "-s"))
    settings = [value for name, value in given if name in {"--set", "-s"}]
    words = [value for name, value in given if not name]
    if len(words) != 2:
        return FAILED
    try:
        found = _search(session, *words)
    except PatternError as error:
        session.remark(f"regexp: {error}")
        return FAILED
    if found is None:
        return FAILED
    for setting in settings:
        number, colon, name = setting.partition(":")
        group = int(number) if colon and number.isdecimal() and len(number) < 3 else 1
        if group < len(found):
            session.env.set(name if colon else setting, found[group])
    return OK


def _search(session: Session, text: str, subject: str) -> tuple[str, ...] | None:
    if len(text) > MAX_PATTERN:
        raise PatternError("the pattern is too long")
    pattern = compile_pattern(text)
    work = pattern.size * (len(subject) + 1)
    if work > MAX_WORK:
        raise PatternError("pattern and text are too long")
    session.budget.step(10 + pattern.size // 4 + work // 4)
    return pattern.search(subject)
