"""The files that `bootdctl dt` is given: trees, overlays, and what is known of the board."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from bootd.errors import BootdError, FdtError

if TYPE_CHECKING:
    from bootd.devicetree.overlays import Overlay
    from bootd.devicetree.scene import Known
    from bootd.fdt import Fdt
    from bootd.model.board import Profile

ROOT: Final = "/"
"""Below it the installed board profiles are looked for, as the daemon does."""


class RefusedError(BootdError):
    """What was asked for is possible but not safe; becomes exit status 3."""


def add_board(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which board profiles count."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--profile",
        dest="profiles",
        metavar="BOARD.toml",
        action="append",
        default=[],
        help="board profile instead of the installed ones; counts when it is for this board",
    )
    group.add_argument(
        "--no-profile", action="store_true", help="only the built-in rules, no board profile"
    )


def add_screens(parser: argparse.ArgumentParser) -> None:
    """Add the option for framebuffers that are still in use."""
    parser.add_argument(
        "--screen",
        dest="screens",
        metavar="NODE",
        action="append",
        default=[],
        help="framebuffer node of the board's tree that its screen still shows"
        " (default with the running tree: those that a driver draws into)",
    )


def _screens(args: argparse.Namespace) -> frozenset[str]:
    from bootd.linux.screens import firmware_screens  # noqa: PLC0415 - as in `known`

    running = () if args.live else firmware_screens()
    return frozenset((*args.screens, *running))


def known(args: argparse.Namespace, live: "Fdt") -> "Known":
    """Read what the arguments, and else the installed profiles, say of the board.

    Raises:
        SettingError: A profile that was named is wrong.
        FdtError, OSError: A tree that was named cannot be read.
    """
    from bootd.devicetree.overlays import read_named  # noqa: PLC0415 - a fast --help imports nothing
    from bootd.devicetree.scene import Known  # noqa: PLC0415 - ditto

    profile = _profile(args, live)
    path = args.original or (profile.original and f"{ROOT.rstrip('/')}{profile.original}")
    try:
        original = path and read_named(read_bytes(path), path)
    except OSError as error:
        if args.original:
            raise
        print(f"{path} of the board profile cannot be read: {error.strerror}", file=sys.stderr)
        original = None
    return Known(profile=profile, original=original or None, screens=_screens(args))


def fdtfile(args: argparse.Namespace) -> str:
    """Return what this machine's firmware calls its DTB, or "" for the tree of a file."""
    if args.live is not None:
        return ""
    from bootd import ubootenv  # noqa: PLC0415 - as in `known`
    from bootd.linux.firmware_env import read_environment  # noqa: PLC0415 - ditto

    environment, notes = read_environment(ROOT)
    for note in notes:
        print(note, file=sys.stderr)
    return ubootenv.fdtfile(environment)


def _profile(args: argparse.Namespace, live: "Fdt") -> "Profile":
    from bootd.devicetree.profile import MAX_BYTES, combine, fits, parse  # noqa: PLC0415 - as above
    from bootd.services.board import find_profile  # noqa: PLC0415 - ditto

    if args.no_profile:
        return combine(())
    if not args.profiles:
        found, mistakes = find_profile(live, ROOT)
        for mistake in mistakes:
            print(mistake, file=sys.stderr)
        return found
    texts = [(read_bytes(p)[:MAX_BYTES].decode("utf-8", "replace"), p) for p in args.profiles]
    files = [parse(text, path) for text, path in texts]
    return combine(each.profile for each in files if fits(each, live))


def read_overlay(text: str) -> "Overlay":
    """Read an overlay named as `FILE` or `FILE,name=value,...`."""
    from bootd.devicetree.overlays import Overlay  # noqa: PLC0415 - as in `known`

    path, _, parameters = text.partition(",")
    return Overlay(name=path, blob=read_bytes(path), parameters=parameters)


def live_tree(path: str | None) -> "Fdt":
    """Read the tree of a file, or the running one.

    Raises:
        RefusedError: It is damaged.
        FdtError: This machine has none.
    """
    from bootd.devicetree.overlays import read_named  # noqa: PLC0415 - as in `known`
    from bootd.linux.proc_devicetree import flatten  # noqa: PLC0415 - ditto

    blob = flatten() if path is None else read_bytes(path)
    if blob is None:
        raise FdtError("this machine has no device tree; name one with --live")
    try:
        return read_named(blob, path or "the running device tree")
    except FdtError as error:
        raise RefusedError(str(error)) from error


@contextmanager
def folder(path: str) -> Iterator[int]:
    """Open a folder for a `DirView`."""
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def read_bytes(path: str) -> bytes:
    """Read at most one byte more than a blob may have; the reader then refuses it."""
    from bootd.fdt import MAX_BLOB_BYTES  # noqa: PLC0415 - as in `known`

    with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs more than the reading
        return file.read(MAX_BLOB_BYTES + 1)


def write_bytes(path: str, blob: bytes) -> None:
    """Write a blob; nothing is left of what the file had."""
    with open(path, "wb") as file:  # noqa: PTH123 - as in read_bytes
        file.write(blob)
