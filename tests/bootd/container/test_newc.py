"""Files packed for the initramfs; cpio(1) is the judge."""

import subprocess
from pathlib import Path

import pytest

from bootd.container import chunks, find, read_part
from bootd.errors import ImageError
from tests.support.memoryfs import MemoryFs


def packed(data: bytes, part: str) -> bytes:
    def read(offset: int, size: int) -> bytes:
        return data[offset : offset + size]

    return b"".join(chunks(read, find(read, part)))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 511, 512, 513, 100_000])
@pytest.mark.parametrize("name", ["init", "etc/conf.d/a b", "/usr//lib/./x"])
def test_cpio_unpacks_the_file_again(tmp_path: Path, name: str, size: int) -> None:
    data = bytes(n % 251 for n in range(size))
    archive = packed(data, f"newc:{name}")
    assert len(archive) % 512 == 0
    argv = ["cpio", "-i", "--quiet", "--no-absolute-filenames"]
    subprocess.run(argv, input=archive, check=True, cwd=tmp_path, timeout=30, capture_output=True)
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in found] == [data]
    assert found[0] == tmp_path / name.replace("/./", "/").replace("//", "/").lstrip("/")


def test_cpio_finds_nothing_behind_the_trailer(tmp_path: Path) -> None:
    archive = packed(b"1", "newc:a") + packed(b"2", "newc:b")
    argv = ["cpio", "-i", "--quiet"]
    subprocess.run(argv, input=archive, check=True, cwd=tmp_path, timeout=30, capture_output=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]  # the kernel goes on, cpio does not
    assert archive[len(archive) // 2 :].startswith(b"070701")


@pytest.mark.parametrize("part", ["newc:", "newc:/", "newc:../x", "newc:a/../../b"])
def test_a_name_that_leads_nowhere_is_refused(part: str) -> None:
    with pytest.raises(ImageError, match="names no file"):
        packed(b"x", part)


def test_a_file_that_looks_like_a_container_is_packed_whole() -> None:
    fs = MemoryFs({"/x": b"\xd0\x0d\xfe\xed" + b"x" * 100})
    assert b"\xd0\x0d\xfe\xedxxx" in read_part(fs, "/x", "newc:x", 4096)
