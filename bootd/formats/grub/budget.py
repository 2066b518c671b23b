"""What running one configuration may cost (DESIGN.md, limits).

A worker has two seconds and 96 MB; these numbers end a script well before, on slow boards as well.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bootd.errors import ConfigLimitError

MAX_STEPS: Final = 200_000
"""Commands, words, passes of loops and looks at the file system (`LOOK` each)."""

MAX_INCLUDES: Final = 64
MAX_EXPANDED: Final = 1 << 20
"""Characters that variables may expand to, and that files may have together."""

LOOK: Final = 20
"""Steps that asking for a file costs: a system call or two."""


class Budget:
    """Counts down; whoever asks for more than is left gets `ConfigLimitError`.

    Attributes:
        source: File of the statement that runs, for messages.
        line: Its line.
    """

    def __init__(self) -> None:
        self._steps = MAX_STEPS
        self._floor = 0
        self._includes = MAX_INCLUDES + 1  # the first file is included by nobody
        self._expanded = MAX_EXPANDED
        self._read = MAX_EXPANDED
        self.source = ""
        self.line = 1

    def step(self, cost: int) -> None:
        """Count steps.

        Raises:
            ConfigLimitError: There are none left.
        """
        self._steps -= cost
        if self._steps < self._floor:
            raise self._exceeded(f"more steps than bootd follows, which are {MAX_STEPS} in all")

    @contextmanager
    def at_most(self, steps: int) -> Iterator[None]:
        """Let the block have no more than `steps` of those that are left."""
        floor, self._floor = self._floor, max(self._floor, self._steps - steps)
        try:
            yield
        finally:
            self._floor = floor

    def expand(self, characters: int) -> None:
        """Count text that a variable brought in; raises like `step`."""
        self._expanded -= characters
        if self._expanded < 0:
            raise self._exceeded(f"variables expand to more than {MAX_EXPANDED} characters")

    def include(self, characters: int) -> None:
        """Count a file that is run; raises like `step`."""
        self._includes -= 1
        self._read -= characters
        if self._includes < 0:
            raise self._exceeded(f"more than {MAX_INCLUDES} files are included")
        if self._read < 0:
            raise self._exceeded(f"its files have more than {MAX_EXPANDED} characters")

    def _exceeded(self, what: str) -> ConfigLimitError:
        reason = f"configuration too complex ({what}); the rest is left out"
        return ConfigLimitError(reason, source=self.source, line=self.line)
