"""What a script consists of: the nodes that the parser makes and the interpreter walks."""

from bootd.record import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """Characters of a word, quotes and backslashes already taken off."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Variable:
    """A value in a word.

    Attributes:
        name: May have variables in it (`${file_${board}}`).
        quoted: Its value is not split into words.
        rule: `-`, `=` or `+` of `${name:-word}` and its like, or "".
        word: What follows the rule.
    """

    name: "Word"
    quoted: bool
    rule: str = ""
    word: "Word" = ()


Word = tuple[Text | Variable, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command, or assignments to shell variables.

    Attributes:
        line: 1-based line of its first word.
    """

    words: tuple[Word, ...]
    line: int


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with what follows them, in order, and what is done when none holds."""

    branches: tuple[tuple["Block", "Block"], ...]
    otherwise: "Block"


@dataclass(frozen=True, slots=True)
class For:
    """A body for each word."""

    name: str
    words: tuple[Word, ...]
    body: "Block"
    line: int


@dataclass(frozen=True, slots=True)
class Loop:
    """`while`, or `until` when `ends_on` is True."""

    condition: "Block"
    body: "Block"
    ends_on: bool
    line: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Statements joined with `&&` and `||`: the first one, then each with its joint."""

    first: "Statement"
    rest: tuple[tuple[str, "Statement"], ...]


@dataclass(frozen=True, slots=True)
class Not:
    """`! command`."""

    statement: "Statement"


Statement = Command | If | For | Loop | Chain | Not
Block = tuple[Statement, ...]
