"""FIT images as a menu of configurations, sentence by sentence."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.fdt import Fdt, Node, write
from bootd.fdt.cells import from_string
from bootd.formats import fit
from bootd.model.option import BootOption, FileRef, ScanResult
from tests.support.containers import Configuration, Image
from tests.support.containers import fit as make_fit
from tests.support.memoryfs import MemoryFs

KERNEL = {"kernel-1": Image(data=b"kernel")}


def dtb(*compatible: str, bootargs: str = "") -> bytes:
    root = Node("")
    root.properties["compatible"] = b"".join(map(from_string, compatible))
    if bootargs:
        root.add("chosen").properties["bootargs"] = from_string(bootargs)
    return write(Fdt(root=root))


def tree(*compatible: str, bootargs: str = "", compression: str = "none") -> Image:
    data = dtb(*compatible, bootargs=bootargs)
    return Image(data=data, kind="flat_dt", compression=compression)


def scan(blob: bytes, path: str = "/image.itb") -> ScanResult:
    return fit.scan(MemoryFs({path: blob}))


def only(images: dict[str, Image], configuration: Configuration) -> BootOption:
    (option,) = scan(make_fit(KERNEL | images, {"conf-1": configuration})).options
    return option


@pytest.mark.parametrize(
    "path", ["/a.itb", "/boot/fitImage", "/boot/fitImage-6.1--board.bin", "/boot/fit/x.FIT"]
)
def test_an_image_is_found_by_its_name(path: str) -> None:
    (option,) = scan(make_fit(KERNEL, {"conf-1": Configuration()}), path).options
    assert (option.source, option.entry) == (path, f"{path}#conf-1")


def test_a_file_with_such_a_name_that_is_no_tree_is_not_looked_at() -> None:
    assert scan(b"text") == ScanResult()


def test_one_file_under_two_names_is_read_once() -> None:
    blob = make_fit(KERNEL, {"conf-1": Configuration()})
    assert len(fit.scan(MemoryFs({"/a.itb": blob}, {"/boot": "."})).options) == 1


def test_a_configuration_names_kernel_initrd_tree_and_overlays() -> None:
    images = {
        "fdt-1": tree("acme,board"),
        "fdt-2": tree(),
        "fdt-3": tree(),
        "ramdisk-1": Image(data=b"initrd", kind="ramdisk"),
    }
    option = only(images, Configuration(fdt=["fdt-1", "fdt-3", "fdt-2"], ramdisk="ramdisk-1"))
    assert option.linux == FileRef("/image.itb", part="/images/kernel-1")
    assert option.initrds == (FileRef("/image.itb", part="/images/ramdisk-1"),)
    assert option.devicetree == FileRef("/image.itb", part="/images/fdt-1")
    assert [each.part for each in option.overlays] == ["/images/fdt-3", "/images/fdt-2"]
    assert option.reasons == ()


def test_the_default_configuration_is_marked_and_the_order_is_that_of_the_image() -> None:
    blob = make_fit(KERNEL, {n: Configuration() for n in ("conf-b", "conf-a")}, "conf-a")
    options = scan(blob).options
    assert [each.entry for each in options] == ["/image.itb#conf-b", "/image.itb#conf-a"]
    assert [each.is_default for each in options] == [False, True]


def test_without_a_default_the_first_configuration_is_it() -> None:
    blob = make_fit(KERNEL, {n: Configuration() for n in ("b", "a")}, "gone")
    assert [each.is_default for each in scan(blob).options] == [True, False]


def test_the_title_is_the_description_and_names_the_configuration_when_there_are_several() -> None:
    two = {"a": Configuration(description="Board A"), "b": Configuration()}
    titles = [each.title for each in scan(make_fit(KERNEL, two, description="Demo")).options]
    assert titles == ["Board A (a)", "Demo (b)"]
    assert only({}, Configuration()).title == "image.itb"


def test_a_configuration_is_for_the_boards_that_it_names() -> None:
    images = {"fdt-1": tree("acme,tree")}
    named = Configuration(fdt=["fdt-1"], compatible=["acme,b", "acme,c"])
    assert only(images, named).compatible == ("acme,b", "acme,c")


def test_else_for_those_of_its_tree() -> None:
    assert only({"fdt-1": tree("acme,x", "acme,soc")}, Configuration(fdt=["fdt-1"])).compatible == (
        "acme,x",
        "acme,soc",
    )


def test_the_command_line_is_that_of_its_tree() -> None:
    images = {"fdt-1": tree("acme,x", bootargs="console=ttyS0 root=/dev/fit0")}
    assert only(images, Configuration(fdt=["fdt-1"])).cmdline == "console=ttyS0 root=/dev/fit0"


@pytest.mark.parametrize(
    ("images", "configuration", "reason"),
    [
        ({}, Configuration(kernel=""), "names no kernel"),
        ({}, Configuration(kernel="kernel-9"), "has no kernel-9"),
        ({}, Configuration(ramdisk="ramdisk-9"), "has no ramdisk-9"),
        ({}, Configuration(fdt=["fdt-9"]), "has no fdt-9"),
        (
            {"fdt-1": tree("a", compression="gzip")},
            Configuration(fdt=["fdt-1"]),
            "is compressed (gzip)",
        ),
        ({"fdt-1": Image(data=b"text")}, Configuration(fdt=["fdt-1"]), "cannot be used"),
        (
            {"k": Image(data=b"k", more={"os": b"u-boot\0"})},
            Configuration(kernel="k"),
            "is for u-boot, not Linux",
        ),
    ],
)
def test_what_keeps_a_configuration_from_booting_is_said(
    images: dict[str, Image], configuration: Configuration, reason: str
) -> None:
    assert reason in only(images, configuration).reasons[0]


def test_a_damaged_tree_is_noticed() -> None:
    blob = make_fit(KERNEL | {"fdt-1": tree("acme,x")}, {"c": Configuration(fdt=["fdt-1"])})
    (option,) = scan(blob.replace(b"acme,x", b"ACME,X")).options
    assert "is damaged: its sha256 does not match" in option.reasons[0]


def test_the_architecture_of_the_kernel_is_that_of_the_option() -> None:
    assert only({}, Configuration()).architecture == "aa64"


def test_parts_that_are_not_used_are_noted() -> None:
    root_extra = make_fit(KERNEL, {"c": Configuration()})
    assert scan(root_extra).options[0].notes == ()


def test_an_image_without_configurations_is_a_problem() -> None:
    (problem,) = scan(make_fit(KERNEL, {})).problems
    assert "no configuration" in problem.message


def test_a_damaged_image_is_a_problem() -> None:
    (problem,) = scan(make_fit(KERNEL, {"c": Configuration()})[:100]).problems
    assert problem.source == "/image.itb"


def test_configurations_end_at_their_limit_with_a_problem() -> None:
    many = {f"conf-{i}": Configuration() for i in range(300)}
    result = scan(make_fit(KERNEL, many))
    assert len(result.options) == fit.MAX_ENTRIES
    assert "300 configurations" in result.problems[0].message


def test_images_end_at_their_limit_with_a_problem() -> None:
    files = {f"/{i}.itb": make_fit(KERNEL, {f"c{i}": Configuration()}) for i in range(40)}
    result = fit.scan(MemoryFs(files))
    assert len(result.options) == fit.MAX_IMAGES
    assert "more than 32 FIT images" in result.problems[-1].message


def test_escape_sequences_in_a_description_are_made_visible() -> None:
    assert only({}, Configuration(description="\x1b[2Jhi")).title == "\\x1b[2Jhi"


def test_a_command_line_that_no_kernel_takes_is_a_problem() -> None:
    images = {"fdt-1": tree("acme,x", bootargs="a" * 5000)}
    result = scan(make_fit(KERNEL | images, {"c": Configuration(fdt=["fdt-1"])}))
    assert result.options == ()
    assert "5000 characters" in result.problems[0].message


GOOD = make_fit(
    KERNEL | {"fdt-1": tree("acme,x")}, {"conf-1": Configuration(fdt=["fdt-1"])}, "conf-1"
)


@given(at=st.integers(0, len(GOOD) - 1), value=st.binary(min_size=1, max_size=4))
def test_a_changed_image_is_options_or_problems(at: int, value: bytes) -> None:
    result = scan(GOOD[:at] + value + GOOD[at + len(value) :])
    with suppress(ValueError):
        assert all(isinstance(each, BootOption) for each in result.options)
