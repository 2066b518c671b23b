"""Waiting for something that another process does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

STEP_S = 0.02


async def eventually(ask: Callable[[], Awaitable[T]], within_s: float = 10.0) -> T:
    """Return the first answer that counts as true.

    Raises:
        TimeoutError: There was none in the time given.
    """
    for _ in range(int(within_s / STEP_S)):
        if answer := await ask():
            return answer
        await asyncio.sleep(STEP_S)
    raise TimeoutError(f"nothing for {within_s} s")
