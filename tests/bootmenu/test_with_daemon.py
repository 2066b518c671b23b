"""The screen on a real daemon whose devices are directories."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from bootd.client import Client
from tests.support.daemon import BLS, EXTLINUX, arm64_image, running_daemon
from tests.support.pty_terminal import menu_on_pty

BODIES = (
    "\x1b[2J",
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\x1b]8;;http://x\x1b\\\\link",
    "\x1bP1$r\x1b\\\\",
    "\x9b2J",
    "\x9d0;x\x9c",
    "\x07\x08\x0b\x0c\x7f",
    "\u202eevil\u202c",
    "\u2066iso\u2069",
    "ze\u200bro\u200d\ufeff",
    "\u0301\u0301\u0301combining",
    "[red]rich[/red]",
    "[@click=app.quit]quit[/]",
    "[/]unbalanced]]",
    "x" * 10_000,
)
HOSTILE = tuple(
    f"{before}{body}{after}"
    for body in BODIES
    for before, after in (("", ""), ("Linux ", ""), ("", " 6.1"), ("a\tb ", "\x1b"))
)
"""64 titles; without newlines, since a line of a configuration file ends there."""

OWN = re.compile(
    r"\x1b(?:[78]|\[\d+;\d+H|\[(?:0|1|2|7)?m|\[K|\[6n|\[\d*[A-D]|\[\?(?:1049|25|7)[hl])|\r|\n"
)
"""Everything that the menu itself sends beside text."""


KEYS = {
    "tui": (
        *[b"j"] * 70,
        b"e",
        b"\x1b",
        b"d",
        b"\x1b",
        b"i",
        b"\x1b",
        b"l",
        b"\x1b",
        b"w",
        b"\x1b",
        b"o",
        b"c",
    ),
    "plain": (b"i 5\n", b"e 9\n", b"d 3\n", b"l\n", b"log\n", b"w\n", b"once 5\n", b"c\n"),
}


def hostile_disk() -> dict[str, str | bytes]:
    entries = "".join(
        f"LABEL l{n}\n MENU LABEL {title}\n LINUX /k\n APPEND {title}\n"
        for n, title in enumerate(HOSTILE)
    )
    return {"extlinux/extlinux.conf": entries, "k": arm64_image()}


@pytest.mark.parametrize("face", ["tui", "plain"])
async def test_no_title_of_a_disk_steers_a_terminal(tmp_path: Path, face: str) -> None:
    assert len(HOSTILE) == 64
    with running_daemon(tmp_path / "machine") as daemon:
        daemon.plug("sda1", hostile_disk())
        async with menu_on_pty("--socket", daemon.socket, "--ui", face) as terminal:
            await terminal.shows("Linux")
            await terminal.quiet(0.5)
            for key in KEYS[face]:
                terminal.send(key)
                await terminal.quiet(0.15 if key != b"j" else 0.02)
            text = OWN.sub("", terminal.received.decode())
            assert text.isprintable()
            assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]", text)
            assert terminal.process is not None
            assert terminal.process.returncode is None


async def test_a_menu_that_is_killed_a_hundred_times_does_not_touch_the_daemon(
    tmp_path: Path,
) -> None:
    with running_daemon(tmp_path / "machine", settings="Timeout=600") as daemon:
        daemon.plug("sda1", EXTLINUX)

        async def live_and_die(ui: str) -> None:
            async with menu_on_pty("--socket", daemon.socket, "--ui", ui) as terminal:
                await terminal.shows("Debian GNU/Linux 12", 60)
                assert terminal.process is not None
                os.kill(terminal.process.pid, signal.SIGSEGV)
                assert await terminal.process.wait() == -signal.SIGSEGV

        for number in range(20):
            async with asyncio.TaskGroup() as tasks:
                for ui in ("plain", "plain", "plain", "plain", "plain" if number % 5 else "tui"):
                    tasks.create_task(live_and_die(ui))
        async with await Client.connect(daemon.socket) as client:
            status = await client.describe()
            assert len(await client.list_options()) == 2
        assert status.seconds_left is not None
        assert "Traceback" not in daemon.output()


async def test_a_machine_is_shown_changes_live_and_boots(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "machine", settings="Timeout=60") as daemon:
        daemon.plug("mmcblk0p2", EXTLINUX)
        async with menu_on_pty("--socket", daemon.socket, "--console", "ttyAMA0") as terminal:
            await terminal.shows(" > * Debian GNU/Linux 12 (bookworm)")
            await terminal.shows("waits for kernel /boot/vmlinuz")
            await terminal.shows("Booting in ")
            terminal.send(b"x")
            await terminal.shows("Countdown stopped by console ttyAMA0.")
            daemon.plug("sda1", BLS)
            await terminal.shows("Fedora Linux 41 (Forty One)")
            assert terminal.is_reversed(terminal.line_with("Debian GNU/Linux 12 (bookworm)"))
            daemon.unplug("sda1")
            await terminal.until(lambda: "Fedora" not in terminal.text())
            terminal.send(b"\r")
            await terminal.shows("Nothing is started: this")


async def test_a_disk_without_options_says_what_was_looked_at(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "machine") as daemon:
        daemon.plug("sda1", EXTLINUX)
        daemon.plug("sdb1", {"boot/grub/grub.cfg": "set timeout=1\n", "home/notes": "x"})
        async with menu_on_pty("--socket", daemon.socket) as terminal:
            await terminal.shows("Debian GNU/Linux 12")
            await terminal.shows(" sdb1")
            terminal.send(b"w")
            await terminal.shows("   grub          no boot option in /boot/grub/grub.cfg")
            await terminal.shows("   not there     /loader, /boot/loader")
            terminal.send(b" ")
            await terminal.shows("   extlinux      2 options in /boot/extlinux/extlinux.conf")


async def test_changes_saved_on_one_console_are_an_option_on_every_console(
    tmp_path: Path,
) -> None:
    with running_daemon(tmp_path / "machine") as daemon:
        daemon.plug("sda1", EXTLINUX)
        start = ("--socket", daemon.socket, "--console")
        async with (
            menu_on_pty(*start, "ttyAMA0") as serial,
            menu_on_pty(*start, "ttyGS0", "--ui", "plain") as gadget,
        ):
            for terminal in (serial, gadget):
                await terminal.shows("Debian GNU/Linux 12")
            await serial.shows("choices not persisted")
            serial.send(b"e")
            await serial.shows("nothing is changed")
            for key in (b"jjj\r", b" debug", b"\r"):
                serial.send(key)
                await serial.quiet(0.3)
            await serial.shows("was: root=UUID=0a3407de")
            serial.send(b"s")
            await serial.shows("Save as:")
            serial.send(b"noisy\r")
            await serial.shows("Debian GNU/Linux 12 (bookworm) (noisy)")
            await gadget.shows("3) Debian GNU/Linux 12 (bookworm) (noisy)")
            gadget.send(b"e 3\n")
            await gadget.shows("saved changes")
            await gadget.shows("ro quiet debug  (w")
            gadget.send(b"once 3\n")
            await serial.shows("(noisy) (boots once)")
            gadget.send(b"c 2 45\n")
            await gadget.shows("Settings changed by console ttyGS0")
            gadget.send(b"forget 3\n")
            await serial.until(lambda: "(noisy)" not in serial.text().split("-----")[0])


async def test_two_consoles_see_the_same_and_say_who_acted(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "machine", settings="Timeout=600") as daemon:
        daemon.plug("sda1", EXTLINUX)
        start = ("--socket", daemon.socket, "--console")
        async with (
            menu_on_pty(*start, "ttyAMA0") as serial,
            menu_on_pty(*start, "ttyGS0", "--ui", "plain") as gadget,
        ):
            for terminal in (serial, gadget):
                await terminal.shows("Booting in")
            serial.send(b"j")
            for terminal in (serial, gadget):
                await terminal.shows("Countdown stopped by console ttyAMA0")
            gadget.send(b"t 500\n")
            await serial.shows("Booting in 4")
            gadget.send(b"e 1 4 ro edited=there\n")
            await gadget.shows("(was: root=UUID=0a3407de")
            gadget.send(b"1\n")
            for terminal in (serial, gadget):
                await terminal.shows("Dry run: Debian GNU/Linux 12")
