"""`search` and `probe`: which device is meant.

Source: GRUB grub-core/commands/search_wrap.c, probe.c. Devices are named, not looked for: whether a
UUID is here is known to `policy.resolve` only. A file is looked for on the own device.
"""

import re
from typing import Final

from bootd.formats.grub.commands.arguments import split
from bootd.formats.grub.devices import OWN
from bootd.formats.grub.session import FAILED, OK, Call, Session
from bootd.model.option import HINTED, OWN_PARTITION, own_fact

_KINDS: Final = {
    "--fs-uuid": "UUID",
    "-u": "UUID",
    "--label": "LABEL",
    "--fs-label": "LABEL",
    "-l": "LABEL",
    "--part-uuid": "PARTUUID",
    "--partuuid": "PARTUUID",
    "-p": "PARTUUID",
    "--part-label": "PARTLABEL",
    "--file": "FILE",
    "-f": "FILE",
    "search.fs_uuid": "UUID",
    "search.fs_label": "LABEL",
    "search.file": "FILE",
}

_HINTS: Final = frozenset(
    f"--hint{kind}" for kind in ("", "-ieee1275", "-bios", "-baremetal", "-efi", "-arc")
)

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_OWN_FACTS: Final = {"UUID=": own_fact("uuid"), "PARTUUID=": own_fact("partuuid")}
"""What stands for facts that are put in when the device is known."""

_PROBED: Final = {"--fs-uuid": "UUID=", "-u": "UUID=", "--label": "LABEL=", "-l": "LABEL=",
                  "--part-uuid": "PARTUUID="}  # fmt: skip


def search(session: Session, call: Call) -> int:
    """`search [--fs-uuid|--label|--file …] [--set[=NAME]] [--hint…] VALUE`."""
    words, options = split(call.args, _HINTS)
    if "--disk-uuid" in options:
        return FAILED  # of a partition table: nobody says so
    kind = next((_KINDS[name] for name in options if name in _KINDS), "UUID")
    variable = options.get("--set", options.get("-s", ""))
    if {"--set", "-s"} & options.keys() and not variable:
        # The name may stand behind `--set` as a word of its own.
        variable = words.pop(0) if len(words) > 1 and _NAME.fullmatch(words[0]) else "root"
    hints = [value for name, value in options.items() if name in _HINTS]
    return _found(session, kind, words[0], variable or "root", *hints) if words else FAILED


def search_by_name(session: Session, call: Call) -> int:
    """`search.fs_uuid VALUE [NAME [HINT…]]`, which grub-mkimage embeds, and its like."""
    if not call.args:
        return FAILED
    value, variable = (*call.args, "root")[:2]
    return _found(session, _KINDS[call.name], value, variable, *call.args[2:])


def probe(session: Session, call: Call) -> int:
    """`probe --set NAME --fs-uuid|--part-uuid|… DEVICE`, own or searched for."""
    words, options = split(call.args, ("--set", "-s"))
    variable = options.get("--set", options.get("-s", ""))
    front = next((_PROBED[name] for name in options if name in _PROBED), "")
    device = words[-1] if words else session.env.get("root")
    spec = session.devices.spec(device)
    value = ""
    if spec is None:
        value = _OWN_FACTS.get(front, "")
    elif front and spec.startswith(front):
        value = spec.removeprefix(front).partition(HINTED)[0]
    if not variable or not value:
        session.remark("probe: what it asks for is not known while the menu is read")
        return FAILED
    session.env.set(variable, value)
    return OK


def _found(session: Session, kind: str, value: str, variable: str, *hints: str) -> int:
    """Set the variable to a name for the device.

    A search that finds nothing leaves the variable as it was, `set root='hd0,gpt2'` before it, say.
    """
    session.budget.step(1)
    spec = f"{kind}={value}"
    if kind == "FILE":
        if session.find(f"({OWN}){value}") is not None:
            session.env.set(variable, OWN)
            return OK
        at = session.locate(f"({OWN}){value}")
        holder = session.devices.holder(at.path)
        if holder is None and variable != "root":
            return FAILED  # which scripts ask for: a file that no device has
        spec = holder or spec
    image = session.devices.image_of(spec)
    if image is not None:
        session.env.set(variable, image)
        return OK
    for each in (session.env.get(variable), *hints):
        hint = session.devices.spec(each.rstrip(",")) or ""
        if hint.startswith(OWN_PARTITION):
            spec = f"{spec}{HINTED}{hint}"
            break
    session.env.set(variable, session.devices.name(spec, value))
    return OK
