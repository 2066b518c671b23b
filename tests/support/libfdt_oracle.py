"""libfdt as the judge of blobs and overlays: pylibfdt, which builds libfdt 1.7.2 itself.

Debian 12's own libfdt 1.6.1 applies some overlays wrongly. libfdt crashes on some hostile overlays,
so those are given to a process of its own.
"""

import struct
import subprocess
import sys
from types import TracebackType
from typing import Final, Self

import libfdt

SPARE: Final = 16 << 10


def is_valid(blob: bytes) -> bool:
    """Say whether fdt_check_full accepts a blob."""
    return bool(libfdt.fdt_check_full(bytearray(blob), len(blob)) == 0)


def apply_overlay(base: bytes, overlay: bytes) -> bytes | None:
    """Apply an overlay; None when libfdt refuses it."""
    merged = bytearray(len(base) + 4 * len(overlay) + SPARE)
    if libfdt.fdt_open_into(bytearray(base), merged, len(merged)):
        return None
    if libfdt.fdt_overlay_apply(merged, bytearray(overlay)):
        return None
    libfdt.fdt_pack(merged)
    return bytes(merged[: int.from_bytes(merged[4:8], "big")])


class Guarded:
    """`apply_overlay` in a process that may crash; it is then started again."""

    def __init__(self) -> None:
        self._child = self._start()
        self.crashes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def apply_overlay(self, base: bytes, overlay: bytes) -> bytes | None:
        """Apply an overlay; None when libfdt refuses it or crashes."""
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(struct.pack("<II", len(base), len(overlay)) + base + overlay)
        child.stdin.flush()
        head = child.stdout.read(4)
        if len(head) < 4:
            self.crashes += 1
            self._stop()
            self._child = self._start()
            return None
        return child.stdout.read(struct.unpack("<I", head)[0]) or None

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tests.support.libfdt_oracle"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _stop(self) -> None:
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        self._child.wait(10)


def _serve() -> None:
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while len(head := source.read(8)) == 8:
        base, overlay = (source.read(size) for size in struct.unpack("<II", head))
        answer = apply_overlay(base, overlay) or b""
        sink.write(struct.pack("<I", len(answer)) + answer)
        sink.flush()


if __name__ == "__main__":
    _serve()
