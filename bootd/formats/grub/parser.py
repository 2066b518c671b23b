"""The parser: text of a GRUB script to its syntax tree, statement by statement.

Source: GRUB grub-core/script/parser.y. A statement that GRUB would refuse costs that statement; the
parser goes on behind it, at the latest at the next `menuentry`, so that one missing brace does not
swallow the rest of the file.

Blocks, conditions and branches without a command, which GRUB refuses, are taken as empty; all that
GRUB accepts is accepted.

Not supported, as in GRUB itself: `case`, `select`, `&&`, `||`, pipes and redirections.
"""

import re
from typing import Final

from bootd.errors import ConfigError, ConfigLimitError, ConfigSyntaxError
from bootd.formats.grub.lexer import Kind, Lexer
from bootd.formats.grub.syntax import (
    Argument,
    Command,
    For,
    Function,
    If,
    Loop,
    Script,
    Statement,
)
from bootd.formats.lexing import problem
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.record import dataclass

MAX_NESTING: Final = 24
"""Blocks, conditions and loops inside one another; distributions need five."""

MAX_TOKENS: Final = 100_000
"""Of one file; what 256 entries have, seven times."""

MAX_ERRORS: Final = 32
"""Statements that may be wrong before the file is given up."""

_ENTRY: Final = re.compile(r"^[ \t]*(?:menuentry|submenu)[ \t]", re.MULTILINE)

_RESERVED: Final = frozenset(
    {
        *("case", "do", "done", "elif", "else", "esac", "fi", "for"),
        *("function", "if", "in", "select", "then", "until", "while"),
    }
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was understood of a file, and what was not."""

    script: Script
    problems: tuple[Problem, ...]


def parse(text: str, source: str) -> Parsed:
    """Parse a whole file; never raises.

    Args:
        text: Its content; NUL, which no path or kernel could take, becomes U+FFFD.
        source: Its absolute path, for messages.
    """
    parser = _Parser(text.replace("\0", "\ufffd"), source)
    script: list[Statement] = []
    problems: list[Problem] = []
    while True:
        try:
            while (statement := parser.top_level()) is not None:
                script.append(statement)
            break
        except ConfigError as error:
            problems.append(problem(error, source))
            if parser.is_full:
                break
            if len(problems) >= MAX_ERRORS:
                message = f"more than {MAX_ERRORS} statements are wrong; what follows is left out"
                problems.append(Problem(source=clean(source), message=message))
                break
            parser.recover()
    return Parsed(tuple(script), tuple(problems))


class _Parser:
    """Recursive descent with a limit on depth; one token ahead."""

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._lexer = Lexer(text, source)
        self._tokens = 0
        self._depth = 0
        self._begin = (0, 1)
        self._fresh = True

    @property
    def is_full(self) -> bool:
        """Whether as many words were read as a file may have."""
        return self._tokens > MAX_TOKENS

    def top_level(self) -> Statement | None:
        """Return the next statement, or None at the end of the file."""
        if self._fresh:
            self._fresh = False
            self._next()
        self._skip_delimiters()
        self._begin = (self._lexer.start, self._lexer.line)
        if self._lexer.kind is Kind.END:
            return None
        statement = self._statement()
        self._end_of_statement()
        return statement

    def recover(self) -> None:
        """Go behind a statement that is wrong: to the next entry inside it, or the next line."""
        start, line = self._begin
        self._depth = 0
        stop = self._text.find("\n", max(self._lexer.start, start))
        stop = len(self._text) if stop < 0 else stop + 1
        first = self._text.find("\n", start) + 1 or len(self._text)
        entry = _ENTRY.search(self._text, first, stop)
        target = entry.start() if entry is not None else max(stop, first)
        self._lexer.seek(target, line + self._text.count("\n", start, target))
        self._fresh = True

    def _next(self) -> None:
        self._tokens += 1
        if self._tokens > MAX_TOKENS:
            reason = f"configuration too complex (more than {MAX_TOKENS} words in a file)"
            raise ConfigLimitError(reason, source=self._source, line=self._lexer.line)
        self._lexer.advance()

    def _statement(self) -> Statement:
        word, line = self._lexer.word, self._lexer.line
        if self._lexer.kind is not Kind.WORD:
            raise self._unexpected()
        if not isinstance(word, str) or word not in _RESERVED:
            return self._command(line)
        self._next()
        self._descend(line)
        statement = self._compound(word, line)
        self._depth -= 1
        return statement

    def _compound(self, word: str, line: int) -> Statement:
        match word:
            case "if":
                return self._if(line)
            case "for":
                return self._for(line)
            case "while" | "until":
                condition = self._until_word("do")
                return Loop(line, word == "until", condition, self._until_word("done"))
            case "function":
                return self._function(line)
            case _:
                raise self._error(f"unexpected '{word}'", line)

    def _descend(self, line: int) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            reason = f"configuration too complex (nested more than {MAX_NESTING} deep)"
            raise ConfigLimitError(reason, source=self._source, line=line)

    def _command(self, line: int) -> Command:
        words = self._arguments()
        if self._lexer.kind is not Kind.OPEN:
            return Command(line, words)
        return Command(line, words, self._block())

    def _arguments(self) -> tuple[Argument, ...]:
        words: list[Argument] = []
        while self._lexer.kind is Kind.WORD:
            words.append(self._lexer.word)
            self._next()
        return tuple(words)

    def _block(self) -> Script:
        """Parse from `{` to behind `}`."""
        line = self._lexer.line
        self._descend(line)
        self._next()
        body: list[Statement] = []
        while True:
            self._skip_delimiters()
            if self._closes(line):
                break
            body.append(self._statement())
            if not self._closes(line):
                self._end_of_statement()
        self._depth -= 1
        self._next()
        return tuple(body)

    def _closes(self, opened: int) -> bool:
        if self._lexer.kind is Kind.END:
            raise self._error("a '{' is never closed", opened)
        return self._lexer.kind is Kind.CLOSE

    def _if(self, line: int) -> If:
        branches: list[tuple[Script, Script]] = []
        while True:
            condition = self._until_word("then")
            body, ended_by = self._until("elif", "else", "fi")
            branches.append((condition, body))
            if ended_by == "fi":
                return If(line, tuple(branches), ())
            if ended_by == "else":
                return If(line, tuple(branches), self._until_word("fi"))

    def _for(self, line: int) -> For:
        name = self._name("for")
        self._expect("in")
        words = self._arguments()
        self._skip_delimiters()
        self._expect("do")
        return For(line, name, words, self._until_word("done"))

    def _function(self, line: int) -> Function:
        name = self._name("function")
        while self._lexer.kind is Kind.NEWLINE:
            self._next()
        if self._lexer.kind is not Kind.OPEN:
            raise self._unexpected()
        return Function(line, name, self._block())

    def _name(self, keyword: str) -> str:
        word = self._lexer.word
        if self._lexer.kind is not Kind.WORD or not isinstance(word, str):
            raise self._error(f"'{keyword}' needs a name", self._lexer.line)
        self._next()
        return word

    def _expect(self, word: str) -> None:
        if self._lexer.kind is not Kind.WORD or self._lexer.word != word:
            raise self._unexpected()
        self._next()

    def _until_word(self, word: str) -> Script:
        return self._until(word)[0]

    def _until(self, *ends: str) -> tuple[Script, str]:
        """Parse statements up to a reserved word, and step over it."""
        opened = self._lexer.line
        script: list[Statement] = []
        while True:
            self._skip_delimiters()
            if self._lexer.kind is Kind.WORD and self._lexer.word in ends:
                word = str(self._lexer.word)
                self._next()
                return tuple(script), word
            if self._lexer.kind is Kind.END:
                raise self._error(f"'{ends[-1]}' is missing", opened)
            script.append(self._statement())
            self._end_of_statement()

    def _skip_delimiters(self) -> None:
        while self._lexer.kind in {Kind.NEWLINE, Kind.SEMICOLON}:
            self._next()

    def _end_of_statement(self) -> None:
        if self._lexer.kind not in {Kind.NEWLINE, Kind.SEMICOLON, Kind.END}:
            raise self._unexpected()

    def _unexpected(self) -> ConfigSyntaxError:
        lexer = self._lexer
        word = lexer.word
        what = f"'{word}'" if lexer.kind is Kind.WORD and isinstance(word, str) else ""
        return self._error(f"unexpected {what or lexer.kind.value}", lexer.line)

    def _error(self, reason: str, line: int) -> ConfigSyntaxError:
        return ConfigSyntaxError(
            f"{reason}; the statement is left out", source=self._source, line=line
        )
