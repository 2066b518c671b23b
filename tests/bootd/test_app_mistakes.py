"""What becomes of a mistake of ours in a callback of the event loop."""

import asyncio
from pathlib import Path

import pytest

from bootd.__main__ import Arguments
from bootd.app import _Daemon
from bootd.config import Config
from bootd.place import played_place


async def test_an_error_in_a_callback_ends_the_daemon_and_is_not_just_logged(
    tmp_path: Path,
) -> None:
    place = played_place(str(tmp_path))
    daemon = _Daemon(Arguments(machine=str(tmp_path)), place, Config())
    ready = asyncio.Event()

    async def service() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 // 0)
        ready.set()
        await asyncio.sleep(3600)

    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(10):
            await daemon._run_until_stopped((service(),), ready)
    place.close()
