"""`bootdctl scan`: what would the menu show? No daemon, and no root for most sources.

Exit status: 0 also when nothing is found, 1 when a SOURCE cannot be opened at all, 2 usage.
"""

import argparse
from typing import Final

from bootd.record import dataclass

_PROPERTIES: Final = ("uuid", "label", "partuuid", "partlabel", "fstype")


@dataclass(frozen=True, slots=True)
class Source:
    """One SOURCE of the command line.

    Attributes:
        name: Kernel name to play, or "" to make one from the path.
        properties: What was given beside the path; wins over what is found.
    """

    path: str
    name: str
    properties: dict[str, str]


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to bootdctl's parser."""
    parser = commands.add_parser(
        "scan",
        help="List the boot options of directories, disk images or devices, without the daemon.",
        description="List the boot options of every SOURCE, without the daemon. SOURCE is a "
        "directory taken as a file system's root, a disk or partition "
        "image, or a block device. Several --device describe a machine.",
    )
    parser.add_argument("sources", metavar="SOURCE", nargs="*", type=_plain_source)
    parser.add_argument(
        "--device",
        metavar="NAME=SOURCE[,uuid=U][,label=L][,partuuid=P][,partlabel=L][,fstype=T]",
        dest="named",
        action="append",
        default=[],
        type=_named_source,
        help="a SOURCE that plays the device NAME; may be given several times",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--explain", action="store_true", help="say on standard error where was looked"
    )
    parser.add_argument(
        "--architecture", metavar="ARCH", default="", help="as of `uname -m`; default: this machine"
    )
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Scan every source and print what the menu would show; returns the exit status."""
    from bootd.ctl import scanning  # noqa: PLC0415 - formats and readers, which --help does not need

    sources: list[Source] = [*arguments.named, *arguments.sources]
    if not sources:
        arguments.parser.error("name a SOURCE, or describe a machine with --device")
    names = [source.name for source in arguments.named]
    if len(set(names)) < len(names):
        arguments.parser.error("two devices have the same name")
    found = scanning.look_at(sources)
    scanning.report(found, arguments.architecture, as_json=arguments.json)
    if arguments.explain:
        scanning.explain(found)
    return scanning.FAILED if found.unopened else 0


def _plain_source(text: str) -> Source:
    return Source(text, "", {})


def _named_source(text: str) -> Source:
    """Parse NAME=SOURCE[,key=value]…; a comma in SOURCE is its own unless a key follows."""
    name, separator, rest = text.partition("=")
    if not separator or not name or not rest or "/" in name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=SOURCE")
    path, *words = rest.split(",")
    properties: dict[str, str] = {}
    for word in words:
        key, separator, value = word.partition("=")
        if separator and key in _PROPERTIES:
            properties[key] = value
        elif properties:
            raise argparse.ArgumentTypeError(f"{key!r} is none of {', '.join(_PROPERTIES)}")
        else:
            path = f"{path},{word}"
    return Source(path, name, properties)
