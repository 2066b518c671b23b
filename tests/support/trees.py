"""Device trees for tests: built from nested dicts, compiled by dtc, or as raw tokens."""

import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bootd.fdt import Fdt, Node, write
from bootd.fdt.cells import from_cells, from_string

Content = Mapping[str, object]
"""Properties and, where a value is itself a mapping, children."""

PROP: Final = 3
END: Final = struct.pack(">I", 9)
BEGIN_ROOT: Final = struct.pack(">II", 1, 0)
END_NODE: Final = struct.pack(">I", 2)
NOP: Final = struct.pack(">I", 4)


def node(name: str, content: Content) -> Node:
    """Build a node: text is a string value, a number a cell, a list cells or strings."""
    made = Node(name)
    for key, value in content.items():
        if isinstance(value, Mapping):
            made.children[key] = node(key, value)
        else:
            made.properties[key] = encode(value)
    return made


def encode(value: object) -> bytes:
    match value:
        case bytes():
            return value
        case str():
            return from_string(value)
        case int():
            return from_cells([value])
        case list():
            return b"".join(encode(item) for item in value)
        case _:
            raise TypeError(value)


def tree(content: Content, *, reservations: tuple[tuple[int, int], ...] = ()) -> Fdt:
    return Fdt(root=node("", content), reservations=list(reservations))


def blob(content: Content, *, reservations: tuple[tuple[int, int], ...] = ()) -> bytes:
    return write(tree(content, reservations=reservations))


def board(name: str = "acme,board", /, **more: object) -> dict[str, object]:
    """Return the least that a mergeable tree has: a name, cells, a CPU, memory and a console."""
    content: dict[str, object] = {
        "#address-cells": 2,
        "#size-cells": 2,
        "compatible": [name, "acme,soc"],
        "model": f"Acme {name}",
        "cpus": {"#address-cells": 1, "#size-cells": 0, "cpu@0": cpu(0), "cpu@1": cpu(1)},
        "memory@0": {"device_type": "memory", "reg": [0, 0, 0, 0]},
        "serial@1000": {"compatible": "acme,uart", "reg": [0, 0x1000, 0, 0x100]},
        "chosen": {"stdout-path": "/serial@1000"},
    }
    return content | more


def cpu(number: int, **more: object) -> Content:
    content: dict[str, object] = {"device_type": "cpu", "compatible": "arm,cortex-a53"}
    return content | {"reg": number} | more


def live_board(name: str = "acme,board", /, **more: object) -> dict[str, object]:
    """Return the same board as its firmware would leave it, with 512 MiB at 1 GiB."""
    memory: Content = {"device_type": "memory", "reg": [0, 0x40000000, 0, 0x20000000]}
    content = board(name) | {"memory@40000000": memory} | more
    return {key: value for key, value in content.items() if key != "memory@0"}


def raw_blob(
    structure: bytes,
    strings: bytes = b"",
    reserve: bytes = bytes(16),
    *,
    version: int = 17,
    last_compatible: int = 16,
) -> bytes:
    """Wrap a structure block in a correct header."""
    start = 40 + len(reserve)
    total = start + len(structure) + len(strings)
    words = (
        0xD00DFEED,
        total,
        start,
        start + len(structure),
        40,
        version,
        last_compatible,
        0,
        len(strings),
        len(structure),
    )
    return struct.pack(">10I", *words) + reserve + structure + strings


def prop(offset: int, value: bytes = b"") -> bytes:
    padding = bytes(-len(value) % 4)
    return struct.pack(">III", PROP, len(value), offset) + value + padding


def begin(name: str) -> bytes:
    text = name.encode() + b"\0"
    return struct.pack(">I", 1) + text + bytes(-len(text) % 4)


def compile_dts(source: Path | str, *, symbols: bool = False, force: bool = False) -> bytes:
    """Compile device tree source with dtc; `force`: also what dtc finds wrong."""
    text = source.read_text() if isinstance(source, Path) else source
    options = [*(["-@"] if symbols else []), *(["-f"] if force else [])]
    command = ["dtc", "-q", "-q", "-I", "dts", "-O", "dtb", *options, "-"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=20, check=True)
    return done.stdout


def fdtget(path: Path, node_path: str, name: str) -> str | None:
    """Ask libfdt for a property as bytes in hexadecimal; None when libfdt does not see it."""
    command = ["fdtget", "-t", "bx", str(path), node_path, name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout.strip() if done.returncode == 0 else None
