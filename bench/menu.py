"""The menu on a serial line: bytes, first sign of life, memory, idle time of the processor.

A real pty, 80x24, 20 options.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bootd.protocol.messages import StatusChanged
from tests.support.launcher import children, launcher_on
from tests.support.menu_views import twenty
from tests.support.pty_terminal import PtyTerminal, menu_on_pty
from tests.support.scripted_daemon import scripted_daemon

RUNS = 3

IDLE_S = 3.0
"""How long a menu is watched that has nothing to do."""


def measure() -> dict[str, float]:
    """Return bytes, milliseconds (best of 3 starts, the later ones warm) and megabytes."""
    runs = [asyncio.run(_screen()) for _ in range(RUNS)]
    found = {name: min(run[name] for run in runs) for name in runs[0]}
    return found | asyncio.run(_plain()) | asyncio.run(_second_console())


async def _screen() -> dict[str, float]:
    status = twenty().status
    with tempfile.TemporaryDirectory(prefix="bootd-bench-") as directory:
        socket = f"{directory}/socket"
        async with scripted_daemon(socket, snapshot=twenty()) as daemon:
            began = time.monotonic()
            async with menu_on_pty("--socket", socket) as terminal:
                await terminal.shows("bookworm) 1 ")
                drawn = time.monotonic()
                await terminal.shows("tree:    merged")
                await terminal.quiet()
                frame = len(terminal.received)
                key = await terminal.bytes_of(lambda: terminal.send(b"\x1b[B"))
                daemon.send(StatusChanged(status=replace(status, seconds_left=10)))
                await terminal.quiet(0.6)
                after = StatusChanged(status=replace(status, seconds_left=9))
                tick = await terminal.bytes_of(lambda: daemon.send(after))
                return {
                    "menu_first_byte_ms": (terminal.first_byte_at - began) * 1e3,
                    "menu_drawn_ms": (drawn - began) * 1e3,
                    "menu_first_frame_bytes": frame,
                    "menu_key_bytes": len(key),
                    "menu_tick_bytes": len(tick),
                    "menu_tui_mb": _rss_mb(terminal),
                    "menu_idle_percent": await _idle_percent(terminal),
                }


async def _plain() -> dict[str, float]:
    """Measure the plain face as installed: `-S` leaves out what a checkout's environment adds.

    Its finder of editable packages is 1.1 MB in each process. Bare Python is measured beside.
    """
    with tempfile.TemporaryDirectory(prefix="bootd-bench-") as directory:
        socket = f"{directory}/socket"
        async with (
            scripted_daemon(socket, snapshot=twenty()),
            menu_on_pty("--socket", socket, term="dumb", interpreter=("-S",)) as terminal,
        ):
            await terminal.shows("1) tree: merged")
            await terminal.quiet()
            return {
                "menu_plain_bytes": len(terminal.received),
                "menu_plain_mb": _rss_mb(terminal),
                "menu_plain_idle_percent": await _idle_percent(terminal),
                "menu_bare_python_mb": _bare_python_mb(),
            }


async def _second_console() -> dict[str, float]:
    """Measure what a second menu takes of its own, when a launcher forks both."""
    with tempfile.TemporaryDirectory(prefix="bootd-bench-") as directory:
        socket, menus = f"{directory}/socket", f"{directory}/menus"
        asks = ("--socket", socket, "--launcher", menus)
        async with (
            scripted_daemon(socket, snapshot=twenty()),
            launcher_on(menus) as launcher,
            menu_on_pty(*asks) as first,
        ):
            await first.shows("tree:    merged")
            known = children(launcher)
            async with menu_on_pty(*asks) as second:
                await second.shows("tree:    merged")
                await second.quiet()
                assert second.process is not None
                (forked,) = set(children(launcher)) - set(known)
                return {
                    "menu_second_console_mb": _private_mb(forked),
                    "menu_second_waiting_mb": _private_mb(second.process.pid),
                    "menu_launcher_mb": _private_mb(launcher),
                }


def _private_mb(pid: int) -> float:
    """Return the memory that a process shares with no other one."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(map(int, re.findall(r"Private_(?:Clean|Dirty):\s+(\d+) kB", text))) / 1024


def _bare_python_mb() -> float:
    """Return what Python itself takes while it waits for a line."""
    report = (
        "import sys\n"
        "[status] = [l for l in open('/proc/self/status') if l.startswith('VmRSS')]\n"
        "print(status.split()[1])"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", report], capture_output=True, text=True, check=True
    )
    return int(done.stdout) / 1024


async def _idle_percent(terminal: PtyTerminal) -> float:
    """Return the part of one processor that a menu takes on which nothing happens."""
    before, began = _processor_s(terminal), time.monotonic()
    await asyncio.sleep(IDLE_S)
    return (_processor_s(terminal) - before) / (time.monotonic() - began) * 100


def _processor_s(terminal: PtyTerminal) -> float:
    """Return the processor time of a process, from the scheduler in nanoseconds (not in ticks)."""
    assert terminal.process is not None
    tasks = Path(f"/proc/{terminal.process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _rss_mb(terminal: PtyTerminal) -> float:
    assert terminal.process is not None
    text = Path(f"/proc/{terminal.process.pid}/status").read_text()
    (kilobytes,) = re.findall(r"VmRSS:\s+(\d+) kB", text)
    return int(kilobytes) / 1024
