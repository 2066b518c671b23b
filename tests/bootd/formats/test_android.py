"""Android boot images, sentence by sentence."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.container import android as container
from bootd.container import read_part
from bootd.errors import ImageError
from bootd.formats import android
from bootd.model.option import BootOption, FileRef, ScanResult
from tests.support.android import boot, vendor_boot
from tests.support.memoryfs import MemoryFs
from tests.support.trees import blob


def tree(name: str) -> bytes:
    return blob({"compatible": name})


def scan(files: dict[str, bytes]) -> ScanResult:
    return android.scan(MemoryFs(dict(files)))


def only(files: dict[str, bytes]) -> BootOption:
    (option,) = scan(files).options
    return option


@pytest.mark.parametrize("version", [0, 1, 2, 3, 4])
def test_the_parts_of_an_image_of_any_version_are_its_files(version: int) -> None:
    fs = MemoryFs({"/boot.img": boot(version, kernel=b"k" * 5000, ramdisk=b"r" * 3000)})
    (option,) = android.scan(fs).options
    assert option.linux == FileRef("/boot.img", part="kernel")
    assert option.initrds == (FileRef("/boot.img", part="ramdisk"),)
    assert read_part(fs, "/boot.img", "kernel", 1 << 20) == b"k" * 5000
    assert read_part(fs, "/boot.img", "ramdisk", 1 << 20) == b"r" * 3000


def test_a_command_line_may_be_longer_than_its_first_field() -> None:
    text = "a" * 600
    assert only({"/boot.img": boot(0, cmdline=text)}).cmdline == text


def test_bytes_of_a_command_line_that_are_no_utf8_are_kept() -> None:
    assert only({"/boot.img": boot(3, cmdline="x=\udcff")}).cmdline == "x=\udcff"


def test_the_product_is_in_the_title() -> None:
    assert only({"/boot.img": boot(2, name="lavender")}).title == "Android lavender (boot.img)"


def test_one_tree_is_the_tree() -> None:
    option = only({"/boot.img": boot(2, dtb=tree("a,b"))})
    assert option.devicetree == FileRef("/boot.img", part="dtb")


@pytest.mark.parametrize("padding", [0, 8, 4096])
def test_several_trees_are_choices(padding: int) -> None:
    dtb = tree("a,1") + bytes(padding) + tree("a,2")
    option = only({"/boot.img": boot(2, dtb=dtb)})
    assert option.devicetree is None
    assert [(c.compatible, c.devicetree.part) for c in option.devicetree_choices] == [
        ("a,1", "dtb"),
        ("a,2", "dtb:1"),
    ]


def test_vendor_boot_adds_ramdisks_tree_and_arguments_in_order() -> None:
    vendor = vendor_boot(
        4,
        ramdisks=[(1, b"platform"), (2, b"recovery"), (3, b"dlkm")],
        dtb=tree("a,b"),
        cmdline="console=ttyS0 bootconfig",
        bootconfig="androidboot.hardware=acme\nandroidboot.x=1\n",
    )
    fs = MemoryFs({"/boot.img": boot(4, cmdline="quiet"), "/vendor_boot.img": vendor})
    (option,) = android.scan(fs).options
    assert [each.part for each in option.initrds] == [
        "vendor_ramdisk:0",
        "vendor_ramdisk:2",
        "ramdisk",
    ]
    assert read_part(fs, "/vendor_boot.img", "vendor_ramdisk:2", 100) == b"dlkm"
    assert option.devicetree == FileRef("/vendor_boot.img", part="dtb")
    assert option.cmdline == (
        "console=ttyS0 bootconfig quiet androidboot.hardware=acme androidboot.x=1"
    )
    assert "bootconfig" in option.notes[0]


def test_recovery_also_takes_the_ramdisks_for_recovery() -> None:
    vendor = vendor_boot(4, ramdisks=[(1, b"platform"), (2, b"recovery")])
    option = only({"/recovery.img": boot(4), "/vendor_boot.img": vendor, "/vendor.img": b"x"})
    assert not option.is_default
    files = {"/recovery_a.img": boot(4), "/vendor_boot_a.img": vendor}
    assert [each.part for each in only(files).initrds][:2] == [
        "vendor_ramdisk:0",
        "vendor_ramdisk:1",
    ]


def test_version_3_has_one_vendor_ramdisk() -> None:
    files = {"/boot_a.img": boot(3), "/vendor_boot_a.img": vendor_boot(3, page=2048)}
    assert only(files).initrds[0] == FileRef("/vendor_boot_a.img", part="vendor_ramdisk")


def test_init_boot_has_the_ramdisk_that_boot_lacks() -> None:
    files = {
        "/boot.img": boot(4, ramdisk=b""),
        "/init_boot.img": boot(4, kernel=b""),
        "/vendor_boot.img": vendor_boot(4),
    }
    assert only(files).initrds[-1] == FileRef("/init_boot.img", part="ramdisk")


def test_a_missing_or_damaged_vendor_boot_is_noted() -> None:
    assert only({"/boot.img": boot(4)}).notes == ("there is no vendor_boot.img beside it",)
    damaged = {"/boot.img": boot(2), "/vendor_boot.img": b"VNDRBOOT" + bytes(3000)}
    assert "is not used" in only(damaged).notes[0]


def test_a_second_stage_is_noted() -> None:
    assert only({"/boot.img": boot(0, second=b"s")}).notes == (
        "the part second of the image is not used",
    )


def test_the_first_image_that_is_no_recovery_is_the_default() -> None:
    files = {"/boot_b.img": boot(2), "/boot_a.img": boot(2, name="a"), "/recovery.img": boot(1)}
    marks = {o.source: o.is_default for o in scan(files).options}
    assert marks == {"/boot_a.img": True, "/boot_b.img": False, "/recovery.img": False}


def test_files_of_other_kinds_with_such_names_are_not_looked_at() -> None:
    assert scan({"/boot.img": b"text", "/boot/boot-x.img": b""}) == ScanResult()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (boot(2)[:100], "ends within its header"),
        (b"ANDROID!" + bytes(32) + b"\x09" + bytes(3000), "version 9"),
        (b"ANDROID!" + b"\xff" * 32 + b"\x03" + bytes(3000), "claims"),
        (b"ANDROID!" + bytes(3000), "pages of 0 bytes"),
    ],
)
def test_a_damaged_image_is_a_problem(image: bytes, message: str) -> None:
    (problem,) = scan({"/boot.img": image}).problems
    assert message in problem.message
    assert problem.source == "/boot.img"


def test_images_end_at_their_limit_with_a_problem() -> None:
    result = scan({f"/boot-{i}.img": boot(0, name=str(i)) for i in range(50)})
    assert len(result.options) == android.MAX_IMAGES
    assert "more than 32" in result.problems[0].message


def test_a_part_that_is_not_there_is_an_error() -> None:
    data = boot(0)
    with pytest.raises(ImageError, match="no part 'dtb'"):
        container.find(lambda at, size: data[at : at + size], "dtb")


GOOD = boot(2, dtb=tree("a,1") + tree("a,2"), second=b"s", cmdline="x")
VENDOR = vendor_boot(4, dtb=tree("a,1"), bootconfig="a=b\n")


@given(at=st.integers(0, 2200), value=st.binary(min_size=1, max_size=4))
def test_a_changed_image_is_options_or_problems(at: int, value: bytes) -> None:
    changed = partial(_changed, at=at, value=value)
    assert scan({"/boot.img": GOOD, "/vendor_boot.img": changed(VENDOR)}).options
    result = scan({"/boot.img": changed(GOOD)})
    assert result.options or result.problems or at < 8


def _changed(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]
