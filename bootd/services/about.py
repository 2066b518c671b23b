"""The machine at this moment, as the information page shows it."""

from collections.abc import Callable

from bootd.linux import consoles, links, meminfo
from bootd.model.machine import Machine
from bootd.model.text import clean
from bootd.protocol.machine import LinkView, MachineView, SettingView

Settings = Callable[[], tuple[tuple[str, str, str], ...]]
"""Gives name, value as written, and place of each setting in force."""


class About:
    """Describes the machine.

    Args:
        machine: As it was at start.
        root: Directory below which sys/ is looked for.
        settings: Read anew each time, since a person may look after changing a file.
        actions: What Power may be asked for now.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        root: str,
        settings: Settings,
        actions: Callable[[], tuple[str, ...]],
    ) -> None:
        self._machine = machine
        self._root = root
        self._settings = settings
        self._actions = actions

    def look(self) -> MachineView:
        """Return everything; reads small files, so it belongs in a thread."""
        it = self._machine
        ways = {
            "kexec_file_load with a device tree": it.kexec_file_dtb,
            "kexec_file_load": it.kexec_file,
            "kexec_load": it.kexec_load,
        }
        return MachineView(
            board=it.model,
            compatible=it.compatible,
            serial=it.serial,
            architecture=it.architecture,
            kernel=it.kernel,
            firmware=it.firmware,
            memory_bytes=it.memory_bytes,
            memory_available_bytes=meminfo.read().get("MemAvailable", 0),
            lockdown=it.lockdown,
            kexec=tuple(name for name, there in ways.items() if there),
            kexec_refusal=it.kexec_refusal,
            network=tuple(
                LinkView(name=name, state=state, address=address)
                for name, state, address in links.read(self._root)
            ),
            settings=tuple(
                SettingView(name=name, value=clean(value), place=clean(place))
                for name, value, place in self._settings()
            ),
            actions=self._actions(),
            consoles=consoles.read(self._root),
        )
