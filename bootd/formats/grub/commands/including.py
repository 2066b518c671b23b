"""Commands that run another file.

Source: GRUB grub-core/commands/configfile.c, grub-core/normal/main.c. A file on another device is
read when that device is; nothing is said about that, because stubs on EFI system partitions consist
of it.
"""

from bootd.formats.grub.session import FAILED, OK, Call, Session
from bootd.model.text import clean


def source(session: Session, call: Call) -> int:
    """`source FILE`: as if its text stood here."""
    return _run(session, call, call.args[0] if call.args else "")


def configfile(session: Session, call: Call) -> int:
    """`configfile FILE`: in a new context; its menu is shown in place of this one."""
    frame = session.env.frame.inherited()
    with session.env.within(frame):
        status = source(session, call)
    if status == OK:
        session.menu.frame = frame
    return status


def normal(session: Session, call: Call) -> int:
    """`normal [FILE]`: `configfile`, with $prefix/grub.cfg when none is named."""
    args = call.args or [f"{session.env.get('prefix')}/grub.cfg"]
    return configfile(session, Call(call.name, args))


def _run(session: Session, call: Call, path: str) -> int:
    found = session.find(path) if path else None
    if found is not None:
        return OK if session.run_file(found) else FAILED
    if not path or session.locate(path).spec is None:
        session.remark(clean(f"{call.name}: {path or 'a file name'} is not there"))
    return FAILED
