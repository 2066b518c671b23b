"""`python -m image build|run`: build the board image, or boot it in this terminal."""

import argparse
import os
import sys
from pathlib import Path

from image import qemu
from image.apt import AptError
from image.build import Products, everything
from image.command import CommandError
from image.firmware import BOARDS
from image.step import say


def main() -> int:
    """Build everything that is not up to date, then do what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m image", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="bring kernel, initramfs and demo disks up to date")
    run = commands.add_parser("run", help="boot the board in QEMU, its console in this terminal")
    run.add_argument("--board", choices=sorted(BOARDS), default="virt")
    run.add_argument("--disk", type=Path, help="a disk image of your own; it is never written")
    options = parser.parse_args()
    try:
        products = Products()
        everything(products)
        if options.command == "run":
            _run(products, options.board, options.disk)
    except (AptError, CommandError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(products: Products, board: str, disk: Path | None) -> None:
    guest = qemu.of(products, BOARDS[board], () if disk else ("larch", "fjord"))
    if disk is not None:
        guest.disks["user"] = disk
    say(f"booting {guest.board.model}; Ctrl-A X leaves QEMU, Ctrl-A H lists its other keys")
    command = [*qemu.argv(guest), "-serial", "mon:stdio"]
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    sys.exit(main())
