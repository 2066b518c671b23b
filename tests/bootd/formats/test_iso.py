"""ISO images on a disk, sentence by sentence; the images are made by xorriso."""

from pathlib import Path

import pytest

from bootd import formats
from bootd.container import read_part
from bootd.formats import iso
from bootd.model.option import BootOption, FileRef, ScanResult
from tests.support.iso import make
from tests.support.memoryfs import MemoryFs

PATH = "/isos/live.iso"
KERNEL: dict[str, str | bytes] = {"/live/vmlinuz": "kernel", "/live/initrd": "initrd"}


def entry(title: str, arguments: str = "boot=live") -> str:
    return f'menuentry "{title}" {{ linux /live/vmlinuz {arguments}\n initrd /live/initrd }}\n'


def scan(folder: Path, files: dict[str, str | bytes], label: str = "LIVE") -> ScanResult:
    image = make(folder, KERNEL | files, "-R", label=label)
    return iso.scan(MemoryFs({PATH: image}))


def only(folder: Path, files: dict[str, str | bytes]) -> BootOption:
    (option,) = scan(folder, files).options
    return option


def test_an_entry_of_grub_in_an_image_is_an_option_with_parts_of_the_image(tmp_path: Path) -> None:
    image = make(tmp_path, {**KERNEL, "/boot/grub/grub.cfg": entry("Live")}, "-R")
    fs = MemoryFs({PATH: image})
    (option,) = iso.scan(fs).options
    assert option.linux == FileRef(PATH, part="/live/vmlinuz")
    assert option.initrds == (FileRef(PATH, part="/live/initrd"),)
    assert read_part(fs, PATH, "/live/vmlinuz", 100) == b"kernel"
    assert option.source == f"{PATH}/boot/grub/grub.cfg"
    assert option.entry == f"{PATH}!grub:Live"
    assert (option.format, option.submenu) == ("iso", ("live.iso",))
    assert not option.is_default
    assert option.reasons == ()


def test_the_note_says_when_the_system_may_not_find_its_medium(tmp_path: Path) -> None:
    option = only(tmp_path, {"/boot/grub/grub.cfg": entry("Live")})
    assert option.cmdline == "boot=live"
    assert "may not find its medium" in option.notes[-1]


def test_loopback_cfg_is_preferred_and_knows_the_path_of_the_image(tmp_path: Path) -> None:
    option = only(
        tmp_path,
        {
            "/boot/grub/grub.cfg": entry("Not this"),
            "/boot/grub/loopback.cfg": entry("Try", "iso-scan/filename=${iso_path} quiet"),
        },
    )
    assert (option.title, option.cmdline) == ("Try", f"iso-scan/filename={PATH} quiet")
    assert option.notes == (f"its system looks for its image by iso-scan/filename={PATH}",)


def test_a_loopback_cfg_that_sources_the_menu_gets_the_path_through(tmp_path: Path) -> None:
    condition = 'if [ "${iso_path}" ]; then set extra="findiso=${iso_path}"; fi\n'
    files: dict[str, str | bytes] = {
        "/boot/grub/loopback.cfg": "source /boot/grub/grub.cfg\n",
        "/boot/grub/grub.cfg": condition + entry("Live", "boot=live ${extra}"),
    }
    assert only(tmp_path, files).cmdline == f"boot=live findiso={PATH}"


def test_an_argument_without_a_value_gets_the_path(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "/isolinux/isolinux.cfg": (
            "label live\nkernel /live/vmlinuz\nappend initrd=/live/initrd findiso= quiet\n"
        )
    }
    option = only(tmp_path, files)
    assert option.cmdline == f"findiso={PATH} quiet"
    assert option.entry == f"{PATH}!extlinux:live"


def test_a_file_that_the_image_lacks_keeps_the_entry_from_booting(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "/boot/grub/grub.cfg": "menuentry a { linux /gone\n initrd /live/initrd }\n"
    }
    assert only(tmp_path, files).reasons == ("the image has no file /gone",)


def test_the_image_is_known_by_its_own_label(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "/boot/grub/grub.cfg": "search --label --set=root LIVE\n" + entry("a")
    }
    assert only(tmp_path, files).linux == FileRef(PATH, part="/live/vmlinuz")


def test_one_entry_in_two_menus_of_an_image_is_listed_once(tmp_path: Path) -> None:
    menu = entry("Live")
    result = scan(tmp_path, {"/boot/grub/grub.cfg": menu, "/EFI/BOOT/grub.cfg": menu})
    assert len(result.options) == 1


def test_problems_name_the_image_and_the_file(tmp_path: Path) -> None:
    result = scan(tmp_path, {"/loader/entries/a.conf": "title x\n"})
    assert result.problems[0].source == f"{PATH}/loader/entries/a.conf"


def test_an_image_without_a_configuration_gives_nothing(tmp_path: Path) -> None:
    assert scan(tmp_path, {"/vmlinuz-6.1": "k"}) == ScanResult()


def test_a_file_with_such_a_name_that_is_no_image_is_not_looked_into() -> None:
    files = {PATH: bytes(50_000), "/a.iso": b"", "/b.ISO": b"x" * 40_000}
    assert iso.scan(MemoryFs(dict(files))) == ScanResult()


def test_a_damaged_image_is_a_problem(tmp_path: Path) -> None:
    image = make(tmp_path, {"/boot/grub/grub.cfg": entry("a")}, "-R")
    result = iso.scan(MemoryFs({PATH: image[: 34 << 10]}))
    assert result.options == ()
    assert result.problems[0].source == PATH


def test_the_same_image_under_two_names_is_looked_into_once(tmp_path: Path) -> None:
    image = make(tmp_path, {**KERNEL, "/boot/grub/grub.cfg": entry("a")}, "-R")
    fs = MemoryFs({"/isos/a.iso": image}, {"/isos/b.iso": "a.iso"})
    assert len(iso.scan(fs).options) == 1


def test_images_end_at_their_limit_with_a_problem(tmp_path: Path) -> None:
    image = make(tmp_path, {**KERNEL, "/boot/grub/grub.cfg": entry("a")}, "-R")
    files = {f"/isos/{number}.iso": image + bytes([number]) for number in range(20)}
    result = iso.scan(MemoryFs(dict(files)))
    assert len(result.options) == iso.MAX_IMAGES
    assert "more than 16 ISO images" in result.problems[-1].message


def test_an_image_beside_another_configuration_comes_after_it(tmp_path: Path) -> None:
    image = make(tmp_path, {**KERNEL, "/boot/grub/grub.cfg": entry("a")}, "-R")
    files: dict[str, str | bytes] = {
        PATH: image,
        "/extlinux/extlinux.conf": "label a\nlinux /k\n",
        "/k": "k",
    }
    options = formats.scan(MemoryFs(files)).options
    assert [each.format for each in options] == ["extlinux", "iso"]
    assert [each.absent for each in options] == [(), ()]


@pytest.mark.parametrize("device", ["UUID=1234", "LABEL=OTHER"])
def test_a_file_of_another_device_stays_one(tmp_path: Path, device: str) -> None:
    tag, _, value = device.partition("=")
    option = {"UUID": "--fs-uuid", "LABEL": "--label"}[tag]
    config = f"search {option} --set=root {value}\nmenuentry a {{ linux /elsewhere }}\n"
    found = only(tmp_path, {"/boot/grub/grub.cfg": config})
    assert found.linux == FileRef("/elsewhere", device=device)
