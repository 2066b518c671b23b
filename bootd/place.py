"""Where the daemon runs: this machine, or a directory that plays one.

`bootd --machine DIR` needs no root: the sub-directories and disk images of DIR are the devices,
DIR/live.dtb is the live tree, and what the machine and its settings are like can be
said below DIR/.machine:
`machine.json` (members of `bootd.model.machine.Machine`), `etc/bootd.conf`, `proc/cmdline`.
"""

import os
from collections.abc import Callable
from functools import cache
from typing import Final

from bootd.errors import BootdError
from bootd.fsview import MAX_DTB_BYTES
from bootd.model.board import LiveChoice
from bootd.model.device import BlockDevice
from bootd.model.machine import Machine
from bootd.record import dataclass
from bootd.services.board import Live
from bootd.services.discovery import DeviceSource


def _nothing() -> None:
    """Give nothing back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A machine, real or played.

    Attributes:
        root: Below it are etc, run, usr/lib and proc.
        real: Something can really be booted here.
        live_tree: Reads the running kernel's tree, None where the machine has none, and sentences.
        source: Makes the source of devices, given those that the early look has found, what says
            whether their probes still run, and what takes name and node of a device that the kernel
            has just named.
        for_load: Describes the machine with what only a load asks for as well.
        close: Gives back what playing the machine took.
    """

    root: str
    real: bool
    machine: Machine
    live_tree: Live
    source: Callable[
        [tuple[BlockDevice, ...], Callable[[], bool], Callable[[str, str], None]], DeviceSource
    ]
    for_load: Callable[[], Machine]
    close: Callable[[], None] = _nothing


def real_place() -> Place:
    """Describe the machine that this process runs on."""
    from bootd.linux import machine  # noqa: PLC0415 - not for a played one
    from bootd.linux.udev import UdevSource  # noqa: PLC0415 - ditto

    found = machine.read()
    return Place(
        root="/",
        real=True,
        machine=found,
        for_load=cache(lambda: machine.for_load(found)),
        live_tree=_read_live_tree,
        source=UdevSource,
    )


def _read_live_tree(choice: LiveChoice) -> tuple[bytes | None, tuple[str, ...]]:
    from bootd.linux.proc_devicetree import read_chosen  # noqa: PLC0415 - when it is wanted

    return read_chosen(choice)


def played_place(directory: str) -> Place:
    """Describe the machine that a directory plays.

    Raises:
        BootdError: It is no directory, or its machine.json makes no sense.
    """
    from bootd.linux.directories import DirectorySource  # noqa: PLC0415 - not for a real machine
    from bootd.probe.played_disks import PlayedDisks  # noqa: PLC0415 - ditto

    if not os.path.isdir(directory):  # noqa: PTH112 - pathlib costs 10 ms at start
        raise BootdError(f"{directory} is no directory, so it cannot play a machine.")
    root = f"{directory}/.machine"
    disks = PlayedDisks(directory)
    played = _played_machine(f"{root}/machine.json")
    return Place(
        root=root,
        real=False,
        machine=played,
        for_load=lambda: played,
        live_tree=lambda _choice: (_read(f"{directory}/live.dtb", MAX_DTB_BYTES), ()),
        source=lambda _early, _busy, _named: DirectorySource(directory, images=disks.list_devices),
        close=disks.close,
    )


def _played_machine(path: str) -> Machine:
    import json  # noqa: PLC0415 - not for a real machine

    from bootd.protocol.codec import from_json  # noqa: PLC0415 - ditto

    here = os.uname()
    text = _read(path, _MAX_JSON_BYTES)
    if text is None:
        return Machine(architecture=here.machine, kernel=here.release, model="a directory")
    try:
        return from_json(Machine, json.loads(text), path)
    except ValueError as error:
        raise BootdError(f"{path}: {error}") from error


def _read(path: str, limit: int) -> bytes | None:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs 10 ms at start
            return file.read(limit)
    except FileNotFoundError:
        return None


_MAX_JSON_BYTES: Final = 1 << 16
