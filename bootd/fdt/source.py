r"""Trees as device tree source, for people; dtc compiles the text back to the same tree.

Nothing in a blob says whether four bytes are a number or three letters: as in dtc, a value that
can be strings is shown as strings. Foreign text reaches the output only as printable ASCII.
Not shown: labels and references, since phandles are numbers here.
"""

import re
from typing import Final

from bootd.fdt.tree import Fdt, Node

_STRINGS: Final = re.compile(rb"(?:[\x20-\x7e]+\0)+")


def as_strings(value: bytes) -> tuple[str, ...]:
    """Return the strings of a value that is a list of printable non-empty ones, else nothing."""
    if not _STRINGS.fullmatch(value):
        return ()
    return tuple(value[:-1].decode("ascii").split("\0"))


def render_value(value: bytes) -> str:
    """Return a value as dtc's source writes it; "" for an empty one."""
    if not value:
        return ""
    texts = as_strings(value)
    if texts:
        return ", ".join('"' + re.sub(r'(["\\])', r"\\\1", text) + '"' for text in texts)
    if len(value) % 4 == 0:
        words = (int.from_bytes(value[at : at + 4], "big") for at in range(0, len(value), 4))
        return "<" + " ".join(f"{word:#x}" for word in words) + ">"
    return f"[{value.hex(' ')}]"


def render(fdt: Fdt) -> str:
    """Return a whole tree as source that dtc compiles to the same tree."""
    lines = ["/dts-v1/;", f"/* boot_cpuid_phys: {fdt.boot_cpu:#x} */"]
    lines += [f"/memreserve/ {start:#x} {size:#x};" for start, size in fdt.reservations]
    # None stands for the end of a node whose children have been written.
    stack: list[tuple[int, Node | None]] = [(0, fdt.root)]
    while stack:
        depth, node = stack.pop()
        indent = "\t" * depth
        if node is None:
            lines.append(f"{indent}}};")
            continue
        lines.append(f"{indent}{node.name or '/'} {{")
        for name, value in node.properties.items():
            shown = render_value(value)
            lines.append(f"{indent}\t{name} = {shown};" if shown else f"{indent}\t{name};")
        stack.append((depth, None))
        stack.extend((depth + 1, child) for child in reversed(node.children.values()))
    return "\n".join(lines) + "\n"
