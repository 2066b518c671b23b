"""The kexec calls.

This machine's kernel may have no kexec, and a test must never load one where it has: the C library
is replaced by a recorder, which is the only mock here. What the real calls do is proved on the
emulated board.
"""

import ctypes
import errno
import mmap
import os
from pathlib import Path

import pytest

from bootd.linux import capability, kexec


class Recorder:
    """Takes the place of `syscall`; answers with the errors it is given, one a call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, tuple[object, ...]]] = []
        self.errors: list[int] = []

    def __call__(self, name: str, number: int, *args: object) -> int:
        self.calls.append((name, number, args))
        code = self.errors.pop(0) if self.errors else 0
        if code:
            raise OSError(code, os.strerror(code), name)
        return 0


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    fake = Recorder()
    monkeypatch.setattr(kexec, "syscall", fake)
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("", "", "", "", "aarch64")))
    return fake


def test_segments_are_handed_over_with_address_and_size(recorder: Recorder) -> None:
    data = bytearray(b"kernel")
    area = mmap.mmap(-1, 8192)
    kexec.kexec_load(
        0x50000000,
        [
            kexec.KexecSegment(data=data, start=0x40000000, memory_bytes=0x2000),
            kexec.KexecSegment(data=area, start=0x41000000, memory_bytes=0x3000),
        ],
    )
    ((name, number, (entry, count, table, flags)),) = recorder.calls
    assert (name, number, entry, count, flags) == ("kexec_load", 104, 0x50000000, 2, 183 << 16)
    rows = ctypes.cast(ctypes.addressof(table), ctypes.POINTER(ctypes.c_uint64))  # type: ignore[arg-type]  # the recorder keeps plain objects
    assert ctypes.string_at(rows[0], rows[1]) == b"kernel"
    assert (rows[2], rows[3]) == (0x40000000, 0x2000)
    assert (rows[5], rows[6], rows[7]) == (8192, 0x41000000, 0x3000)


def test_a_file_load_counts_the_nul_and_says_when_there_is_no_initrd(recorder: Recorder) -> None:
    kexec.kexec_file_load(7, None, b"quiet")
    kexec.kexec_file_load(7, 8, b"quiet")
    first, second = (call[2] for call in recorder.calls)
    assert (first[0], first[1], first[2], first[4]) == (7, -1, 6, kexec.KEXEC_FILE_NO_INITRAMFS)
    assert (second[1], second[4]) == (8, 0)


def test_unloading_with_nothing_loaded_makes_no_call(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kexec, "kexec_loaded", lambda: False)
    kexec.unload()
    assert recorder.calls == []


def test_unloading_falls_back_to_the_file_call(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kexec, "kexec_loaded", lambda: True)
    recorder.errors = [errno.EPERM]
    kexec.unload()
    assert [call[0] for call in recorder.calls] == ["kexec_load", "kexec_file_load"]
    assert recorder.calls[1][2][4] == kexec.KEXEC_FILE_UNLOAD


@pytest.mark.parametrize(
    ("code", "has"),
    [(errno.EINVAL, False), (errno.ENOSYS, False), (errno.EPERM, False), (errno.EBADF, True)],
)
def test_the_tree_argument_is_known_by_its_flag(recorder: Recorder, code: int, has: bool) -> None:  # noqa: FBT001 - a column of the table
    recorder.errors = [code]
    assert kexec.has_kexec_file_dtb() is has


def test_a_call_exists_unless_the_kernel_says_enosys(recorder: Recorder) -> None:
    recorder.errors = [errno.ENOSYS, errno.EPERM]
    assert not kexec.has_kexec_load()
    assert kexec.has_kexec_load()


def test_probing_really_works_without_the_capability() -> None:
    """On the real kernel: the answer is a truth value, and the capability is back afterwards."""
    before = effective()
    answers = {kexec.has_kexec_load(), kexec.has_kexec_file_load()}
    assert answers <= {True, False}
    assert effective() == before


def test_a_dropped_capability_is_gone_inside_and_back_outside() -> None:
    bit = 1 << capability.CAP_SYS_BOOT
    before = effective()
    with capability.dropped(capability.CAP_SYS_BOOT):
        assert not effective() & bit
    assert effective() == before


def test_loaded_is_read_from_sysfs(tmp_path: Path) -> None:
    file = tmp_path / "kexec_loaded"
    assert not kexec.kexec_loaded(str(file))
    file.write_text("0\n")
    assert not kexec.kexec_loaded(str(file))
    file.write_text("1\n")
    assert kexec.kexec_loaded(str(file))


def effective() -> int:
    status = Path("/proc/thread-self/status").read_text(encoding="ascii")
    (line,) = [line for line in status.split("\n") if line.startswith("CapEff")]
    return int(line.split()[1], 16)


def test_a_crash_kernel_is_taken_out_with_a_flag_of_its_own(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kexec, "crash_loaded", lambda: True)
    recorder.errors = [errno.EPERM]
    kexec.unload_crash()
    first, second = recorder.calls
    assert first == ("kexec_load", 104, (0, 0, None, 183 << 16 | kexec.KEXEC_ON_CRASH))
    flags = kexec.KEXEC_FILE_UNLOAD | kexec.KEXEC_FILE_ON_CRASH
    assert second == ("kexec_file_load", 294, (-1, -1, 0, None, flags, -1))


def test_memory_for_a_crash_kernel_is_none_where_the_kernel_has_no_such_file(
    tmp_path: Path,
) -> None:
    file = tmp_path / "size"
    assert kexec.crash_bytes(str(file)) == 0
    file.write_text("268435456\n")
    assert kexec.crash_bytes(str(file)) == 256 << 20
