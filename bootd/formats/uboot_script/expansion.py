"""Words to arguments: variables replaced, unquoted values split at blanks."""

import re
from collections.abc import Iterable
from typing import Final

from bootd.formats.lexing import BLANKS
from bootd.formats.uboot_script.state import State, mark, plain
from bootd.formats.uboot_script.syntax import Text, Variable, Word
from bootd.model.option import own_fact

_GAP: Final = re.compile(f"[{BLANKS}\n]+")

_OWN_FACT: Final = "bootd."
"""How the names start that `own_fact` puts into command lines: they are kept as they are."""


def arguments(state: State, words: Iterable[Word]) -> list[str]:
    """Return the arguments that `words` become; raises ConfigLimitError past the budget."""
    found: list[str] = []
    for word in words:
        found += _fields(state, word)
    return found


def text_of(state: State, word: Word) -> str:
    """Return the text of a word that is not split, as in an assignment."""
    parts = [part.text if isinstance(part, Text) else _value(state, part) for part in word]
    text = "".join(parts)
    state.spend_text(len(text))
    return text


def _fields(state: State, word: Word) -> list[str]:
    """Split the unquoted values of a word; quoted text keeps a field alive that is empty."""
    fields: list[str] = []
    current, alive = "", False
    for part in word:
        if isinstance(part, Text):
            current += part.text
            alive = alive or part.quoted or bool(part.text)
            continue
        value = _value(state, part)
        if part.quoted:
            current += value
            continue
        pieces = _GAP.split(value)
        if len(pieces) > 1:
            fields += [piece for piece in (current + pieces[0], *pieces[1:-1]) if piece]
            current, alive = "", False
        current += pieces[-1]
    state.spend_text(len(current) + sum(map(len, fields)))
    return [*fields, current] if current or alive else fields


def _value(state: State, variable: Variable) -> str:
    name = plain(text_of(state, variable.name))
    if name == "?":
        return str(state.status)
    if name.startswith(_OWN_FACT):
        return own_fact(name.removeprefix(_OWN_FACT))
    value = state.get(name)
    if variable.rule == "+":
        return text_of(state, variable.word) if value else ""
    if not value and variable.rule:
        value = text_of(state, variable.word)
        if variable.rule == "=":
            state.set(name, value)
    return mark(name) if value is None else value
