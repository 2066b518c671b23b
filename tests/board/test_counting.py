"""A kernel that hangs on a board that nobody watches: watchdog, failed tries, the next entry.

Everything is real: the second kernel stops, QEMU's watchdog resets the machine, the counter is in
the name of a file on a FAT disk, what bootd remembers is on a partition.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from image import initramfs, kernel, qemu, second
from image.build import Products
from image.firmware import BOARDS
from image.tree import Directory, File, Link, Tree
from tests.support import watchdog
from tests.support.board import Board, started

pytestmark = [pytest.mark.boards, pytest.mark.timeout(900)]

WATCHDOG_S = 45
"""Longer than a busy machine takes to emulate a board's start up to the watchdog's driver."""

WORDS = (
    f"bootd.timeout=2 bootd.countonmedium=yes bootd.rebootwatchdogsec={WATCHDOG_S} "
    "watchdog.stop_on_reboot=0"
)
GOOD, HANGS = "bls:C0DE-0007:good.conf", "bls:C0DE-0007:hangs.conf"
ENTRY = """\
title {title}
sort-key {key}
linux {linux}
initrd {initrd}
options console=ttyAMA0 panic=0 {words}
"""
UNIT = """\
[Unit]
DefaultDependencies=no
ConditionKernelCommandLine=report

[Service]
ExecStart=/usr/bin/python3 /test/report
"""
REPORT = """\
import json, os, subprocess, time

def run(*words):
    return subprocess.run(("bootdctl", *words), capture_output=True, text=True)

def say(*words):
    with open("/dev/ttyAMA0", "w") as console:
        console.write("\\nREPORT " + " ".join(map(str, words)) + "\\n")

while not os.path.exists("/dev/disk/by-label/bootd-state") or "hangs" not in run("list").stdout:
    time.sleep(0.2)
with open("/sys/class/watchdog/watchdog0/state") as state:
    say("watchdog", state.read().strip())
for words in (["status"], [], []):
    done = run("bless", *words)
    say(*(done.stdout + done.stderr).splitlines())
for it in json.loads(run("list", "--json").stdout):
    say(it["id"], it["triesLeft"], it["triesDone"], it["source"])
say("end")
"""
HANG = """\
#!/bin/busybox sh
echo SECOND hangs > /dev/console
while :; do /bin/busybox sleep 1000; done
"""


def hanging(products: Products, target: Path) -> Path:
    """Write the initrd of a system that stops right after its start."""
    tree = Tree()
    for folder in ("bin", "dev"):
        tree.entries[folder] = Directory()
    tree.entries["bin/busybox"] = File(second.busybox(products.root), 0o755)
    tree.entries["init"] = File(HANG.encode(), 0o755)
    initramfs.pack(tree, target, level=1)
    return target


def boot_disk(products: Products, whole: Path, folder: Path) -> Path:
    """Make a FAT disk with an entry that hangs, and did once before, and one that comes up."""
    disk, tree = folder / "boot.img", folder / "boot"
    (tree / "loader/entries").mkdir(parents=True)
    shutil.copyfile(products.kernel, tree / "cloud")
    shutil.copyfile(kernel.image(watchdog.root(products)), tree / "full")
    hanging(products, tree / "hang.img")
    shutil.copyfile(whole, tree / "whole.img")
    entries = (
        ("hangs+2-1", ("Hangs", "a", "/cloud", "/hang.img", "")),
        ("good", ("Comes up", "b", "/full", "/whole.img", "bootd.autoboot=no report")),
    )
    for name, values in entries:
        named = dict(zip(("title", "key", "linux", "initrd", "words"), values, strict=True))
        (tree / f"loader/entries/{name}.conf").write_text(ENTRY.format(**named))
    with disk.open("wb") as file:
        file.truncate(160 << 20)
    run("mkfs.vfat", "-i", "C0DE0007", str(disk))
    run("mcopy", "-i", str(disk), "-s", *map(str, sorted(tree.iterdir())), "::")
    return disk


def state_disk(folder: Path) -> Path:
    """Make the partition where bootd keeps what it remembers."""
    disk = folder / "state.img"
    with disk.open("wb") as file:
        file.truncate(16 << 20)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-L", "bootd-state", str(disk))
    return disk


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def reporting(target: Path) -> Path:
    """Write what makes a system that bootd has booted report on its console, and confirm."""
    tree = Tree()
    tree.add_text("test/report", REPORT)
    tree.add_text("usr/lib/systemd/system/report.service", UNIT)
    wants = "usr/lib/systemd/system/sysinit.target.wants/report.service"
    tree.add(wants, Link("../report.service"))
    initramfs.pack(tree, target, level=1)
    return target


@pytest.fixture
def board(products: Products, tmp_path: Path) -> Iterator[Board]:
    """A board with a watchdog, at power-on."""
    whole = tmp_path / "whole"
    parts = (
        products.initramfs,
        watchdog.modules(products, tmp_path / "modules.zst"),
        reporting(tmp_path / "report.zst"),
    )
    with whole.open("wb") as output:
        for part in parts:
            output.write(part.read_bytes())
    guest = replace(
        qemu.of(products, BOARDS["virt"], ()),
        kernel=kernel.image(watchdog.root(products)),
        disks={"boot": boot_disk(products, whole, tmp_path), "state": state_disk(tmp_path)},
        words=WORDS,
        extra=watchdog.DEVICE,
    )
    with started(tmp_path, guest, whole) as running:
        yield running


def wait_for_hang(board: Board, number: int) -> None:
    board.wait(f"hang {number}", lambda: board.text().count("SECOND hangs") >= number, 200)


def report(board: Board, number: int) -> list[str]:
    """Wait for the report of the system that comes up, the first or a later one."""
    board.wait(f"report {number}", lambda: board.text().count("REPORT end") >= number, 250)
    lines: list[str] = re.findall(r"REPORT (.*)", board.text())
    ends = [index for index, line in enumerate(lines) if line == "end"]
    begin = ends[number - 2] + 1 if number > 1 else 0
    return lines[begin : ends[number - 1]]


def test_the_third_hang_demotes_an_option_and_the_next_one_boots_and_confirms(board: Board) -> None:
    wait_for_hang(board, 1)
    wait_for_hang(board, 2)
    watch, status, blessed, again, *listed = report(board, 1)
    assert board.text().count("SECOND hangs") == 2
    assert watch == "watchdog inactive", "its driver has stopped it in time"
    assert status == f"{GOOD} has no counter"
    assert re.fullmatch(rf"{GOOD} is confirmed, on the partition vd.", blessed)
    assert re.fullmatch(rf"{GOOD} is confirmed already, on the partition vd.", again)
    # The counter of the one that hangs is in its name, on FAT; the other file is as it was.
    assert f"{HANGS} 0 3 /loader/entries/hangs+0-3.conf" in listed
    assert any(line.endswith(" /loader/entries/good.conf") for line in listed)

    # From the next power-on on it is the last good one, and counted.
    board.qmp("system_reset")
    _, status, blessed, *_ = report(board, 2)
    assert board.text().count("SECOND hangs") == 2
    assert "was tried once without a confirmation" in status
    assert re.fullmatch(rf"{GOOD} is confirmed, on the partition vd.", blessed)
