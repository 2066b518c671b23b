"""Where distributions put /boot: on the root file system, on a partition of its own, behind links.

Real directories are read as a worker does it, with openat2.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from bootd.formats import scan
from bootd.linux.dirview import DirView
from bootd.model.option import BootOption, FileRef

BLS = "title T\nversion 6.1\nlinux {boot}/vmlinuz-6.1\ninitrd {boot}/initrd-6.1\noptions ro\n"
EXTLINUX = "label a\n\tlinux {boot}/vmlinuz-6.1\n\tinitrd {boot}/initrd-6.1\n\tappend ro\n"
GRUB = "menuentry T {{ linux {boot}/vmlinuz-6.1 ro\ninitrd {boot}/initrd-6.1 }}\n"

CONFIGURATIONS = {
    "bls": ("/loader/entries/a.conf", BLS),
    "extlinux": ("/extlinux/extlinux.conf", EXTLINUX),
    "grub": ("/grub/grub.cfg", GRUB),
}
"""Path below /boot, and text."""

KERNEL = {"/vmlinuz-6.1": "k", "/initrd-6.1": "i"}

with_each = pytest.mark.parametrize("name", CONFIGURATIONS)


@contextmanager
def directory(
    root: Path, files: Mapping[str, str], links: Mapping[str, str] | None = None
) -> Iterator[DirView]:
    for path, text in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    for path, target in (links or {}).items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    fd = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        yield DirView(fd)
    finally:
        os.close(fd)


def only(view: DirView) -> BootOption:
    result = scan(view)
    assert result.problems == ()
    (option,) = result.options
    return option


@pytest.mark.parametrize(
    ("name", "written"), [*((name, "/boot") for name in CONFIGURATIONS), ("bls", "")]
)
def test_boot_on_the_root_file_system(tmp_path: Path, name: str, written: str) -> None:
    path, text = CONFIGURATIONS[name]
    files = {f"/boot{path}": text.format(boot=written)}
    files |= {f"/boot{each}": data for each, data in KERNEL.items()}
    with directory(tmp_path, files) as view:
        option = only(view)
    assert option.linux == FileRef("/boot/vmlinuz-6.1")
    assert option.absent == ()


@with_each
def test_boot_on_a_partition_of_its_own(tmp_path: Path, name: str) -> None:
    path, text = CONFIGURATIONS[name]
    with directory(tmp_path, {path: text.format(boot=""), **KERNEL}) as view:
        option = only(view)
    assert option.linux == FileRef("/vmlinuz-6.1")
    assert option.absent == ()


@with_each
@pytest.mark.parametrize("written", ["", "/boot"])
def test_a_boot_partition_with_a_link_to_itself_lists_an_entry_once(
    tmp_path: Path, name: str, written: str
) -> None:
    path, text = CONFIGURATIONS[name]
    files = {path: text.format(boot=written), **KERNEL}
    with directory(tmp_path, files, {"/boot": "."}) as view:
        option = only(view)
    assert option.linux == FileRef(f"{written}/vmlinuz-6.1")
    assert option.absent == ()


@with_each
@pytest.mark.parametrize("target", ["boot/vmlinuz-6.1-arm64", "/boot/vmlinuz-6.1-arm64"])
def test_a_kernel_behind_a_link_is_there(tmp_path: Path, name: str, target: str) -> None:
    path, text = CONFIGURATIONS[name]
    files = {
        f"/boot{path}": text.format(boot=""),
        "/boot/vmlinuz-6.1-arm64": "k",
        "/boot/initrd-6.1-arm64": "i",
    }
    links = {"/vmlinuz-6.1": target, "/initrd-6.1": target.replace("vmlinuz", "initrd")}
    with directory(tmp_path, files, links) as view:
        option = only(view)
        assert view.read((option.linux or FileRef("/")).path) == b"k"
    assert option.absent == ()


@with_each
def test_links_in_a_circle_and_out_of_the_file_system_are_absent(tmp_path: Path, name: str) -> None:
    path, text = CONFIGURATIONS[name]
    (tmp_path / "initrd-6.1").write_text("outside")
    root = tmp_path / "root"
    root.mkdir()
    links = {"/vmlinuz-6.1": "/vmlinuz-6.1", "/initrd-6.1": "../initrd-6.1"}
    with directory(root, {path: text.format(boot="")}, links) as view:
        option = only(view)
    assert set(option.absent) == {"/vmlinuz-6.1", "/initrd-6.1"}
