"""`bootdctl dt`: device trees looked at and merged by hand, by the code that a boot uses.

Exit status: 0 done, 1 failed, 2 usage, 3 refused (the reason is on stderr, nothing is written).
"""

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn

from bootd.ctl import treefiles
from bootd.errors import FdtError, MergeRefusedError

if TYPE_CHECKING:
    from bootd.devicetree.merge import Merged
    from bootd.model.board import Profile

REFUSED: Final = 3


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb group to bootdctl's parser."""
    group = commands.add_parser("dt", help="Merge, select, check and compare device trees.")
    verbs = group.add_subparsers(metavar="VERB", required=True)
    _register_merge(verbs)
    select = _verb(verbs, "select", _select, "Print the DTB of a folder that is for this board.")
    select.add_argument(
        "--live", metavar="L.dtb", help="the board's tree (default: the running one)"
    )
    treefiles.add_board(select)
    select.set_defaults(original=None, screens=[])
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
    treefiles.add_board(parser)
    treefiles.add_screens(parser)
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
    except treefiles.RefusedError as error:
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
    treefiles.write_bytes(args.output, finish(blob, initrd_range=args.initrd))


def _explain(args: argparse.Namespace) -> None:
    args.explain = args.explain or "text"
    _combine(args)


def _combine(args: argparse.Namespace) -> bytes:
    """Merge as a boot would, and print the explanation that was asked for."""
    from bootd.devicetree.explain import as_json  # noqa: PLC0415 - as in _merge
    from bootd.devicetree.overlays import apply_overlays, read_named  # noqa: PLC0415 - ditto
    from bootd.devicetree.prepare import combine  # noqa: PLC0415 - ditto
    from bootd.devicetree.risk import risks  # noqa: PLC0415 - ditto

    live, shipped = treefiles.live_tree(args.live), treefiles.read_bytes(args.shipped)
    known = treefiles.known(args, live)
    overlays = tuple(treefiles.read_overlay(text) for text in args.overlay)
    try:
        base, notes = apply_overlays(
            read_named(shipped, "the DTB"), overlays, tuple(args.parameters)
        )
        blob, merged = combine(base, live, args.cmdline, known=known)
    except (FdtError, MergeRefusedError) as error:
        if args.explain == "json":
            print(json.dumps(as_json((), str(error)), indent=2))
        _refuse(f"cannot merge {args.shipped}: {error}")
    dangers = tuple(risks(base, live))
    for note in (*_profile_note(known.profile), *notes, *(f"dangerous: {d}" for d in dangers)):
        print(note, file=sys.stderr)
    _tell(args.explain, merged, known.profile, dangers)
    return blob


def _profile_note(profile: "Profile") -> tuple[str, ...]:
    """Say which profiles counted, if any."""
    return (f"board profile: {', '.join(profile.names)}",) if profile.names else ()


def _tell(how: str | None, merged: "Merged", profile: "Profile", dangers: tuple[str, ...]) -> None:
    from bootd.devicetree.explain import as_json, by_class  # noqa: PLC0415 - as in _merge

    if how == "json":
        told = as_json(merged.facts) | {"profiles": list(profile.names), "risks": list(dangers)}
        print(json.dumps(told, indent=2))
    elif how:
        print("\n".join(by_class(merged.facts, dangers)))


def _select(args: argparse.Namespace) -> None:
    from bootd.devicetree.merge import check_gate  # noqa: PLC0415 - as in _merge
    from bootd.devicetree.overlays import read_named  # noqa: PLC0415 - ditto
    from bootd.devicetree.select import select  # noqa: PLC0415 - ditto
    from bootd.linux.dirview import DirView  # noqa: PLC0415 - ditto
    from bootd.model.tree import TreeRequest  # noqa: PLC0415 - ditto

    live = treefiles.live_tree(args.live)
    profile = treefiles.known(args, live).profile
    with treefiles.folder(args.folder) as fd:
        own = treefiles.fdtfile(args)
        request = TreeRequest(devicetree_dir="/", profile=profile, fdtfile=own)
        found = select(DirView(fd), request, live)
    for note in (*_profile_note(profile), *found.notes):
        print(note, file=sys.stderr)
    if found.path is None:
        for path in found.suggestions:
            print(_below(args.folder, path))
        _refuse(found.why.replace("of /", f"of {args.folder}", 1))
    try:
        check_gate(read_named(found.blob, found.path), live, profile)
    except MergeRefusedError as error:
        _refuse(str(error))
    print(_below(args.folder, found.path))


def _overlay(args: argparse.Namespace) -> None:
    from bootd.devicetree.overlays import apply_overlays, read_named  # noqa: PLC0415 - as in _merge
    from bootd.fdt import write  # noqa: PLC0415 - ditto

    base = read_named(treefiles.read_bytes(args.base), args.base)
    overlays = tuple(treefiles.read_overlay(text) for text in args.overlays)
    result, notes = apply_overlays(base, overlays, tuple(args.parameters))
    for note in notes:
        print(note, file=sys.stderr)
    treefiles.write_bytes(args.output, write(result))


def _check(args: argparse.Namespace) -> None:
    from bootd.devicetree.overlays import read_named  # noqa: PLC0415 - as in _merge

    read_named(treefiles.read_bytes(args.file), args.file)


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
        treefiles.write_bytes(args.output, found.blob)


def _diff(args: argparse.Namespace) -> None:
    from bootd.devicetree.explain import difference  # noqa: PLC0415 - as in _merge
    from bootd.devicetree.overlays import read_named  # noqa: PLC0415 - ditto
    from bootd.fdt.compare import differences  # noqa: PLC0415 - ditto

    trees = [read_named(treefiles.read_bytes(path), path) for path in (args.first, args.second)]
    for found in differences(*trees):
        print(difference(found))


def _refuse(reason: str) -> NoReturn:
    raise treefiles.RefusedError(reason)


def _below(folder: str, path: str) -> str:
    return f"{folder.rstrip('/')}{path}"
