"""Commands about variables and the environment block.

Source: GRUB grub-core/kern/corecmd.c, grub-core/commands/loadenv.c. Nothing is ever written: what a
script would save is remembered and said.
"""

import string
from typing import Final

from bootd.errors import ConfigError, ConfigSyntaxError
from bootd.formats.grub import grubenv
from bootd.formats.grub.commands.arguments import split
from bootd.formats.grub.session import FAILED, OK, Call, Session
from bootd.model.option import Save
from bootd.model.text import clean

MAX_SAVES: Final = 16
"""Variables that one entry saves."""


def set_variable(session: Session, call: Call) -> int:
    """`set NAME=VALUE`; without arguments GRUB lists all.

    GRUB drops the words behind an unquoted value with blanks; whoever writes one means all of it.
    """
    if not call.args:
        return OK
    name, equals, value = call.args[0].partition("=")
    if not equals:
        source, line = session.budget.source, session.budget.line
        raise ConfigSyntaxError(f"{name} is no assignment", source=source, line=line)
    session.env.set(name, " ".join((value, *call.args[1:])))
    return OK


def unset(session: Session, call: Call) -> int:
    """`unset NAME`."""
    for name in call.args:
        session.env.unset(name)
    return OK


def export(session: Session, call: Call) -> int:
    """`export NAME …`; a value may be given as well."""
    for word in call.args:
        name, equals, value = word.partition("=")
        if equals:
            session.env.set(name, value)
        session.env.export(name)
    return OK


def tr(session: Session, call: Call) -> int:
    """`tr --set NAME SET1 SET2 [TEXT]`, or with -U or -D for one case of letters."""
    words, options = split(call.args, ("-s", "--set"))
    name = options.get("--set", options.get("-s", ""))
    first, second = "", ""
    if {"-U", "--upcase"} & options.keys():
        first, second = string.ascii_lowercase, string.ascii_uppercase
    elif {"-D", "--downcase"} & options.keys():
        first, second = string.ascii_uppercase, string.ascii_lowercase
    elif len(words) >= 2:
        first, second, *words = words
    if len(first) != len(second):
        return FAILED
    text = words[0] if words else session.env.get(name)
    session.budget.expand(len(text))
    if name:
        session.env.set(name, text.translate(str.maketrans(first, second)))
    return OK


def read(session: Session, call: Call) -> int:
    """`read [NAME]` asks a person; there is none, so the answer is empty."""
    for name in call.args[-1:]:
        session.env.set(name, "")
    return OK


def increment(session: Session, call: Call) -> int:
    """`increment NAME` of Fedora."""
    return _add(session, call, 1)


def decrement(session: Session, call: Call) -> int:
    """`decrement NAME` of Fedora; stops at 0."""
    return _add(session, call, -1)


def load_env(session: Session, call: Call) -> int:
    """`load_env [--file FILE] [--skip-sig] [NAME …]`."""
    path, names = _split(session, call)
    text = _text(session, path)
    if text is None:
        return FAILED
    variables = dict(grubenv.parse(text))
    for name, value in variables.items():
        if not names or name in names:
            session.budget.step(1)
            session.env.set(name, value)
    return OK if variables or text.startswith(grubenv.SIGNATURE) else FAILED


def file_env(session: Session, call: Call) -> int:
    """`file_env -f FILE NAME` of Home Assistant OS: a variable gets the first line of a file."""
    path, names = _split(session, call)
    text = _text(session, path)
    if text is None:
        return FAILED
    for name in names:
        session.env.set(name, text.partition("\n")[0])
    return OK


def save_env(session: Session, call: Call) -> int:
    """`save_env [--file FILE] NAME …`: remembered, never done."""
    path, names = _split(session, call)
    file = session.devices.file_ref(session.locate(path))
    saves = session.saves if session.load is None else session.load.saves
    for name in names:
        value = session.env.get(name)
        session.budget.expand(len(name) + len(value))
        saves[:] = [each for each in saves if (each.file, each.name) != (file, name)]
        if len(saves) < MAX_SAVES and len(name) + len(value) < grubenv.BLOCK_BYTES:
            saves.append(Save(file, name, value))
    return OK


def _text(session: Session, path: str) -> str | None:
    """Return a small file, or None, with a remark where there is one that cannot be read."""
    found = session.find(path)
    if found is None:
        return None
    try:
        return session.read(found, grubenv.MAX_BYTES)
    except (ConfigError, OSError):
        session.remark(clean(f"{found} is no environment block"))
        return None


def _split(session: Session, call: Call) -> tuple[str, list[str]]:
    """Return the file, which is $prefix/grubenv unless named, and the names."""
    names, options = split(call.args, ("-f", "--file"))
    path = options.get("--file", options.get("-f", ""))
    return path or f"{session.env.get('prefix')}/grubenv", names


def _add(session: Session, call: Call, amount: int) -> int:
    if not call.args:
        return FAILED
    name = call.args[0]
    text = session.env.get(name)
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
        return FAILED
    session.env.set(name, str(max(0, int(text or 0) + amount)))
    return OK
