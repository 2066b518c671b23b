"""Commands that run another file.

Source: GRUB grub-core/commands/configfile.c, grub-core/normal/main.c. A configuration on another
device that is found there anyway is only noted (`leads`): stubs on EFI system partitions consist of
that. Any other file of another device is run when it is lent.
"""

import re
from typing import Final

from bootd.formats.grub import PLACES
from bootd.formats.grub.session import FAILED, OK, Call, Session
from bootd.formats.lending import MAX_WANTS
from bootd.model.text import clean

_VENDOR: Final = re.compile(r"(?:/boot/efi)?/EFI/[^/]+/grub\.cfg", re.IGNORECASE)
"""What is found in the folders among `PLACES`."""


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
    if not path:
        session.remark(f"{call.name}: a file name is not there")
        return FAILED
    at = session.locate(path)
    elsewhere = at.spec is not None and at.image is None
    if elsewhere and _is_listed(at.path) and not session.devices.has(session.devices.visible(at)):
        if len(session.leads) < MAX_WANTS:
            session.leads[at] = None
        return FAILED
    found = session.find(path)
    if found is not None:
        return OK if session.run_file(found) else FAILED
    if at.spec is None:
        session.remark(clean(f"{call.name}: {path} is not there"))
    return FAILED


def _is_listed(path: str) -> bool:
    """Say whether a configuration of this name is found by itself on the device that has it."""
    return path in PLACES or _VENDOR.fullmatch(path) is not None
