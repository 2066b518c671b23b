"""Walks a script's statements; what a command does is in `commands`.

Nothing is executed and nothing written: loading means remembering which file lies at an address.
"""

import re
from collections.abc import Iterable
from typing import Final, assert_never

from bootd.errors import ConfigLimitError
from bootd.formats.uboot_script.commands import COMMANDS, Call
from bootd.formats.uboot_script.expansion import arguments, text_of
from bootd.formats.uboot_script.lexer import without_layer
from bootd.formats.uboot_script.parser import parse
from bootd.formats.uboot_script.state import MAX_RUNS, State, plain
from bootd.formats.uboot_script.syntax import (
    Block,
    Chain,
    Command,
    For,
    If,
    Loop,
    Not,
    Statement,
    Text,
    Variable,
    Word,
)

_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)=")


def run(state: State, text: str, source: str) -> None:
    """Interpret a whole script.

    Raises:
        LeaveError: It left for good; `state` says whether it booted.
        ConfigSyntaxError: What precedes the error was interpreted.
        ConfigLimitError: A budget is used up.
    """
    if state.runs >= MAX_RUNS:
        reason = f"scripts call each other more than {MAX_RUNS} deep"
        raise ConfigLimitError(reason, source=state.source, line=state.line)
    state.runs += 1
    try:
        _block(state, _parsed(state, text, source))
    finally:
        state.runs -= 1


def _parsed(state: State, text: str, source: str) -> Iterable[Statement]:
    """Parse once what `run` may run often."""
    if text in state.parsed:
        return state.parsed[text]
    if state.runs == 1:
        return parse(text, source)
    state.parsed[text] = found = tuple(parse(text, source))
    return found


def _block(state: State, block: Iterable[Statement]) -> None:
    for statement in block:
        _statement(state, statement)


def _statement(state: State, statement: Statement) -> None:
    match statement:
        case Command():
            _command(state, statement)
        case If():
            _if(state, statement)
        case For():
            _for(state, statement)
        case Loop():
            _loop(state, statement)
        case Chain():
            _chain(state, statement)
        case Not():
            _statement(state, statement.statement)
            state.status = int(state.status == 0)
        case _:
            assert_never(statement)


def _if(state: State, statement: If) -> None:
    for condition, body in statement.branches:
        if _holds(state, condition):
            _block(state, body)
            return
    state.status = 0
    _block(state, statement.otherwise)


def _holds(state: State, condition: Block) -> bool:
    _block(state, condition)
    return state.status == 0


def _for(state: State, statement: For) -> None:
    # common/cli_hush.c, make_list_in: blanks split the list within quotes as well.
    values = [each for word in arguments(state, statement.words) for each in word.split(" ")]
    for value in values:
        if plain(value):
            state.line = statement.line
            state.spend_step()
            state.local[statement.name] = value
            _block(state, statement.body)


def _loop(state: State, statement: Loop) -> None:
    while _holds(state, statement.condition) is not statement.ends_on:
        state.line = statement.line
        state.spend_step()
        _block(state, statement.body)
    state.status = 0


def _chain(state: State, statement: Chain) -> None:
    _statement(state, statement.first)
    for joint, each in statement.rest:
        if (state.status == 0) is (joint == "&&"):
            _statement(state, each)


def _command(state: State, command: Command) -> None:
    if state.runs == 1:
        state.line = command.line
    state.spend_step()
    if all(_assigned(word) for word in command.words):
        for word in command.words:
            _assign(state, word)
        state.status = 0
        return
    words = arguments(state, command.words)
    if any(isinstance(part, Variable) for word in command.words for part in word):
        # common/cli_hush.c, run_pipe_real: what has variables is put together and parsed again.
        words = [without_layer(word) for word in words]
    name = plain(words[0]) if words else ""
    if not name:
        return
    # `setexpr.b` and its like: the size of what is worked on.
    known = COMMANDS.get(name) or COMMANDS.get(name.partition(".")[0])
    if known is None:
        state.note(f"line {state.line}: {name} is not understood, and taken as failed")
        state.status = 1
        return
    state.status = known(Call(state=state, name=name, words=words[1:], run=run))


def _assigned(word: Word) -> bool:
    first = word[0] if word else None
    return isinstance(first, Text) and not first.quoted and bool(_ASSIGNMENT.match(first.text))


def _assign(state: State, word: Word) -> None:
    name, _, value = text_of(state, word).partition("=")
    state.local[name] = value
