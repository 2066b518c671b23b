"""Tokens to statements, one at a time: what precedes a syntax error is run, as U-Boot does.

Source: common/cli_hush.c of U-Boot (`reserved_word`): if, then, elif, else, fi, for, in, while,
until, do, done; `!` of the newer cli_hush_upstream.c.
"""

from collections.abc import Iterator
from typing import Final, NoReturn

from bootd.errors import ConfigSyntaxError
from bootd.formats.uboot_script.lexer import Kind, Token, lex
from bootd.formats.uboot_script.syntax import (
    Block,
    Chain,
    Command,
    For,
    If,
    Loop,
    Not,
    Statement,
    Word,
)

MAX_DEPTH: Final = 32
"""Statements within statements."""

_ENDINGS: Final = frozenset({"then", "elif", "else", "fi", "do", "done"})


def parse(text: str, source: str) -> Iterator[Statement]:
    """Yield the statements of a script.

    Raises:
        ConfigSyntaxError: With the line; what was yielded before it is valid.
    """
    return _Parser(lex(text, source), source).statements()


class _Parser:
    def __init__(self, tokens: Iterator[Token], source: str) -> None:
        self._tokens = tokens
        self._source = source
        self._depth = 0
        self._next: Token | None = next(tokens)

    def statements(self) -> Iterator[Statement]:
        while True:
            self._skip_ends()
            if self._next is None:
                return
            if self._next.plain in _ENDINGS:
                self._fail(f"{self._next.plain} without its beginning")
            yield self._chain()

    def _chain(self) -> Statement:
        first = self._statement()
        rest: list[tuple[str, Statement]] = []
        while self._next is not None and self._next.kind in {Kind.AND, Kind.OR}:
            joint = self._next.kind.value
            self._advance()
            self._skip_newlines()
            rest.append((joint, self._statement()))
        return Chain(first, tuple(rest)) if rest else first

    def _statement(self) -> Statement:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(f"statements are nested more than {MAX_DEPTH} deep")
        try:
            match self._token().plain:
                case "if":
                    return self._if()
                case "for":
                    return self._for()
                case "while" | "until" as word:
                    return self._loop(ends_on=word == "until")
                case "!":
                    self._advance()
                    return Not(self._statement())
                case _:
                    return self._command()
        finally:
            self._depth -= 1

    def _if(self) -> If:
        branches: list[tuple[Block, Block]] = []
        otherwise: Block = ()
        while True:
            self._advance()
            condition = self._block("then")
            body = self._block("elif", "else", "fi", keep=True)
            branches.append((condition, body))
            word = self._token().plain
            if word == "elif":
                continue
            self._advance()
            if word == "else":
                otherwise = self._block("fi")
            return If(tuple(branches), otherwise)

    def _for(self) -> For:
        line = self._token().line
        self._advance()
        name = self._token().plain
        self._advance()
        if not name or self._token().plain != "in":
            self._fail("for needs a name and `in`")
        self._advance()
        words = self._words()
        self._skip_ends()
        if self._token().plain != "do":
            self._fail("for without do")
        self._advance()
        return For(name, words, self._block("done"), line)

    def _loop(self, *, ends_on: bool) -> Loop:
        line = self._token().line
        self._advance()
        condition = self._block("do")
        return Loop(condition, self._block("done"), ends_on, line)

    def _block(self, *ends: str, keep: bool = False) -> Block:
        """Take statements up to one of the keywords; take that too unless `keep`."""
        found: list[Statement] = []
        while True:
            self._skip_ends()
            if self._next is None:
                self._fail(f"{ends[-1]} is missing at the end")
            word = self._next.plain
            if word in ends:
                if not keep:
                    self._advance()
                return tuple(found)
            if word in _ENDINGS:
                self._fail(f"{word} in place of {ends[0]}")
            found.append(self._chain())

    def _command(self) -> Command:
        line = self._token().line
        words = self._words()
        if not words:
            self._fail("a command is missing")
        return Command(words, line)

    def _words(self) -> tuple[Word, ...]:
        words: list[Word] = []
        while self._next is not None and self._next.kind is Kind.WORD:
            words.append(self._next.word)
            self._advance()
        return tuple(words)

    def _skip_ends(self) -> None:
        while self._next is not None and self._next.kind is Kind.END:
            self._advance()

    _skip_newlines = _skip_ends

    def _token(self) -> Token:
        if self._next is None:
            self._fail("the script ends within a statement")
        return self._next

    def _advance(self) -> None:
        self._last_line = self._next.line if self._next else 1
        self._next = next(self._tokens, None)

    def _fail(self, reason: str) -> NoReturn:
        line = self._next.line if self._next else self._last_line
        raise ConfigSyntaxError(reason, source=self._source, line=line)
