"""Debian's full arm64 kernel, which has a driver for the watchdog that QEMU has on PCI.

The board's own kernel, the cloud flavour, has none: to it that watchdog is not there.
"""

import shutil
from pathlib import Path
from typing import Final

from image import command, contents, initramfs, kernel, step
from image.apt import Apt
from image.build import Products
from image.tree import Tree

MODULE: Final = "i6300esb"
DEVICE: Final = ("-device", "i6300esb", "-action", "watchdog=reset", "-action", "reboot=reset")
"""For QEMU; a machine that is reset starts anew, where the board's own command line ends QEMU."""


def root(products: Products) -> Path:
    """Return where that kernel and its modules are unpacked, from the package that has the DTBs."""
    listed = contents.load()
    target = products.work / "full-kernel"

    def make() -> None:
        apt = Apt(products.work / "apt")
        apt.prepare()
        package = apt.single(apt.dependency(listed.dtb_kernel, "linux-image-"))
        shutil.rmtree(target, ignore_errors=True)
        (target / "usr").mkdir(parents=True)
        command.unpack(
            package, target / "usr", "--wildcards", "./boot/vmlinuz-*", "./lib/modules/*"
        )
        (target / "lib").symlink_to("usr/lib")
        (target / "boot").symlink_to("usr/boot")

    step.run("unpacking the full arm64 kernel", target, (listed.dtb_kernel,), make)
    return target


def modules(products: Products, target: Path) -> Path:
    """Write an archive with the modules that the board's image has, of this kernel, and the driver.

    Unpacked over the product's initramfs it makes that one fit this kernel.
    """
    listed = contents.load()
    tree = Tree()
    names = [*listed.modules, MODULE, "crc32c_generic"]  # ext4 needs that, and names it nowhere
    kernel.add_modules(tree, root(products), names, target.with_name("modules"))
    initramfs.pack(tree, target, level=1)
    return target
