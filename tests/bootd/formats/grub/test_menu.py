"""The menu: entries, submenus, default, timeout, and where it is looked for."""

import pytest

from bootd import formats
from bootd.formats import grub
from bootd.model.option import WAIT_FOREVER, FileRef
from tests.support.grubscript import CONF, entry, run
from tests.support.memoryfs import MemoryFs

MENU = """
menuentry 'Zero' --id zero { linux /k }
submenu 'One > More' --id one {
  menuentry 'a' --id aa { linux /k }
  menuentry 'b' { linux /k }
}
menuentry 'Two' --class x --id=two --unrestricted { linux /k }
menuentry '7' { linux /k }
"""


@pytest.mark.parametrize(
    ("default", "title"),
    [
        ("0", "Zero"),
        ("2", "Two"),
        ("two", "Two"),
        ("Two", "Two"),
        ("", "Zero"),
        ("9", "Zero"),
        ("none", "Zero"),
        ("1>1", "b"),
        ("1>0", "a"),
        ("1", "a"),
        ("one>aa", "a"),
        ("one>b", "b"),
        ("One >> More>b", "b"),
        ("1>none", "a"),
        ("one", "a"),
        ("-1", "Zero"),
        ("3", "7"),
    ],
)  # fmt: skip - rows
def test_the_default_is_what_grub_would_boot(default: str, title: str) -> None:
    result = run(f"set default='{default}'\n{MENU}")
    assert [o.title for o in result.options if o.is_default] == [title]


def test_without_a_default_the_first_entry_is_it() -> None:
    assert [o.is_default for o in run(MENU).options] == [True, False, False, False, False]


def test_a_saved_default_comes_from_the_environment_block() -> None:
    files: dict[str, str | bytes] = {
        "/boot/grub/grubenv": "# GRUB Environment Block\nsaved_entry=one>b\n"
    }
    result = run(f'load_env\nset default="${{saved_entry}}"\n{MENU}', files)
    assert [o.title for o in result.options if o.is_default] == ["b"]


def test_the_entry_for_the_next_boot_goes_before_the_default() -> None:
    files: dict[str, str | bytes] = {
        "/boot/grub/grubenv": "# GRUB Environment Block\nnext_entry=two\n"
    }
    header = 'load_env\nif [ "${next_entry}" ]; then set default="${next_entry}"; fi\n'
    assert [o.title for o in run(header + MENU, files).options if o.is_default] == ["Two"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("timeout=5", 5),
        ("set timeout=0", 0),
        ("timeout=-1", WAIT_FOREVER),
        ("timeout=x", None),
    ],
)  # fmt: skip - rows
def test_the_timeout_is_in_seconds(text: str, seconds: int | None) -> None:
    assert run(f"{text}\n{MENU}").timeout_s == seconds


def test_submenus_stay_a_tree() -> None:
    text = "submenu a { submenu b { menuentry c { linux /k } } }"
    option = entry(text)
    assert (option.submenu, option.title, option.entry) == (("a", "b"), "c", "a>b>c")


def test_an_entry_is_known_by_its_id_or_title() -> None:
    assert [o.entry for o in run(MENU).options] == ["zero", "one>aa", "one>b", "two", "7"]


def test_source_and_line_are_where_the_entry_starts() -> None:
    option = entry("\n\nmenuentry a {\n linux /k\n}")
    assert (option.source, option.line) == (CONF, 3)


def test_the_title_and_arguments_of_an_entry_are_its_parameters() -> None:
    option = entry("menuentry 'T' one --class x two { linux /k $1 $2 $3 $# }")
    assert option.cmdline == "T one two 3"


def test_a_body_sees_variables_as_they_are_when_the_menu_is_shown() -> None:
    assert entry("v=1\nmenuentry a { linux /k $v }\nv=2").cmdline == "2"


def test_what_one_body_sets_another_does_not_see() -> None:
    result = run("menuentry a { v=1; linux /k }\nmenuentry b { linux /k $v }")
    assert result.options[1].cmdline == ""


def test_a_submenu_sees_only_what_was_exported() -> None:
    text = "v=1\nw=2\nexport v\nsubmenu s { menuentry a { linux /k $v$w } }"
    assert entry(text).cmdline == "1"


def test_a_body_may_call_functions() -> None:
    text = "function boot_it { linux /k $1; }\nmenuentry a { boot_it x }"
    assert entry(text).cmdline == "x"


def test_the_body_knows_which_entry_was_chosen() -> None:
    text = "submenu s --id S { menuentry a --id A { linux /k $chosen } }"
    assert entry(text).cmdline == "S>A"


def test_entries_of_a_loop_are_all_listed() -> None:
    text = 'for i in 1 2; do menuentry "Linux $i" $i { linux /k$2 }; done'
    assert [(o.title, o.linux) for o in run(text).options] == [
        ("Linux 1", FileRef("/k1")),
        ("Linux 2", FileRef("/k2")),
    ]


def test_titles_are_cleaned() -> None:
    option = entry("menuentry '\x1b[31mRed\u202e' { linux /k }")
    assert option.title == "\\x1b[31mRed\\u202e"
    assert "\x1b" not in option.entry


def test_a_menu_entry_without_a_block_is_a_problem() -> None:
    assert run("menuentry a\n").problems[0].message == "menuentry: a block in braces is missing"


def test_a_menu_entry_may_come_from_text() -> None:
    assert entry("menuentry a --source='linux /k x'").cmdline == "x"


@pytest.mark.parametrize("place", [p for p in grub.PLACES if p.endswith(".cfg")])
def test_every_place_is_looked_at(place: str) -> None:
    assert grub.scan(MemoryFs({place: MENU})).options


@pytest.mark.parametrize("vendor", ["debian", "BOOT", "fedora"])
def test_every_vendor_of_an_efi_system_partition_is_looked_at(vendor: str) -> None:
    assert grub.scan(MemoryFs({f"/EFI/{vendor}/grub.cfg": MENU})).options


def test_a_stub_that_leads_to_a_menu_on_its_device_is_listed_once() -> None:
    stub = "search --file --set=root /boot/grub/grub.cfg\nconfigfile ($root)/boot/grub/grub.cfg\n"
    result = grub.scan(MemoryFs({CONF: MENU, "/EFI/debian/grub.cfg": stub}))
    assert len(result.options) == 5


def test_a_link_to_a_menu_is_listed_once() -> None:
    result = grub.scan(MemoryFs({"/grub/grub.cfg": MENU}, {"/boot": "."}))
    assert len(result.options) == 5


def test_the_menu_for_images_counts_only_alone() -> None:
    loopback = {"/boot/grub/loopback.cfg": "menuentry l { linux /k }"}
    both = grub.scan(MemoryFs({CONF: "menuentry a { linux /k }", **loopback}))
    assert [o.title for o in both.options] == ["a"]
    assert [o.title for o in grub.scan(MemoryFs(loopback)).options] == ["l"]


@pytest.mark.parametrize(
    ("path", "cpu"),
    [
        ("/boot/grub/x86_64-efi/normal.mod", "x86_64 efi"),
        ("/boot/grub/i386-pc/a.mod", "i386 pc"),
        ("/EFI/BOOT/BOOTAA64.EFI", "arm64 efi"),
        ("/x", "arm64 efi"),
    ],
)  # fmt: skip - rows
def test_the_platform_is_that_of_the_grub_that_is_installed(path: str, cpu: str) -> None:
    option = entry("menuentry a { linux /k $grub_cpu $grub_platform }", {path: ""})
    assert option.cmdline == cpu


BLS = "title Fedora\nversion 6.8\nlinux /vmlinuz\ninitrd /i $tuned_initrd\noptions $kernelopts q\n"
FEDORA: dict[str, str | bytes] = {"/loader/entries/abc-6.8.conf": BLS, "/vmlinuz": "", "/i": ""}


def test_entries_of_the_boot_loader_specification_know_variables() -> None:
    option = entry("kernelopts='root=/dev/sda1 ro'\nblscfg", FEDORA)
    assert (option.format, option.entry, option.title) == ("bls", "abc-6.8.conf", "Fedora")
    assert option.cmdline == "root=/dev/sda1 ro q"
    assert option.initrds == (FileRef("/i"),)
    assert option.version == "6.8"


def test_an_entry_found_by_blscfg_and_alone_is_listed_once_with_its_variables() -> None:
    fs = MemoryFs({**FEDORA, "/grub2/grub.cfg": "kernelopts=ro\nblscfg\n"}, {"/boot": "."})
    (option,) = formats.scan(fs).options
    assert (option.cmdline, option.is_default) == ("ro q", True)


def test_an_entry_that_blscfg_does_not_list_is_still_found_alone() -> None:
    fs = MemoryFs({**FEDORA, "/grub2/grub.cfg": "menuentry a { linux /vmlinuz }\n"})
    assert [o.format for o in formats.scan(fs).options] == ["bls", "grub"]


def test_the_directory_of_entries_may_be_named() -> None:
    files: dict[str, str | bytes] = {"/other/x.conf": "linux /k\n"}
    assert entry("blscfg /other", files).entry == "x.conf"
    assert entry("set blsdir=/other\nblscfg", files).entry == "x.conf"


def test_the_newest_entry_comes_first_and_the_saved_one_is_the_default() -> None:
    files: dict[str, str | bytes] = {
        f"/loader/entries/m-{v}.conf": f"linux /vmlinuz-{v}\n" for v in ("6.8.9", "6.8.10", "6.8.2")
    }
    result = run("default=m-6.8.9\nblscfg", files)
    assert [(o.entry, o.is_default) for o in result.options] == [
        ("m-6.8.10.conf", False),
        ("m-6.8.9.conf", True),
        ("m-6.8.2.conf", False),
    ]


def test_paths_of_entries_below_boot_may_be_relative_to_it() -> None:
    files: dict[str, str | bytes] = {
        "/boot/loader/entries/x.conf": "linux /k\ninitrd /i\n", "/boot/k": "", "/boot/i": "",
    }  # fmt: skip
    option = entry("blscfg", files)
    assert (option.linux, option.initrds) == (FileRef("/boot/k"), (FileRef("/boot/i"),))


def test_counters_device_tree_and_overlays_of_an_entry_are_kept() -> None:
    files: dict[str, str | bytes] = {
        "/loader/entries/x+2-1.conf": "linux /k\ndevicetree /d\ndevicetree-overlay /o /p\n"
        "architecture aa64\nmachine-id 12\nsort-key s\n"
    }
    option = entry("blscfg", files)
    assert (option.entry, option.tries_left, option.tries_done) == ("x.conf", 2, 1)
    assert option.devicetree == FileRef("/d")
    assert option.overlays == (FileRef("/o"), FileRef("/p"))
    assert (option.architecture, option.machine_id, option.sort_key) == ("aa64", "12", "s")


def test_a_snapshot_of_opensuse_boots_from_its_own_files() -> None:
    files: dict[str, str | bytes] = {"/.snapshots/2/snapshot/boot/k": ""}
    text = "btrfs_relative_path=y\nbtrfs_subvol=/@/.snapshots/2/snapshot\n"
    option = entry(f"{text}menuentry a {{ linux /boot/k }}", files)
    assert option.linux == FileRef("/.snapshots/2/snapshot/boot/k")
