"""The screen on a real daemon whose devices are directories."""

from pathlib import Path

from tests.support.daemon import BLS, EXTLINUX, running_daemon
from tests.support.pty_terminal import menu_on_pty


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
