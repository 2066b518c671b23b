"""The order of the build: packages, initramfs, disks; unchanged steps are skipped."""

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from image import command, contents, disks, firmware, initramfs, kernel, step
from image.apt import Apt, AptError, unpack

TOP: Final = Path(__file__).resolve().parent.parent
WORK: Final = TOP / "build" / "board"


@dataclass(frozen=True, slots=True)
class Products:
    """Where the finished files are, below one folder."""

    work: Path = WORK

    @property
    def root(self) -> Path:
        """The unpacked packages."""
        return self.work / "root"

    @property
    def kernel(self) -> Path:
        """The board's kernel."""
        return self.work / "kernel"

    @property
    def initramfs(self) -> Path:
        """The board's initramfs."""
        return self.work / "initramfs.cpio.zst"

    @property
    def dtbs(self) -> Path:
        """A few real boards' DTBs."""
        return self.work / "dtbs"

    def firmware(self, board: str) -> Path:
        """Return the tree that the board's firmware hands over."""
        return self.work / f"{board}.dtb"

    def disk(self, name: str) -> Path:
        """Return a demo disk."""
        return self.work / f"{name}.img"


def packages(products: Products, listed: contents.Contents) -> None:
    """Download and unpack the Debian packages."""

    def make() -> None:
        apt = Apt(products.work / "apt")
        apt.prepare()
        names = [*listed.packages, apt.dependency(listed.kernel, "linux-image-")]
        step.say(f"downloading {', '.join(names)} and what they depend on")
        files = apt.closure(names)
        shutil.rmtree(products.root, ignore_errors=True)
        unpack(files, products.root)

    step.run(
        "unpacking Debian packages",
        products.root,
        (listed.packages, listed.kernel, Path(__file__).with_name("apt.py")),
        make,
    )


def board(products: Products, listed: contents.Contents) -> None:
    """Pack kernel and initramfs."""

    def make() -> None:
        shutil.copyfile(kernel.image(products.root), products.kernel)
        tree = initramfs.build(listed, TOP, products.root, products.work)
        initramfs.pack(tree, products.initramfs)

    step.run(
        "packing the board's initramfs",
        products.initramfs,
        (
            listed,
            TOP / "bootd",
            TOP / "ui",
            TOP / "units",
            TOP / "etc",
            TOP / "image",
            products.root.with_suffix(".stamp"),
        ),
        make,
    )


def device_trees(products: Products, listed: contents.Contents) -> None:
    """Take a few boards' DTBs out of the kernel package, and make the emulated boards' own."""

    def make() -> None:
        apt = Apt(products.work / "apt")
        apt.prepare()
        name = apt.dependency(listed.dtb_kernel, "linux-image-")
        step.say(f"downloading {name} for its device trees")
        shutil.rmtree(products.dtbs, ignore_errors=True)
        _unpack_dtbs(apt.single(name), listed.dtbs, products.dtbs)

    step.run("unpacking device trees", products.dtbs, (listed.dtbs, listed.dtb_kernel), make)
    source = Path(firmware.__file__)
    for board in firmware.BOARDS.values():
        target = products.firmware(board.name)
        step.run(
            f"making the firmware tree of {board.name}",
            target,
            (board, source),
            partial(firmware.firmware_tree, board, target),
        )


def demo_disks(products: Products) -> None:
    """Make the demo disks."""
    sources = disks.Sources(kernel=products.kernel, root=products.root, dtbs=products.dtbs)
    scripts = [
        Path(__file__).with_name(name) for name in ("disks.py", "firmware.py", "second.py", "demo")
    ]
    for disk in disks.DISKS:
        target = products.disk(disk.name)
        step.run(
            f"making demo disk {disk.name}",
            target,
            (*scripts, kernel.release(products.root), products.dtbs),
            partial(disks.make, disk, sources, target),
        )


def everything(products: Products) -> None:
    """Bring all of it up to date."""
    listed = contents.load()
    products.work.mkdir(parents=True, exist_ok=True)
    packages(products, listed)
    board(products, listed)
    device_trees(products, listed)
    demo_disks(products)


def _unpack_dtbs(package: Path, names: tuple[str, ...], target: Path) -> None:
    target.mkdir(parents=True)
    wanted = [f"./usr/lib/linux-image-*/{name}" for name in names]
    command.unpack(package, target, "--strip-components=4", "--wildcards", *wanted)
    missing = [name for name in names if not (target / name).is_file()]
    if missing:
        raise AptError(f"{package.name} has no device tree {missing[0]}")
