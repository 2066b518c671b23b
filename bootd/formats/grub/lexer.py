r"""Tokens of a GRUB script.

Source: GRUB grub-core/script/yylex.l. A `#` starts a comment only where a token starts; `{` and `}`
are tokens wherever they are not quoted; `\` joins lines; `$"…"` is text that GRUB translates.

One thing is taken more kindly than by GRUB: a `$` that names no variable is a dollar sign, not an
error that costs the statement.
"""

import re
from enum import Enum
from typing import Final, NoReturn

from bootd.errors import ConfigSyntaxError
from bootd.formats.grub.syntax import Argument, Text, Variable, Word


class Kind(Enum):
    """What a token is."""

    WORD = "a word"
    NEWLINE = "the end of the line"
    SEMICOLON = "';'"
    OPEN = "'{'"
    CLOSE = "'}'"
    OTHER = "an operator that GRUB does not have"
    END = "the end of the file"


MAX_PARTS: Final = 4096
"""Quoted pieces and variables of one word."""

_BLANKS: Final = re.compile(r"(?:[ \t\r]|\\\n)+|#[^\n]*")
_LITERAL: Final = re.compile(r"[^{}|&$;<> \t\r\n'\"\\]+")
_ENDS: Final = frozenset("{}|&;<> \t\r\n")
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?#*@]"
_VARIABLE: Final = re.compile(rf"\$(?:({_NAME})|\{{({_NAME})\}})")
_DOUBLE_QUOTED: Final = re.compile(r'[^"$\\]+')
_TRANSLATED: Final = re.compile(r'\$"((?:[^"\\]|\\.)*)"', re.DOTALL)
_TRANSLATED_ESCAPE: Final = re.compile(r'\\(["\\]|\n)')
_OPERATORS: Final = {";": Kind.SEMICOLON, "{": Kind.OPEN, "}": Kind.CLOSE, "\n": Kind.NEWLINE}


class Lexer:
    """Reads one token after the other; `kind`, `word`, `line` and `start` describe the last one.

    Attributes:
        word: Of a WORD; a `str` when nothing in it is quoted or a variable.
        line: 1-based, where the token starts.
        start: Index of its first character.
    """

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._at = 0
        self._line = 1
        self.kind = Kind.NEWLINE
        self.word: Argument = ""
        self.line = 1
        self.start = 0

    def seek(self, start: int, line: int) -> None:
        """Go on from a character whose line is known."""
        self._at, self._line = start, line

    def advance(self) -> None:
        """Read the next token.

        Raises:
            ConfigSyntaxError: A quote is never closed.
        """
        text = self._text
        while True:
            while blank := _BLANKS.match(text, self._at):
                self._line += text.count("\n", self._at, blank.end())
                self._at = blank.end()
            self.line, self.start = self._line, self._at
            if self._at >= len(text):
                self.kind = Kind.END
                return
            char = text[self._at]
            if char in _ENDS:
                self._operator(char)
                return
            if self._word():
                self.kind = Kind.WORD
                return

    def _operator(self, char: str) -> None:
        self._at += 1
        self.kind = _OPERATORS.get(char, Kind.OTHER)
        if char == "\n":
            self._line += 1
        elif self._text.startswith(char, self._at) and char in ";|&":
            self._at += 1
            self.kind = Kind.OTHER

    def _word(self) -> bool:
        """Read a word; False when there is nothing in it, as in a line joined to the next one."""
        text = self._text
        literal = _LITERAL.match(text, self._at)
        if literal is not None:
            end = literal.end()
            if end == len(text) or text[end] in _ENDS:
                self._at, self.word = end, literal.group()
                return True
        parts: list[Text | Variable] = []
        while self._at < len(text) and text[self._at] not in _ENDS:
            self._part(parts)
            if len(parts) > MAX_PARTS:
                reason = f"a word has more than {MAX_PARTS} pieces; the statement is left out"
                raise ConfigSyntaxError(reason, source=self._source, line=self._line)
        self.word = Word(tuple(parts))
        return bool(parts)

    def _part(self, parts: list[Text | Variable]) -> None:
        text, at = self._text, self._at
        match text[at]:
            case "'":
                end = self._closing("'", at + 1)
                parts.append(Text(text[at + 1 : end], quoted=True))
                self._move(end + 1)
            case '"':
                self._double_quoted(parts)
            case "\\":
                # GRUB takes the next character as it is; a line end joins the lines.
                if text[at + 1 : at + 2] not in {"\n", ""}:
                    parts.append(Text(text[at + 1], quoted=True))
                self._move(min(at + 2, len(text)))
            case "$" if translated := _TRANSLATED.match(text, at):
                plain = _TRANSLATED_ESCAPE.sub(_unescape, translated[1])
                parts.append(Text(plain, quoted=True))
                self._move(translated.end())
            case "$":
                self._variable(parts, quoted=False)
            case _:
                literal = _LITERAL.match(text, at)
                end = literal.end() if literal is not None else at + 1
                parts.append(Text(text[at:end], quoted=False))
                self._at = end

    def _double_quoted(self, parts: list[Text | Variable]) -> None:
        opened, before = self._at, len(parts)
        self._at += 1
        while len(parts) <= MAX_PARTS:
            if run := _DOUBLE_QUOTED.match(self._text, self._at):
                parts.append(Text(run.group(), quoted=True))
                self._move(run.end())
            match self._text[self._at : self._at + 1]:
                case '"':
                    self._at += 1
                    break
                case "$":
                    self._variable(parts, quoted=True)
                case "\\":
                    self._escaped(parts)
                case _:
                    self._never_closed(opened)
        if len(parts) == before:
            parts.append(Text("", quoted=True))

    def _escaped(self, parts: list[Text | Variable]) -> None:
        """Only a dollar, a backslash, a quote and the line end are escaped in double quotes."""
        following = self._text[self._at + 1 : self._at + 2]
        if following in {"$", "\\", '"'}:
            parts.append(Text(following, quoted=True))
        elif following != "\n":
            parts.append(Text("\\" + following, quoted=True))
        self._move(min(self._at + 2, len(self._text)))

    def _variable(self, parts: list[Text | Variable], *, quoted: bool) -> None:
        found = _VARIABLE.match(self._text, self._at)
        if found is None:
            parts.append(Text("$", quoted))
            self._at += 1
            if not quoted and self._text[self._at : self._at + 1] == "{":
                # `${` without a name: keep the brace in the word, or it would open a block.
                parts.append(Text("{", quoted))
                self._at += 1
            return
        parts.append(Variable(found[1] or found[2], quoted))
        self._at = found.end()

    def _closing(self, quote: str, at: int) -> int:
        end = self._text.find(quote, at)
        if end < 0:
            self._never_closed(at)
        return end

    def _never_closed(self, at: int) -> NoReturn:
        line = self.line + self._text.count("\n", self.start, at)
        raise ConfigSyntaxError("a quote is never closed", source=self._source, line=line)

    def _move(self, end: int) -> None:
        self._line += self._text.count("\n", self._at, end)
        self._at = end


def _unescape(match: re.Match[str]) -> str:
    return "" if match[1] == "\n" else match[1]
