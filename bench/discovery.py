"""Discovery against its floor: a C program that probes, mounts and reads the same files.

Loop devices with ext4 hold 10 extlinux and 4 BLS entries each. Before every run the kernel forgets
what it knows of them, as after power-on. The daemon is the real one; its options are counted on its
socket. Needs root and udevd (one is started where none runs).
"""

import fcntl
import os
import select
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import pyudev

from bench.start import BOOTD, command
from tests.support import loopdisk
from tests.support.udevd import settle, udevd

HERE: Final = Path(__file__).parent
OPTIONS: Final = 14
ROUNDS: Final = 7
WAIT_S: Final = 20
BLKFLSBUF: Final = 0x1261
"""include/uapi/linux/fs.h: drop a device's cached blocks."""

_SUBSCRIBE: Final = b'{"method":"org.bootd.Boot.Subscribe","more":true,"parameters":{}}\0'


def measure() -> dict[str, float]:
    """Return times in milliseconds and ratios to the floor of the same call (medians).

    Raises:
        OSError: Not root, or no compiler.
    """
    if os.geteuid() != 0:
        raise PermissionError("loop devices need root")
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch, udevd():
        root = Path(scratch)
        subprocess.run(["cc", "-O2", "-o", root / "floor", HERE / "floor.c"], check=True)
        images = [_image(root, number) for number in range(33)]
        for count in (8, 32):
            found |= _start(root, images[:count])
        found |= _hotplug(root, images[32])
    return found


def _image(root: Path, number: int) -> Path:
    labels = "".join(
        f"label l{i}\n  menu label Debian {number} {i}\n  linux /boot/vmlinuz-{i}\n"
        f"  initrd /boot/initrd-{i}\n  append root=LABEL=disk{number} ro quiet\n"
        for i in range(10)
    )
    files = {"/boot/extlinux/extlinux.conf": f"default l0\n{labels}"}
    for i in range(10):
        files |= {f"/boot/vmlinuz-{i}": "kernel", f"/boot/initrd-{i}": "initrd"}
    for i in range(4):
        files[f"/loader/entries/fedora-{i}.conf"] = (
            f"title Fedora {number} {i}\nversion 6.{i}\nlinux /boot/vmlinuz-{i}\n"
            f"initrd /boot/initrd-{i}\noptions root=LABEL=disk{number} ro\n"
        )
    return loopdisk.make_image(root / f"disk{number}", files, label=f"disk{number}")


def _start(root: Path, images: list[Path]) -> dict[str, float]:
    count = len(images)
    with ExitStack() as stack:
        nodes = [f"/dev/{stack.enter_context(loopdisk.attached(image))}" for image in images]
        settle()
        floors, starts = [], []
        for _ in range(ROUNDS):
            _forget(images, nodes)
            floors.append(_floor(root, nodes))
            _forget(images, nodes)
            starts.append(_daemon_lists(root, count * OPTIONS))
    floor, start = statistics.median(floors), statistics.median(starts)
    return {
        f"discovery_{count}_floor_ms": floor,
        f"discovery_{count}_ms": start,
        f"discovery_{count}_ratio": start / floor,
    }


def _forget(images: list[Path], nodes: list[str]) -> None:
    for node in nodes:
        device = os.open(node, os.O_RDONLY)
        fcntl.ioctl(device, BLKFLSBUF)
        os.close(device)
    for image in images:
        file = os.open(image, os.O_RDONLY)
        os.fdatasync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def _floor(root: Path, nodes: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run([root / "floor", *nodes], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - begin) * 1e3


def _daemon_lists(root: Path, options: int) -> float:
    begin = time.perf_counter()
    with _daemon(root) as subscriber:
        _count(subscriber, options)
        return (time.perf_counter() - begin) * 1e3


@contextmanager
def _daemon(root: Path) -> Iterator[socket.socket]:
    """Start bootd and give a connection that gets its events."""
    path = root / "socket"
    path.unlink(missing_ok=True)
    daemon = subprocess.Popen(
        [*command(BOOTD), "--dry-run", "--socket", str(path)], stderr=subprocess.DEVNULL
    )
    try:
        with socket.socket(socket.AF_UNIX) as subscriber:
            _connect(subscriber, str(path))
            subscriber.sendall(_SUBSCRIBE)
            yield subscriber
    finally:
        daemon.terminate()
        daemon.wait(timeout=10)


def _connect(subscriber: socket.socket, path: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        with suppress(OSError):
            subscriber.connect(path)
            return
        time.sleep(0.001)
    raise TimeoutError("bootd does not answer on its socket")


def _count(subscriber: socket.socket, options: int) -> None:
    """Read until so many options have been told."""
    told = 0
    while told < options:
        ready, _, _ = select.select([subscriber], [], [], WAIT_S)
        data = subscriber.recv(1 << 20) if ready else b""
        if not data:
            raise TimeoutError(f"bootd told of {told} options, not {options}")
        told += data.count(b'"isDefault"')


def _hotplug(root: Path, image: Path) -> dict[str, float]:
    """Plug a disk: how long until udev tells, how long until bootd does."""
    monitor = pyudev.Monitor.from_netlink(pyudev.Context())
    monitor.filter_by("block")
    monitor.start()
    told, published = [], []
    with _daemon(root) as subscriber:
        time.sleep(0.5)
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            with loopdisk.attached(image):
                while monitor.poll(timeout=WAIT_S).properties.get("ID_FS_TYPE") is None:
                    pass
                told.append((time.perf_counter() - begin) * 1e3)
                _count(subscriber, 1)
                published.append((time.perf_counter() - begin) * 1e3)
            settle()
            time.sleep(0.5)
            _drain(subscriber, monitor)
    udev, bootd = statistics.median(told), statistics.median(published)
    return {"hotplug_udev_ms": udev, "hotplug_ms": bootd, "hotplug_ratio": bootd / udev}


def _drain(subscriber: socket.socket, monitor: pyudev.Monitor) -> None:
    while select.select([subscriber], [], [], 0)[0] and subscriber.recv(1 << 20):
        pass
    while monitor.poll(timeout=0) is not None:
        pass
