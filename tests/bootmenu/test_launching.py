"""Menus forked by a launcher: real processes, terminals and sockets."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.launcher import children, launcher_on
from tests.support.menu_views import twenty
from tests.support.pty_terminal import menu_on_pty
from tests.support.scripted_daemon import ScriptedDaemon, scripted_daemon


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text()


@asynccontextmanager
async def launcher(place: Path) -> AsyncIterator[tuple[int, ScriptedDaemon]]:
    """Run a daemon and a launcher; its process id."""
    async with (
        scripted_daemon(str(place / "s"), snapshot=twenty()) as daemon,
        launcher_on(str(place / "menus")) as pid,
    ):
        yield pid, daemon


def ask(place: Path, console: str, *more: str) -> tuple[str, ...]:
    return (
        *("--socket", str(place / "s"), "--launcher", str(place / "menus")),
        *("--console", console, *more),
    )


@pytest.mark.parametrize(
    ("face", "boot", "leave"), [("tui", b"\r", b"\x1bq"), ("plain", b"1\n", b"q\n")]
)
async def test_a_console_gets_its_menu_from_the_launcher(
    tmp_path: Path, face: str, boot: bytes, leave: bytes
) -> None:
    async with (
        launcher(tmp_path) as (pid, daemon),
        menu_on_pty(*ask(tmp_path, "ttyAMA0", "--ui", face)) as terminal,
    ):
        await terminal.shows("bookworm) 12 (6.1.0-12-arm64)")
        await terminal.shows("merged")
        assert len(children(pid)) == 1
        assert terminal.process is not None
        assert not name_of(terminal.process.pid).startswith("python")
        terminal.send(boot)
        await terminal.shows("Loaded with dry_run")
        (by,) = [call["by"] for name, call in daemon.calls if name == "Boot"]
        assert by == "console ttyAMA0"
        for key in (leave,) if face == "plain" else (leave[:1], leave[1:]):
            terminal.send(key)
            await terminal.quiet(0.4)
        async with asyncio.timeout(5):
            assert await terminal.process.wait() == 0


@pytest.mark.parametrize("face", ["tui", "plain"])
async def test_a_console_that_ends_takes_its_menu_along_and_no_other(
    tmp_path: Path, face: str
) -> None:
    async with (
        launcher(tmp_path) as (pid, _),
        menu_on_pty(*ask(tmp_path, "ttyS0")) as stays,
    ):
        await stays.shows("bookworm) 12 (6.1.0-12-arm64)")
        async with menu_on_pty(*ask(tmp_path, "ttyS1", "--ui", face)) as ends:
            await ends.shows("bookworm) 12 (6.1.0-12-arm64)")
            assert len(children(pid)) == 2
        await stays.until(lambda: len(children(pid)) == 1)
        stays.send(b"j")
        await stays.quiet()
        assert stays.is_reversed(stays.line_with("(bookworm) 2 "))


async def test_a_menu_that_dies_ends_its_console_with_a_failure(tmp_path: Path) -> None:
    async with (
        launcher(tmp_path) as (pid, _),
        menu_on_pty(*ask(tmp_path, "ttyS0")) as terminal,
    ):
        await terminal.shows("bookworm) 12 (6.1.0-12-arm64)")
        os.kill(children(pid)[0], signal.SIGKILL)
        assert terminal.process is not None
        async with asyncio.timeout(5):
            assert await terminal.process.wait() == 1


async def test_without_a_launcher_the_console_runs_its_menu_itself(tmp_path: Path) -> None:
    async with (
        scripted_daemon(str(tmp_path / "s"), snapshot=twenty()),
        menu_on_pty(*ask(tmp_path, "ttyS0")) as terminal,
    ):
        await terminal.shows("bookworm) 12 (6.1.0-12-arm64)")


async def test_requests_that_make_no_sense_cost_nothing(tmp_path: Path) -> None:
    async with launcher(tmp_path) as (pid, _):
        for text in (b"", b"{", b"[1]", json.dumps([["--ui"], "vt220", False]).encode()):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
                asked.connect(str(tmp_path / "menus"))
                if text:
                    asked.send(text)  # without a terminal
        async with menu_on_pty(*ask(tmp_path, "ttyS0")) as terminal:
            await terminal.shows("bookworm) 12 (6.1.0-12-arm64)")
            assert len(children(pid)) == 1
