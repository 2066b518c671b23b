"""`name = "value"` lines, as kboot.conf and yaboot.conf have them.

Source: discover/parser-conf.c of petitboot; yaboot.conf(5). A value is in double or single quotes,
or it is the rest of the line; comments start with `#` at the start of a line. A bare word is a name
without a value.
"""

from collections.abc import Iterator
from typing import Final

from bootd.formats.lexing import BLANKS, Line

_QUOTES: Final = "\"'"


def lex(text: str) -> Iterator[Line]:
    """Yield the lines as name and value; blank ones and comments dropped."""
    for number, raw in enumerate(text.replace("\0", "\ufffd").split("\n"), start=1):
        line = raw.strip(BLANKS)
        if line and line[0] != "#":
            name, _, value = line.partition("=")
            yield Line(number, name.strip(BLANKS), _unquote(value.strip(BLANKS)))


def _unquote(value: str) -> str:
    """Take the quotes off; without a closing one the value goes to the end of the line."""
    if not value or value[0] not in _QUOTES:
        return value
    inner, closing, _ = value[1:].partition(value[0])
    return inner if closing else value[1:]
