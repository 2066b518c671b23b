"""The order of the build: packages, initramfs, disks; every step is skipped when nothing changed."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from image import contents, initramfs, kernel, step
from image.apt import Apt, unpack

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
            TOP / "image",
            products.root.with_suffix(".stamp"),
        ),
        make,
    )


def everything(products: Products) -> None:
    """Bring all of it up to date."""
    listed = contents.load()
    products.work.mkdir(parents=True, exist_ok=True)
    packages(products, listed)
    board(products, listed)
