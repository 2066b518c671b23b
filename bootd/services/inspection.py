"""Why is nothing here? Where the formats look on a device, found out when somebody asks."""

from collections.abc import Awaitable, Callable
from typing import Final

from bootd.errors import BootdError
from bootd.model.device import BlockDevice
from bootd.model.text import clean
from bootd.protocol.codec import Json, from_json
from bootd.protocol.machine import LookView
from bootd.services.refusal import invalid
from bootd.services.store import Store

LOOK_S: Final = 10.0
"""A disk may have to spin up."""


Ask = Callable[[BlockDevice], Awaitable[Json]]
"""Has a confined worker answer `tried`; raises BootdError or OSError."""


class Inspection:
    """Has a device looked at once more; a scan is spared the time.

    Args:
        store: Knows the devices.
        ask: Looks.
    """

    def __init__(self, store: Store, ask: Ask) -> None:
        self._store = store
        self._ask = ask

    async def look(self, name: str) -> tuple[LookView, ...]:
        """Return every place at which bootd looks on a device.

        Raises:
            CallError: InvalidParameter, when there is no such device or it cannot be looked at.
        """
        device = self._store.find_device(name)
        if device is None:
            raise invalid("device", f"There is no device {clean(name, 40)!r} (any more).")
        try:
            return _views(await self._ask(device))
        except (BootdError, OSError) as error:
            raise invalid("device", f"{clean(name, 40)} cannot be looked at: {error}") from error


def _views(answer: Json) -> tuple[LookView, ...]:
    """Read what a worker says, which has seen foreign files."""
    tried = from_json(tuple[tuple[str, str, bool], ...], answer)
    return tuple(LookView(format=name, path=path, found=found) for name, path, found in tried)
