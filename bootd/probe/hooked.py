"""The task that looks at a device tree after a hook: confined, since anything may stand in it."""

from typing import Final

from bootd.errors import ProtocolError
from bootd.linux import memfd
from bootd.probe.task import Context
from bootd.protocol.codec import Json, to_json

MAX_BYTES: Final = 2 << 20
"""Of a device tree (DESIGN.md, limits)."""


def hooked(_context: Context, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Check a changed tree: {"cmdline"} and three fds -> the facts, and a memfd of the blob.

    The descriptors are of the changed tree, of what it was before, and of the running one.

    Raises:
        MergeRefusedError: It may not be handed over.
        FdtError: It is damaged.
    """
    from bootd.devicetree.hooked import accept  # noqa: PLC0415 - in a worker that needs it

    cmdline = params.get("cmdline") if isinstance(params, dict) else None
    if not isinstance(cmdline, str) or len(fds) != 3:
        raise ProtocolError("$.params.cmdline: expected a string, and three open files")
    changed, before, live = (_read(fd) for fd in fds)
    blob, facts = accept(changed, before, live, cmdline)
    made = memfd.filled("devicetree", (blob,))
    return [to_json(fact) for fact in facts], [made]


def _read(fd: int) -> bytes:
    with open(fd, "rb") as file:
        file.seek(0)
        return file.read(MAX_BYTES + 1)
