"""The next kernel is told which option it was started from, where its tree cannot say it."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bootd.loaders import task
from bootd.model.board import Board
from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.load import LoadReport
from bootd.model.machine import Machine
from bootd.model.option import BootOption, FileRef
from bootd.model.tree import TreeOrigin
from bootd.policy.resolve import resolve
from bootd.probe.prober import Prober
from bootd.probe.task import Context, Tables
from bootd.probe.tasks import TASKS
from bootd.protocol.codec import Json, to_json
from bootd.protocol.messages import NO_OVERRIDES, Overrides
from bootd.services.booting import Booting
from tests.support import trees
from tests.support.images import arm64_image, bzimage

LIVE = trees.blob(trees.live_board())
ENTRY = "bootd.entry=extlinux:1:debian"


class Bench:
    """An option on a directory, and a load that only writes down what it was asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked = root / "asked"
        helpers = {"load": self._load, "unload": task.unload}
        self.prober = Prober.start(Tables(tasks={**TASKS, **task.CONFINED}, helpers=helpers))

    def _load(self, _context: Context, params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
        self.asked.write_text(json.dumps(params))
        return to_json(LoadReport(loader="played", tree=TreeOrigin.RUNNING, why="")), []

    async def cmdline(
        self,
        machine: Machine,
        live: bytes | None,
        overrides: Overrides = NO_OVERRIDES,
        *,
        counting: bool = True,
    ) -> str:
        """Boot, and return the command line that the load was asked for."""
        kernel = bzimage() if machine.architecture == "x86_64" else arm64_image()
        (self.root / "vmlinuz").write_bytes(kernel)
        device = BlockDevice(name="vda1", node=str(self.root), kind=DeviceKind.DIRECTORY, uuid="1")
        option = BootOption(
            entry="debian",
            format="extlinux",
            source="/extlinux.conf",
            title="Debian 12",
            linux=FileRef("/vmlinuz"),
            cmdline="quiet bootd.entry=copied",
        )
        booting = Booting(
            self.prober,
            lambda: machine,
            find_device={"vda1": device}.get,
            board=lambda: Board(live=live),
        )
        booting.says_entry = counting
        resolved = resolve(option, device, {"vda1": device}, machine.architecture)
        await booting.boot(resolved, overrides, lambda _doing, _percent: None)
        found: str = json.loads(self.asked.read_text())["request"]["cmdline"]
        return found


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    await made.prober.close()


KEXEC_LOAD = Machine(architecture="aarch64", kexec_load=True)
PC = Machine(architecture="x86_64", kexec_load=True)
KEXEC_FILE = replace(KEXEC_LOAD, kexec_load=False, kexec_file=True, kexec_refusal="locked down")


@pytest.mark.parametrize(
    ("machine", "live", "said"),
    [
        (PC, None, f"quiet {ENTRY}"),
        (KEXEC_FILE, LIVE, f"quiet {ENTRY}"),
        (KEXEC_LOAD, LIVE, "quiet"),
    ],
    ids=["without a tree", "with a tree that the kernel makes", "with a tree of ours"],
)
async def test_the_entry_is_said_on_the_command_line_where_the_tree_cannot_say_it(
    bench: Bench, machine: Machine, live: bytes | None, said: str
) -> None:
    running = Overrides(devicetree_mode="running")
    assert await bench.cmdline(machine, live, running) == said


async def test_nothing_is_said_where_nothing_is_counted(bench: Bench) -> None:
    assert await bench.cmdline(PC, None, counting=False) == "quiet"
