r"""Script text to tokens: words with their quotes resolved, and what separates them.

Source: common/cli_hush.c of U-Boot (`parse_stream`, `done_word`): single quotes keep everything but
lose a layer of backslashes, double quotes let `$` through and keep backslashes, which a command
with variables loses when it runs (`without_layer`). A backslash before a newline joins lines, `#`
starts a comment at the start of a word only. Groups in parentheses or braces, pipes, redirections
and command substitution do not exist there: their characters are ordinary ones.

One thing is as everybody means it and not as it is there: `\"` in double quotes is a quote.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final

from bootd.errors import ConfigSyntaxError
from bootd.formats.uboot_script.syntax import Text, Variable, Word
from bootd.record import dataclass

MAX_NESTING: Final = 8
"""Of variables in the names of variables."""

_PLAIN: Final = re.compile(r"[^\s;&|'\"\\$]+")
_QUOTED: Final = re.compile(r"[^\"\\$]+")
_NAME: Final = re.compile(r"\w+|[?#*@!]")
_BRACED: Final = re.compile(r"[^}$:]+")
_DEFAULT: Final = re.compile(r"[^}$\\\"']+")
_ESCAPE: Final = re.compile(r"\\(.?)", re.DOTALL)
_COMMENT: Final = re.compile(r"[^\n]*")


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    END = "end of a command"
    AND = "&&"
    OR = "||"


@dataclass(frozen=True, slots=True)
class Token:
    """A token; `word` is empty unless it is one.

    Attributes:
        line: 1-based.
    """

    kind: Kind
    line: int
    word: Word = ()

    @property
    def plain(self) -> str:
        """The text of an unquoted word without variables, as keywords are; else ""."""
        if len(self.word) == 1 and isinstance(self.word[0], Text) and not self.word[0].quoted:
            return self.word[0].text
        return ""


def without_layer(text: str) -> str:
    """Return `text` with each backslash taken away, and what follows it kept."""
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def lex(text: str, source: str) -> Iterator[Token]:
    """Yield the tokens of a script, one at a time, so that what precedes an error can be used.

    Raises:
        ConfigSyntaxError: A quote or a brace is not closed.
    """
    return _Lexer(text, source).tokens()


class _Lexer:
    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._at = 0
        self._line = 1

    def tokens(self) -> Iterator[Token]:
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in {"\n", ";"}:
                yield Token(Kind.END, self._line)
                self._skip(1)
            elif char.isspace():
                self._at += 1
            elif char == "#":
                self._take(_COMMENT)
            elif self._text.startswith("\\\n", self._at):
                self._skip(2)
            elif self._text.startswith(("&&", "||"), self._at):
                yield Token(Kind.AND if char == "&" else Kind.OR, self._line)
                self._at += 2
            else:
                line = self._line
                yield Token(Kind.WORD, line, self._word())
        yield Token(Kind.END, self._line)

    def _word(self) -> Word:
        parts: list[Text | Variable] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            if char.isspace() or char == ";" or self._text.startswith(("&&", "||"), self._at):
                break
            if char == "'":
                parts.append(self._single_quoted())
            elif char == '"':
                self._double_quoted(parts)
            elif char == "$":
                parts.append(self._variable(quoted=False, depth=0))
            elif char == "\\":
                parts.append(self._escaped())
            else:
                parts.append(Text(self._take(_PLAIN) or self._one(), quoted=False))
        return tuple(parts)

    def _single_quoted(self) -> Text:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            self._fail("a single quote is not closed")
        text = self._text[self._at + 1 : end]
        self._skip(end + 1 - self._at)
        return Text(without_layer(text), quoted=True)

    def _double_quoted(self, parts: list[Text | Variable]) -> None:
        opened = self._line
        self._at += 1
        parts.append(Text("", quoted=True))
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == '"':
                self._at += 1
                return
            if char == "$":
                parts.append(self._variable(quoted=True, depth=0))
            elif char == "\\":
                parts.append(self._escaped(keep=True))
            else:
                parts.append(Text(self._take(_QUOTED), quoted=True))
        self._line = opened
        self._fail("a double quote is not closed")

    def _escaped(self, *, keep: bool = False) -> Text:
        """Take a backslash and what follows; with `keep` it stays, as in double quotes."""
        char = self._text[self._at + 1 : self._at + 2]
        self._skip(2)
        if char == "\n":
            return Text("", quoted=True)
        return Text(f"\\{char}" if keep and char != '"' else char, quoted=True)

    def _variable(self, *, quoted: bool, depth: int) -> Text | Variable:
        self._at += 1
        if self._text[self._at : self._at + 1] != "{":
            name = self._take(_NAME)
            return Variable((Text(name, quoted=True),), quoted) if name else Text("$", quoted)
        if depth >= MAX_NESTING:
            self._fail(f"variables are nested more than {MAX_NESTING} deep")
        self._at += 1
        name_parts, end = self._until(_BRACED, "}:", quoted=quoted, depth=depth)
        if end == "}":
            return Variable(name_parts, quoted)
        rule = self._one()
        if rule not in "-=+":
            self._fail("a variable has a rule that U-Boot does not know")
        word, _ = self._until(_DEFAULT, "}", quoted=quoted, depth=depth)
        return Variable(name_parts, quoted, rule, word)

    def _until(
        self, plain: re.Pattern[str], ends: str, *, quoted: bool, depth: int
    ) -> tuple[Word, str]:
        """Take parts up to and with one of the characters `ends`; also return that."""
        parts: list[Text | Variable] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in ends:
                self._at += 1
                return tuple(parts), char
            if char == "$":
                parts.append(self._variable(quoted=quoted, depth=depth + 1))
            else:
                parts.append(Text(self._take(plain) or self._one(), quoted=quoted))
        self._fail("a brace is not closed")
        raise AssertionError

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._skip(match.end() - self._at)
        return match.group()

    def _one(self) -> str:
        char = self._text[self._at : self._at + 1]
        self._skip(1)
        return char

    def _skip(self, count: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + count)
        self._at += count

    def _fail(self, reason: str) -> None:
        raise ConfigSyntaxError(reason, source=self._source, line=self._line)
