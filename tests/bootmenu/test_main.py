"""Start of the menu: which terminal and which face."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootmenu import terminal
from bootmenu.__main__ import main
from tests.support.menu_views import twenty
from tests.support.pty_terminal import ROOT, PtyTerminal
from tests.support.scripted_daemon import scripted_daemon


def test_a_terminal_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tty", "ttyNONE9"]) == 1
    expected = "bootmenu: cannot use the terminal /dev/ttyNONE9: No such file or directory\n"
    assert capsys.readouterr().err == expected


def test_an_input_that_never_has_keys_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bootmenu", "--ui", "plain"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    expected = "bootmenu: the standard input is no terminal; name one with --tty\n"
    assert (done.returncode, done.stderr) == (1, expected)


@pytest.mark.parametrize("term", ["", "dumb", "unknown"])
def test_no_screen_is_drawn_where_term_forbids_it(term: str) -> None:
    assert not terminal.can_draw(term)


@pytest.mark.parametrize(
    ("size", "enough"), [(None, False), ((80, 24), True), ((40, 12), True), ((39, 24), False)]
)
def test_the_screen_needs_room(size: tuple[int, int] | None, *, enough: bool) -> None:
    assert terminal.is_large_enough(size) is enough


async def test_a_terminal_may_be_named(tmp_path: Path) -> None:
    socket = str(tmp_path / "s")
    master, slave = os.openpty()
    shown = PtyTerminal(master, columns=80, rows=24, answers=True)
    async with scripted_daemon(socket, snapshot=twenty()) as daemon:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bootmenu", "--socket", socket, "--tty", os.ttyname(slave)),
            stdin=asyncio.subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "TERM": "vt220", "PYTHONPATH": f"{ROOT}:{ROOT}/ui"},
            cwd="/",
        )
        try:
            await shown.shows("Enter boot  i info")
            shown.send(b"\r")
            await shown.shows("Loaded with dry_run")
            by = [call["by"] for name, call in daemon.calls if name == "Boot"]
            assert by == [f"console {os.ttyname(slave).removeprefix('/dev/')}"]
        finally:
            process.kill()
            await process.wait()
            shown.close()
            os.close(slave)
