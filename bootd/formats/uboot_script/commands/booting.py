"""booti, bootz, bootm, bootefi, and what leaves the script for something else.

Source: cmd/booti.c, cmd/bootm.c, boot/bootm.c of U-Boot: kernel, initrd (`-` is none, `:size` a raw
one), device tree. Without a device tree the firmware's own is used.
"""

from typing import NoReturn

from bootd.formats.uboot_script.commands.call import FAILED, Call, address, content_at
from bootd.formats.uboot_script.state import (
    Boot,
    Content,
    Kind,
    LeaveError,
    names_in,
    plain,
)


def boot(call: Call) -> int:
    """Boot what lies at the addresses, or fail when there is no kernel."""
    words = [word for word in call.words if not _is_nothing(word)]
    where = words[0] if words else call.state.get("loadaddr") or ""
    found = _boot(call, where, words[1:])
    kernel = found.kernel
    if kernel is not None and kernel.kind is Kind.FILE:
        call.state.boot = found
        raise LeaveError
    if call.state.tried is None:
        call.state.tried = found
    return FAILED


def boot_efi(call: Call) -> int:
    """Boot an EFI program or a kernel that is one; `bootmgr` and `hello` are U-Boot's own."""
    if call.word(0) in {"bootmgr", "hello", "selftest"}:
        call.note(f"bootefi {call.word(0)} hands over to the firmware")
        raise LeaveError
    words = [call.words[0], "-", *call.words[1:2]] if call.words else []
    return boot(Call(state=call.state, name=call.name, words=words, run=call.run))


def hand_over(call: Call) -> NoReturn:
    """Leave for a configuration that another format reads, or for U-Boot's own menu."""
    call.state.handed_over = " ".join([call.name, *call.plain])
    raise LeaveError


def leave(call: Call) -> NoReturn:
    """Leave: the board resets, or runs something that is no kernel of Linux."""
    call.note(f"{call.name} ends the script")
    raise LeaveError


def end(_call: Call) -> NoReturn:
    """`exit`: leave without a word."""
    raise LeaveError


def _is_nothing(word: str) -> bool:
    """Whether U-Boot would not see an argument: one variable without a value, and no address."""
    names = names_in(word)
    return not plain(word) and bool(names) and not any("addr" in name for name in names)


def _boot(call: Call, where: str, others: list[str]) -> Boot:
    state = call.state
    start, _, configuration = where.partition("#")
    start, _, part = start.partition(":")
    initrd_at, tree_at = (*others, "", "")[:2]
    key = None if plain(tree_at) == "-" or not tree_at else address(tree_at)
    return Boot(
        command=call.name,
        line=state.line,
        kernel=_content(call, start),
        configuration=plain(configuration) or (f"/images/{plain(part)}" if plain(part) else ""),
        initrd=_content(call, initrd_at.partition(":")[0]),
        tree=_content(call, tree_at),
        overlays=() if key is None else tuple(state.overlays.get(key, ())),
        edits=() if key is None else tuple(state.edits.get(key, ())),
        cmdline=state.get("bootargs"),
    )


def _content(call: Call, where: str) -> Content | None:
    if not where or plain(where) == "-":
        return None
    return content_at(call.state, where)
