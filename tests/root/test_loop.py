"""Real loop devices."""

import errno
from pathlib import Path

import pytest

from bootd.linux import loop

pytestmark = pytest.mark.root


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(b"a" * 4096 + b"b" * 4096)
    return path


def backing_files() -> list[str]:
    return [file.read_text().strip() for file in Path("/sys/block").glob("loop*/loop/backing_file")]


def test_an_image_is_a_device_for_the_length_of_the_block(image: Path) -> None:
    with loop.attached(str(image)) as node:
        assert Path(node).read_bytes() == image.read_bytes()
        assert str(image) in backing_files()
    assert str(image) not in backing_files()


def test_a_part_of_an_image_can_be_shown(image: Path) -> None:
    with loop.attached(str(image), offset=4096, size=2048) as node:
        assert Path(node).read_bytes() == b"b" * 2048


def test_a_read_only_device_cannot_be_written(image: Path) -> None:
    with loop.attached(str(image)) as node, pytest.raises(PermissionError):
        Path(node).write_bytes(b"c")
    assert image.read_bytes()[:1] == b"a"


def test_a_writable_device_writes_the_image(image: Path) -> None:
    with (
        loop.attached(str(image), read_only=False) as node,
        Path(node).open("r+b", buffering=0) as device,
    ):
        device.write(b"c" * 512)
    assert image.read_bytes()[:513] == b"c" * 512 + b"a"


def test_more_than_eight_devices_exist_on_demand(image: Path) -> None:
    blocks = [loop.attached(str(image)) for _ in range(12)]
    nodes = [block.__enter__() for block in blocks]
    for block in blocks:
        block.__exit__(None, None, None)
    assert len(set(nodes)) == 12


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError) as caught,
        loop.attached(str(tmp_path / "none")),
    ):
        pass
    assert caught.value.filename == str(tmp_path / "none")


def test_a_device_can_be_made_and_removed() -> None:
    node = loop.add(77)
    try:
        assert Path("/sys/block/loop77").exists()
        with pytest.raises(FileExistsError):
            loop.add(77)
    finally:
        loop.remove(77)
    assert node == "/dev/loop77"
    assert not Path("/sys/block/loop77").exists()


def test_removing_what_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="loop78") as caught:
        loop.remove(78)
    assert caught.value.errno in {errno.ENODEV, errno.EINVAL, errno.ENOENT}
