"""What is done outside of the broker right before the machine leaves, besides the load.

Helpers with root's rights, as in `bootd.loaders.task`: a medium or a driver that hangs takes only
such a helper with it. Imports are inside the functions for the same reason as there.
"""

import os
from contextlib import suppress
from typing import Final

from bootd.errors import ProtocolError
from bootd.protocol.codec import Json, to_json


def rename(_context: object, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Rename `{"path"}` on the device `{"node", "fstype"}` to `{"name"}`; answers null.

    Raises:
        OSError: In words; nothing is renamed then.
    """
    from bootd.linux.rename import rename_on  # noqa: PLC0415 - see the module's docstring

    _close(fds)
    rename_on(*(_text(params, name) for name in ("node", "fstype", "path", "name")))
    return None, []


def arm(_context: object, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Start a watchdog that resets the machine in `{"seconds"}`; answers the `Watchdog`.

    Raises:
        OSError: In words; none is armed then.
    """
    from bootd.linux import watchdog  # noqa: PLC0415 - see the module's docstring

    _close(fds)
    seconds = params.get("seconds") if isinstance(params, dict) else None
    if not isinstance(seconds, int):
        raise ProtocolError("$.seconds: expected int")
    return to_json(watchdog.arm(seconds)), []


def disarm(_context: object, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Stop the watchdog `{"name"}`; answers null.

    Raises:
        OSError: In words; it resets the machine.
    """
    from bootd.linux import watchdog  # noqa: PLC0415 - see the module's docstring

    _close(fds)
    watchdog.disarm(_text(params, "name"))
    return None, []


HELPERS: Final = {"rename": rename, "arm": arm, "disarm": disarm}
"""For the Prober's table of helpers that keep their rights."""


def _text(params: Json, name: str) -> str:
    value = params.get(name) if isinstance(params, dict) else None
    if not isinstance(value, str) or not value:
        raise ProtocolError(f"$.{name}: expected string")
    return value


def _close(fds: list[int]) -> None:
    for fd in fds:
        with suppress(OSError):
            os.close(fd)
