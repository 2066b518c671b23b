"""Files with a kernel inside: which kernel is meant, and where it lies.

To add one: write its `find`, then list it in `WRAPPINGS`. Where `bootd.container` knows the parts,
it checks their sums as well when the kernel is taken out.
"""

import struct
from collections.abc import Callable
from typing import Final

from bootd.container import android, fit, legacy, pe
from bootd.errors import ImageError
from bootd.images.kind import Source, at
from bootd.model.text import clean
from bootd.record import dataclass

_MACHINES: Final = {
    0x014C: "i686",
    0x01C2: "arm",
    0x01C4: "arm",
    0x5032: "riscv32",
    0x5064: "riscv64",
    0x6264: "loongarch64",
    0x8664: "x86_64",
    0xAA64: "aarch64",
}
"""IMAGE_FILE_MACHINE_* of the PE specification."""

_PLAIN_KINDS: Final = {"aarch64": "arm64", "riscv64": "riscv"}
"""What a zboot image for an architecture has inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """The kernel in a file.

    Attributes:
        part: As `bootd.container` names it, or "" when `offset` is all there is.
        offset: In the file, in bytes.
        size: In bytes.
        notes: Sentences on what else is in the file.
        kind: What kind it is if it cannot be looked at, or "".
        architecture: Ditto.
        memory_bytes: Ditto; its unpacked length.
    """

    part: str = ""
    offset: int
    size: int
    notes: tuple[str, ...] = ()
    kind: str = ""
    architecture: str = ""
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapping:
    """A row of the table.

    Attributes:
        name: Short and stable.
        title: For a person.
        matches: Says from the first bytes of a file whether it is one.
        find: Returns the kernel in it. Raises ImageError: there is none, or the file is damaged.
    """

    name: str
    title: str
    matches: Callable[[bytes], bool]
    find: Callable[[Source], Inside]


def _zboot(source: Source) -> Inside:
    """EFI zboot (drivers/firmware/efi/libstub/zboot-header.S): a packed kernel behind its stub."""
    if len(source.head) < 64:
        raise ImageError("it ends within its header")
    offset, size = struct.unpack_from("<II", source.head, 8)
    if offset < 64 or size < 8 or (source.size and offset + size > source.size):
        raise ImageError(f"it is cut off, or has a damaged header ({size} bytes at {offset:#x})")
    architecture = _architecture(source)
    # All packers but gzip, which does so itself, are followed by the unpacked length.
    unpacked = int.from_bytes(source.read(offset + size - 4, 4), "little")
    method = source.head[24:56].partition(b"\0")[0].decode("ascii", "replace")
    return Inside(
        offset=offset,
        size=size,
        notes=(f"The EFI stub says that the kernel is packed with {clean(method, 20)}.",),
        kind=_PLAIN_KINDS.get(architecture, ""),
        architecture=architecture,
        memory_bytes=unpacked if size < unpacked < 1 << 30 else 0,
    )


def _architecture(source: Source) -> str:
    try:
        return _MACHINES.get(pe.load(source.read).machine, "")
    except ImageError:
        return ""


def _uimage(source: Source) -> Inside:
    header = legacy.parse_header(source.head)
    if header.kind not in {legacy.KERNEL, legacy.MULTI}:
        raise ImageError(f"it holds no kernel (its type is {header.kind})")
    parts = legacy.files(header, source.read)
    if not parts:
        raise ImageError("it holds no files")
    if source.size and parts[-1].offset + parts[-1].size > source.size:
        raise ImageError(f"it is cut off: it has {source.size} bytes")
    notes = [f"U-Boot's name for it is {clean(header.name, 40)}."]
    if len(parts) > 1:
        notes.append(f"It holds {len(parts)} files; the first one is the kernel.")
    return Inside(part="0", offset=parts[0].offset, size=parts[0].size, notes=tuple(notes))


def _fit(source: Source) -> Inside:
    configurations = fit.load(source.read).configurations
    names = clean(", ".join(configurations), 80)
    raise ImageError(
        "each of its configurations is a boot option of its own, the file as a whole is none "
        f"(it has {names or 'no configuration'})"
    )


def _android(source: Source) -> Inside:
    found = android.load(source.read)
    part = found.parts.get("kernel")
    if part is None:
        raise ImageError(f"it holds no kernel, only {', '.join(found.parts) or 'nothing'}")
    others = [name for name in found.parts if name != "kernel"]
    notes = (f"Header version {found.version}; it also holds: {', '.join(others) or 'nothing'}.",)
    return Inside(part="kernel", offset=part.offset, size=part.size, notes=notes)


def _uki(source: Source) -> Inside:
    loaded = pe.load(source.read)
    names = [section.name for section in loaded.sections]
    if ".linux" not in names:
        raise ImageError("it is an EFI program without a kernel in it, which only firmware starts")
    part = pe.find(source.read, ".linux")
    notes = (f"Sections: {clean(', '.join(dict.fromkeys(names)), 200)}.",)
    return Inside(part=".linux", offset=part.offset, size=part.size, notes=notes)


WRAPPINGS: Final = (
    Wrapping(name="zboot", title="EFI zboot image", matches=at(4, b"zimg"), find=_zboot),
    Wrapping(name="uimage", title="U-Boot legacy image", matches=legacy.matches, find=_uimage),
    Wrapping(name="fit", title="U-Boot FIT image", matches=fit.matches, find=_fit),
    Wrapping(name="android", title="Android boot image", matches=android.matches, find=_android),
    Wrapping(name="pe", title="unified kernel image", matches=pe.matches, find=_uki),
)
