"""Unified kernel images in /EFI/Linux, sentence by sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.container import read_part
from bootd.fdt import Fdt, Node, write
from bootd.fdt.cells import from_string
from bootd.formats import bls, uki, ukifile
from bootd.model.option import BootOption, FileRef, ScanResult, TreeChoice
from tests.support.efi import uki as make
from tests.support.memoryfs import MemoryFs

OSREL = 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\n'
BASE = [
    (".osrel", OSREL),
    (".uname", "6.12.9-arm64"),
    (".cmdline", "root=UUID=1 quiet\n\0"),
    (".linux", "kernel"),
    (".initrd", "initrd"),
]
IMAGE = "/EFI/Linux/debian.efi"


def tree(*compatible: str) -> bytes:
    root = Node("")
    root.properties["compatible"] = b"".join(map(from_string, compatible))
    return write(Fdt(root=root))


def scan(files: dict[str, str | bytes]) -> ScanResult:
    return uki.scan(MemoryFs(files))


def only(sections: list[tuple[str, str | bytes]]) -> BootOption:
    (option,) = scan({IMAGE: make(sections)}).options
    return option


def test_an_image_is_an_option_with_all_its_parts() -> None:
    option = only([*BASE, (".ucode", "microcode"), (".dtb", tree("acme,board"))])
    assert (option.entry, option.title) == ("debian.efi", "Debian GNU/Linux 13 (trixie)")
    assert (option.version, option.sort_key, option.architecture) == ("13", "debian", "aa64")
    assert option.cmdline == "root=UUID=1 quiet"
    assert option.linux == FileRef(IMAGE, part=".linux")
    assert [each.part for each in option.initrds] == [".ucode", ".initrd"]
    assert option.devicetree == FileRef(IMAGE, part=".dtb")
    assert option.is_default


def test_the_parts_are_those_of_the_file() -> None:
    fs = MemoryFs({IMAGE: make(BASE)})
    assert read_part(fs, IMAGE, ".linux", 100) == b"kernel"
    assert read_part(fs, IMAGE, ".initrd", 100) == b"initrd"


def test_without_a_version_of_the_release_it_is_the_kernels() -> None:
    option = only([(".osrel", "ID=arch\n"), (".uname", "6.9.7-arch1"), (".linux", "k")])
    assert (option.title, option.version) == ("arch", "6.9.7-arch1")


def test_trees_for_boards_are_choices_in_order() -> None:
    dtbs = [(".dtbauto", tree("acme,a", "acme,soc")), (".dtbauto", tree("acme,b"))]
    assert only([*BASE, *dtbs]).devicetree_choices == (
        TreeChoice(compatible="acme,a", devicetree=FileRef(IMAGE, part=".dtbauto")),
        TreeChoice(compatible="acme,b", devicetree=FileRef(IMAGE, part=".dtbauto:1")),
    )


def test_a_tree_that_cannot_be_used_costs_only_itself() -> None:
    option = only([*BASE, (".dtbauto", b"junk"), (".dtbauto", tree("acme,b"))])
    assert [each.compatible for each in option.devicetree_choices] == ["acme,b"]
    assert ".dtbauto cannot be used" in option.notes[0]


def test_each_profile_is_an_option_that_overrides_what_it_has() -> None:
    options = scan(
        {
            IMAGE: make(
                [
                    *BASE,
                    (".profile", "ID=main\nTITLE=Normal\n"),
                    (".profile", "ID=reset\nTITLE='Factory reset'\n"),
                    (".cmdline", "reset"),
                    (".profile", ""),
                ]
            )
        }
    ).options
    title = "Debian GNU/Linux 13 (trixie)"
    assert [(each.entry, each.title, each.cmdline) for each in options] == [
        ("debian.efi", f"{title} (Normal)", "root=UUID=1 quiet"),
        ("debian.efi@reset", f"{title} (Factory reset)", "reset"),
        ("debian.efi@2", f"{title} (profile 2)", "root=UUID=1 quiet"),
    ]
    assert [each.is_default for each in options] == [True, False, False]


def test_images_are_in_the_order_of_the_specification() -> None:
    def image(**release: str) -> bytes:
        osrel = "".join(f"{key}={value}\n" for key, value in release.items())
        return make([(".osrel", osrel), (".linux", "k")])

    options = scan(
        {
            "/EFI/Linux/a+0-3.efi": image(ID="a", VERSION="9"),
            "/EFI/Linux/b.efi": image(ID="fedora", VERSION="39"),
            "/EFI/Linux/c.efi": image(ID="fedora", VERSION="40"),
            "/EFI/Linux/d+2.efi": image(ID="debian", VERSION="13"),
        }
    ).options
    assert [each.entry for each in options] == ["d.efi", "c.efi", "b.efi", "a.efi"]
    assert [each.tries_left for each in options] == [2, None, None, 0]
    assert options[0].is_default


def test_loader_conf_names_the_default_and_the_timeout() -> None:
    files: dict[str, str | bytes] = {
        "/loader/loader.conf": "default b*\ntimeout 7\n",
        "/loader/entries/x.conf": "linux /k\n",
        "/EFI/Linux/a.efi": make(BASE),
        "/EFI/Linux/b.efi": make(BASE),
    }
    result = scan(files)
    assert result.timeout_s == 7
    assert {o.entry: o.is_default for o in result.options} == {"a.efi": False, "b.efi": True}
    assert not bls.scan(MemoryFs(files)).options[0].is_default


def test_beside_entries_of_type_1_no_image_is_the_default_by_itself() -> None:
    files: dict[str, str | bytes] = {"/loader/entries/x.conf": "linux /k\n", IMAGE: make(BASE)}
    assert not scan(files).options[0].is_default


def test_addons_beside_an_image_add_to_it() -> None:
    extra = f"{IMAGE}.extra.d"
    option = scan(
        {
            IMAGE: make(BASE),
            f"{extra}/a.addon.efi": make([(".cmdline", "debug"), (".dtb", tree("x"))]),
            f"{extra}/b.addon.efi": make([(".initrd", "more")]),
            f"{extra}/c.cred": "secret",
        }
    ).options[0]
    assert option.cmdline == "root=UUID=1 quiet debug"
    assert option.initrds[1] == FileRef(f"{extra}/b.addon.efi", part=".initrd")
    assert option.notes == (
        f"the device tree in {extra}/a.addon.efi is not used",
        f"{extra}/c.cred is not used",
    )


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"text", "no EFI program"),
        (make([(".text", "code")]), "without a kernel"),
        (make(BASE)[:300], "ends within"),
        (make(BASE)[:1030], "ends"),
    ],
)
def test_what_is_no_such_image_is_a_problem(image: bytes, message: str) -> None:
    result = scan({IMAGE: image})
    assert result.options == ()
    assert message in result.problems[0].message
    assert result.problems[0].source == IMAGE


def test_escape_sequences_in_a_title_are_made_visible() -> None:
    assert only([(".osrel", "NAME=\x1b[2J"), (".linux", "k")]).title == "\\x1b[2J"


def test_images_end_at_their_limit_with_a_problem() -> None:
    result = scan({f"/EFI/Linux/{i}.efi": make([(".linux", "k")]) for i in range(200)})
    assert len(result.options) == uki.MAX_IMAGES
    assert "200 images" in result.problems[0].message


def test_profiles_end_at_their_limit() -> None:
    many = [(".profile", f"ID={i}") for i in range(100)]
    assert len(scan({IMAGE: make([*BASE, *many])}).options) == ukifile.MAX_PROFILES


@pytest.mark.parametrize("key", ["efi", "uki"])
def test_a_bls_entry_that_names_an_image_boots_it(key: str) -> None:
    entry = f"{key} {IMAGE}\nprofile 1\ntitle Mine\n"
    sections = [*BASE, (".profile", "ID=a"), (".profile", "ID=b"), (".cmdline", "second")]
    fs = MemoryFs({"/loader/entries/x.conf": entry, IMAGE: make(sections)})
    (option,) = bls.scan(fs).options
    assert (option.title, option.version, option.cmdline) == ("Mine", "13", "second")
    assert option.linux == FileRef(IMAGE, part=".linux")
    assert option.reasons == ()


def test_the_options_of_a_bls_entry_replace_the_command_line_of_its_image() -> None:
    entry = f"efi {IMAGE}\noptions debug\ninitrd /more\n"
    fs = MemoryFs({"/loader/entries/x.conf": entry, IMAGE: make(BASE)})
    (option,) = bls.scan(fs).options
    assert option.cmdline == "debug"
    assert option.initrds == (FileRef(IMAGE, part=".initrd"), FileRef("/more"))


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ({}, "is not there"),
        ({IMAGE: make([(".text", "shell")])}, "without a kernel inside"),
        ({IMAGE: make(BASE)}, "has no profile 4"),
    ],
)
def test_a_bls_entry_whose_program_cannot_be_started_says_why(
    image: dict[str, bytes], reason: str
) -> None:
    entry = f"efi {IMAGE}\nprofile 4\n"
    (option,) = bls.scan(MemoryFs({"/loader/entries/x.conf": entry, **image})).options
    assert reason in option.reasons[0]


GOOD = make([*BASE, (".dtbauto", tree("acme,a")), (".profile", "ID=a")])


@given(at=st.integers(0, len(GOOD) - 1), value=st.binary(min_size=1, max_size=4))
def test_a_changed_image_is_options_or_problems(at: int, value: bytes) -> None:
    result = scan({IMAGE: GOOD[:at] + value + GOOD[at + len(value) :]})
    assert result.options or result.problems
