"""What a worker hands over for a boot: files, as many as asked for, and all closed in the end."""

import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, cast

import pytest

from bootd.errors import ProtocolError
from bootd.services.artefacts import Bench

if TYPE_CHECKING:
    from bootd.probe.prober import Prober


def bench(stack: AsyncExitStack) -> Bench:
    nobody = cast("Prober", None)  # nothing here asks a worker
    return Bench(stack, nobody, lambda _name: None, {})


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


async def test_files_are_kept_until_the_end() -> None:
    fd = os.memfd_create("kernel")
    async with AsyncExitStack() as stack:
        assert bench(stack).keep([fd], 1) == [fd]
        assert is_open(fd)
    assert not is_open(fd)


async def test_a_pipe_is_no_kernel() -> None:
    # Loading from one would wait for whoever holds the other end.
    reader, writer = os.pipe()
    with pytest.raises(ProtocolError, match="got something else"):
        async with AsyncExitStack() as stack:
            bench(stack).keep([reader], 1)
    assert not is_open(reader)
    os.close(writer)


async def test_more_files_than_asked_for_are_closed() -> None:
    fds = [os.memfd_create(name) for name in ("kernel", "more")]
    with pytest.raises(ProtocolError, match="expected 1 open files, got 2"):
        async with AsyncExitStack() as stack:
            bench(stack).keep(fds, 1)
    assert not any(map(is_open, fds))
