"""setenv, env, setexpr, ini and run: what changes variables.

Source: cmd/nvedit.c, cmd/setexpr.c and cmd/ini.c of U-Boot. Nothing is saved.

`*address` is read from the file that lies there. Regular expressions: `substitution`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from bootd.formats.pattern import PatternError
from bootd.formats.uboot_script.commands.call import (
    FAILED,
    OK,
    Call,
    number,
    settings,
    text_at,
)
from bootd.formats.uboot_script.commands.files import load
from bootd.formats.uboot_script.state import plain

MAX_VARIABLES: Final = 4096
MAX_VALUE: Final = 16_384
"""Characters; CONFIG_SYS_CBSIZE is 2,048 on most boards."""

_CONVERSION: Final = re.compile(r"%(0?[0-9]{0,2})(?:l{0,2})([dioxXuc%])")
"""Of `setexpr … fmt`; strings cannot be told from numbers there, and are not supported."""

_WIDTHS: Final = {"b": 1, "w": 2, "l": 4, "q": 8}

_OPERATORS: Final[Mapping[str, Callable[[int, int], int]]] = {
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b,
    "%": lambda a, b: a % b,
}


def setenv(call: Call) -> int:
    """Set a variable to the rest of the words, or remove it."""
    words = [w for i, w in enumerate(call.words) if i or plain(w) != "-f"]
    if not words or not plain(words[0]):
        return FAILED
    return assign(call, plain(words[0]), " ".join(words[1:]))


def assign(call: Call, name: str, value: str) -> int:
    """Set a variable within the limits."""
    if len(value) > MAX_VALUE or len(call.state.variables) >= MAX_VARIABLES:
        call.note(f"{name} is too long, or one variable too many, and is not set")
        return FAILED
    call.state.set(name, value)
    return OK


def env(call: Call) -> int:
    """`env` with its own first word."""
    verb, rest = call.word(0), call.words[1:]
    inner = Call(state=call.state, name=f"env {verb}", words=rest, run=call.run)
    known = _ENV.get(verb)
    if known is None:
        call.note(f"env {verb} is not understood, and taken as failed")
        return FAILED
    return known(inner)


def run(call: Call) -> int:
    """Interpret the values of variables as scripts."""
    for name in call.plain:
        value = call.state.get(name)
        if value is None or not plain(value):
            call.note(f"run {name}: there is no such variable here, it may be the firmware's own")
            return FAILED
        call.run(call.state, value, call.state.source)
    return call.state.status if call.words else FAILED


def printenv(call: Call) -> int:
    """Say whether all the variables have a value."""
    values = [call.state.get(name) for name in call.plain]
    return OK if all(value and plain(value) for value in values) else FAILED


def ini(call: Call) -> int:
    """Set the variables of a section of an INI file that was loaded."""
    text = text_at(call, call.words[1] if len(call.words) > 1 else call.state.get("loadaddr") or "")
    if text is None:
        return FAILED
    section, wanted = "", call.word(0).lower()
    for raw in text.split("\n"):
        line = raw.partition(";")[0].partition("#")[0].strip()
        if line.startswith("["):
            section = line[1:].partition("]")[0].strip().lower()
        elif section == wanted and "=" in line:
            name, _, value = line.partition("=")
            assign(call, name.strip(), value.strip().strip('"'))
    return OK


def fileenv(call: Call) -> int:
    """`fileenv interface device address file name` of Home Assistant OS: a file's first line."""
    if len(call.words) != 5:
        return FAILED
    loaded = Call(state=call.state, name=call.name, words=call.words[:4], run=call.run)
    if load(loaded) != OK or (text := text_at(call, call.words[2])) is None:
        return FAILED
    return assign(call, call.word(4), text.partition("\n")[0])


def setexpr(call: Call) -> int:
    """Set a variable to a number or a changed text."""
    words = call.plain
    if call.name.endswith(".s"):
        return _text(call, words)
    if len(words) >= 4 and words[1] in {"sub", "gsub"}:
        return _replace(call, words)
    if len(words) >= 3 and words[1] == "fmt":
        return _format(call, words)
    if len(words) == 2:
        words += ["+", "0"]
    if len(words) != 4 or words[2] not in _OPERATORS:
        return _unknown(call)
    left, right = _operand(call, words[1]), _operand(call, words[3])
    if left is None or right is None or (words[2] in "/%" and right == 0):
        return _unknown(call)
    return assign(call, words[0], f"{_OPERATORS[words[2]](left, right) & (1 << 64) - 1:x}")


def _text(call: Call, words: list[str]) -> int:
    """`setexpr.s name text [+ text]`, or the line that lies at `*address`."""
    if len(words) == 2 and words[1][:1] == "*":
        text = text_at(call, words[1][1:])
        return FAILED if text is None else assign(call, words[0], text.partition("\n")[0])
    if len(words) == 2 or (len(words) == 4 and words[2] == "+"):
        return assign(call, words[0], "".join((words[1], *words[3:])))
    return _unknown(call)


def _replace(call: Call, words: list[str]) -> int:
    """`setexpr name sub|gsub pattern replacement [text]`."""
    name, how, pattern, replacement, *rest = (*words, "")[: 5 + (len(words) > 4)]
    text = rest[0] if len(words) > 4 and rest else plain(call.state.get(name) or "")
    from bootd.formats.uboot_script import substitution  # noqa: PLC0415 - few scripts need it

    try:
        changed = substitution.substitute(
            call.state, pattern, replacement, text, everywhere=how == "gsub"
        )
    except PatternError as error:
        call.note(f"setexpr {how}: {error}; taken as failed")
        return FAILED
    return FAILED if changed is None else assign(call, name, changed)


def _format(call: Call, words: list[str]) -> int:
    """`setexpr name fmt format value …`, with values in hexadecimal."""
    values = iter(words[3:])

    def convert(match: re.Match[str]) -> str:
        if match[2] == "%":
            return "%"
        value = _operand(call, next(values, "")) or 0
        kind = {"i": "d", "u": "d"}.get(match[2], match[2])
        if kind == "c":
            return chr(value & 0x7F) if value & 0x7F else ""
        return format(value, f"{match[1]}{kind}")

    pieces = _CONVERSION.sub("", words[2])
    if "%" in pieces:
        return _unknown(call)
    return assign(call, words[0], _CONVERSION.sub(convert, words[2]))


def _operand(call: Call, word: str) -> int | None:
    """Return a number, or what lies at the address behind a star."""
    return _fetch(call, word[1:]) if word[:1] == "*" else number(word)


def _fetch(call: Call, where: str) -> int | None:
    """Return the number in memory at an address, from the file that was loaded there."""
    state, address = call.state, number(where)
    below = [key for key in state.memory if isinstance(key, int) and key <= (address or 0)]
    content = state.memory[max(below)] if below and address is not None else None
    if content is None or content.file is None or content.file.device or content.file.part:
        return None
    width = _WIDTHS.get(call.name.partition(".")[2], 4)
    state.spend_file()
    try:
        data = state.fs.read_range(content.file.path, (address or 0) - max(below), width)
    except OSError:
        return None
    return int.from_bytes(data, "little") if len(data) == width else None


def _unknown(call: Call) -> int:
    call.note(f"setexpr {' '.join(call.plain)[:60]} cannot be computed, and is taken as failed")
    return FAILED


def _import(call: Call) -> int:
    """`env import -t address [size [names…]]`."""
    words = list(call.words)
    while words and plain(words[0]).startswith("-") and len(plain(words[0])) == 2:
        if plain(words.pop(0)) in {"-b", "-c"}:
            call.note("an environment in binary form is not read")
            return FAILED
    text = text_at(call, words[0]) if words else None
    if text is None:
        return FAILED
    wanted = {plain(word) for word in words[2:] if plain(word)}
    for name, value in settings(text):
        if not wanted or name in wanted:
            assign(call, name, value)
    return OK


def _delete(call: Call) -> int:
    for name in call.plain:
        call.state.set(name, "")
    return OK


def _default(call: Call) -> int:
    call.note("env default: the firmware's own variables are unknown here; all stay as they are")
    return OK


def _nothing(_call: Call) -> int:
    return OK


_ENV: Final[Mapping[str, Callable[[Call], int]]] = {
    "default": _default,
    "delete": _delete,
    "exists": printenv,
    "export": _nothing,
    "import": _import,
    "load": _nothing,
    "print": printenv,
    "run": run,
    "save": _nothing,
    "select": _nothing,
    "set": setenv,
}
