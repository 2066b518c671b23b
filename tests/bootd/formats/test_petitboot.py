"""The formats that petitboot's users have: petitboot.conf, kboot.conf, yaboot.conf."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.formats import kboot, petitboot, yaboot
from bootd.fsview import FsView
from bootd.model.option import BootOption, FileRef, ScanResult
from tests.support.memoryfs import MemoryFs

Scan = Callable[[FsView], ScanResult]

FORMATS: dict[str, tuple[Scan, tuple[str, ...], str]] = {
    "petitboot": (petitboot.scan, petitboot.PLACES, "name a\nimage /k\n"),
    "kboot": (kboot.scan, kboot.PLACES, "a=/k\n"),
    "yaboot": (yaboot.scan, yaboot.PLACES, "image=/k\nlabel=a\n"),
}


def native(text: str) -> ScanResult:
    return petitboot.scan(MemoryFs({"/petitboot.conf": text}))


def one(scan: Scan, path: str, text: str) -> BootOption:
    (option,) = scan(MemoryFs({path: text})).options
    return option


def kbooted(text: str) -> BootOption:
    return one(kboot.scan, "/etc/kboot.conf", text)


def yabooted(text: str) -> BootOption:
    return one(yaboot.scan, "/etc/yaboot.conf", text)


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, (_, all_, _) in FORMATS.items() for place in all_]
)
def test_a_configuration_is_found_at_each_place(name: str, place: str) -> None:
    scan, _, text = FORMATS[name]
    (option,) = scan(MemoryFs({place: text})).options
    assert (option.format, option.source, option.entry) == (name, place, "a")


@pytest.mark.parametrize("name", FORMATS)
def test_only_the_first_configuration_is_used(name: str) -> None:
    scan, places, text = FORMATS[name]
    (option,) = scan(MemoryFs(dict.fromkeys(places, text))).options
    assert option.source == places[0]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_system_without_a_configuration_has_no_options(name: str) -> None:
    assert FORMATS[name][0](MemoryFs({"/x": ""})) == ScanResult()


@pytest.mark.parametrize("name", FORMATS)
def test_a_configuration_that_is_too_large_is_a_problem(name: str) -> None:
    scan, places, _ = FORMATS[name]
    (problem,) = scan(MemoryFs({places[0]: "#" * ((1 << 20) + 1)})).problems
    assert problem.source == places[0]


@pytest.mark.parametrize("name", FORMATS)
def test_entries_end_at_their_limit_with_a_problem(name: str) -> None:
    scan, places, text = FORMATS[name]
    result = scan(MemoryFs({places[0]: text * 1000}))
    assert len(result.options) == 256
    assert "1000 entries" in result.problems[0].message


@pytest.mark.parametrize("name", FORMATS)
@given(text=st.text(max_size=200))
def test_any_text_is_options_or_problems(name: str, text: str) -> None:
    scan, places, good = FORMATS[name]
    for each in (text, good + text, good.replace("/k", text)):
        result = scan(MemoryFs({places[0]: each.encode("utf-8", "surrogatepass")}))
        assert isinstance(result, ScanResult)


def test_an_entry_of_petitboot_has_kernel_initrd_tree_and_arguments() -> None:
    option = native(
        "default B\nname A\nname B\nimage /vmlinux-6.1.2\ninitrd /i\ndtb /d\nargs a=1\nargs b\n"
    ).options[1]
    assert (option.title, option.version, option.line) == ("B", "6.1.2", 3)
    assert (option.linux, option.initrds) == (FileRef("/vmlinux-6.1.2"), (FileRef("/i"),))
    assert (option.devicetree, option.cmdline) == (FileRef("/d"), "a=1 b")
    assert option.is_default


def test_an_entry_of_petitboot_without_an_image_is_listed_without_a_kernel() -> None:
    assert native("name A\nargs x\n").options[0].linux is None


@pytest.mark.parametrize(
    ("value", "ref"),
    [
        ("sda1:/k", FileRef("/k", device="/dev/sda1")),
        ("/dev/sda1:/k", FileRef("/k", device="/dev/sda1")),
        ("uuid=12-ab:/k", FileRef("/k", device="UUID=12-ab")),
        ("UUID=12-ab:k", FileRef("/k", device="UUID=12-ab")),
        ("label=ROOT:/a/../k", FileRef("/k", device="LABEL=ROOT")),
        ("file:///k", FileRef("/k")),
        ("http://x/k", FileRef("/", url="http://x/k")),
    ],
)
def test_files_may_be_on_other_devices(value: str, ref: FileRef) -> None:
    assert native(f"name A\nimage {value}\n").options[0].linux == ref


def test_an_unknown_keyword_costs_only_its_line() -> None:
    result = native("image /x\nname A\nimgae /k\nimage /k\n")
    assert result.options[0].linux == FileRef("/k")
    assert [(p.line, p.message) for p in result.problems] == [
        (1, "image stands before the first name, ignored"),
        (3, "imgae is unknown, ignored"),
    ]


@pytest.mark.parametrize(
    "text", ["name\nimage /k\n", "name A\nimage\n", f"name A\nimage /{'a' * 5000}\n"]
)
def test_an_entry_that_makes_no_sense_is_a_problem(text: str) -> None:
    result = native(text)
    assert result.options == ()
    assert result.problems[0].line


def test_a_title_with_escape_sequences_is_made_visible() -> None:
    assert native("name \x1b[2J\n").options[0].title == "\\x1b[2J"


@pytest.mark.parametrize("quote", ["'", '"', ""])
def test_a_label_of_kboot_is_kernel_and_arguments(quote: str) -> None:
    option = kbooted(f"linux={quote}/k initrd=/i root=/dev/sda1 video=x quiet{quote}\n")
    assert (option.title, option.linux, option.initrds) == (
        "linux",
        FileRef("/k"),
        (FileRef("/i"),),
    )
    assert option.cmdline == "root=/dev/sda1 video=x quiet"


def test_global_initrd_and_root_of_kboot_are_for_labels_below_them() -> None:
    options = kboot.scan(
        MemoryFs({"/kboot.conf": "a=/k\nroot=/dev/r\ninitrd=/i\nb=/k x\nc=/k root=/dev/own\n"})
    ).options
    assert [(o.cmdline, len(o.initrds)) for o in options] == [
        ("", 0),
        ("root=/dev/r x", 1),
        ("root=/dev/own", 1),
    ]


def test_default_and_timeout_of_kboot() -> None:
    result = kboot.scan(MemoryFs({"/kboot.conf": "default=b\ntimeout=7\na=/k\nb=/k\n"}))
    assert [each.is_default for each in result.options] == [False, True]
    assert result.timeout_s == 7


def test_a_section_of_yaboot_overrides_what_stands_before() -> None:
    text = (
        "root=/dev/global\nread-only\nappend=shared\ninitrd=/shared\n"
        'image=/a\n label=a\n root=/dev/own\n append="x  y"\n append=z\n read-write\n'
        "image=/b\n label=b\n"
    )
    a, b = yaboot.scan(MemoryFs({"/yaboot.conf": text})).options
    assert a.cmdline == "rw root=/dev/own x  y z"
    assert b.cmdline == "ro root=/dev/global shared"
    assert b.initrds == (FileRef("/shared"),)


def test_literal_replaces_all_other_arguments_of_yaboot() -> None:
    assert yabooted("image=/k\nroot=/dev/r\nliteral=only this\n").cmdline == "only this"


def test_ramdisk_settings_of_yaboot_become_arguments() -> None:
    option = yabooted("image=/k\ninitrd-size=8192\nramdisk=1\n")
    assert option.cmdline == "ramdisk=1 ramdisk_size=8192"


def test_the_first_section_of_yaboot_is_the_default_unless_one_is_named() -> None:
    text = "image=/a\nlabel=a\nimage=/b\nlabel=Linux\n"
    for default, marked in (("", [True, False]), ("default=linux\n", [False, True])):
        result = yaboot.scan(MemoryFs({"/yaboot.conf": default + text}))
        assert [each.is_default for each in result.options] == marked


def test_the_timeout_of_yaboot_is_in_tenths_of_a_second() -> None:
    result = yaboot.scan(MemoryFs({"/yaboot.conf": "timeout=55\nimage=/k\n"}))
    assert result.timeout_s == 6


@pytest.mark.parametrize(
    ("settings", "image", "ref"),
    [
        ("", "/k", FileRef("/k")),
        ("device=/dev/sda\npartition=3", "/k", FileRef("/k", device="/dev/sda3")),
        ("device=/dev/sda1\npartition=3", "/k", FileRef("/k", device="/dev/sda3")),
        ("device=/dev/sda1", "/k", FileRef("/k", device="/dev/sda1")),
        ("partition=3", "/k", FileRef("/k", device="PARTITION=3")),
        ("device=hd:", "/k", FileRef("/k")),
        ("device=hd:4", "/k", FileRef("/k", device="PARTITION=4")),
        ("partition=3", "hd:2,\\boot\\k", FileRef("/boot/k", device="PARTITION=2")),
        ("", "/pci@f2000000/mac-io@17/ata-4@1f000/@0:3,/k", FileRef("/k", device="PARTITION=3")),
        ("partition=3", "sdb1:/k", FileRef("/k", device="/dev/sdb1")),
    ],
)
def test_files_of_yaboot_are_on_the_device_that_is_named(
    settings: str, image: str, ref: FileRef
) -> None:
    assert yabooted(f"{settings}\nimage={image}\n").linux == ref


def test_partition_of_a_section_wins() -> None:
    assert yabooted("partition=3\nimage=/k\npartition=5\n").linux == FileRef(
        "/k", device="PARTITION=5"
    )


def test_suse_installation_media_name_a_pair_of_files_by_bits() -> None:
    option = yabooted("image[64bit]=inst64\nlabel=install\n")
    assert option.linux == FileRef("/suseboot/vmlinux64")
    assert option.initrds == (FileRef("/suseboot/initrd64"),)
