"""`python -m image build|kernel|run`: build board image or kernel, or boot it in this terminal."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from image import kernel_series, qemu
from image.apt import AptError
from image.build import Products, everything
from image.command import CommandError
from image.firmware import BOARDS
from image.kernel_series import SERIES, TARGETS
from image.step import say


def main() -> int:
    """Build everything that is not up to date, then do what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m image", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="bring kernel, initramfs and demo disks up to date")
    kernel = commands.add_parser("kernel", help="build a kernel with bootd's patches")
    kernel.add_argument("--version", choices=sorted(SERIES), default="6.12")
    kernel.add_argument(
        "--architecture",
        choices=sorted(set(TARGETS) - {"amd64"}),
        default="arm64",
        help="of the kernel; the emulated board is arm64",
    )
    run = commands.add_parser("run", help="boot the board in QEMU, its console in this terminal")
    run.add_argument("--board", choices=sorted(BOARDS), default="virt")
    run.add_argument(
        "--kernel",
        choices=["debian", "patched"],
        default="debian",
        help="the first kernel: as Debian ships it, or with bootd's patches",
    )
    run.add_argument("--disk", type=Path, help="a disk image of your own; it is never written")
    options = parser.parse_args()
    try:
        if options.command == "kernel":
            print(kernel_series.build(SERIES[options.version], options.architecture))
            return 0
        products = Products()
        everything(products)
        if options.command == "run":
            _run(products, options)
    except (AptError, CommandError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(products: Products, options: argparse.Namespace) -> None:
    guest = qemu.of(products, BOARDS[options.board], () if options.disk else ("larch", "fjord"))
    if options.disk is not None:
        guest.disks["user"] = options.disk
    if options.kernel == "patched":
        guest = replace(guest, kernel=kernel_series.build(SERIES["6.12"]))
    say(f"booting {guest.board.model}; Ctrl-A X leaves QEMU, Ctrl-A H lists its other keys")
    command = [*qemu.argv(guest), "-serial", "mon:stdio"]
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    sys.exit(main())
