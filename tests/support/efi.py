"""Unified kernel images, made for tests as ukify lays them out: headers, sections, no code."""

import struct
from collections.abc import Sequence

AARCH64 = 0xAA64
_ALIGN = 512


def uki(sections: Sequence[tuple[str, str | bytes]], machine: int = AARCH64) -> bytes:
    """Return a PE file; text is encoded as UTF-8. Names may repeat."""
    datas = [data.encode() if isinstance(data, str) else data for _, data in sections]
    start = 0x80
    headers = start + 24 + 240 + 40 * len(sections)
    at = -(-headers // _ALIGN) * _ALIGN
    head = bytearray(at)
    head[:2] = b"MZ"
    struct.pack_into("<I", head, 60, start)
    struct.pack_into(
        "<4sHHIIIHH", head, start, b"PE\0\0", machine, len(sections), 0, 0, 0, 240, 0x22E
    )
    body = bytearray()
    for number, ((name, _), data) in enumerate(zip(sections, datas, strict=True)):
        padded = -(-len(data) // _ALIGN) * _ALIGN
        struct.pack_into(
            "<8sIIIIIIHHI",
            head,
            start + 264 + 40 * number,
            *(name.encode(), len(data), 0x10000 * (number + 1), padded, at + len(body)),
            *(0, 0, 0, 0, 0x40000040),
        )
        body += data + bytes(padded - len(data))
    return bytes(head + body)
