"""`bootdctl scan`: what would the menu show? No daemon, and no root for most sources.

Exit status: 0 also when nothing is found, 1 when a SOURCE cannot be opened at all, 2 usage.
"""

import argparse
from typing import Final

from bootd.record import dataclass

_PROPERTIES: Final = ("uuid", "label", "partuuid", "partlabel", "fstype")
_OF_LEASES: Final = ("mac", "ip", "uuid", "bootfile", "prefix", "config")


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
        "image, or a block device. Several --device describe a machine; with --tftp a directory "
        "plays a boot server with PXELINUX and iPXE configuration.",
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
    parser.add_argument(
        "--tftp",
        metavar="URL=DIR[,mac=M][,ip=A][,uuid=U][,bootfile=F][,prefix=P][,config=C]",
        dest="served",
        action="append",
        default=[],
        type=_served_source,
        help="a directory that plays the boot server at URL, with what DHCP says",
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
    if not sources and not arguments.served:
        arguments.parser.error("name a SOURCE, or describe a machine with --device")
    names = [source.name for source in arguments.named]
    if len(set(names)) < len(names):
        arguments.parser.error("two devices have the same name")
    found = scanning.look_at(sources, arguments.served, arguments.architecture)
    scanning.report(found, arguments.architecture, as_json=arguments.json)
    if arguments.explain:
        scanning.explain(found)
    return scanning.FAILED if found.unopened else 0


def _plain_source(text: str) -> Source:
    return Source(text, "", {})


def _named_source(text: str) -> Source:
    """Parse NAME=SOURCE[,key=value]…."""
    name, separator, rest = text.partition("=")
    if not separator or not name or not rest or "/" in name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=SOURCE")
    return _described(name, rest, _PROPERTIES)


def _served_source(text: str) -> Source:
    """Parse URL=DIR[,key=value]…; the name is then the URL of the server's root."""
    url, separator, rest = text.partition("=")
    scheme, _, place = url.partition("://")
    if not separator or not rest or not scheme or not place.strip("/"):
        raise argparse.ArgumentTypeError(f"{text!r} is not URL=DIR")
    return _described(f"{url.rstrip('/')}/", rest, _OF_LEASES)


def _described(name: str, text: str, keys: tuple[str, ...]) -> Source:
    """Parse PATH[,key=value]…; a comma in PATH is its own unless a key follows."""
    path, *words = text.split(",")
    properties: dict[str, str] = {}
    for word in words:
        key, separator, value = word.partition("=")
        if separator and key in keys:
            properties[key] = value
        elif properties:
            raise argparse.ArgumentTypeError(f"{key!r} is none of {', '.join(keys)}")
        else:
            path = f"{path},{word}"
    return Source(path, name, properties)
