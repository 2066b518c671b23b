"""Run tests in a guest whose kernel has what this machine's lacks: a device mapper, RAID, f2fs.

`python -m tests.support.disksguest PYTEST_ARGUMENTS` boots Debian's kernel in QEMU with this
machine's own file system (read-only, below a layer in memory) and runs pytest there: seconds to
start, and the tests are ordinary ones that use the tools installed here. For x86-64 machines.
"""

import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Final

from image import cpio, kernel
from image.apt import Apt, unpack
from image.tree import Device, File, Link, Tree
from tests.support.guests import TOP, WORK, one_at_a_time

FOLDER: Final = WORK / "disks"
MODULES: Final = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
"""What it takes to see this machine's files; udev and the kernel load all others."""

_JOB: Final = """\
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
ip link set lo up
modprobe -a loop dm-mod
/lib/systemd/systemd-udevd --daemon
cd {top} || exit
{command}
echo "guest: exit $?"
poweroff -f
"""


@contextmanager
def started(
    command: Sequence[str], folder: Path, more: Sequence[str] = ()
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command in the guest while the block runs; what it says is the process's output.

    Args:
        command: Run in the project folder by root.
        folder: For its initramfs.
        more: Options of QEMU.
    """
    qemu = [*_argv(command, folder / "initramfs", 768), *more]
    with subprocess.Popen(
        qemu, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _argv(command: Sequence[str], initramfs: Path, memory_mib: int) -> list[str]:
    image = fetch()
    initramfs.write_bytes(_initramfs(shlex.join(command)))
    return [
        *("qemu-system-x86_64", "-M", "q35,accel=tcg", "-cpu", "Nehalem", "-smp", "2"),
        *("-m", str(memory_mib), "-nographic", "-no-reboot", "-nic", "none"),
        *("-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"),
        *("-kernel", str(image), "-initrd", str(initramfs)),
        *("-append", "console=ttyS0 panic=-1 quiet"),
    ]


def fetch() -> Path:
    """Download and unpack Debian's kernel for this machine; return the image.

    Raises:
        AptError: The network, or this machine's package sources, do not have it.
    """
    root = FOLDER / "root"
    if not (FOLDER / "stamp").exists():
        apt = Apt(FOLDER / "apt", architecture="amd64")
        apt.prepare()
        package = apt.dependency("linux-image-amd64", "linux-image-")
        busybox = apt.single("busybox-static")
        unpack([apt.single(package), busybox], root)
        subprocess.run(["depmod", "-b", root, kernel.release(root)], check=True)
        (FOLDER / "stamp").touch()
    return kernel.image(root)


def _initramfs(command: str) -> bytes:
    root = FOLDER / "root"
    tree = Tree()
    tree.add("bin", Link("usr/bin"))
    tree.add("dev/console", Device("c", 5, 1))
    tree.add_from(root, "usr/bin/busybox")
    tree.add("init", File(TOP / "image/guest/disks-init", 0o755))
    files = dict.fromkeys(file for name in MODULES for file in kernel.module_files(root, name))
    for file in files:
        tree.add(f"modules/{file.name}", File(file))
    tree.add_text("modules/order", "".join(f"{file.name}\n" for file in files))
    tree.add_text("modules/place", f"{root / 'usr/lib/modules'}\n")
    tree.add_text("job", _JOB.format(top=shlex.quote(str(TOP)), command=command))
    output = BytesIO()
    cpio.write(tree, output)
    return output.getvalue()


def main() -> int:
    """Run pytest with this command's arguments in the guest and return its exit status."""
    python = str(TOP / ".venv/bin/python")
    words = ("-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider", *sys.argv[1:])
    status = 1
    with (
        tempfile.TemporaryDirectory() as folder,
        one_at_a_time(),
        started([python, *words], Path(folder), ("-m", "2048")) as process,
    ):
        for line in process.stdout or ():
            text = line.decode(errors="replace").rstrip("\r\n")
            if end := re.match(r"guest: exit (\d+)$", text):
                status = int(end[1])
            else:
                print(text, flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
