"""sync(2) waits for every disk of the machine, dead ones as well: nothing of bootd's calls it."""

import ast
import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from bootd.linux import privilege, seccomp
from bootd.linux.syscall_table import NEVER, numbers
from bootd.model.device import BlockDevice, DeviceKind
from bootd.probe.prober import Prober
from bootd.probe.tasks import tables
from tests.support.child import in_child

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("bootd/**/*.py"), *ROOT.glob("ui/bootmenu/**/*.py")])
NAMES = {"sync", "syncfs"}


def calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in {"os", "LIBC", "libc"}:
                yield node.func.attr


def test_no_source_calls_it() -> None:
    found = {path.name: NAMES & set(calls(ast.parse(path.read_text()))) for path in SOURCES}
    assert not {name: each for name, each in found.items() if each}


def test_a_scan_makes_no_such_call(tmp_path: Path) -> None:
    (tmp_path / "loader/entries").mkdir(parents=True)
    (tmp_path / "loader/entries/a.conf").write_text("title A\nlinux /a\n")
    device = BlockDevice(name="demo", node=str(tmp_path), kind=DeviceKind.DIRECTORY)

    def scan() -> None:
        abi = seccomp.native_abi()
        assert abi is not None
        fatal = {numbers(NEVER, abi)["sync"]: seccomp.KILL}
        privilege.forbid_new_rights()
        seccomp.install(seccomp.program(abi, fatal, default=seccomp.ALLOW))
        asyncio.run(_scan(device))

    assert in_child(scan) == 0


def test_that_filter_would_have_told() -> None:
    def call() -> None:
        abi = seccomp.native_abi()
        assert abi is not None
        number = numbers(NEVER, abi)["sync"]
        privilege.forbid_new_rights()
        seccomp.install(seccomp.program(abi, {number: seccomp.KILL}, default=seccomp.ALLOW))
        os.sync()  # noqa: TID251 - the call that must be noticed

    assert in_child(call) == -signal.SIGSYS


async def _scan(device: BlockDevice) -> None:
    prober = Prober.start(tables())
    result = await prober.scan(device)
    await prober.close()
    assert [option.title for option in result.options] == ["A"]
