"""part, fsuuid and fstype: facts about partitions; and all commands without effect here."""

from bootd.formats.uboot_script.commands.call import FAILED, OK, Call, partition_of
from bootd.formats.uboot_script.commands.variables import assign
from bootd.model.option import own_fact


def part(call: Call) -> int:
    """`part uuid|list|number|… interface device [variable]`."""
    verb = call.word(0)
    if verb == "uuid":
        return _fact(call, "partuuid", call.words[1:])
    if verb == "list":
        # With `-bootable variable`; the partition of the script is the one that is.
        if len(call.words) > 3:
            assign(call, call.word(len(call.words) - 1), call.state.get("distro_bootpart") or "1")
        return OK
    call.note(f"part {verb} cannot be known here; taken as failed")
    return FAILED


def fsuuid(call: Call) -> int:
    """`fsuuid interface device [variable]`."""
    return _fact(call, "uuid", call.words)


def unknowable(call: Call) -> int:
    """Fail: the answer depends on the board."""
    call.note(f"{call.name} cannot be known here; taken as failed")
    return FAILED


def nothing(_call: Call) -> int:
    """Succeed: messages, delays and switches that have no effect on what is booted."""
    return OK


def _fact(call: Call, fact: str, words: list[str]) -> int:
    inner = Call(state=call.state, name=call.name, words=words, run=call.run)
    if len(words) < 2:
        return FAILED
    if name := inner.word(2):
        assign(call, name, own_fact(fact, partition_of(call.state, inner.word(1))))
    return OK
