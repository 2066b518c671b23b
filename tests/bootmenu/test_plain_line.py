"""The plain face on a real pty."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from bootd.protocol.messages import OptionChanged, OptionRemoved, Snapshot, Status, StatusChanged
from tests.support.menu_views import SDA1, option, twenty
from tests.support.pty_terminal import ROOT, PtyTerminal, menu_on_pty
from tests.support.scripted_daemon import ScriptedDaemon, scripted_daemon


@asynccontextmanager
async def plain(
    path: Path, *arguments: str, term: str = "dumb", snapshot: Snapshot | None = None
) -> AsyncIterator[tuple[PtyTerminal, ScriptedDaemon]]:
    """Run the menu on a terminal that cannot take a screen and wait for the list."""
    socket = str(path / "s")
    async with (
        scripted_daemon(socket, snapshot=snapshot or twenty()) as daemon,
        menu_on_pty("--socket", socket, "--console", "ttyS0", *arguments, term=term) as terminal,
    ):
        await terminal.shows("? for help.")
        await terminal.shows("1) tree: merged: board.dtb + 14 live facts")
        await terminal.quiet()
        yield terminal, daemon


def status(seconds: int | None = None, **changes: str) -> StatusChanged:
    return StatusChanged(status=replace(twenty().status, seconds_left=seconds, **changes))  # type: ignore[arg-type] # text fields only


async def test_a_dumb_terminal_gets_numbered_lines_and_no_escape(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, _):
        assert "   20) Debian GNU/Linux 12 (bookworm) 20 (6.1.0-20-arm64)" in terminal.text()
        assert b"\x1b" not in terminal.received
        assert terminal.received.endswith(b"> ")
        assert len(terminal.received) <= 1500


async def test_a_number_boots_its_option(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        terminal.send(b"7\n")
        await terminal.shows("Loaded with dry_run")
        boots = [call for name, call in daemon.calls if name == "Boot"]
        assert [(call["id"], call["by"]) for call in boots] == [("bls:sda1:7", "console ttyS0")]


async def test_a_failed_boot_is_told_as_an_error(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        daemon.refusal = "The kernel is for x86_64."
        terminal.send(b"7\n")
        await terminal.shows("Error: The kernel is for x86_64.")


async def test_the_first_key_stops_the_countdown_without_enter(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        daemon.send(status(10))
        await terminal.shows("Booting in 10 s")
        terminal.send(b"1")
        await terminal.until(lambda: "Cancel" in daemon.names())
        daemon.send(status(None, countdown_stopped_by="console ttyS0"))
        await terminal.shows("Countdown stopped by console ttyS0.")
        terminal.send(b"2\n")  # what was typed before counts
        await terminal.until(lambda: "Boot" in daemon.names())
        assert next(call["id"] for name, call in daemon.calls if name == "Boot") == "bls:sda1:12"


async def test_the_countdown_is_told_at_few_seconds_only(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        for seconds in range(12, 0, -1):
            daemon.send(status(seconds))
        await terminal.quiet()
        told = [int(line.split()[2]) for line in terminal.text().split("\n") if "Booting" in line]
        assert told == [12, 10, 5, 3, 2, 1]


async def test_an_edited_command_line_is_booted(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        terminal.send(b"e 7\n")
        await terminal.shows("3 cmdline: root=UUID=5a0c-0007 ro")
        terminal.send(b"e 7 3 root=/dev/vda1 single\n")
        await terminal.shows("*  3 cmdline: root=/dev/vda1 single  (was: root=UUID=5a0c-0007")
        terminal.send(b"b 7\n")
        await terminal.until(lambda: "Boot" in daemon.names())
        (boot,) = [call for name, call in daemon.calls if name == "Boot"]
        assert isinstance(boot["overrides"], dict)
        assert boot["overrides"]["options"] == "root=/dev/vda1 single"


async def test_an_edit_is_taken_back(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, _):
        terminal.send(b"e 7 3 single\n")
        await terminal.shows("(bookworm) 7 (6.1.0-7-arm64): changed")
        terminal.send(b"e 7 undo\n")
        await terminal.shows("(bookworm) 7 (6.1.0-7-arm64): unchanged")
        terminal.send(b"e 7 99 x\n")
        await terminal.shows("There is no such line")


async def test_the_tree_is_told_in_lines_with_origins(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        terminal.send(b"d 7 /cpus\n")
        await terminal.shows('serial-number = "42"  [live (serial): only the firmware knows it]')
        terminal.send(b"d 7 find uart\n")
        await terminal.shows('with "uart"')
        asked = [call for name, call in daemon.calls if name == "BrowseTree"]
        assert [(call["path"], call["find"]) for call in asked] == [("/cpus", ""), ("/", "uart")]


async def test_settings_timeout_filter_and_a_new_option_have_commands(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        terminal.send(b"c\n")
        await terminal.shows("/etc/bootd.conf:2")
        terminal.send(b"t 30\n")
        await terminal.until(lambda: "SetTimeout" in daemon.names())
        terminal.send(b"/ 6.1.0-13-\n")
        await terminal.shows("Only options with '6.1.0-13-'")
        terminal.send(b"n sda1\n")
        await terminal.shows("+ 21) a new option")
        terminal.send(b"e 21 1 /vmlinuz.old\n")
        await terminal.shows("*  1 kernel: /vmlinuz.old")
        terminal.send(b"21\n")
        await terminal.until(lambda: "Boot" in daemon.names())
        (boot,) = [call for name, call in daemon.calls if name == "Boot"]
        assert boot["id"] == "manual:sda1"


async def test_the_running_tree_is_taken_by_its_own_command(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        terminal.send(b"running\n")
        await terminal.shows("Say which option: running NUMBER.")
        terminal.send(b"running 2\n")
        await terminal.until(lambda: "Boot" in daemon.names())
        (boot,) = [call for name, call in daemon.calls if name == "Boot"]
        overrides = boot["overrides"]
        assert isinstance(overrides, dict)
        assert overrides["devicetreeMode"] == "running"


async def test_a_shell_is_asked_for_on_this_console(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        terminal.send(b"!\n")
        await terminal.until(lambda: "OpenShell" in daemon.names())
        (asked,) = [call for name, call in daemon.calls if name == "OpenShell"]
        assert asked["console"] == "ttyS0"


async def test_what_was_told_needs_no_key_before_q(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, _):
        terminal.send(b"7\n")
        await terminal.shows("Loaded with dry_run")
        terminal.send(b"q\n")
        assert terminal.process is not None
        async with asyncio.timeout(5):
            assert await terminal.process.wait() == 0


async def test_what_is_for_later_boots_has_commands(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        for command in (b"default 7\n", b"once 8\n", b"default -\n", b"c 2 30\n", b"c 4 9\n"):
            terminal.send(command)
            await terminal.quiet(0.1)
        terminal.send(b"e 2 3 single\n")
        await terminal.shows("changed")
        terminal.send(b"save 2 one\n")
        await terminal.until(lambda: "SaveOverrides" in daemon.names())
        made = [(n, call) for n, call in daemon.calls if n not in {"Subscribe", "Explain"}]
        told = [(name, call.get("id", call.get("timeoutSeconds"))) for name, call in made]
        assert told == [
            ("SetDefault", "bls:sda1:7"),
            ("SetOneShot", "bls:sda1:8"),
            ("SetDefault", ""),
            ("Configure", 30),
            ("SetDefault", "bls:sda1:9"),
            ("SaveOverrides", "bls:sda1:2"),
        ]
        for command, words in {
            b"forget 2\n": "Say which option that somebody saved",
            b"once x\n": "Say which option: once NUMBER",
            b"default\n": "Say which option: default NUMBER",
            b"save\n": "save NUMBER NAME",
            b"c 9 x\n": "There is no such line; c lists them.",
            b"c 2 soon\n": "Type seconds (at most 86400)",
        }.items():
            terminal.send(command)
            await terminal.shows(words)


async def test_why_a_device_shows_nothing_is_told(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        terminal.send(b"w sda1\n")
        await terminal.shows("   bls           12 options in /loader")
        await terminal.shows("   grub          no boot option in /boot/grub/grub.cfg")
        await terminal.shows("   not there     1 other place(s)")
        terminal.send(b"w nothing\n")
        await terminal.shows("Say of which device: w sda1|mmcblk0p2; w alone tells all.")
        daemon.refusal = "mmcblk0p2 cannot be looked at: it does not answer."
        terminal.send(b"w\n")
        words = "not looked at mmcblk0p2 cannot be looked at: it does not answer."
        await terminal.until(lambda: terminal.text().count(words) == 2)
        asked = [call["device"] for name, call in daemon.calls if name == "InspectDevice"]
        assert asked == ["sda1", "sda1", "mmcblk0p2"]


async def test_a_restart_is_asked_for_twice(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        terminal.send(b"reboot\n")
        await terminal.shows("again to restart this machine")
        assert "Leave" not in daemon.names()
        terminal.send(b"reboot\n")
        await terminal.until(lambda: "Leave" in daemon.names())


async def test_noise_with_a_number_in_it_boots_nothing(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        terminal.send(b"\xff\xfe\x00\r7\r")
        await terminal.shows("the line is noisy")
        assert "Boot" not in daemon.names()


async def test_devices_that_come_and_go_are_a_line_each(tmp_path: Path) -> None:
    async with plain(tmp_path) as (terminal, daemon):
        daemon.send(OptionChanged(option=option(99, title="New", version=""), position=0))
        await terminal.shows("+  21) New")
        daemon.send(OptionRemoved(id="bls:sda1:99"))
        await terminal.shows("- 21) New is gone")


async def test_each_command_answers(tmp_path: Path) -> None:
    commands = {
        b"?\n": "list the boot options again",
        b"log\n": "Nothing has happened yet.",
        b"i 3\n": "/vmlinuz-6.1.0-3-arm64 on sda1",
        b"l\n": "   20) Debian",
        b"frobnicate\n": "No such command; ? for help.",
        b"77\n": "There is no option with this number.",
        b"i 77\n": "This machine",
    }
    async with plain(tmp_path) as (terminal, daemon):
        for command, words in commands.items():
            start = len(terminal.received)
            terminal.send(command)
            await terminal.until(lambda s=start, w=words: w.encode() in terminal.received[s:])  # type: ignore[misc] # defaults bind the loop's values
        terminal.send(b"r\n")
        await terminal.until(lambda: "Rescan" in daemon.names())
        terminal.send(b"s\n")
        await terminal.until(lambda: "Cancel" in daemon.names())


async def test_q_and_ctrl_d_and_ctrl_c_leave(tmp_path: Path) -> None:
    for key in (b"q\n", b"\x04", b"\x03"):
        place = tmp_path / key.hex()
        place.mkdir()
        async with plain(place) as (terminal, _):
            terminal.send(key)
            assert terminal.process is not None
            async with asyncio.timeout(5):
                assert await terminal.process.wait() == 0


async def test_a_hang_up_ends_the_plain_face(tmp_path: Path) -> None:
    socket = str(tmp_path / "s")
    async with (
        scripted_daemon(socket, snapshot=twenty()),
        menu_on_pty("--socket", socket, term="dumb", controlling=False) as terminal,
    ):
        await terminal.shows("? for help.")
        terminal.close()
        assert terminal.process is not None
        async with asyncio.timeout(5):
            await terminal.process.wait()


async def test_a_silent_terminal_gets_lines_and_a_screen_once_it_answers(tmp_path: Path) -> None:
    socket = str(tmp_path / "s")
    async with (
        scripted_daemon(socket, snapshot=twenty()) as daemon,
        menu_on_pty("--socket", socket, answers=False) as terminal,
    ):
        await terminal.shows("   20) Debian")
        daemon.snapshot = replace(twenty(), status=replace(twenty().status, seconds_left=9))
        terminal.answers = True
        terminal.send(b"x")
        await terminal.shows("Enter boot  i info")
        await terminal.until(lambda: "Cancel" in daemon.names())


async def test_plain_is_plain_on_any_terminal(tmp_path: Path) -> None:
    async with plain(tmp_path, "--ui=plain", term="xterm-256color") as (terminal, _):
        terminal.send(b"l\n")
        await terminal.quiet()
        assert b"\x1b" not in terminal.received


async def test_hostile_text_reaches_the_terminal_as_visible_escapes(tmp_path: Path) -> None:
    bad = replace(option(1), title="\x1b[2J\x9b31m\u202e[red]x", options="\x1bc")
    snapshot = Snapshot(devices=(SDA1,), options=(bad,), status=Status(board="\x07"))
    async with plain(tmp_path, snapshot=snapshot) as (terminal, _):
        terminal.send(b"i 1\n")
        await terminal.shows("cmdline      \\x1bc")
        assert "\\x1b[2J\\x9b31m\\u202e[red]x" in terminal.text()
        text = terminal.received.decode().replace("\r", "").replace("\n", "")
        assert text.isprintable()


async def test_commands_from_a_pipe_work_and_its_end_ends_the_menu(tmp_path: Path) -> None:
    socket = str(tmp_path / "s")
    async with scripted_daemon(socket, snapshot=twenty()):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bootmenu", "--socket", socket, "--ui=plain"),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd="/",
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/ui"},
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        async with asyncio.timeout(10):
            await process.stdout.readuntil(b"  20) Debian")
            process.stdin.write(b"?\n")
            await process.stdout.readuntil(b"list the boot options again")
            process.stdin.close()
            assert await process.wait() == 0
