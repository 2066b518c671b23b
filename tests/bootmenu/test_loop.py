"""The event loop of the plain face."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from bootmenu.loop import SelectLoop


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reads, writes = os.pipe()
    yield reads, writes
    os.close(reads)
    os.close(writes)


def test_what_can_be_read_calls_back_until_it_is_looked_at_no_longer(pipe: tuple[int, int]) -> None:
    loop, seen = SelectLoop(), list[bytes]()

    def read() -> None:
        seen.append(os.read(pipe[0], 1))
        if len(seen) == 2:
            loop.remove_reader(pipe[0])
            loop.call_later(0.01, loop.stop)

    os.write(pipe[1], b"abc")
    loop.add_reader(pipe[0], read)
    loop.run()
    assert seen == [b"a", b"b"]


def test_timers_come_in_their_order_and_a_cancelled_one_does_not() -> None:
    loop, seen = SelectLoop(), list[str]()
    loop.call_later(0.03, loop.stop)
    loop.call_later(0.02, lambda: seen.append("second"))
    loop.call_later(0.01, lambda: seen.append("first"))
    loop.call_later(0.015, lambda: seen.append("never")).cancel()
    loop.run()
    assert seen == ["first", "second"]


def test_waiting_costs_no_processor_time() -> None:
    loop = SelectLoop()
    loop.call_later(0.3, loop.stop)
    before = time.process_time()
    loop.run()
    assert time.process_time() - before < 0.05


def test_a_signal_calls_back_between_two_callbacks_and_its_handler_is_restored() -> None:
    loop, seen = SelectLoop(), list[str]()
    before = signal.getsignal(signal.SIGTERM)

    def busy() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        seen.append("busy")

    def ended() -> None:
        seen.append("signal")
        loop.stop()

    loop.on_signal(signal.SIGTERM, ended)
    loop.call_later(0, busy)
    loop.run()
    assert seen == ["busy", "signal"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_stopped_loop_may_run_again() -> None:
    loop, runs = SelectLoop(), 0
    for _ in range(2):
        loop.call_later(0, loop.stop)
        loop.run()
        runs += 1
    assert runs == 2
