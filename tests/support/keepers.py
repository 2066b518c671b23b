"""A place to keep text in memory, which can be slow or broken."""

import asyncio
from dataclasses import dataclass, field


@dataclass
class MemoryKeeper:
    """Keeps every text that was ever written.

    Attributes:
        error: Raised by reads and writes while it is set.
        hold: While it is set, reads and writes wait for it.
    """

    text: bytes | None = None
    where: str = "in memory of a test"
    lasts: bool = True
    error: OSError | None = None
    hold: asyncio.Event | None = None
    written: list[bytes] = field(default_factory=list)

    async def read(self) -> bytes | None:
        """Return the text."""
        await self._pass()
        return self.text

    async def write(self, text: bytes, /) -> None:
        """Replace the text."""
        await self._pass()
        self.text = text
        self.written.append(text)

    async def _pass(self) -> None:
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
