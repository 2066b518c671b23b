"""What the administrator wants of `bootd.services.control`."""

from typing import Final, Protocol

from bootd.model.board import RunningTree
from bootd.model.option import ResolvedOption
from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the administrator wants done without a person; see the settings of the same names."""

    running_tree: RunningTree = RunningTree.NEVER
    crash_option: str = ""
    tries: int = 3


NO_WISHES: Final = Wishes()


class Depart(Protocol):
    """What has to be done before an option is loaded; see `Control`."""

    async def __call__(self, option: ResolvedOption, /, *, by_itself: bool) -> None:
        """Raise SettingError where the option may not be booted by itself."""


class Tries(Protocol):
    """Counts boots: `bootd.services.trying.Trying`; nothing here raises."""

    async def begin(self, option: ResolvedOption, /) -> None:
        """Write down that an option is tried, right before the machine leaves."""

    async def stay(self) -> None:
        """Take that back: the machine did not leave."""


class Uncounted:
    """Counts nothing (`Tries`)."""

    async def begin(self, _option: ResolvedOption, /) -> None:
        """Have nothing to write."""

    async def stay(self) -> None:
        """Have nothing to take back."""


async def stay(_option: ResolvedOption, /, *, by_itself: bool) -> None:
    """Have nothing to do before a load."""
