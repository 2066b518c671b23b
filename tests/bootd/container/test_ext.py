"""Files in ext images."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from bootd.container import chunks, find, read_part
from bootd.errors import ImageError
from bootd.fsview import FsView
from bootd.images import ImageInfo
from bootd.loaders import task
from bootd.protocol.codec import from_json
from tests.support import extimage
from tests.support.images import arm64_image
from tests.support.memoryfs import MemoryFs

LONG = bytes(range(256)) * 8192
"""2 MiB: in an ext2 image there are blocks of the map in between."""

Make = Callable[..., MemoryFs]


@dataclass(frozen=True)
class Worker:
    fs: FsView | None


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(*options: str) -> MemoryFs:
        files = {"/boot/vmlinuz": arm64_image(70_000), "/boot/initrd": LONG}
        return MemoryFs({"/active.img": extimage.make(tmp_path, files, *options)})

    return made


@pytest.mark.parametrize("kind", ["ext2", "ext4"])
def test_a_file_in_pieces_is_read_whole(make: Make, kind: str) -> None:
    fs = make("-t", kind, "-b", "1024")
    assert read_part(fs, "/active.img", "/boot/initrd", 4 << 20) == LONG
    read = partial(fs.read_range, "/active.img")
    assert b"".join(chunks(read, find(read, "/boot/vmlinuz"))) == arm64_image(70_000)


def test_a_kernel_in_an_image_is_described(make: Make) -> None:
    params: dict[str, object] = {"path": "/active.img", "part": "/boot/vmlinuz"}
    answer, _ = task.image(Worker(make("-t", "ext2", "-b", "1024")), params, [])  # type: ignore[arg-type]  # a dict of text
    info = from_json(ImageInfo, answer)
    assert (info.kind, info.file_bytes) == ("arm64", 70_000)


@pytest.mark.parametrize("part", ["/boot/none", "/boot", "/none/x"])
def test_a_file_that_is_not_there_is_an_error(make: Make, part: str) -> None:
    with pytest.raises(ImageError, match="the image"):
        read_part(make("-t", "ext4"), "/active.img", part, 1 << 20)


def test_a_damaged_image_is_an_error(make: Make) -> None:
    whole = make("-t", "ext4").read("/active.img", 16 << 20)
    fs = MemoryFs({"/active.img": whole[:3000]})
    with pytest.raises(ImageError, match="the image cannot be read"):
        read_part(fs, "/active.img", "/boot/initrd", 4 << 20)
