"""The two ways to speak to a hook, as text in and text out. Pure.

JSON: a `HookQuestion` on standard input; on standard output nothing or a `HookAnswer`, of which
unknown members are ignored. Any exit status but 0 is a failure.

petitboot (doc and discover/boot.c of petitboot, "boot hooks"): the environment has `boot_image`,
`boot_initrd`, `boot_dtb`, `boot_args` and `boot_console`, those that are empty unset. The tree is
a file that may be edited in place. Exit status 0 means nothing more; 2 that lines `name=value` on
standard output replace `boot_args`, `boot_dtb` or `boot_initrd`; every other status is ignored.
Not supported: another kernel (`boot_image`). An entry with several initrds shows none.
"""

import json
from collections.abc import Mapping
from typing import Final

from bootd.errors import ProtocolError
from bootd.model.hook import Contract, HookAnswer, HookQuestion
from bootd.model.text import clean
from bootd.protocol.codec import from_json, to_json

MAX_NOTES: Final = 8
MAX_INITRDS: Final = 8
MAX_CMDLINE: Final = 4096
NOTE_COLUMNS: Final = 300

TREE_NAME: Final = "boot.dtb"
"""Under which a petitboot hook finds the tree in its folder."""

_REPLACES: Final = 2
"""Exit status by which a petitboot hook says that it changed something."""

_PASSED: Final = ("PATH", "LANG", "TZ")


class HookFailedError(Exception):
    """What a hook answered cannot be used; the text says why."""


def contract_of(name: str) -> Contract:
    """Return how a hook of this file name is spoken to."""
    is_petitboot = name.endswith(Contract.PETITBOOT.value)
    return Contract.PETITBOOT if is_petitboot else Contract.JSON


def environment(
    contract: Contract, question: HookQuestion, folder: str, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment that a hook runs in.

    Args:
        contract: How it is spoken to.
        question: What it is told.
        folder: The only one in which it can write.
        inherited: Of which a few harmless ones are passed on.
    """
    found = {name: inherited[name] for name in _PASSED if name in inherited}
    found |= {"TMPDIR": folder, "HOME": folder, "BOOTD_OPTION": question.option.id}
    if contract is Contract.JSON:
        return found
    initrd = question.initrd[0].path if len(question.initrd) == 1 else ""
    shown = {
        "boot_image": question.linux.path,
        "boot_initrd": initrd,
        "boot_dtb": "" if question.devicetree is None else f"{folder}/{TREE_NAME}",
        "boot_args": question.cmdline,
        "boot_console": _console(question.cmdline),
    }
    return found | {name: value for name, value in shown.items() if value}


def stdin(contract: Contract, question: HookQuestion) -> bytes:
    """Return what a hook reads."""
    if contract is Contract.PETITBOOT:
        return b""
    return json.dumps(to_json(question)).encode() + b"\n"


def answer(contract: Contract, question: HookQuestion, status: int, output: bytes) -> HookAnswer:
    """Return what a hook that has ended wants.

    Args:
        contract: How it was spoken to.
        question: What it was told.
        status: How it ended; negative is a signal.
        output: All that it wrote to standard output.

    Raises:
        HookFailedError: It failed, or what it wrote makes no sense.
    """
    if status < 0:
        raise HookFailedError(f"signal {-status} ended it")
    if contract is Contract.PETITBOOT:
        found = _petitboot(question, status, output)
    else:
        found = _from_json(status, output)
    _check(found, question)
    return found


def _from_json(status: int, output: bytes) -> HookAnswer:
    if status != 0:
        raise HookFailedError(f"it ended with status {status}")
    if not output.strip():
        return HookAnswer()
    try:
        return from_json(HookAnswer, json.loads(output.decode()))
    except (ValueError, RecursionError) as error:
        raise HookFailedError(f"its answer is no JSON: {clean(str(error), 120)}") from error
    except ProtocolError as error:
        raise HookFailedError(f"its answer makes no sense: {clean(str(error), 120)}") from error


def _petitboot(question: HookQuestion, status: int, output: bytes) -> HookAnswer:
    tree = None if question.devicetree is None else TREE_NAME
    if status != _REPLACES:
        return HookAnswer(devicetree=tree)
    changed: dict[str, str] = {}
    for line in output.decode("utf-8", "replace").split("\n"):
        name, equals, value = line.partition("=")
        if equals:
            changed[name] = value
    if changed.get("boot_image", question.linux.path) != question.linux.path:
        raise HookFailedError("it gives another kernel, which a hook may not do")
    initrd = changed.get("boot_initrd", "")
    is_own = any(initrd == each.path for each in question.initrd)
    return HookAnswer(
        cmdline=changed.get("boot_args"),
        initrd=(initrd,) if initrd and not is_own else (),
        replace_initrd=bool(initrd) and not is_own,
        devicetree=changed.get("boot_dtb") or tree,
    )


def _check(found: HookAnswer, question: HookQuestion) -> None:
    """Raise HookFailedError for what is out of range."""
    if len(found.initrd) > MAX_INITRDS:
        raise HookFailedError(f"it gives more than {MAX_INITRDS} initrds")
    if len(found.notes) > MAX_NOTES:
        raise HookFailedError(f"it has more than {MAX_NOTES} notes")
    if found.cmdline is not None and ("\0" in found.cmdline or "\n" in found.cmdline):
        raise HookFailedError("its command line has more than one line")
    if found.cmdline is not None and len(found.cmdline.encode(errors="replace")) > MAX_CMDLINE:
        raise HookFailedError(f"its command line has more than {MAX_CMDLINE} bytes")
    if found.devicetree is not None and question.devicetree is None:
        raise HookFailedError("it gives a device tree, and this machine has none")


def _console(cmdline: str) -> str:
    """Return the console that the kernel writes to last, as a path of petitboot's."""
    named = [word[8:] for word in cmdline.split() if word.startswith("console=")]
    return f"/dev/{named[-1].partition(',')[0]}" if named else ""
