"""Commands that steer a script.

Source: GRUB grub-core/script/execute.c (grub_script_break, grub_script_return …).
"""

from bootd.errors import ConfigSyntaxError
from bootd.formats.grub.parser import parse
from bootd.formats.grub.session import FAILED, OK, Call, Jump, Session


def true(_session: Session, _call: Call) -> int:
    """Succeed."""
    return OK


def false(_session: Session, _call: Call) -> int:
    """Fail."""
    return FAILED


def jump(session: Session, call: Call) -> int:
    """`break [N]` and `continue [N]`."""
    session.loops = max(1, _number(session, call.args[0])) if call.args else 1
    session.jump = Jump(call.name)
    return OK


def leave(session: Session, call: Call) -> int:
    """`return [STATUS]` ends a function or file, `exit` everything."""
    if call.name == "return":
        session.jump = Jump.RETURN
        return _number(session, call.args[0]) if call.args else session.env.status
    session.jump = Jump.EXIT
    if session.load is not None:
        session.load.is_idle = False
        session.load.reasons.append("its entry leaves the boot loader (exit)")
    return OK


def shift(session: Session, call: Call) -> int:
    """`shift [N]` drops positional parameters."""
    count = _number(session, call.args[0]) if call.args else 1
    if count > len(session.env.arguments):
        return FAILED
    session.env.arguments = session.env.arguments[count:]
    return OK


def setparams(session: Session, call: Call) -> int:
    """`setparams WORD …` replaces the positional parameters."""
    session.env.arguments = call.args
    return OK


def evaluate(session: Session, call: Call) -> int:
    """`eval WORD …` runs its words as a command line."""
    with session.deeper() as allowed:
        if not allowed:
            return FAILED
        text = " ".join(call.args)
        session.budget.step(len(text) // 8)
        parsed = parse(text, session.budget.source)
        for each in parsed.problems:
            session.remark(each.message)
        session.run(parsed.script)
    return session.env.status


def _number(session: Session, text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 6:
        return int(text)
    raise ConfigSyntaxError(
        f"{text} is no number", source=session.budget.source, line=session.budget.line
    )
