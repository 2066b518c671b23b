"""What loads and starts options, as those see it who ask for it."""

from collections.abc import Callable
from typing import Protocol

from bootd.model.browsing import TreePage, TreeQuery
from bootd.model.load import LoadReport
from bootd.model.option import ResolvedOption
from bootd.model.tree import TreeReport
from bootd.protocol.messages import Overrides
from bootd.record import dataclass

Progress = Callable[[str, int | None], None]
"""Takes what is being done, and how many per cent of it are done or None."""


class Booter(Protocol):
    """What loads and starts an option: `bootd.services.booting.Booting`.

    Attributes:
        is_left: The machine is on its way to what was loaded, although `execute` has ended.
    """

    is_left: bool

    async def start(self) -> None:
        """Take out what an earlier run may have left loaded."""
        ...

    async def explain(
        self, resolved: ResolvedOption, overrides: Overrides
    ) -> tuple[TreeReport | None, str, str]:
        """Return the tree, the loader's name, and why these."""
        ...

    async def boot(
        self, resolved: ResolvedOption, overrides: Overrides, progress: Progress
    ) -> LoadReport:
        """Load; nothing stays loaded when it raises or is cancelled."""
        ...

    async def browse(
        self, resolved: ResolvedOption, overrides: Overrides, query: TreeQuery
    ) -> TreePage:
        """Look into the tree that `explain` is about."""
        ...

    async def keep_for_crash(
        self, resolved: ResolvedOption, overrides: Overrides, progress: Progress
    ) -> LoadReport:
        """Load what starts when the running kernel crashes."""
        ...

    async def has_crash_kernel(self) -> bool:
        """Say whether something waits for a crash already."""
        ...

    async def execute(self, report: LoadReport) -> None:
        """Leave for what was loaded; returns only after a dry run, raises when it fails."""
        ...

    async def discard(self) -> None:
        """Take out what is loaded."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What would happen at the boot of an option.

    Attributes:
        refused: Why it cannot be booted, or None.
        running_tree: What a boot with the running tree would do, where only that is possible.
    """

    tree: TreeReport | None = None
    loader: str = ""
    why: str = ""
    refused: str | None = None
    running_tree: str | None = None
