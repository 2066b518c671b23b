"""What a demo system prints about the kernel that runs it (image/demo/report), as values."""

import base64
import gzip
import io
import re
import tarfile
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """The second kernel's own words.

    Attributes:
        tree: /proc/device-tree: `/chosen/bootargs` to raw value.
        blob: /sys/firmware/fdt; empty where the kernel does not show it.
        iomem: Lines of /proc/iomem.
    """

    system: str
    release: str
    cmdline: str
    processors: int
    memory_kib: int
    tree: dict[str, bytes]
    blob: bytes
    iomem: tuple[str, ...]


def parse(text: str) -> Second:
    """Read the report out of a serial log; `SECOND end` must be in it."""
    begin = re.search(r"SECOND begin system=(.*) release=(\S+)", text)
    assert begin is not None
    encoded = "".join(re.findall(r"SECOND tree=(\S+)", text))
    blob = "".join(re.findall(r"SECOND fdt=(\S+)", text))
    return Second(
        system=begin[1],
        release=begin[2],
        cmdline=_field(text, "cmdline"),
        processors=int(_field(text, "processors")),
        memory_kib=int(_field(text, "memory")),
        tree=_untar(base64.b64decode(encoded)),
        blob=gzip.decompress(base64.b64decode(blob)) if blob else b"",
        iomem=tuple(re.findall(r"SECOND iomem= *(.*)", text)),
    )


def _field(text: str, name: str) -> str:
    found = re.search(rf"SECOND {name}=(.*)", text)
    assert found is not None
    return found[1]


def _untar(data: bytes) -> dict[str, bytes]:
    tree = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                tree["/" + member.name.removeprefix("./")] = file.read()
    return tree
