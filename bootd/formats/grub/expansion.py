"""Words to arguments: variables, splitting, file name patterns.

Source: GRUB grub-core/script/execute.c (grub_script_arglist_to_argv), commands/wildcard.c. Patterns
are matched against the own device only; one that matches nothing stays as it is.
"""

import re
from fnmatch import translate
from typing import Final

from bootd.formats.grub.session import Session
from bootd.formats.grub.syntax import Argument, Text, Variable, Word
from bootd.formats.lexing import MAX_PATH

_SPACES: Final = re.compile(r"[ \t\n\r\f\v]+")
_MAX_PATTERN: Final = 255
_MAX_STARS: Final = 4


def expand(words: tuple[Argument, ...], session: Session) -> list[str]:
    """Return the arguments that words stand for.

    Raises:
        ConfigLimitError: They grow too long.
    """
    args: list[str] = []
    for word in words:
        if isinstance(word, str):
            if "*" in word and word[0] in "/(":
                args += _match(word, session)
            else:
                args.append(word)
        else:
            args += _expand(word, session)
    return args


def _expand(word: Word, session: Session) -> list[str]:
    args: list[str] = []
    current: str | None = None
    pattern = False
    for part in word.parts:
        if isinstance(part, Text):
            if part.text or part.quoted:
                current = part.text if current is None else current + part.text
                pattern = pattern or ("*" in part.text and not part.quoted)
            continue
        fields = _fields(part, session)
        for number, value in enumerate(fields):
            if number and current is not None:
                args.append(current)
                current = None
            current = value if current is None else current + value
            pattern = pattern or ("*" in value and not part.quoted)
    if current is not None:
        args.append(current)
    if not pattern:
        return args
    return [
        path for arg in args for path in (_match(arg, session) if arg[:1] in {"/", "("} else (arg,))
    ]


def _fields(variable: Variable, session: Session) -> list[str]:
    """Return what a variable puts into a word; each string after the first starts a new one."""
    env = session.env
    if variable.name == "@" and variable.quoted:
        fields = list(env.arguments)
    elif variable.quoted:
        fields = [env.get(variable.name)]
    else:
        fields = [f for f in _SPACES.split(env.get(variable.name)) if f]
    session.budget.expand(sum(map(len, fields)))
    return fields


def _match(pattern: str, session: Session) -> list[str]:
    """Return the files that a pattern names, sorted, or the pattern itself."""
    device, closed, path = pattern.partition(")") if pattern[0] == "(" else ("", "", pattern)
    front = device + closed
    if not path.startswith("/") or len(path) > MAX_PATH or "*" in front:
        return [pattern]
    found = [""]
    for part in path.strip("/").split("/"):
        if "*" not in part:
            found = [f"{base}/{part}" for base in found]
            continue
        if len(part) > _MAX_PATTERN or part.count("*") > _MAX_STARS:
            return [pattern]
        wanted = re.compile(translate(part.replace("[", "[[]").replace("?", "[?]")))
        found = [path for base in found for path in _below(base, wanted, session)]
    exact = [f"{front}{path}" for path in found if session.fs.is_file(path) or "*" in pattern[-1]]
    return exact or ([f"{front}{path}" for path in found] or [pattern])


def _below(base: str, wanted: re.Pattern[str], session: Session) -> list[str]:
    names = session.fs.list_dir(base or "/")
    session.budget.step(1 + len(names))
    return [f"{base}/{name}" for name in names if name[:1] != "." and wanted.match(name)]
