"""extlinux.conf and its relatives, sentence by sentence."""

from textwrap import dedent
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.formats import extlinux
from bootd.model.option import BootOption, FileRef, ScanResult
from tests.support.containers import Configuration, Image
from tests.support.containers import fit as make_fit
from tests.support.memoryfs import MemoryFs

CONF = "/extlinux/extlinux.conf"


def scan(text: str, **others: str) -> ScanResult:
    """Scan one configuration; keyword `menu_cfg` becomes the file /extlinux/menu.cfg."""
    files: dict[str, str | bytes] = {CONF: dedent(text)}
    files |= {f"/extlinux/{name.replace('_', '.')}": dedent(t) for name, t in others.items()}
    return extlinux.scan(MemoryFs(files))


def only(text: str, **others: str) -> BootOption:
    (option,) = scan(text, **others).options
    return option


@pytest.mark.parametrize("place", extlinux.PLACES)
def test_a_configuration_is_found_in_every_place(place: str) -> None:
    result = extlinux.scan(MemoryFs({place: "label a\nlinux /k\n"}))
    assert [each.source for each in result.options] == [place]


def test_one_file_under_two_names_is_read_once() -> None:
    fs = MemoryFs({CONF: "label a\nlinux /k\n"}, {"/boot": "."})
    assert len(extlinux.scan(fs).options) == 1


def test_labels_keep_the_order_of_the_file() -> None:
    result = scan("label b\nlinux /b\nlabel a\nlinux /a\nlabel c\nlinux /c\n")
    assert [each.entry for each in result.options] == ["b", "a", "c"]


def test_keywords_are_read_in_any_case() -> None:
    option = only("LaBeL x\n  LINUX /k\n  Menu LABEL The ^title\n  APPEND q\n")
    assert (option.title, option.cmdline) == ("The title", "q")


def test_the_title_is_the_label_when_there_is_no_menu_label() -> None:
    assert only("label Some Label\nlinux /k\n").title == "Some Label"


def test_relative_paths_start_at_the_directory_of_the_configuration() -> None:
    assert only("label x\nlinux ../boot/./k\n").linux == FileRef("/boot/k")


def test_a_path_cannot_leave_the_file_system() -> None:
    assert only("label x\nlinux ../../../../etc/k\n").linux == FileRef("/etc/k")


def test_backslashes_of_dos_are_slashes() -> None:
    assert only("label x\nlinux \\boot\\k\n").linux == FileRef("/boot/k")


def test_initrd_takes_a_list_with_commas_and_lines_add_up() -> None:
    option = only("label x\nlinux /k\ninitrd /a,/b\ninitrd /c\n")
    assert [each.path for each in option.initrds] == ["/a", "/b", "/c"]


def test_an_initrd_inside_append_is_taken_out_when_there_is_no_initrd_line() -> None:
    option = only("label x\nlinux /k\nappend quiet  initrd=/a,/b root=x\n")
    assert [each.path for each in option.initrds] == ["/a", "/b"]
    assert option.cmdline == "quiet  root=x"


def test_an_initrd_inside_append_stays_when_there_is_an_initrd_line() -> None:
    option = only("label x\nlinux /k\ninitrd /a\nappend initrd=/b root=x\n")
    assert [each.path for each in option.initrds] == ["/a"]
    assert option.cmdline == "initrd=/b root=x"
    assert "initrd= stays" in option.notes[0]


def test_a_word_that_only_ends_like_initrd_is_not_one() -> None:
    option = only("label x\nlinux /k\nappend noinitrd=/a\n")
    assert (option.initrds, option.cmdline) == ((), "noinitrd=/a")


def test_the_global_append_is_for_labels_without_their_own() -> None:
    result = scan(
        """
        append global
        label a
          linux /k
        label b
          linux /k
          append own
        label c
          linux /k
          append -
        """
    )
    assert [each.cmdline for each in result.options] == ["global", "own", ""]


def test_the_command_line_reaches_the_kernel_byte_for_byte() -> None:
    text = 'label x\nlinux /k\nappend a="b  c" # \\ \u2028 d\x0ce\n'
    assert only(text).cmdline == 'a="b  c" # \\ \u2028 d\x0ce'


@pytest.mark.parametrize("key", ["fdt", "FDT", "devicetree"])
def test_a_device_tree_is_named_by_both_words(key: str) -> None:
    assert only(f"label x\nlinux /k\n{key} /a.dtb\n").devicetree == FileRef("/a.dtb")


@pytest.mark.parametrize("key", ["fdtdir", "devicetreedir"])
def test_a_folder_of_device_trees_is_named_by_both_words(key: str) -> None:
    assert only(f"label x\nlinux /k\n{key} /dtbs/\n").devicetree_dir == FileRef("/dtbs")


@pytest.mark.parametrize("key", ["fdtoverlays", "devicetree-overlay"])
def test_overlays_are_a_list_with_blanks(key: str) -> None:
    option = only(f"label x\nlinux /k\n{key} /a.dtbo  /b.dtbo\n")
    assert [each.path for each in option.overlays] == ["/a.dtbo", "/b.dtbo"]


def test_a_hyphen_as_device_tree_asks_for_the_running_one() -> None:
    option = only("label x\nlinux /k\nfdt -\n")
    assert option.devicetree_none
    assert option.devicetree is None


@pytest.mark.parametrize(
    ("head", "chosen"),
    [
        ("default b", "b"),
        ("default a\ndefault b", "b"),
        ("default a\nontimeout b", "b"),
        ("default b quiet", "b"),
        ("", "a"),
        ("default gone", "a"),
        ("ui menu.c32", "a"),
    ],
)  # fmt: skip - rows
def test_the_default_is_what_the_configuration_names_or_the_first(head: str, chosen: str) -> None:
    result = scan(f"{head}\nlabel a\nlinux /k\nlabel b\nlinux /k\n")
    assert [each.entry for each in result.options if each.is_default] == [chosen]


def test_menu_default_marks_the_default_when_nothing_is_named() -> None:
    result = scan("default vesamenu.c32\nlabel a\nlinux /k\nlabel b\nmenu default\nlinux /k\n")
    assert [each.is_default for each in result.options] == [False, True]
    assert result.problems == ()


def test_a_default_that_is_no_entry_is_a_problem() -> None:
    assert "DEFAULT names gone" in scan("default gone\nlabel a\nlinux /k\n").problems[0].message


def test_a_default_that_names_a_kernel_file_is_an_option_of_its_own() -> None:
    text = "default /vmlinuz root=/dev/sda1\nappend quiet\n"
    result = extlinux.scan(MemoryFs({CONF: text, "/vmlinuz": "kernel"}))
    assert [(o.entry, o.cmdline) for o in result.options] == [("/vmlinuz", "quiet root=/dev/sda1")]
    off = extlinux.scan(MemoryFs({CONF: f"implicit 0\n{text}", "/vmlinuz": "kernel"}))
    assert off.options == ()


@pytest.mark.parametrize(
    ("tenths", "seconds"), [("50", 5), ("1", 1), ("15", 2), ("0", None), ("-1", None)]
)
def test_the_timeout_counts_tenths_of_a_second(tenths: str, seconds: int | None) -> None:
    assert scan(f"timeout {tenths}\n").timeout_s == seconds


def test_a_timeout_that_is_no_number_is_a_problem_with_its_line() -> None:
    (problem,) = scan("\ntimeout soon\n").problems
    assert (problem.source, problem.line) == (CONF, 2)


def test_submenus_keep_their_titles_outermost_first() -> None:
    text = """
        menu begin one
          menu title Outer
          menu begin
            menu label ^Inner
            label x
              menu label Deep
              linux /k
          menu end
          label y
            linux /k
        menu end
        label z
          linux /k
        """
    titles = [(each.title, each.submenu) for each in scan(text).options]
    assert titles == [("Deep", ("Outer", "Inner")), ("y", ("Outer",)), ("z", ())]


@pytest.mark.parametrize("key", ["menu hide", "menu disable", "menu exit", "menu goto x"])
def test_a_label_that_boots_nothing_in_the_menu_is_not_listed(key: str) -> None:
    result = scan(f"label a\nlinux /k\nlabel b\n{key}\nlinux /k\n")
    assert [each.entry for each in result.options] == ["a"]


def test_a_hidden_label_is_listed_when_it_is_the_default() -> None:
    assert only("default a\nlabel a\nmenu hide\nlinux /k\n").is_default


def test_help_texts_are_not_read_as_statements() -> None:
    assert only("label a\ntext help\nlabel b\nlinux /evil\nendtext\nlinux /k\n").entry == "a"


def test_includes_stand_in_their_place_and_keep_their_own_lines() -> None:
    result = scan(
        "label a\nlinux /k\ninclude more.cfg\nlabel c\nlinux /k\n",
        more_cfg="\nlabel b\nlinux k\n",
    )
    assert [each.entry for each in result.options] == ["a", "b", "c"]
    assert (result.options[1].source, result.options[1].line) == ("/extlinux/more.cfg", 2)


def test_an_include_with_a_tag_is_a_submenu() -> None:
    assert only("menu include more.cfg Other", more_cfg="label b\nlinux /k\n").submenu == ("Other",)


def test_an_include_that_is_not_there_is_a_problem_with_its_line() -> None:
    result = scan("label a\nlinux /k\ninclude gone.cfg\n")
    assert len(result.options) == 1
    assert (result.problems[0].line, "gone.cfg" in result.problems[0].message) == (3, True)


def fit_image() -> bytes:
    images = {
        "kernel-1": Image(data=b"kernel"),
        "fdt-1": Image(data=b"tree", kind="flat_dt"),
        "ramdisk-1": Image(data=b"initrd", kind="ramdisk"),
    }
    both = Configuration(fdt=["fdt-1"], ramdisk="ramdisk-1")
    return make_fit(images, {"conf-1": both, "conf-2": Configuration()}, "conf-2")


def only_with_fit(text: str, path: str = "/image.fit") -> BootOption:
    fs = MemoryFs({CONF: text, path: fit_image()})
    (option,) = extlinux.scan(fs).options
    return option


def test_a_fit_configuration_gives_its_parts() -> None:
    option = only_with_fit("label a\nkernel /image.fit#conf-1\n")
    assert option.linux == FileRef("/image.fit", part="/images/kernel-1")
    assert option.initrds == (FileRef("/image.fit", part="/images/ramdisk-1"),)
    assert option.devicetree == FileRef("/image.fit", part="/images/fdt-1")


def test_a_fit_image_without_a_configuration_gives_the_default_one() -> None:
    option = only_with_fit("label a\nkernel /fitImage\n", "/fitImage")
    assert (option.linux, option.initrds) == (FileRef("/fitImage", part="/images/kernel-1"), ())


def test_initrd_and_fdt_lines_win_over_those_of_a_fit_configuration() -> None:
    option = only_with_fit("label a\nkernel /image.fit#conf-1\ninitrd /i\nfdtdir /dtbs\n")
    assert option.initrds == (FileRef("/i"),)
    assert (option.devicetree, option.devicetree_dir) == (None, FileRef("/dtbs"))


def test_a_configuration_that_a_fit_image_does_not_have_is_said() -> None:
    option = only_with_fit("label a\nkernel /image.fit#conf-9\n")
    assert option.linux == FileRef("/image.fit")
    assert option.reasons == ("the FIT image has no configuration 'conf-9'",)


def test_a_fit_image_that_is_not_there_keeps_its_name() -> None:
    assert only("label a\nkernel /image.fit#conf-1\n").linux == FileRef("/image.fit")


def test_a_file_that_is_no_fit_image_has_no_configuration() -> None:
    (option,) = extlinux.scan(MemoryFs({CONF: "label a\nkernel /k#conf\n", "/k": "text"})).options
    assert option.reasons == ("it is no FIT image",)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("localboot 0", "LOCALBOOT"),
        ("com32 chain.c32", "COM32"),
        ("kernel hdt.c32", "COM32"),
        ("boot /sector", "boot sector"),
        ("linux http://x/k", "over the network"),
    ],
)  # fmt: skip - rows
def test_an_entry_that_starts_no_kernel_of_this_disk_says_what_it_starts(
    line: str, words: str
) -> None:
    assert words in only(f"label a\n{line}\n").reasons[0]


def test_a_kernel_called_img_is_a_kernel() -> None:
    assert only("label pi\nkernel /kernel8.img\n").reasons == ()


def test_variables_of_u_boot_are_kept_and_noted() -> None:
    option = only("label a\nlinux /k\nappend console=${console}\n")
    assert option.cmdline == "console=${console}"
    assert option.notes == ("${console} is a variable of U-Boot, which is not expanded here",)


def test_an_unknown_keyword_is_a_problem_and_costs_nothing() -> None:
    result = scan("label a\nfrobnicate 1\nlinux /k\n")
    assert len(result.options) == 1
    assert (result.problems[0].line, result.problems[0].message) == (
        2,
        "unknown keyword frobnicate, ignored",
    )


def test_an_entry_without_a_file_name_costs_only_itself() -> None:
    result = scan("label a\nlinux\nlabel b\nlinux /k\n")
    assert [each.entry for each in result.options] == ["b"]
    assert result.problems[0].line == 2


def test_escape_sequences_in_titles_become_visible() -> None:
    option = only("label a\x1b]0;x\x07\nmenu label \x1b[31mRed\u202e\nlinux /k\n")
    assert option.title == "\\x1b[31mRed\\u202e"
    assert "\x1b" not in option.entry


# Hostile inputs -----------------------------------------------------------------------------------


def test_a_file_that_includes_itself_ends_with_a_problem() -> None:
    result = scan(f"label a\nlinux /k\ninclude {CONF}\n")
    assert "nested more than 16" in result.problems[0].message
    assert result.options


def test_a_fan_of_includes_ends_at_the_budget() -> None:
    fan = "".join("include fan.cfg\n" for _ in range(100))
    result = scan(f"label a\nlinux /k\n{fan}", fan_cfg=fan)
    assert any("more than 64 files" in each.message for each in result.problems)
    assert len(result.problems) < 100


def test_included_text_ends_at_a_megabyte() -> None:
    big = "# " + "x" * 600_000 + "\n"
    result = scan(f"{big}include big.cfg\ninclude big.cfg\n", big_cfg=big)
    assert "1048576 characters" in result.problems[0].message


def test_a_hundred_thousand_entries_are_cut_with_a_problem() -> None:
    result = scan("label a\nlinux /k\n" * 60_000)
    assert len(result.options) == extlinux.MAX_ENTRIES
    assert "60000 entries" in result.problems[0].message


@pytest.mark.parametrize(
    "text", ["menu begin x\nlabel a\nlinux /k\n", "zz\n", "label a\n", "menu begin x\n"]
)
def test_a_megabyte_of_repeated_statements_takes_less_than_the_limit_of_a_worker(
    text: str,
) -> None:
    start = process_time()
    scan(text * ((1 << 20) // len(text) - 1))
    assert process_time() - start < 2


@pytest.mark.parametrize("line", ["initrd " + "a," * 400_000, "fdtoverlays " + "a " * 400_000])
def test_an_entry_with_thousands_of_files_is_a_problem(line: str) -> None:
    result = scan(f"label a\nlinux /k\n{line}\n")
    assert "files of a kind" in result.problems[0].message


def test_a_command_line_that_no_kernel_takes_is_a_problem_with_its_entry() -> None:
    result = scan(f"label a\nlinux /k\nappend {'x' * 5000}\nlabel b\nlinux /k\n")
    assert [each.entry for each in result.options] == ["b"]
    assert "5000 characters" in result.problems[0].message


def test_a_configuration_of_more_than_a_megabyte_is_a_problem() -> None:
    result = scan("x" * (1 << 20) + "\n")
    assert result.options == ()
    assert "more than" in result.problems[0].message


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(encoding: str) -> None:
    data = "label a\r\nlinux /k\r\nappend q\r\n".encode(encoding)
    (option,) = extlinux.scan(MemoryFs({CONF: data})).options
    assert (option.entry, option.cmdline) == ("a", "q")


KEYS = ["label", "linux", "append", "initrd", "menu begin", "menu end", "menu label", "include",
        "fdt", "fdtdir", "text help", "endtext", "default", "timeout", "kernel"]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.text(max_size=20)), max_size=20))
def test_any_statements_give_a_result(lines: list[tuple[str, str]]) -> None:
    text = "\n".join(f"{key} {value}" for key, value in lines)
    result = extlinux.scan(MemoryFs({CONF: text.encode("utf-8", "replace")}))
    assert sum(each.is_default for each in result.options) <= 1


@given(st.binary(max_size=400))
def test_any_bytes_give_a_result(data: bytes) -> None:
    assert extlinux.scan(MemoryFs({CONF: data})).timeout_s is None or b"imeout" in data.lower()


def test_petitboots_name_for_a_device_tree_is_known() -> None:
    text = "label a\nkernel /k\ndtb /b.dtb\n"
    result = extlinux.scan(MemoryFs({"/extlinux/extlinux.conf": text}))
    assert result.options[0].devicetree == FileRef("/b.dtb")
    assert result.problems == ()


def test_nvidias_name_for_overlays_is_known() -> None:
    text = "label a\nlinux /k\nfdt /b.dtb\noverlays /o/a.dtbo,/o/b.dtbo\n"
    result = extlinux.scan(MemoryFs({"/boot/extlinux/extlinux.conf": text}))
    assert result.options[0].overlays == (FileRef("/o/a.dtbo"), FileRef("/o/b.dtbo"))
    assert result.problems == ()
