"""`bootdctl dt`: device trees looked at and merged by hand, by the code that a boot uses.

Exit status: 0 done, 1 failed, 2 usage, 3 refused (the reason is on stderr, nothing is written).
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

from bootd.errors import BootdError, FdtError, MergeRefusedError

if TYPE_CHECKING:
    from bootd.devicetree.overlays import Overlay
    from bootd.devicetree.scene import Known
    from bootd.fdt import Fdt

REFUSED: Final = 3


class _RefusedError(BootdError):
    """What was asked for is possible but not safe; becomes exit status 3."""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb group to bootdctl's parser."""
    group = commands.add_parser("dt", help="Merge, select, check and compare device trees.")
    verbs = group.add_subparsers(metavar="VERB", required=True)
    _register_merge(verbs)
    select = _verb(verbs, "select", _select, "Print the DTB of a folder that is for this board.")
    select.add_argument(
        "--live", metavar="L.dtb", help="the board's tree (default: the running one)"
    )
    select.add_argument("folder", metavar="DIR", help="folder with DTBs, also in sub-folders")
    overlay = _verb(verbs, "overlay", _overlay, "Apply overlays to a DTB.")
    overlay.add_argument("base", metavar="BASE.dtb")
    overlay.add_argument(
        "overlays",
        metavar="OVERLAY.dtbo[,NAME=VALUE]",
        nargs="+",
        help="in order, each with parameters of its own",
    )
    _add_parameters(overlay)
    overlay.add_argument("-o", dest="output", metavar="OUT", required=True, help="file to write")
    check = _verb(verbs, "check", _check, "Say whether a file is a valid device tree blob.")
    check.add_argument("file", metavar="FILE")
    live = _verb(verbs, "live", _live, "Flatten the running device tree.")
    live.add_argument(
        "-o", dest="output", metavar="OUT", help="file to write (default: standard output)"
    )
    diff = _verb(verbs, "diff", _diff, "List what differs between two DTBs.")
    diff.add_argument("first", metavar="A.dtb")
    diff.add_argument("second", metavar="B.dtb")


def _register_merge(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for name, run, about in (
        ("merge", _merge, "Put the facts of the running board into a shipped DTB."),
        ("explain", _explain, "Say what a merge would do and why, without writing."),
    ):
        merge = _verb(verbs, name, run, about)
        _add_trees(merge, live_required=name == "merge")
        if name == "merge":
            merge.add_argument(
                "--initrd",
                metavar="START:END",
                type=_range,
                help="where the initrd will be, in hexadecimal; END is the first byte after it",
            )
            merge.add_argument(
                "-o", dest="output", metavar="OUT.dtb", required=True, help="file to write"
            )
            merge.add_argument(
                "--explain",
                nargs="?",
                choices=("text", "json"),
                const="text",
                help="print what was changed and why",
            )
        else:
            merge.add_argument(
                "--json", dest="explain", action="store_const", const="json", help="print JSON"
            )


def _add_trees(parser: argparse.ArgumentParser, *, live_required: bool) -> None:
    parser.add_argument(
        "--shipped", metavar="S.dtb", required=True, help="DTB that comes with the kernel"
    )
    parser.add_argument(
        "--live",
        metavar="L.dtb",
        required=live_required,
        help="tree of the board" + ("" if live_required else " (default: the running one)"),
    )
    parser.add_argument(
        "--overlay",
        metavar="O.dtbo[,NAME=VALUE]",
        action="append",
        default=[],
        help="overlay to apply before, with its parameters; may be given several times",
    )
    _add_parameters(parser)
    parser.add_argument(
        "--original",
        metavar="F.dtb",
        help="DTB that the firmware starts from: its changes are told from drift",
    )
    parser.add_argument(
        "--profile",
        dest="profiles",
        metavar="BOARD.toml",
        action="append",
        default=[],
        help="board profile; counts when it is for this board",
    )
    parser.add_argument(
        "--cmdline", metavar="TEXT", default="", help="kernel command line (/chosen/bootargs)"
    )


def _add_parameters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--param",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="parameter of the DTB itself (Raspberry Pi dtparam)",
    )


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], None],
    about: str,
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=about, description=about)
    parser.set_defaults(run=lambda args: _guarded(run, args))
    return parser


def _guarded(run: Callable[[argparse.Namespace], None], args: argparse.Namespace) -> int:
    """Run a verb; what it raises besides a refusal is for `bootd.ctl.main` to tell."""
    try:
        run(args)
    except _RefusedError as error:
        print(f"bootdctl: {error}", file=sys.stderr)
        return REFUSED
    return 0


def _range(text: str) -> tuple[int, int]:
    start, _, end = text.partition(":")
    try:
        found = int(start, 16), int(end, 16)
    except ValueError:
        msg = f"{text!r} is not START:END in hexadecimal"
        raise argparse.ArgumentTypeError(msg) from None
    if not 0 <= found[0] < found[1] < 1 << 64:
        msg = "START must be below END"
        raise argparse.ArgumentTypeError(msg)
    return found


def _merge(args: argparse.Namespace) -> None:
    from bootd.devicetree.finish import finish  # noqa: PLC0415 - a fast --help imports nothing

    blob = _combine(args)
    _write(args.output, finish(blob, initrd_range=args.initrd))


def _explain(args: argparse.Namespace) -> None:
    args.explain = args.explain or "text"
    _combine(args)


def _combine(args: argparse.Namespace) -> bytes:
    """Merge as a boot would, and print the explanation that was asked for."""
    from bootd.devicetree.explain import as_json, sentence  # noqa: PLC0415 - as in _merge
    from bootd.devicetree.overlays import apply_overlays, read_named  # noqa: PLC0415 - ditto
    from bootd.devicetree.prepare import combine  # noqa: PLC0415 - ditto

    live, shipped = _live_tree(args.live), _read(args.shipped)
    known = _known(args, live)
    overlays = tuple(_read_overlay(text) for text in args.overlay)
    try:
        base, notes = apply_overlays(
            read_named(shipped, "the DTB"), overlays, tuple(args.parameters)
        )
        blob, merged = combine(base, live, args.cmdline, known=known)
    except (FdtError, MergeRefusedError) as error:
        if args.explain == "json":
            print(json.dumps(as_json((), str(error)), indent=2))
        _refuse(f"cannot merge {args.shipped}: {error}")
    for note in notes:
        print(note, file=sys.stderr)
    if args.explain == "json":
        print(json.dumps(as_json(merged.facts), indent=2))
    elif args.explain:
        print("\n".join(sentence(fact) for fact in merged.facts))
    return blob


def _known(args: argparse.Namespace, live: "Fdt") -> "Known":
    """Read what the arguments say of the board besides the two trees."""
    from bootd.devicetree.overlays import read_named  # noqa: PLC0415 - as in _merge
    from bootd.devicetree.profile import MAX_BYTES, combine, fits, parse  # noqa: PLC0415 - ditto
    from bootd.devicetree.scene import Known  # noqa: PLC0415 - ditto

    files = [parse(_read(p)[:MAX_BYTES].decode("utf-8", "replace"), p) for p in args.profiles]
    profile = combine(each.profile for each in files if fits(each, live))
    original = args.original and read_named(_read(args.original), args.original)
    return Known(profile=profile, original=original or None)


def _read_overlay(text: str) -> "Overlay":
    """Read an overlay named as `FILE` or `FILE,name=value,...`."""
    from bootd.devicetree.overlays import Overlay  # noqa: PLC0415 - as in _merge

    path, _, parameters = text.partition(",")
    return Overlay(name=path, blob=_read(path), parameters=parameters)


def _select(args: argparse.Namespace) -> None:
    from bootd.devicetree.merge import check_gate  # noqa: PLC0415 - as in _merge
    from bootd.devicetree.overlays import read_named  # noqa: PLC0415 - ditto
    from bootd.devicetree.select import select_in  # noqa: PLC0415 - ditto
    from bootd.linux.dirview import DirView  # noqa: PLC0415 - ditto

    live = _live_tree(args.live)
    with _folder(args.folder) as fd:
        found = select_in(DirView(fd), "/", live)
    for note in found.notes:
        print(note, file=sys.stderr)
    if found.path is None:
        for path in found.suggestions:
            print(_below(args.folder, path))
        _refuse(found.why.replace("of /", f"of {args.folder}", 1))
    try:
        check_gate(read_named(found.blob, found.path), live)
    except MergeRefusedError as error:
        _refuse(str(error))
    print(_below(args.folder, found.path))


def _overlay(args: argparse.Namespace) -> None:
    from bootd.devicetree.overlays import apply_overlays, read_named  # noqa: PLC0415 - as in _merge
    from bootd.fdt import write  # noqa: PLC0415 - ditto

    base = read_named(_read(args.base), args.base)
    overlays = tuple(_read_overlay(text) for text in args.overlays)
    result, notes = apply_overlays(base, overlays, tuple(args.parameters))
    for note in notes:
        print(note, file=sys.stderr)
    _write(args.output, write(result))


def _check(args: argparse.Namespace) -> None:
    from bootd.devicetree.overlays import read_named  # noqa: PLC0415 - as in _merge

    read_named(_read(args.file), args.file)


def _live(args: argparse.Namespace) -> None:
    from bootd.linux.proc_devicetree import live  # noqa: PLC0415 - as in _merge

    found = live()
    if found is None:
        raise FdtError("this machine has no device tree")
    for note in found.notes:
        print(note, file=sys.stderr)
    if args.output is None:
        sys.stdout.buffer.write(found.blob)
    else:
        _write(args.output, found.blob)


def _diff(args: argparse.Namespace) -> None:
    from bootd.devicetree.explain import difference  # noqa: PLC0415 - as in _merge
    from bootd.devicetree.overlays import read_named  # noqa: PLC0415 - ditto
    from bootd.fdt.compare import differences  # noqa: PLC0415 - ditto

    trees = [read_named(_read(path), path) for path in (args.first, args.second)]
    for found in differences(*trees):
        print(difference(found))


def _live_tree(path: str | None) -> "Fdt":
    from bootd.devicetree.overlays import read_named  # noqa: PLC0415 - as in _merge
    from bootd.linux.proc_devicetree import flatten  # noqa: PLC0415 - ditto

    blob = flatten() if path is None else _read(path)
    if blob is None:
        raise FdtError("this machine has no device tree; name one with --live")
    try:
        return read_named(blob, path or "the running device tree")
    except FdtError as error:
        raise _RefusedError(str(error)) from error


def _refuse(reason: str) -> NoReturn:
    raise _RefusedError(reason)


def _below(folder: str, path: str) -> str:
    return f"{folder.rstrip('/')}{path}"


@contextmanager
def _folder(path: str) -> Iterator[int]:
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _read(path: str) -> bytes:
    """Read at most one byte more than a blob may have; the reader then refuses it."""
    from bootd.fdt import MAX_BLOB_BYTES  # noqa: PLC0415 - as in _merge

    with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs more than the reading
        return file.read(MAX_BLOB_BYTES + 1)


def _write(path: str, blob: bytes) -> None:
    with open(path, "wb") as file:  # noqa: PTH123 - as in _read
        file.write(blob)
