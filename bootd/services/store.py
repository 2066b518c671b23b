"""The single owner of the daemon's state: devices, options, selection, status.

Changes are gathered and published once a turn of the event loop, so that 32 devices that answer
together cost one new menu, not 32. Readers get frozen `State` values and wait for the next one; a
reader that is slow skips states in between and holds no memory here.
"""

from asyncio import Future, get_running_loop
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bootd.errors import BootdError
from bootd.model.device import BlockDevice
from bootd.model.option import BootOption, OptionId, ResolvedOption, ScanResult
from bootd.model.problem import Problem
from bootd.model.remembered import SavedOverrides
from bootd.policy import counting, menu, resolve
from bootd.policy.menu import NO_PREFERENCE, Preference
from bootd.protocol.messages import NO_OVERRIDES, Level, Overrides, Status
from bootd.record import dataclass, replace
from bootd.services.state import DevicePhase, DeviceState, MenuEntry, State

if TYPE_CHECKING:
    from bootd.services.saved import SavedOption

MAX_OPTIONS: Final = 4_096
"""Options of all devices together (DESIGN.md, limits)."""

_REST: Final = 4
"""After making a menu the store rests this many times as long, if it was not asked for."""
_QUICK_S: Final = 0.002
"""A menu that is made so quickly needs no rest; the loop's timers are no finer."""


@dataclass(slots=True, kw_only=True)
class _Record:
    """What is known of one device; mutable, private to the store."""

    device: BlockDevice
    phase: DevicePhase = DevicePhase.PROBING
    options: tuple[BootOption, ...] = ()
    problems: tuple[Problem, ...] = ()
    timeout_s: int | None = None
    resolved: tuple[ResolvedOption, ...] | None = None
    """None: to be resolved again."""


class Store:
    """Receives what discovery finds (`DeviceSink`) and what people do; publishes states.

    Not thread-safe: everything happens on the event loop's thread.
    """

    def __init__(
        self, status: Status, board: tuple[str, ...] = (), hardware: tuple[str, ...] = ()
    ) -> None:
        """Start empty.

        Args:
            status: Carries what is known of the machine.
            board: Root compatible strings of this board; empty without a device tree.
            hardware: What SMBIOS says then, as `Machine.hardware` has it.
        """
        self._board = board
        self._hardware = hardware
        self._records: dict[str, _Record] = {}
        self._trees: dict[OptionId, str] = {}
        self._selected: OptionId | None = None
        self._preference = NO_PREFERENCE
        self._given_up: set[OptionId] = set()
        self._saved: Mapping[OptionId, tuple[SavedOption, ...]] = {}
        self._changes: dict[OptionId, tuple[OptionId, Overrides]] = {}
        self._status = status
        self._state = State(revision=0, devices={}, menu=(), status=status)
        self._dirty = False
        self._menu_dirty = False
        self._rest_until = 0.0
        self._waiters: set[Future[None]] = set()

    @property
    def state(self) -> State:
        """The state now, gathered changes included."""
        self._publish()
        return self._state

    @property
    def configured_timeout_s(self) -> int | None:
        """The countdown that the default option's device asks for, or None."""
        entry = next((entry for entry in self.state.menu if entry.is_default), None)
        record = self._records.get(entry.resolved.device) if entry else None
        return record.timeout_s if record else None

    def find_device(self, name: str) -> BlockDevice | None:
        """Return a device that is present, by its kernel name."""
        record = self._records.get(name)
        return record.device if record else None

    async def next_state(self, after: int) -> State:
        """Wait until there is a state with another revision than `after`, and return it."""
        while self.state.revision == after:
            waiter: Future[None] = get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)
        return self.state

    # What discovery found (bootd.services.discovery.DeviceSink) -----------------------------------

    def device_found(self, device: BlockDevice) -> None:
        """Record a device that is about to be looked at; a known one keeps its options."""
        known = self._records.get(device.name)
        if known is None or known.device.sequence != device.sequence:
            self._put(_Record(device=device))
        else:
            self._put(replace(known, device=device, phase=DevicePhase.PROBING))

    def device_scanned(self, device: BlockDevice, result: ScanResult) -> None:
        """Record what is on a device."""
        self._put(
            _Record(
                device=device,
                phase=DevicePhase.READY,
                options=result.options,
                problems=result.problems,
                timeout_s=result.timeout_s,
            )
        )
        for entry in self._state.menu:  # a tree is explained anew from what is there now
            if entry.resolved.device == device.name:
                self._trees.pop(entry.resolved.id, None)
                self._given_up.discard(entry.resolved.id)
        if result.options:
            count = len(result.options)
            self.say(f"{device.name}: {count} boot option{'s' if count > 1 else ''}")

    def device_failed(self, device: BlockDevice, reason: str) -> None:
        """Record why a device could not be looked at; what it offered before is gone."""
        problem = Problem(source="", message=reason)
        self._put(_Record(device=device, phase=DevicePhase.FAILED, problems=(problem,)))
        self.say(f"{device.name}: {reason}", Level.WARNING)

    def device_removed(self, name: str) -> None:
        """Forget a device and its options."""
        gone = self._records.pop(name, None)
        if gone is not None:
            self._forget_resolved(gone.device)
            self.say(f"{name} was removed")

    # What people and services do ------------------------------------------------------------------

    def say(self, message: str, level: Level = Level.INFO) -> None:
        """Set the status line."""
        self.update_status(replace(self._status, message=message, level=level))

    def update_status(self, status: Status) -> None:
        """Replace the status; which option is default, selected and how many probe is kept here."""
        if status != self._status:
            self._status = status
            self._touch(menu=False)

    def prefer(self, preference: Preference, saved: Sequence[SavedOverrides]) -> None:
        """Let what people want decide on the default, and add the options that they saved."""
        self._preference = preference
        self._saved = {}
        if saved:
            from bootd.services.saved import read  # noqa: PLC0415 - few machines have any

            self._saved = read(saved)
        self._touch()

    def select(self, option_id: str) -> None:
        """Make an option the selected one.

        Raises:
            BootdError: There is no such option.
        """
        if (found := self.state.find(option_id)) is None:
            msg = f"There is no boot option {option_id}."
            raise BootdError(msg)
        self._selected = found.id
        self._touch()

    def give_up(self, option_id: OptionId) -> OptionId | None:
        """Let an option be the default no more, until its device is looked at again.

        Returns:
            The next default, or None.
        """
        self._given_up.add(option_id)
        self._touch()
        default = self.state.status.default_id
        return None if default is None else OptionId(default)

    def note_tree(self, option_id: OptionId, summary: str) -> None:
        """Keep one line on the tree that an option would get, for everybody to see."""
        if self._trees.get(option_id) != summary:
            self._trees[option_id] = summary
            self._touch()

    # Making the next state ------------------------------------------------------------------------

    def _put(self, record: _Record) -> None:
        before = self._records.get(record.device.name)
        self._records[record.device.name] = record
        if before is None or before.device != record.device:
            for device in (record.device, before.device if before else record.device):
                self._forget_resolved(device)
        self._touch()

    def _forget_resolved(self, changed: BlockDevice) -> None:
        """Have those options resolved again that look different with this device, there or gone."""
        names = _names(changed)
        for record in self._records.values():
            twin = record.device.uuid == changed.uuid
            if twin or any(_mentions(option, names) for option in record.options):
                record.resolved = None
        self._touch()

    def _touch(self, *, menu: bool = True) -> None:
        """Publish on the loop's next turn, or later when the last menu took long to make.

        Without `menu` only the status has changed.
        """
        self._menu_dirty |= menu
        if not self._dirty:
            self._dirty = True
            loop = get_running_loop()
            loop.call_at(max(loop.time(), self._rest_until), self._publish)

    def _publish(self) -> None:
        if not self._dirty:
            return
        self._dirty = False
        clock = get_running_loop().time
        began = clock()
        self._state = self._next_state()
        took = clock() - began
        self._rest_until = 0.0 if took < _QUICK_S else clock() + took * _REST
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _next_state(self) -> State:
        if not self._menu_dirty:
            return replace(self._state, revision=self._state.revision + 1, status=self._status)
        self._menu_dirty = False
        resolved, unseen = self._resolve()
        ordered = self._with_saved(menu.order(resolve.without_replaced(resolved)))
        devices = [record.device for record in self._records.values()]
        default = menu.default(ordered, self._preference, self._given_up)
        ids = {option.id for option in ordered}
        if self._selected not in ids:
            self._selected = None
        self._trees = {key: tree for key, tree in self._trees.items() if key in ids}
        records = self._records.values()
        probing = sum(record.phase is DevicePhase.PROBING for record in records)
        self._status = replace(
            self._status, default_id=default, selected_id=self._selected, probing=probing
        )
        return State(
            revision=self._state.revision + 1,
            devices=self._keep_devices(unseen),
            menu=self._keep_menu(ordered, default),
            status=self._status,
            expected=menu.expected(ordered, self._preference, devices),
        )

    def _with_saved(self, ordered: tuple[ResolvedOption, ...]) -> tuple[ResolvedOption, ...]:
        """Return the menu with the options that people saved, each below the one it changes."""
        self._changes = {}
        if not self._saved:
            return ordered
        from bootd.services.saved import apply  # noqa: PLC0415 - see `prefer`

        devices = {name: record.device for name, record in self._records.items()}
        listed: list[ResolvedOption] = []
        for base in ordered:
            listed.append(base)
            for each in self._saved.get(base.id, ()):
                option, changes = apply(base, each, devices)
                self._changes[each.id] = (base.id, changes)
                listed.append(option)
        return tuple(listed)

    def _resolve(self) -> tuple[list[ResolvedOption], Mapping[str, int]]:
        """Return every option, and per device how many are beyond the limit."""
        devices = {name: record.device for name, record in self._records.items()}
        resolved: list[ResolvedOption] = []
        unseen: dict[str, int] = {}
        for name, record in sorted(self._records.items()):
            if record.resolved is None:
                architecture = self._status.architecture
                names = self._board, self._hardware
                record.resolved = tuple(
                    resolve.resolve(option, record.device, devices, architecture, *names)
                    for option in record.options
                )
            room = MAX_OPTIONS - len(resolved)
            resolved += record.resolved[:room]
            if len(record.resolved) > room:
                unseen[name] = len(record.resolved) - room
        return resolved, unseen

    def _keep_devices(self, unseen: Mapping[str, int]) -> Mapping[str, DeviceState]:
        """Return the devices; those that did not change are the same objects as before."""
        before = self._state.devices
        now: dict[str, DeviceState] = {}
        for name, record in self._records.items():
            problems = record.problems
            if name in unseen:
                note = f"{unseen[name]} options are not shown: bootd lists {MAX_OPTIONS} in all"
                problems += (Problem(source="", message=note),)
            state = DeviceState(device=record.device, phase=record.phase, problems=problems)
            now[name] = before[name] if before.get(name) == state else state
        return now

    def _keep_menu(
        self, ordered: tuple[ResolvedOption, ...], default: OptionId | None
    ) -> tuple[MenuEntry, ...]:
        """Return the menu; entries that did not change are the same objects as before."""
        before = {entry.resolved.id: entry for entry in self._state.menu}
        tries = counting.counts(ordered, self._preference.tries)
        now: list[MenuEntry] = []
        for option in ordered:
            base, changes = self._changes.get(option.id, ("", NO_OVERRIDES))
            entry = MenuEntry(
                resolved=option,
                is_default=option.id == default,
                is_selected=option.id == self._selected,
                tree=self._trees.get(option.id, ""),
                base=base,
                changes=changes,
                tries=tries.get(option.id),
            )
            old = before.get(option.id)
            now.append(old if old is not None and old == entry else entry)
        return tuple(now)


def _names(device: BlockDevice) -> tuple[str, ...]:
    """Return everything by which a configuration or a command line may call a device."""
    names = (device.name, device.uuid, device.label, device.partuuid, device.partlabel)
    return tuple(name.casefold() for name in names if name)


def _mentions(option: BootOption, names: tuple[str, ...]) -> bool:
    """Whether an option's files or root file system may be on a device with one of these names."""
    files = (option.linux, option.devicetree, option.devicetree_dir)
    named = (*files, *option.initrds, *option.overlays)
    specs = [file.device for file in named if file is not None and file.device is not None]
    text = "\n".join([option.cmdline, *specs]).casefold()
    return any(name in text for name in names)
