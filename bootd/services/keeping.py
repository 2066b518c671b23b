"""Finds where choices are kept, best place first, and keeps them there in a process of its own.

A partition that is called `bootd-state` is the best place, then a folder that outlives a power-off,
U-Boot's environment where it has two copies, and EFI variables. Without any they are kept until the
next power-on only, and the menu says so.
"""

import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from bootd.errors import BootdError
from bootd.model.device import WRITABLE, BlockDevice, DeviceKind
from bootd.probe.remembering import NAME, KeptAt, Kind, remember
from bootd.protocol.codec import Json, to_json
from bootd.services.settings import Keeper, Settings
from bootd.services.store import Store

LABEL: Final = "bootd-state"
"""Label of the file system, or name of the partition."""

FOLDER: Final = "var/lib/bootd"

Run = Callable[[Json], Awaitable[Json]]
"""Runs the helper `remember` with its parameters, and returns its answer.

It raises BootdError and OSError."""


class HelperKeeper:
    """A place that a helper process reads and writes (`bootd.probe.remembering`).

    Args:
        run: Has the helper do it.
        at: The place.
        where: For a person.
        empty: There is nothing to read yet.

    Attributes:
        is_folder: It is a folder of this system.
    """

    lasts = True

    def __init__(self, run: Run, at: KeptAt, where: str, *, empty: bool = False) -> None:
        self.where = where
        self._at = at
        self._run = run
        self._empty = empty
        self.is_folder = at.kind is Kind.FOLDER

    async def read(self) -> bytes | None:
        """Return the text; see `bootd.services.settings.Keeper`."""
        text = None if self._empty else await self._run(_ask(self._at, None))
        return text.encode("utf-8", "replace") if isinstance(text, str) else None

    async def write(self, text: bytes, /) -> None:
        """Replace the text; see `bootd.services.settings.Keeper`."""
        self._empty = False
        await self._run(_ask(self._at, text.decode("ascii")))


class MemoryKeeper:
    """A folder on a memory file system: it is lost at power-off, but a daemon that dies is not."""

    lasts = False

    def __init__(self, folder: str) -> None:
        self.where = f"in {folder}"
        self._at = KeptAt(kind=Kind.FOLDER, path=folder, fstype="tmpfs")

    async def read(self) -> bytes | None:
        """Return the text; see `bootd.services.settings.Keeper`."""
        if not _has_any(self._at.path, (NAME,)):
            return None
        text, _ = remember(None, _ask(self._at, None), [])
        return text.encode() if isinstance(text, str) else None

    async def write(self, text: bytes, /) -> None:
        """Replace the text; see `bootd.services.settings.Keeper`."""
        remember(None, _ask(self._at, text.decode("ascii")), [])


def _ask(at: KeptAt, text: str | None) -> Json:
    return {"at": to_json(at), "text": text}


class Keeping:
    """Chooses the place.

    Args:
        settings: What is to be kept.
        store: Tells which devices there are.
        run: See `Run`.
        choice: The setting State.
        root: Of the machine.
        folder: On a memory file system, for want of anything better.
    """

    def __init__(
        self, settings: Settings, store: Store, run: Run, *, choice: str, root: str, folder: str
    ) -> None:
        self._settings = settings
        self._store = store
        self._run = run
        self._choice = choice
        self._node = ""
        self._others: tuple[Keeper, ...] = (*places(choice, root, run), MemoryKeeper(folder))
        self._found: tuple[Keeper, ...] = ()
        settings.use(*self._others)

    def read_again(self) -> None:
        """Read what is kept: another program may have written it (`bootd-bless`)."""
        self._settings.use(*self._found, *self._others)

    async def run(self) -> None:
        """Take a state partition when it comes; cancel to stop."""
        while self._choice == "auto" or self._choice.startswith(_DEVICES):
            state = self._store.state
            self._look([each.device for each in state.devices.values()])
            await self._store.next_state(after=state.revision)

    def _look(self, devices: Sequence[BlockDevice]) -> None:
        found = next((each for each in devices if is_state(each, self._choice)), None)
        node = "" if found is None else found.node
        if found is not None and node != self._node:
            self._found = (on_partition(found, self._run),)
            self._settings.use(*self._found, *self._others)
        self._node = node


_PLUGGED: Final = frozenset({DeviceKind.USB, DeviceKind.OPTICAL})
"""What anybody can plug in: it takes over only where the setting names it."""

_DEVICES: Final = "/dev/"


def is_state(device: BlockDevice, choice: str) -> bool:
    """Say whether a device is a state partition, by the setting State."""
    if device.fstype not in WRITABLE:
        return False
    if choice != "auto":
        return os.path.realpath(choice) == device.node
    named = LABEL in {device.label.casefold(), device.partlabel.casefold()}
    return named and not device.removable and device.kind not in _PLUGGED


def on_partition(device: BlockDevice, run: Run) -> HelperKeeper:
    """Return what keeps the text on a state partition."""
    at = KeptAt(kind=Kind.PARTITION, path=device.node, fstype=device.fstype)
    return HelperKeeper(run, at, f"on the partition {device.name}")


def places(choice: str, root: str, run: Run) -> Iterator[HelperKeeper]:
    """Yield the places that are there from the start, best first.

    Only looks whether files are there; what is in them the helper reads.

    Args:
        choice: The setting State.
        root: Of the machine.
        run: See `Run`.
    """
    folder = os.path.join(root, FOLDER) if choice == "auto" else choice  # noqa: PTH118 - pathlib costs 10 ms
    if folder.startswith("/") and not folder.startswith(_DEVICES):
        yield from _in_folder(folder, run, named=choice != "auto")
    if choice in {"auto", "uboot"}:
        yield from _in_environment(root, run, named=choice != "auto")
    if choice in {"auto", "efi"}:
        yield from _in_firmware(root, run, named=choice != "auto")


def _in_folder(folder: str, run: Run, *, named: bool) -> Iterator[HelperKeeper]:
    if not named and not os.path.isdir(folder):  # noqa: PTH112 - pathlib costs 10 ms
        return
    from bootd.linux import state_folder  # noqa: PLC0415 - few boards have the folder

    with suppress(OSError):
        if named:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - pathlib costs 10 ms
        if named or state_folder.is_lasting(folder):
            empty = not _has_any(folder, (NAME, *state_folder.COPIES))
            at = KeptAt(kind=Kind.FOLDER, path=folder)
            yield HelperKeeper(run, at, f"in {folder}", empty=empty)


def _has_any(folder: str, names: Iterable[str]) -> bool:
    return any(os.path.exists(f"{folder}/{name}") for name in names)  # noqa: PTH110 - ditto


def _in_environment(root: str, run: Run, *, named: bool) -> Iterator[HelperKeeper]:
    """Yield U-Boot's environment; one with a single copy only where the administrator names it.

    A power cut while a single copy is written costs U-Boot everything that is in it.
    """
    if not os.path.exists(os.path.join(root, "etc/fw_env.config")):  # noqa: PTH110, PTH118 - ditto
        return
    from bootd.linux.firmware_env import read_areas  # noqa: PLC0415 - few boards have it
    from bootd.ubootenv import MAX_COPIES  # noqa: PLC0415 - ditto

    with suppress(OSError, BootdError):
        if named or len(read_areas(root)) == MAX_COPIES:
            at = KeptAt(kind=Kind.UBOOT, path=root)
            yield HelperKeeper(run, at, "in U-Boot's environment")


def _in_firmware(root: str, run: Run, *, named: bool) -> Iterator[HelperKeeper]:
    if not os.path.isdir(os.path.join(root, "sys/firmware/efi")):  # noqa: PTH112, PTH118 - ditto
        return
    from bootd.linux import efi_variable  # noqa: PLC0415 - few boards have them

    with suppress(OSError):
        if named or efi_variable.is_there(root):
            yield HelperKeeper(run, KeptAt(kind=Kind.EFI, path=root), "in an EFI variable")
