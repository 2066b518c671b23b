"""Containers of U-Boot, made as its mkimage makes them: legacy images and FIT images."""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from bootd.container import legacy
from bootd.fdt import Fdt, Node, write
from bootd.fdt.cells import from_cells, from_string


def uimage(data: bytes, kind: int = legacy.KERNEL, name: str = "Linux", arch: int = 22) -> bytes:
    """Put a legacy header in front of `data`."""
    bare = struct.pack(
        ">7I4B32s",
        0x27051956,
        0,
        0,
        len(data),
        0x80000,
        0x80000,
        crc32(data),
        *(5, arch, kind, 0),
        name.encode()[:32],
    )
    return bare[:4] + crc32(bare).to_bytes(4, "big") + bare[8:] + data


def multi(files: Sequence[bytes], kind: int = legacy.MULTI) -> bytes:
    """Make a multi-file image, or with `kind` SCRIPT a script image."""
    table = b"".join(struct.pack(">I", len(each)) for each in files) + bytes(4)
    padded = [each + bytes(-len(each) % 4) for each in files[:-1]] + [*files[-1:]]
    return uimage(table + b"".join(padded), kind)


def script(text: str) -> bytes:
    """Make a boot.scr."""
    return multi([text.encode()], legacy.SCRIPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A node of /images."""

    data: bytes
    kind: str = "kernel"
    compression: str = "none"
    hash_algorithm: str = "sha256"
    more: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A node of /configurations; several `fdt` are a tree and its overlays."""

    kernel: str = "kernel-1"
    fdt: Sequence[str] = ()
    ramdisk: str = ""
    compatible: Sequence[str] = ()
    description: str = ""


def fit(
    images: Mapping[str, Image],
    configurations: Mapping[str, Configuration],
    default: str = "",
    *,
    external: bool = False,
    description: str = "",
) -> bytes:
    """Make a FIT image, with `external` its data behind the tree (`mkimage -E`)."""
    root = Node("")
    if description:
        root.properties["description"] = from_string(description)
    outside = bytearray()
    for name, image in images.items():
        node = root.add("images").add(name)
        node.properties |= {
            "type": from_string(image.kind),
            "arch": from_string("arm64"),
            "compression": from_string(image.compression),
            **image.more,
        }
        if external:
            node.properties["data-offset"] = from_cells([len(outside)])
            node.properties["data-size"] = from_cells([len(image.data)])
            outside += image.data + bytes(-len(image.data) % 4)
        else:
            node.properties["data"] = image.data
        if image.hash_algorithm:
            node.add("hash-1").properties |= {
                "algo": from_string(image.hash_algorithm),
                "value": _digest(image.hash_algorithm, image.data),
            }
    for name, each in configurations.items():
        root.add("configurations").add(name).properties.update(_configuration(each))
    if default:
        root.add("configurations").properties["default"] = from_string(default)
    blob = write(Fdt(root=root))
    return blob + bytes(-len(blob) % 4) + bytes(outside)


def _configuration(each: Configuration) -> dict[str, bytes]:
    lists = {"fdt": each.fdt, "compatible": each.compatible}
    texts = {"description": each.description, "kernel": each.kernel, "ramdisk": each.ramdisk}
    return {k: from_string(v) for k, v in texts.items() if v} | {
        k: b"".join(map(from_string, v)) for k, v in lists.items() if v
    }


def _digest(algorithm: str, data: bytes) -> bytes:
    if algorithm == "crc32":
        return crc32(data).to_bytes(4, "big")
    return hashlib.new(algorithm, data).digest()
