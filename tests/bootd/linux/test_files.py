"""Files as buffers."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootd.linux import files


def test_a_mapping_shows_the_whole_file_and_needs_no_write_access(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"abc" * 5000)
    fd = os.open(path, os.O_RDONLY)
    with files.mapped(fd) as area:
        os.close(fd)
        assert area[:] == b"abc" * 5000


def test_pieces_end_up_in_a_memory_file_at_its_start() -> None:
    with files.memory_file("k", iter([b"ab", b"", b"cd"])) as fd:
        assert os.read(fd, 10) == b"abcd"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_a_failing_producer_closes_the_memory_file() -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise EOFError

    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counting names is all it does
    with pytest.raises(EOFError), files.memory_file("k", broken()):
        pytest.fail("the block must not run")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - ditto


def test_joined_files_start_at_multiples_of_four(tmp_path: Path) -> None:
    fds = []
    for name, data in (("a", b"12345"), ("b", b"6"), ("c", b"789")):
        (tmp_path / name).write_bytes(data)
        fds.append(os.open(tmp_path / name, os.O_RDONLY))
    with files.joined("initrd", fds) as fd:
        assert os.read(fd, 100) == b"12345\0\0\x006\0\0\x00789"
    for fd in fds:
        assert os.lseek(fd, 0, os.SEEK_CUR) == 0
        os.close(fd)
