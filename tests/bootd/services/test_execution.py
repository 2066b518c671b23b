"""The jump: quiet before, woken when the machine stays. Helpers are real processes that play."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from bootd.errors import LoadError
from bootd.linux import reboot
from bootd.linux.quiesce import Done
from bootd.model.board import Board, Profile, Quiesce
from bootd.model.load import LoadReport
from bootd.model.tree import TreeOrigin
from bootd.probe.prober import Prober
from bootd.probe.task import Context, Tables, TaskCall
from bootd.probe.tasks import TASKS
from bootd.protocol.codec import Json, to_json
from bootd.services import execution
from bootd.services.execution import Execution, Way

REPORT: Final = LoadReport(loader="kexec_load", tree=TreeOrigin.MERGED, why="")
PROFILE: Final = Quiesce(unbind=("pci/nvme",))


class Machine:
    """A machine that does not leave; what its helpers are asked is kept in a file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "asked"
        self.file.touch()
        answers: dict[str, Json] = {
            "quiesce": to_json(Done(later="/steps", failures=("a driver stays",))),
            "wake": ["a driver is gone"],
            "unload": True,
            "arm": {"name": "watchdog0", "timeoutS": 60, "leftS": None},
            "disarm": None,
        }
        helpers = {name: self._helper(name, answer) for name, answer in answers.items()}
        self.prober = Prober.start(Tables(tasks=TASKS, helpers=helpers))

    def _helper(self, name: str, answer: Json) -> TaskCall:
        def call(_context: Context, params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
            with self.file.open("a") as file:
                file.write(json.dumps({"name": name, "params": params}) + "\n")
            return answer, []

        return call

    def asked(self) -> list[str]:
        return [json.loads(line)["name"] for line in self.file.read_text().splitlines()]

    def params(self, name: str) -> Json:
        lines = map(json.loads, self.file.read_text().splitlines())
        found: Json = next(line["params"] for line in lines if line["name"] == name)
        return found

    def execution(
        self, leave: Callable[[], None], *, through_systemd: bool, watchdog_s: int = 0
    ) -> Execution:
        way = Way(leave=leave, through_systemd=through_systemd)
        execution.WAYS["test"] = lambda: way
        board = Board(live=None, profile=Profile(quiesce=PROFILE))
        return Execution(self.prober, lambda: board, "test", watchdog_s)


@pytest_asyncio.fixture
async def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Machine]:
    # Only the jump and the look at what is loaded are played: this machine must not leave.
    monkeypatch.setattr(execution, "WAYS", dict(execution.WAYS))
    monkeypatch.setattr(execution, "is_loaded", lambda: True)
    found = Machine(tmp_path)
    yield found
    await found.prober.close()


def refuse() -> None:
    raise OSError(22, "Invalid argument", "reboot")


@pytest.mark.parametrize("through_systemd", [False, True])
async def test_a_machine_is_quiet_before_it_leaves_and_woken_when_it_stays(
    machine: Machine, caplog: pytest.LogCaptureFixture, *, through_systemd: bool
) -> None:
    with pytest.raises(LoadError, match="cannot start the loaded kernel: no kernel is loaded"):
        await machine.execution(refuse, through_systemd=through_systemd).run(REPORT)
    assert machine.asked() == ["quiesce", "unload", "wake"]
    assert machine.params("quiesce") == {"profile": to_json(PROFILE), "later": through_systemd}
    assert machine.params("wake") == to_json(Done(later="/steps", failures=("a driver stays",)))
    assert "not quiet before the machine leaves: a driver stays" in caplog.text
    assert "not as it was before the machine was to leave: a driver is gone" in caplog.text


async def test_a_watchdog_is_armed_before_the_machine_is_quiet_and_stopped_when_it_stays(
    machine: Machine,
) -> None:
    leaving = machine.execution(refuse, through_systemd=False, watchdog_s=60)
    with pytest.raises(LoadError, match="cannot start"):
        await leaving.run(REPORT)
    assert machine.asked() == ["arm", "quiesce", "disarm", "unload", "wake"]
    assert machine.params("arm") == {"seconds": 60}
    assert machine.params("disarm") == {"name": "watchdog0"}


async def test_systemd_is_told_to_arm_one_when_it_does_the_rest(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(reboot, "set_kexec_watchdog", told.append)
    with pytest.raises(LoadError, match="cannot start"):
        await machine.execution(refuse, through_systemd=True, watchdog_s=60).run(REPORT)
    assert told == [60]
    assert machine.asked() == ["quiesce", "unload", "wake"]


async def test_a_machine_without_a_watchdog_leaves_all_the_same(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_seconds: int) -> None:
        raise OSError(2, "No such file or directory", "busctl")

    left: list[str] = []
    monkeypatch.setattr(reboot, "set_kexec_watchdog", fail)
    monkeypatch.setattr(execution, "STOP_S", 0.01)
    leave = machine.execution(lambda: left.append("left"), through_systemd=True, watchdog_s=60)
    with pytest.raises(LoadError, match="still running"):
        await leave.run(REPORT)
    assert left == ["left"]
    assert "no watchdog is armed for the jump" in caplog.text


@pytest.mark.parametrize(("answers_after_s", "ends_after_s"), [(0.0, 0.2), (0.2, 0.0)])
async def test_what_is_loaded_stays_when_systemd_ends_bootd_on_its_way_there(
    machine: Machine, answers_after_s: float, ends_after_s: float
) -> None:
    accepted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def accept() -> None:
        loop.call_soon_threadsafe(accepted.set)
        time.sleep(answers_after_s)

    async with asyncio.TaskGroup() as tasks:
        leaving = machine.execution(accept, through_systemd=True)
        running = tasks.create_task(leaving.run(REPORT))
        await accepted.wait()
        await asyncio.sleep(ends_after_s)
        running.cancel()
    assert machine.asked() == ["quiesce"]


async def test_what_is_loaded_is_taken_out_when_bootd_ends_before_systemd_has_accepted(
    machine: Machine,
) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def fail() -> None:
        loop.call_soon_threadsafe(asked.set)
        time.sleep(0.2)
        refuse()

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(machine.execution(fail, through_systemd=True).run(REPORT))
        await asked.wait()
        running.cancel()
    assert machine.asked() == ["quiesce", "unload", "wake"]


async def test_what_is_loaded_is_taken_out_when_systemd_never_comes_to_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "STOP_S", 0.01)
    with pytest.raises(LoadError, match="the machine is still running"):
        await machine.execution(lambda: None, through_systemd=True).run(REPORT)
    assert machine.asked() == ["quiesce", "unload", "wake"]


def test_every_word_of_the_setting_has_a_way() -> None:
    assert not execution.WAYS["direct"]().through_systemd
    assert execution.WAYS["systemd"]().through_systemd
    assert execution.WAYS["auto"]() in {execution.WAYS[word]() for word in ("direct", "systemd")}
