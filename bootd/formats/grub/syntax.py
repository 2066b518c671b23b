"""The syntax tree of a GRUB script: what the parser makes and the interpreter walks.

A word that is plain text is a `str`, which most words are; only what has to be expanded or was
quoted is a `Word`.
"""

from bootd.record import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """Literal characters of a word; `quoted` ones are never split, matched or reserved."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`, `${name}`, `$1`, `$@` …; the value of a `quoted` one is not split at blanks."""

    name: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Word:
    """One argument before expansion."""

    parts: tuple[Text | Variable, ...]


Argument = str | Word


@dataclass(frozen=True, slots=True)
class Command:
    """A command line; `block` is the `{ … }` behind its arguments.

    Attributes:
        line: 1-based, as in all nodes: where it starts.
    """

    line: int
    words: tuple[Argument, ...]
    block: "Script | None" = None


@dataclass(frozen=True, slots=True)
class If:
    """`if`/`elif`: conditions and what they guard, in order; then `else`, maybe empty."""

    line: int
    branches: tuple[tuple["Script", "Script"], ...]
    otherwise: "Script"


@dataclass(frozen=True, slots=True)
class For:
    """`for name in words; do body; done`."""

    line: int
    name: str
    words: tuple[Argument, ...]
    body: "Script"


@dataclass(frozen=True, slots=True)
class Loop:
    """`while condition; do body; done`, or `until`."""

    line: int
    until: bool
    condition: "Script"
    body: "Script"


@dataclass(frozen=True, slots=True)
class Function:
    """`function name { body }`."""

    line: int
    name: str
    body: "Script"


Statement = Command | If | For | Loop | Function

Script = tuple[Statement, ...]
