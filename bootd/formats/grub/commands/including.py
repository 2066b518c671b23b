"""Commands that run another file.

Source: GRUB grub-core/commands/configfile.c, grub-core/normal/main.c. A configuration on another
device that is found there anyway is only noted (`leads`): stubs on EFI system partitions consist of
that. Any other file of another device is run when it is lent; so is one that is only sourced, for
what it sets, without the entries in it.
"""

import re
from typing import Final

from bootd.formats.grub import PLACES
from bootd.formats.grub.devices import Located
from bootd.formats.grub.session import FAILED, OK, Call, Session
from bootd.formats.lending import MAX_WANTS
from bootd.model.text import clean

_VENDOR: Final = re.compile(r"(?:/boot/efi)?/EFI/[^/]+/grub\.cfg", re.IGNORECASE)
"""What is found in the folders among `PLACES`."""


def source(session: Session, call: Call) -> int:
    """`source FILE`: as if its text stood here."""
    path = call.args[0] if call.args else ""
    at = _listed_elsewhere(session, path)
    found = None if at is None else session.find(path)
    if at is None or found is None:
        return _run(session, call, path)
    before, session.muted = session.muted, 0
    done = session.run_file(found)
    if session.muted:
        _lead(session, at)
    session.muted = before
    return OK if done else FAILED


def configfile(session: Session, call: Call) -> int:
    """`configfile FILE`: in a new context; its menu is shown in place of this one."""
    frame = session.env.frame.inherited()
    with session.env.within(frame):
        status = _run(session, call, call.args[0] if call.args else "")
    if status == OK:
        session.menu.frame = frame
    return status


def normal(session: Session, call: Call) -> int:
    """`normal [FILE]`: `configfile`, with $prefix/grub.cfg when none is named."""
    args = call.args or [f"{session.env.get('prefix')}/grub.cfg"]
    return configfile(session, Call(call.name, args))


def _run(session: Session, call: Call, path: str) -> int:
    if not path:
        session.remark(f"{call.name}: a file name is not there")
        return FAILED
    if (listed := _listed_elsewhere(session, path)) is not None:
        _lead(session, listed)
        return FAILED
    found = session.find(path)
    if found is not None:
        return OK if session.run_file(found) else FAILED
    if session.locate(path).spec is None:
        session.remark(clean(f"{call.name}: {path} is not there"))
    return FAILED


def _lead(session: Session, at: Located) -> None:
    if len(session.leads) < MAX_WANTS:
        session.leads[at] = None


def _listed_elsewhere(session: Session, path: str) -> Located | None:
    """Return where a configuration is that another device finds by itself; None for all others."""
    at = session.locate(path) if path else None
    if at is None or at.spec is None or at.image is not None:
        return None
    if at.path not in PLACES and _VENDOR.fullmatch(at.path) is None:
        return None
    return None if session.devices.has(session.devices.visible(at)) else at
