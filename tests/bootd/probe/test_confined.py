"""One task in a process of its own, within limits."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from bootd.errors import ImageError, ProbeError
from bootd.linux import limits
from bootd.probe import confined
from bootd.protocol.codec import Json


def test_the_answer_comes_back() -> None:
    assert confined.run("sda1", lambda: {"a": [1, "\udce9"]}) == {"a": [1, "\udce9"]}


def test_the_task_runs_in_another_process() -> None:
    assert confined.run("sda1", os.getpid) != os.getpid()


def refuse() -> Json:
    raise ImageError("no kernel")


def test_an_error_of_bootd_comes_back() -> None:
    with pytest.raises(ImageError, match="no kernel"):
        confined.run("sda1", refuse)


def lose() -> Json:
    raise FileNotFoundError(2, "No such file", "/x")


def test_an_error_of_the_system_comes_back() -> None:
    with pytest.raises(FileNotFoundError, match="No such file"):
        confined.run("sda1", lose)


def blunder() -> Json:
    raise KeyError("secret")


def test_a_mistake_is_named_by_its_place() -> None:
    with pytest.raises(ProbeError, match="made a mistake while reading it: KeyError in"):
        confined.run("sda1", blunder)


def grow() -> Json:
    return len(bytearray(limits.MEMORY_BYTES + (1 << 30)))  # more than a heap may have left over


def test_too_much_memory_is_refused() -> None:
    with pytest.raises(ProbeError, match="needs more memory"):
        confined.run("sda1", grow)


def spin() -> Json:
    while True:
        pass


def test_too_much_processor_time_ends_it() -> None:
    with pytest.raises(ProbeError, match="took more than 2 s of processor time"):
        confined.run("sda1", spin)


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "MAX_ANSWER_BYTES", 1000)
    with pytest.raises(ProbeError, match="longer answer"):
        confined.run("sda1", lambda: "x" * 200_000)


def test_a_process_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "WALL_S", 0.2)
    reader, _ = os.pipe()
    with pytest.raises(ProbeError, match="did not answer"):
        confined.run("sda1", lambda: os.read(reader, 1).decode())


def test_no_descriptor_and_no_process_is_left() -> None:
    before = sorted(map(str, Path("/proc/self/fd").iterdir()))
    confined.run("sda1", lambda: None)
    assert sorted(map(str, Path("/proc/self/fd").iterdir())) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def execute() -> Json:
    os.execv("/bin/true", ["true"])  # noqa: S606 - it must fail


def test_whoever_asks_for_another_program_is_ended() -> None:
    with pytest.raises(ProbeError, match="made its reader ask for what no reader of a disk may do"):
        confined.run("sda1", execute)


@pytest.mark.parametrize("reach", [os.fork, socket.socket], ids=["fork", "socket"])
def test_neither_processes_nor_the_network_can_be_reached(reach: Callable[[], object]) -> None:
    def task() -> Json:
        reach()
        return "it did"

    with pytest.raises(PermissionError):
        confined.run("sda1", task)
