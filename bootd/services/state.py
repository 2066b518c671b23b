"""What the daemon knows at one moment, as one frozen value."""

from collections.abc import Mapping
from enum import Enum

from bootd.model.device import BlockDevice
from bootd.model.option import OptionId, ResolvedOption
from bootd.model.problem import Problem
from bootd.model.tries import Tries
from bootd.protocol.messages import NO_OVERRIDES, Overrides, Status
from bootd.record import dataclass


class DevicePhase(Enum):
    """How far a device has been looked at; the value is the word clients see."""

    PROBING = "probing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """A device that is present.

    Attributes:
        problems: What was wrong on it, or the one reason why it could not be looked at.
    """

    device: BlockDevice
    phase: DevicePhase
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuEntry:
    """An option as it stands in the menu now.

    Attributes:
        tree: One line on the tree it would get, or "" when nobody has asked yet.
        base: Id of the option that a saved one changes, or "".
        changes: Of a saved option, with kernel names of devices.
        tries: How its boots went, or None where they are not counted.
    """

    resolved: ResolvedOption
    is_default: bool
    is_selected: bool
    tree: str = ""
    base: str = ""
    changes: Overrides = NO_OVERRIDES
    tries: Tries | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that clients may see.

    Attributes:
        revision: Greater than that of every earlier state.
        devices: By kernel name; never changed after the state was made.
        menu: In menu order; ids are unique.
        expected: Devices that are not there and that would be preferred to the default.
    """

    revision: int
    devices: Mapping[str, DeviceState]
    menu: tuple[MenuEntry, ...]
    status: Status
    expected: tuple[str, ...] = ()

    def find(self, option_id: str) -> ResolvedOption | None:
        """Return the option with this id."""
        found = (entry.resolved for entry in self.menu if entry.resolved.id == option_id)
        return next(found, None)

    @property
    def chosen(self) -> OptionId | None:
        """What the countdown would boot: the selected option, else the default."""
        return next(
            (entry.resolved.id for entry in self.menu if entry.is_selected),
            next((entry.resolved.id for entry in self.menu if entry.is_default), None),
        )
