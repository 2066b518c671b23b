"""ISO images made by xorriso come back file for file; damaged ones are refused in words."""

from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootd.container import iso as container
from bootd.container import read_part
from bootd.disk.iso import IsoVolume
from bootd.disk.volume import VolumeView
from bootd.errors import ConfigLimitError, ImageError
from tests.support.iso import make
from tests.support.memoryfs import MemoryFs

LONG = "a-long-name-" + "x" * 180
DEEP = "/1/2/3/4/5/6/7/8/9/10/deep.conf"
FILES: dict[str, str | bytes] = {
    "/boot/grub/grub.cfg": "menuentry a { linux /k }\n",
    "/boot/Mixed Case.Name.conf": "mixed",
    f"/boot/{LONG}": "long",
    DEEP: "deep",
    "/empty": "",
    "/live/vmlinuz": bytes(range(256)) * 100,
}
LINKS = {
    "/boot/vmlinuz": "../live/./vmlinuz",
    "/absolute": "/live/vmlinuz",
    "/outside": "../../../../etc/passwd",
    "/loop": "loop",
}


def view_of(data: bytes) -> VolumeView:
    return VolumeView(IsoVolume(container.Source(partial(_read, data))))


def _read(data: bytes, offset: int, size: int) -> bytes:
    return data[offset : offset + size]


@pytest.fixture(scope="module")
def rock(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("rock")
    return make(folder, FILES, "-R", "-J", "-joliet-long", links=LINKS)


def test_with_rock_ridge_every_file_is_read_back_under_its_name(rock: bytes) -> None:
    view = view_of(rock)
    for path, data in FILES.items():
        assert view.read(path) == (data.encode() if isinstance(data, str) else data)
    assert set(view.list_dir("/boot")) == {"grub", "Mixed Case.Name.conf", LONG, "vmlinuz"}
    assert view.is_dir("/1/2/3/4/5/6/7/8/9/10")
    assert not view.is_file("/BOOT/GRUB/GRUB.CFG")


def test_links_are_followed_inside_and_never_lead_out(rock: bytes) -> None:
    view = view_of(rock)
    assert view.read("/boot/vmlinuz") == FILES["/live/vmlinuz"]
    assert view.read("/absolute") == FILES["/live/vmlinuz"]
    with pytest.raises(FileNotFoundError):
        view.read("/outside")
    with pytest.raises(OSError, match="too many symbolic links"):
        view.read("/loop")


def test_a_stretch_of_a_file_is_read(rock: bytes) -> None:
    view = view_of(rock)
    assert view.read_range("/live/vmlinuz", 254, 4) == b"\xfe\xff\x00\x01"
    assert view.read_range("/live/vmlinuz", 25_599, 9) == b"\xff"
    assert view.read_range("/live/vmlinuz", 99_999, 9) == b""
    assert view.read_head("/live/vmlinuz", 2) == b"\x00\x01"
    with pytest.raises(ConfigLimitError):
        view.read("/live/vmlinuz", 100)


def test_joliet_names_are_used_without_rock_ridge(tmp_path: Path) -> None:
    files = {"/boot/Ein längerer Name.cfg": "x"}
    view = view_of(make(tmp_path, files, "--norock", "-J", "-joliet-long"))
    assert view.list_dir("/boot") == ("Ein längerer Name.cfg",)
    assert view.read("/BOOT/ein längerer name.cfg") == b"x"


def test_plain_names_are_small_and_have_no_version(tmp_path: Path) -> None:
    view = view_of(make(tmp_path, {"/isolinux/isolinux.cfg": "x"}, "--norock"))
    assert view.list_dir("/isolinux") == ("isolinux.cfg",)
    assert view.read("/isolinux/isolinux.cfg") == b"x"


def test_a_large_directory_is_read_whole(tmp_path: Path) -> None:
    names = {f"/d/entry-{number:04}.conf": str(number) for number in range(500)}
    view = view_of(make(tmp_path, names, "-R"))
    assert len(view.list_dir("/d")) == 500
    assert view.read("/d/entry-0499.conf") == b"499"


def test_a_file_of_an_image_is_a_part_of_it(rock: bytes) -> None:
    fs = MemoryFs({"/live.iso": rock})
    assert read_part(fs, "/live.iso", "/boot/vmlinuz", 1 << 20) == FILES["/live/vmlinuz"]
    with pytest.raises(ImageError, match="has no file /nothing"):
        read_part(fs, "/live.iso", "/nothing", 100)
    with pytest.raises(ImageError, match="has no file /boot"):
        read_part(fs, "/live.iso", "/boot", 100)


def test_a_cut_image_is_an_error(rock: bytes) -> None:
    fs = MemoryFs({"/live.iso": rock[: 40 << 10]})
    with pytest.raises(ImageError, match="cannot be read: damaged file system"):
        read_part(fs, "/live.iso", "/boot/vmlinuz", 1 << 20)


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(OSError, match="no ISO 9660 volume descriptor"):
        view_of(bytes(100_000))


@settings(
    max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(
        st.tuples(st.integers(32 << 10, 90 << 10), st.integers(0, 255)), min_size=1, max_size=40
    ),
    cut=st.integers(0, 100 << 10) | st.none(),
)
def test_a_damaged_image_is_an_error_never_a_crash(
    rock: bytes, changes: list[tuple[int, int]], cut: int | None
) -> None:
    data = bytearray(rock)
    for offset, value in changes:
        if offset < len(data):
            data[offset] = value
    try:
        view = view_of(bytes(data[:cut]))
        names = [f"/{name}" for name in view.list_dir("/")]
        names += [f"/boot/{name}" for name in view.list_dir("/boot")]
    except OSError:
        return
    for name in names:
        try:
            view.read(name)
        except (OSError, ConfigLimitError):
            view.is_dir(name)
