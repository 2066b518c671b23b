"""A process that forks menus, for tests and measurements."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.pty_terminal import ROOT


def children(pid: int) -> list[int]:
    """Return the processes that a process has forked and that live."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@asynccontextmanager
async def launcher_on(socket: str) -> AsyncIterator[int]:
    """Run `bootmenu --serve` until the block ends; its process id once it serves."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bootmenu", "--serve", socket),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT}/ui"},
        cwd="/",
    )
    try:
        async with asyncio.timeout(20):
            while not os.path.exists(socket):  # noqa: ASYNC110, ASYNC240, PTH110 - another process makes it
                await asyncio.sleep(0.02)
        yield process.pid
    finally:
        process.kill()
        await process.wait()
