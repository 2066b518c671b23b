"""Files of entries on the media of the system that was booted, with a real udevd."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from bootd.services import entryfiles
from tests.support import loopdisk
from tests.support.udevd import settle, udevd

pytestmark = pytest.mark.root

UUID = str(uuid4())
"""Of this run alone: another one may go on beside it."""
ID = f"bls:{UUID}:debian-6.12.conf"
COUNTED = "/loader/entries/debian-6.12+1-2.conf"
FILES = {
    COUNTED: "title Debian\nlinux /vmlinuz\n",
    "/loader/entries/debian-6.1.conf": "title Debian\nlinux /vmlinuz\n",
    "/EFI/Linux/rescue+3.efi": "an image",
}


@pytest.fixture(scope="module", autouse=True)
def _udevd() -> Iterator[None]:
    with udevd():
        yield


@pytest.fixture
def node(tmp_path: Path) -> Iterator[str]:
    image = loopdisk.make_image(tmp_path / "image", FILES, uuid=UUID)
    with loopdisk.attached(image, read_only=False) as name:
        settle()
        yield f"/dev/{name}"


@contextmanager
def mounted(node: str, place: Path, *options: str) -> Iterator[Path]:
    place.mkdir()
    subprocess.run(["mount", *options, node, str(place)], check=True, timeout=20)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True, timeout=20)


def test_an_entry_is_found_by_the_id_of_its_option(node: str) -> None:
    file = entryfiles.find(ID)
    assert file is not None
    assert (file.device.node, file.path) == (node, COUNTED)
    assert (file.left, file.done) == (1, 2)


@pytest.mark.usefixtures("node")
def test_one_without_a_counter_is_found_and_says_so() -> None:
    file = entryfiles.find(f"bls:{UUID}:debian-6.1.conf")
    assert file is not None
    assert file.left is None


@pytest.mark.usefixtures("node")
def test_an_image_is_found_by_each_of_its_profiles() -> None:
    for entry in ("rescue.efi", "rescue.efi@2"):
        file = entryfiles.find(f"uki:{UUID}:{entry}")
        assert file is not None
        assert file.path == "/EFI/Linux/rescue+3.efi"


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize(
    "option_id",
    [f"bls:{UUID}:gone.conf", "bls:ffff-ffff:debian-6.12.conf", f"extlinux:{UUID}:x", "", "bls:"],
    ids=["no such entry", "no such device", "a format without files", "nothing", "half an id"],
)
def test_what_has_no_file_here_is_not_found(option_id: str) -> None:
    assert entryfiles.find(option_id) is None


@pytest.mark.usefixtures("node")
def test_the_counter_is_taken_away_on_a_disk_that_is_not_mounted() -> None:
    file = entryfiles.find(ID)
    assert file is not None
    assert entryfiles.rename(file, None) == "debian-6.12.conf"
    again = entryfiles.find(ID)
    assert again is not None
    assert (again.path, again.left) == ("/loader/entries/debian-6.12.conf", None)
    assert entryfiles.rename(again, None) == "debian-6.12.conf", "a second time changes nothing"


def test_it_is_taken_away_through_a_mount_that_the_system_has(node: str, tmp_path: Path) -> None:
    with mounted(node, tmp_path / "a b") as place:
        file = entryfiles.find(ID)
        assert file is not None
        entryfiles.rename(file, 0, 3)
        assert (place / "loader/entries/debian-6.12+0-3.conf").exists()
        assert not (place / COUNTED.lstrip("/")).exists()


def test_a_disk_that_the_system_has_mounted_read_only_is_left_alone(
    node: str, tmp_path: Path
) -> None:
    with mounted(node, tmp_path / "boot", "-o", "ro") as place:
        file = entryfiles.find(ID)
        assert file is not None
        with pytest.raises(OSError, match="in use"):
            entryfiles.rename(file, None)
        assert (place / COUNTED.lstrip("/")).exists()
