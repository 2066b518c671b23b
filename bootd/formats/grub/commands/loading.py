"""Commands that load a kernel and what belongs to it, or start something else.

Source: GRUB grub-core/loader/*/linux.c, lib/cmdline.c for how arguments become the command line.
"""

import re
from typing import Final

from bootd.container.newc import PREFIX
from bootd.errors import ConfigSyntaxError
from bootd.formats.grub.load import Load
from bootd.formats.grub.session import FAILED, OK, Call, Session
from bootd.formats.lexing import MAX_CMDLINE, MAX_FILES
from bootd.model.text import clean
from bootd.record import replace

OTHERS: Final = {
    "chainloader": "its entry starts another boot loader (chainloader)",
    "efichainloader": "its entry starts another boot loader (chainloader)",
    "appleloader": "its entry starts another boot loader (appleloader)",
    "ntldr": "its entry starts Windows",
    "freedos": "its entry starts FreeDOS",
    "multiboot": "its entry starts a Multiboot kernel, which bootd cannot",
    "multiboot2": "its entry starts a Multiboot kernel, which bootd cannot",
    "module": "its entry starts a Multiboot kernel, which bootd cannot",
    "module2": "its entry starts a Multiboot kernel, which bootd cannot",
    "xen_hypervisor": "its entry starts the Xen hypervisor, which bootd cannot",
    "xen_linux": "its entry starts the Xen hypervisor, which bootd cannot",
    "xen_module": "its entry starts the Xen hypervisor, which bootd cannot",
    "kfreebsd": "its entry starts FreeBSD",
    "kfreebsd_loadenv": "its entry starts FreeBSD",
    "kopenbsd": "its entry starts OpenBSD",
    "knetbsd": "its entry starts NetBSD",
    "xnu": "its entry starts macOS",
    "xnu_kernel": "its entry starts macOS",
    "xnu_kernel64": "its entry starts macOS",
    "plan9": "its entry starts Plan 9",
    "uki": "its entry starts an EFI program",
    "legacy_kernel": "its entry starts a kernel of GRUB Legacy",
    "legacy_configfile": "its entry shows a menu of GRUB Legacy",
    "legacy_source": "its entry shows a menu of GRUB Legacy",
    "syslinux_configfile": "its entry shows a menu of Syslinux",
    "syslinux_source": "its entry shows a menu of Syslinux",
    "fwsetup": "its entry opens the firmware's settings",
    "reboot": "its entry restarts the machine",
    "halt": "its entry switches the machine off",
    "poweroff": "its entry switches the machine off",
    "gdbstub": "its entry waits for a debugger",
}
"""What starts something that is no Linux kernel, and why that is no boot option of bootd's."""

_ESCAPED: Final = re.compile(r"\\x[0-9A-Fa-f]{2}|[\\'\"]")


def linux(session: Session, call: Call) -> int:
    """`linux FILE [ARGUMENT …]`."""
    load = _load(session)
    if not call.args:
        raise _error(session, "a file name is missing")
    load.is_idle = False
    load.linux = session.locate(call.args[0])
    load.initrds = []
    load.cmdline = " ".join(_argument(word) for word in call.args[1:])
    if len(load.cmdline) > MAX_CMDLINE:
        length = len(load.cmdline)
        load.linux, load.cmdline = None, ""
        reason = f"its command line has {length} characters, kernels take {MAX_CMDLINE}"
        load.reasons.append(reason)
    return OK


def initrd(session: Session, call: Call) -> int:
    """`initrd FILE …`."""
    load = _load(session)
    if len(call.args) > MAX_FILES:
        raise _error(session, f"it names {len(call.args)} files, more than {MAX_FILES}")
    load.initrds = []
    for name in call.args:
        packed, file = "", name
        if name.startswith(PREFIX):
            packed, _, file = name.removeprefix(PREFIX).partition(":")
        at = session.locate(file)
        if name.startswith(PREFIX) and (at.image is not None or not packed):
            session.remark(clean(f"initrd: {name} cannot be packed, left out"))
            continue
        load.initrds.append(replace(at, packed=packed))
    return OK


def devicetree(session: Session, call: Call) -> int:
    """`devicetree [FILE]`; without a file it unloads."""
    load = _load(session)
    load.devicetree = session.locate(call.args[0]) if call.args else None
    return OK


def loopback(session: Session, call: Call) -> int:
    """`loopback [-d] NAME FILE`: files of an image get a device name."""
    words = [word for word in call.args if not word.startswith("-")]
    if len(words) == 2:
        at = session.locate(words[1])
        if at.image is not None:
            return FAILED
        if not session.devices.mount_image(words[0], at) and session.load is not None:
            why = f"its files are inside {clean(at.path)}, which is no image that bootd can open"
            session.load.closed.append(why)
    return OK


def choose_partition(session: Session, _call: Call) -> int:
    """`gptprio.next` of Container Linux: which of two systems is next stands in the GPT."""
    load = _load(session)
    load.doubts.append("its entry chooses by priorities of partitions, which bootd does not read")
    return FAILED


def other(session: Session, call: Call) -> int:
    """Note that something is started that is no Linux kernel."""
    if session.load is not None:
        session.load.is_idle = False
        if OTHERS[call.name] not in session.load.reasons:
            session.load.reasons.append(OTHERS[call.name])
    return OK


def _load(session: Session) -> Load:
    """Return where to note what is loaded; outside of entries nothing is kept."""
    return session.load if session.load is not None else Load()


def _argument(word: str) -> str:
    """Return an argument as GRUB hands it to the kernel: quotes and backslashes escaped."""
    if "\\" in word or '"' in word or "'" in word:
        word = _ESCAPED.sub(lambda m: m[0] if len(m[0]) > 1 else f"\\{m[0]}", word)
    return f'"{word}"' if " " in word else word


def _error(session: Session, reason: str) -> ConfigSyntaxError:
    return ConfigSyntaxError(reason, source=session.budget.source, line=session.budget.line)
