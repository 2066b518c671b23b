"""The screen on a real pty with the real driver: bytes on the line, odd terminals, lost ones."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bootd.protocol.messages import (
    DeviceView,
    OptionChanged,
    OptionRemoved,
    Snapshot,
    Status,
    StatusChanged,
)
from tests.support.menu_views import SDA1, option, twenty
from tests.support.pty_terminal import PtyTerminal, menu_on_pty
from tests.support.scripted_daemon import ScriptedDaemon, scripted_daemon

OWN_SEQUENCES = re.compile(
    rb"\x1b(?:[78]|\[\d+;\d+H|\[(?:0|1|2|7)?m|\[K|\[6n|\[\?(?:1049|25|7)[hl])|\r|\n"
)
"""Everything that the menu itself sends beside text."""


@asynccontextmanager
async def menu(
    path: Path, *, snapshot: Snapshot | None = None, term: str = "vt220"
) -> AsyncIterator[tuple[PtyTerminal, ScriptedDaemon]]:
    """Run the menu on a daemon and wait for its first screen."""
    socket = str(path / "s")
    async with (
        scripted_daemon(socket, snapshot=snapshot or twenty()) as daemon,
        menu_on_pty("--socket", socket, "--console", "ttyAMA0", term=term) as terminal,
    ):
        await terminal.shows("Enter boot  i info")
        await terminal.shows("tree:    merged")
        await terminal.quiet()
        yield terminal, daemon


def resident_kb(pid: int) -> int:
    (line,) = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(line)


def counting(seconds: int) -> StatusChanged:
    return StatusChanged(status=replace(twenty().status, seconds_left=seconds))


@pytest.mark.parametrize("term", ["vt220", "linux"])
async def test_the_line_carries_few_bytes(tmp_path: Path, term: str) -> None:
    async with menu(tmp_path, term=term) as (terminal, daemon):
        first = len(terminal.received)
        key = await terminal.bytes_of(lambda: terminal.send(b"\x1b[B"))
        daemon.send(counting(10))
        await terminal.quiet(0.5)
        tick = await terminal.bytes_of(lambda: daemon.send(counting(9)))
        assert "Booting in  9 s" in terminal.text()
        assert first <= 5000
        assert 0 < len(key) <= 250
        assert 0 < len(tick) <= 60


async def test_the_pane_follows_with_few_bytes_when_the_cursor_rests(tmp_path: Path) -> None:
    async with menu(tmp_path) as (terminal, _):
        both = await terminal.bytes_of(lambda: terminal.send(b"j"), seconds=0.8)
        assert "cmdline: root=UUID=5a0c-0002" in terminal.text()
        assert len(both) <= 400


async def test_the_screen_starts_soon_and_stays_small(tmp_path: Path) -> None:
    async with menu(tmp_path):
        pass  # the second start finds everything cached
    socket = str(tmp_path / "s")
    async with scripted_daemon(socket, snapshot=twenty()):
        begun = time.monotonic()
        async with menu_on_pty("--socket", socket) as terminal:
            await terminal.shows("Enter boot")
            assert terminal.process is not None
            assert resident_kb(terminal.process.pid) <= 36 * 1024
            assert terminal.first_byte_at - begun <= 0.5


async def test_nothing_but_plain_ascii_and_known_sequences_is_sent(tmp_path: Path) -> None:
    async with menu(tmp_path) as (terminal, _):
        for key in (b"j", b"i", b"i", b"?", b"\x1b", b"l", b"l", b"q"):
            terminal.send(key)
            await terminal.quiet()
        text = OWN_SEQUENCES.sub(b"", terminal.received)
        assert all(32 <= byte <= 126 for byte in text)


async def test_an_edited_command_line_is_booted(tmp_path: Path) -> None:
    async with menu(tmp_path) as (terminal, daemon):
        for keys, words in (
            (b"e", "Edit Debian GNU/Linux 12 (bookworm) 1"),
            (b"\x1b[B\x1b[B\r", "Enter take over"),
            (b"\x15single ro\r", "was: root=UUID=5a0c-0001 ro"),
        ):
            terminal.send(keys)
            await terminal.shows(words)
        terminal.send(b"b")
        await terminal.until(lambda: "Boot" in daemon.names())
        (boot,) = [call for name, call in daemon.calls if name == "Boot"]
        assert isinstance(boot["overrides"], dict)
        assert boot["overrides"]["options"] == "single ro"


async def test_the_tree_page_moves_with_few_bytes(tmp_path: Path) -> None:
    async with menu(tmp_path) as (terminal, _):
        terminal.send(b"d")
        await terminal.shows('+ serial-number = "42" [live]')
        moved = await terminal.bytes_of(lambda: terminal.send(b"j"))
        assert "live (serial): only the firmware knows it" in terminal.text()
        assert len(moved) <= 600
        terminal.send(b"jj\r")
        await terminal.shows("Device tree /cpus")


async def test_noise_with_a_carriage_return_boots_nothing(tmp_path: Path) -> None:
    async with menu(tmp_path) as (terminal, daemon):
        terminal.send(b"jj")
        await terminal.quiet()
        terminal.send(b"\xff\x00\xfe\x81\r")
        await terminal.shows("Not booted: the line is noisy")
        assert "Boot" not in daemon.names()


async def test_keys_of_the_table_work_on_the_line(tmp_path: Path) -> None:
    async with menu(tmp_path) as (terminal, daemon):
        keys = {
            b"j": " >   Debian GNU/Linux 12 (bookworm) 2",
            b"\x1b[B": " >   Debian GNU/Linux 12 (bookworm) 3",
            b"\x1b[6~": " >   Debian GNU/Linux 12 (bookworm) 18",
            b"\x1b[4~": " >   Debian GNU/Linux 12 (bookworm) 20",
            b"k": " >   Debian GNU/Linux 12 (bookworm) 19",
            b"\x1b[1~": " > * Debian GNU/Linux 12 (bookworm) 1",
            b"?": "go to the option above",
            b"\x1b": "Enter boot  i info",
            b"l": "Nothing has happened yet.",
        }
        for key, words in keys.items():
            terminal.send(key)
            await terminal.shows(words)
        terminal.send(b"q")
        await terminal.shows("Enter boot")
        terminal.send(b"r")
        await terminal.until(lambda: "Rescan" in daemon.names())
        terminal.send(b"\r")
        await terminal.shows("Loaded with dry_run (merged: board.dtb + 14 live facts).")
        assert [call["by"] for name, call in daemon.calls if name == "Boot"] == ["console ttyAMA0"]


async def test_a_failed_boot_stays_readable_until_a_key(tmp_path: Path) -> None:
    async with menu(tmp_path) as (terminal, daemon):
        daemon.refusal = "Cannot boot: /vmlinuz of sda1 is a kernel for x86_64."
        terminal.send(b"\r")
        await terminal.shows("Error: Cannot boot: /vmlinuz of sda1 is a kernel for x86_64.")
        daemon.send(OptionChanged(option=option(99), position=0))
        await terminal.quiet()
        assert "Error: Cannot boot" in terminal.text()
        terminal.send(b"\x1b")
        await terminal.until(lambda: "Error:" not in terminal.text())


async def test_a_key_stops_the_countdown_and_says_who(tmp_path: Path) -> None:
    async with menu(tmp_path) as (terminal, daemon):
        daemon.send(counting(8))
        await terminal.shows("Booting in  8 s")
        terminal.send(b"j")
        await terminal.until(lambda: "Cancel" in daemon.names())
        by = [call["by"] for name, call in daemon.calls if name == "Cancel"]
        assert by == ["console ttyAMA0"]


async def test_hot_plugging_keeps_the_cursor_on_its_option(tmp_path: Path) -> None:
    async with menu(tmp_path) as (terminal, daemon):
        terminal.send(b"jj")
        await terminal.shows(" >   Debian GNU/Linux 12 (bookworm) 3")
        daemon.send(OptionChanged(option=option(98, title="New above"), position=0))
        daemon.send(OptionRemoved(id="bls:sda1:1"))
        await terminal.shows("New above")
        await terminal.quiet()
        row = terminal.line_with(" >   Debian GNU/Linux 12 (bookworm) 3")
        assert terminal.is_reversed(row)


async def test_a_terminal_of_0x0_that_answers_gets_its_real_size(tmp_path: Path) -> None:
    socket = str(tmp_path / "s")
    async with (
        scripted_daemon(socket, snapshot=twenty()),
        menu_on_pty("--socket", socket, size=(100, 40)) as terminal,
    ):
        await terminal.shows("bookworm) 20")
        assert terminal.line_with("Enter boot") == 39
        assert terminal.line_with("bookworm) 20") < 30


async def test_a_window_that_grows_is_filled(tmp_path: Path) -> None:
    async with menu(tmp_path) as (terminal, _):
        terminal.resize(90, 34)
        await terminal.shows("bookworm) 20")
        assert terminal.line_with("Enter boot") == 33


async def test_a_forced_screen_on_a_silent_terminal_has_80_by_24(tmp_path: Path) -> None:
    socket = str(tmp_path / "s")
    async with (
        scripted_daemon(socket, snapshot=twenty()),
        menu_on_pty("--socket", socket, "--ui=tui", answers=False) as terminal,
    ):
        await terminal.shows("Enter boot")
        assert terminal.line_with("Enter boot") == 23


async def test_a_frozen_size_in_the_environment_is_ignored(tmp_path: Path) -> None:
    socket = str(tmp_path / "s")
    environment = {"LINES": "10", "COLUMNS": "30"}
    async with (
        scripted_daemon(socket, snapshot=twenty()),
        menu_on_pty("--socket", socket, environment=environment) as terminal,
    ):
        await terminal.shows("Enter boot")
        assert terminal.line_with("Enter boot") == 23


@pytest.mark.parametrize("controlling", [True, False])
async def test_a_hang_up_ends_the_menu(tmp_path: Path, *, controlling: bool) -> None:
    socket = str(tmp_path / "s")
    async with (
        scripted_daemon(socket, snapshot=twenty()),
        menu_on_pty("--socket", socket, controlling=controlling) as terminal,
    ):
        await terminal.shows("Enter boot")
        terminal.close()
        assert terminal.process is not None
        async with asyncio.timeout(3):
            await terminal.process.wait()


async def test_leaving_gives_the_terminal_back(tmp_path: Path) -> None:
    async with menu(tmp_path) as (terminal, _):
        terminal.send(b"q")
        assert terminal.process is not None
        async with asyncio.timeout(5):
            assert await terminal.process.wait() == 0
        await terminal.quiet(0.1)
        assert terminal.received.endswith(b"\x1b[?7h\x1b[?1049l\x1b[?25h")


async def test_a_stop_of_the_service_gives_the_terminal_back(tmp_path: Path) -> None:
    async with menu(tmp_path) as (terminal, _):
        assert terminal.process is not None
        terminal.process.terminate()
        async with asyncio.timeout(5):
            assert await terminal.process.wait() == 0
        await terminal.quiet(0.1)
        assert terminal.received.endswith(b"\x1b[?1049l\x1b[?25h")


async def test_the_first_frame_is_sent_once(tmp_path: Path) -> None:
    socket = str(tmp_path / "s")
    async with (
        scripted_daemon(socket, snapshot=twenty()),
        menu_on_pty("--socket", socket) as terminal,
    ):
        await terminal.shows("tree:    merged")
        await terminal.quiet()
        assert terminal.received.count(b"(bookworm) 14 (6.1.0-14-arm64)") == 1


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"COLORTERM": "truecolor"}])
async def test_no_colour_is_sent_whatever_the_environment_says(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    socket = str(tmp_path / "s")
    async with (
        scripted_daemon(socket, snapshot=twenty()),
        menu_on_pty("--socket", socket, term="linux", environment=variables) as terminal,
    ):
        await terminal.shows("tree:    merged")
        terminal.send(b"e")
        await terminal.shows("nothing is changed")
        tones = set(re.findall(rb"\x1b\[([\d;]*)m", terminal.received))
        assert tones <= {b"", b"0", b"1", b"2", b"7", b"1;7"}
        assert b"7" in tones


async def test_ctrl_l_draws_a_spoiled_screen_again(tmp_path: Path) -> None:
    async with menu(tmp_path) as (terminal, _):
        terminal.spoil(b"\x1b[5;1Hkernel: nvme0: timeout")
        assert "kernel: nvme0" in terminal.text()
        terminal.send(b"\x0c")
        await terminal.until(lambda: "kernel: nvme0" not in terminal.text())


async def test_a_daemon_that_comes_late_or_again_is_found(tmp_path: Path) -> None:
    socket = str(tmp_path / "s")
    async with menu_on_pty("--socket", socket) as terminal:
        await terminal.shows("bootd is not running")
        async with scripted_daemon(socket, snapshot=twenty()) as daemon:
            await terminal.shows("Debian GNU/Linux 12 (bookworm) 1")
            terminal.send(b"j")
            await terminal.shows(" >   Debian GNU/Linux 12 (bookworm) 2")
            daemon.hang_up()
            await terminal.shows("Trying again.")
            await terminal.until(lambda: "Trying again." not in terminal.text())
            assert " >   Debian GNU/Linux 12 (bookworm) 2" in terminal.text()


async def test_five_hundred_options_cost_a_key_no_more_than_twenty(tmp_path: Path) -> None:
    options = tuple(option(number) for number in range(1, 501))
    many = Snapshot(devices=(SDA1,), options=options, status=Status())
    async with menu(tmp_path, snapshot=many) as (terminal, _):
        begun = time.monotonic()
        key = await terminal.bytes_of(lambda: terminal.send(b"j"), seconds=0.15)
        assert 0 < len(key) <= 250
        assert time.monotonic() - begun < 0.4
        terminal.send(b"G")
        await terminal.shows(" >   Debian GNU/Linux 12 (bookworm) 500")


PAYLOADS = (
    "\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\x1bP1$q\x1b\\", "\x9b2J", "\x90x\x9c",
    "\x07\x08\x7f", "a\r\nb\tc\x0b\x0c", "\u202eexe.gnp", "\u2066x\u2069", "\u2028line",
    "zero\u200bwidth\ufeff", "[red]x[/red]", "[@click=app.quit]x[/]", "[/nothing", "{x} %s \\n",
    "\ud800lone", "x" * 10_000, "\x1b[?1049l", "\x1b[6n", "\x1bc", "\x00nul", "é\u0301\u0301",
    "日本語" * 60, "\U000e0041tags",
)  # fmt: skip


async def test_no_byte_of_a_hostile_text_steers_the_terminal(tmp_path: Path) -> None:
    options = tuple(
        replace(option(n), title=text, options=text, submenu=(text,), source=text, notes=(text,))
        for n, text in enumerate(PAYLOADS)
    )
    device = DeviceView(name="sda1", label=PAYLOADS[0], model=PAYLOADS[1])
    status = Status(board=PAYLOADS[2], message=PAYLOADS[3])
    snapshot = Snapshot(devices=(device,), options=options, status=status)
    socket = str(tmp_path / "s")
    async with (
        scripted_daemon(socket, snapshot=snapshot),
        menu_on_pty("--socket", socket) as terminal,
    ):
        await terminal.shows("Enter boot")
        for _ in PAYLOADS:
            terminal.send(b"j")
            await terminal.quiet(0.05)
        for key in (b"\x1b[1~", b"i", b"l", b"l"):
            terminal.send(key)
            await terminal.quiet()
        text = OWN_SEQUENCES.sub(b"", terminal.received).decode()
        assert text.isprintable()
        assert terminal.process is not None
        assert terminal.process.returncode is None
        assert "[@click=app.quit]" in text


async def test_noise_on_the_line_does_not_end_the_menu(tmp_path: Path) -> None:
    noise = bytes(byte for byte in os.urandom(20_000) if byte not in b"q\x03\r\n")
    async with menu(tmp_path) as (terminal, _):
        for start in range(0, len(noise), 500):
            terminal.send(noise[start : start + 500])
            await asyncio.sleep(0.005)
        await terminal.quiet(0.5)
        assert terminal.process is not None
        assert terminal.process.returncode is None
