"""Kernels without a configuration: the guess, sentence by sentence."""

import pytest

from bootd import formats
from bootd.formats import bare
from bootd.model.option import BootOption, FileRef
from tests.support.memoryfs import MemoryFs


def guess(*paths: str, links: dict[str, str] | None = None) -> BootOption:
    # Content that differs, as files that are the same one count once.
    files = {path: f"content of {path}" for path in paths}
    (option,) = bare.scan(MemoryFs(files, links)).options
    return option


def test_the_newest_kernel_is_taken_with_what_belongs_to_it() -> None:
    option = guess(
        "/boot/vmlinuz-6.9.1",
        "/boot/initrd.img-6.9.1",
        "/boot/vmlinuz-6.10.0",
        "/boot/initrd.img-6.10.0",
        "/usr/lib/linux-image-6.10.0/a.dtb",
    )
    assert option.linux == FileRef("/boot/vmlinuz-6.10.0")
    assert option.initrds == (FileRef("/boot/initrd.img-6.10.0"),)
    assert option.devicetree_dir == FileRef("/usr/lib/linux-image-6.10.0")
    assert option.title == "Linux 6.10.0 (a guess, without a configuration)"
    assert option.version == "6.10.0"
    assert "root=" in option.notes[1]
    assert "2 kernels" in option.notes[2]
    assert not option.is_default


def test_a_release_candidate_is_older_than_its_release() -> None:
    assert guess("/vmlinuz-6.1~rc4", "/vmlinuz-6.1").version == "6.1"


def test_a_kernel_with_an_initrd_wins_over_a_newer_one_without() -> None:
    option = guess("/boot/vmlinuz-6.10", "/boot/vmlinuz-6.9", "/boot/initrd-6.9")
    assert option.linux == FileRef("/boot/vmlinuz-6.9")


def test_a_rescue_kernel_comes_last() -> None:
    option = guess(
        "/vmlinuz-0-rescue-99ff",
        "/initramfs-0-rescue-99ff.img",
        "/vmlinuz-0-1",
        "/initramfs-0-1.img",
    )
    assert option.version == "0-1"


@pytest.mark.parametrize(
    ("kernel", "initrd"),
    [
        ("/boot/vmlinuz-6.1", "/boot/initramfs-6.1.img"),
        ("/boot/vmlinux-6.1", "/boot/initrd-6.1"),
        ("/boot/Image-6.1", "/boot/initrd-6.1.img"),
        ("/boot/Image.gz-6.1", "/boot/initramfs-6.1"),
        ("/boot/zImage-6.1", "/boot/uInitrd-6.1"),
        ("/boot/vmlinuz-lts", "/boot/initramfs-lts"),
        ("/boot/vmlinuz-linux", "/boot/initramfs-linux.img"),
        ("/vmlinuz", "/initrd.img"),
        ("/Image", "/initrd"),
        ("/Image.gz", "/initramfs.cpio.gz"),
        ("/kernel8.img", "/initramfs8"),
        ("/usr/lib/modules/6.1/vmlinuz", "/usr/lib/modules/6.1/initrd"),
        ("/usr/lib/modules/6.1/vmlinuz", "/boot/initramfs-6.1.img"),
        ("/lib/modules/6.1/vmlinuz", "/boot/initrd.img-6.1"),
    ],
)
def test_the_names_that_distributions_use_are_known(kernel: str, initrd: str) -> None:
    option = guess(kernel, initrd)
    assert option.linux == FileRef(kernel)
    assert option.initrds == (FileRef(initrd),)


@pytest.mark.parametrize(
    "path",
    [
        "/boot/dtbs/6.1/a.dtb",
        "/boot/dtb-6.1/a.dtb",
        "/boot/dtb/a.dtb",
        "/usr/lib/modules/6.1/dtb/a.dtb",
        "/lib/firmware/6.1/device-tree/a.dtb",
    ],
)
def test_the_folder_of_device_trees_is_found(path: str) -> None:
    folder = guess("/boot/vmlinuz-6.1", path).devicetree_dir
    assert folder == FileRef(path.rpartition("/")[0])


@pytest.mark.parametrize(
    "name", ["vmlinuz-6.1.sig", "vmlinuz-6.1.old", ".vmlinuz-6.1.hmac", "vmlinuz-6.1.dpkg-new"]
)
def test_what_lies_beside_a_kernel_is_none(name: str) -> None:
    assert bare.scan(MemoryFs({f"/boot/{name}": "x"})).options == ()


def test_a_link_to_a_kernel_is_no_other_kernel() -> None:
    option = guess("/boot/vmlinuz-6.1", links={"/vmlinuz": "boot/vmlinuz-6.1"})
    assert option.linux == FileRef("/boot/vmlinuz-6.1")
    assert len(option.notes) == 2


def test_an_empty_file_and_a_dangling_link_are_no_kernels() -> None:
    assert bare.scan(MemoryFs({"/vmlinuz": ""}, {"/Image": "gone"})).options == ()


def test_nothing_is_guessed_beside_a_configuration() -> None:
    files = {"/boot/vmlinuz-6.1": "k"}
    (option,) = formats.scan(MemoryFs(files)).options
    assert option.format == "bare"
    files["/extlinux/extlinux.conf"] = "label a\nlinux /boot/vmlinuz-6.1\n"
    assert [o.format for o in formats.scan(MemoryFs(files)).options] == ["extlinux"]


def test_a_broken_configuration_leaves_the_guess() -> None:
    files = {"/boot/vmlinuz-6.1": "k", "/loader/entries/a.conf": "title x\n"}
    result = formats.scan(MemoryFs(files))
    assert [o.format for o in result.options] == ["bare"]
    assert result.problems


def test_a_name_with_escape_sequences_is_made_visible() -> None:
    assert "\\x1b[2J" in guess("/boot/vmlinuz-6\x1b[2J").title


def test_thousands_of_kernels_are_no_problem() -> None:
    option = guess(*(f"/boot/vmlinuz-6.{i}" for i in range(2000)))
    assert option.version.startswith("6.")
