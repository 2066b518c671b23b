"""A real bootd process on a directory that plays the machine; and trees to put in it."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

START_S = 15.0
STOP_S = 10.0


@dataclass(kw_only=True)
class Daemon:
    """A running daemon.

    Attributes:
        machine: Its sub-directories are the devices; write there to hot-plug.
        socket: For `Client.connect`.
        log: File with everything that the daemon printed.
    """

    machine: Path
    socket: str
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    def plug(self, name: str, files: Mapping[str, str | bytes]) -> Path:
        """Add a device: written beside the machine first, so that it appears whole."""
        place = self.machine / f".{name}.new"
        write_tree(place, files)
        return place.rename(self.machine / name)

    def unplug(self, name: str) -> None:
        """Take a device away in one step; its files stay in a hidden directory."""
        (self.machine / name).rename(self.machine / f".{name}.{time.monotonic_ns()}")

    def output(self) -> str:
        """Return what the daemon has printed so far."""
        return self.log.read_text()

    def stop(self) -> int:
        """End it as systemd would and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_S)
            raise


BOARD: Mapping[str, object] = {
    "architecture": "aarch64",
    "model": "Radxa ROCK 5B",
    "compatible": ["radxa,rock-5b", "rockchip,rk3588"],
    "kernel": "6.1.0-18-arm64",
    "memoryBytes": 8 << 30,
    "kexecLoad": True,
}
"""What the played machine says about itself; members of `bootd.model.machine.Machine`."""


@contextmanager
def running_daemon(
    machine: Path,
    *arguments: str,
    settings: str = "Timeout=never",
    socket_path: str | None = None,
    environment: Mapping[str, str] | None = None,
    board: Mapping[str, object] = BOARD,
) -> Iterator[Daemon]:
    """Run `bootd --machine` for the length of the block; ready to be called when it begins.

    Args:
        machine: Made if it is not there.
        arguments: More of them.
        settings: Lines of [Boot]; the default has no countdown, so that nothing boots by itself.
        socket_path: Where it listens; the default is a place of its own.
        environment: More variables.
        board: What machine.json says.
    """
    write_tree(
        machine / ".machine",
        {"etc/bootd.conf": f"[Boot]\n{settings}\n", "machine.json": json.dumps(board)},
    )
    with tempfile.TemporaryDirectory(prefix="bootd-") as directory:
        path, log = socket_path or f"{directory}/bootd", Path(directory) / "log"
        command = [sys.executable, "-m", "bootd", "--machine", str(machine), "--socket", path]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | dict(environment or {}),
                cwd=Path(__file__).parents[2],
            )
        daemon = Daemon(machine=machine, socket=path, log=log, process=process)
        try:
            wait_until_answering(daemon)
            yield daemon
        finally:
            daemon.stop()


def wait_until_answering(daemon: Daemon) -> None:
    """Return when every device has been looked at; raises with the daemon's words if it ended."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if daemon.process.poll() is not None:
            raise RuntimeError(f"bootd ended: {daemon.output()}")
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(START_S)
            probe.connect(daemon.socket)
            probe.sendall(b'{"method":"org.bootd.Boot.Describe"}\0')
            reply = b""
            while not reply.endswith(b"\0"):
                reply += probe.recv(65536) or b"\0"
            if b'"probing":0' in reply:
                return
        time.sleep(0.01)
    raise TimeoutError(f"bootd does not answer: {daemon.output()}")


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below `root`, folders included."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def arm64_image(size: int = 4096) -> bytes:
    """Return a file that is an arm64 Image as far as its header goes, and zeros."""
    header = struct.pack("<IIQQQQQQ4sI", 0, 0, 0, size, 0xA, 0, 0, 0, b"ARM\x64", 0)
    return header + bytes(size - len(header))


EXTLINUX: Mapping[str, str | bytes] = {
    "boot/extlinux/extlinux.conf": """\
DEFAULT debian
TIMEOUT 50
LABEL debian
    MENU LABEL Debian GNU/Linux 12 (bookworm)
    LINUX /boot/vmlinuz-6.1.0-18-arm64
    INITRD /boot/initrd.img-6.1.0-18-arm64
    APPEND root=UUID=0a3407de-014b-458b-b5c1-848e92a327a3 ro quiet
LABEL broken
    MENU LABEL Debian with a kernel that is not there
    LINUX /boot/vmlinuz-5.10.0
    APPEND root=/dev/vda1 ro
""",
    "boot/vmlinuz-6.1.0-18-arm64": arm64_image(),
    "boot/initrd.img-6.1.0-18-arm64": "not an initrd",
}
"""A device with an option that boots (in a dry run) and one whose kernel is missing."""

BLS: Mapping[str, str | bytes] = {
    "loader/entries/fedora.conf": """\
title Fedora Linux 41 (Forty One)
version 6.11.4-301.fc41.aarch64
linux /vmlinuz-6.11.4-301.fc41.aarch64
initrd /initramfs-6.11.4-301.fc41.aarch64.img
options root=UUID=6f1c2c1e-7d0b-4a1d-9d3c-1f6d6f1b5a77 ro
""",
    "vmlinuz-6.11.4-301.fc41.aarch64": arm64_image(),
    "initramfs-6.11.4-301.fc41.aarch64.img": "not an initrd",
}
"""A device with one Boot Loader Specification entry."""
