"""Boot Loader Specification entries, sentence by sentence."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.errors import ConfigSyntaxError
from bootd.formats import bls
from bootd.model.option import WAIT_FOREVER, FileRef
from tests.support.memoryfs import MemoryFs

ENTRY = "/loader/entries/x.conf"


def entries(*names: str, keys: str = "") -> MemoryFs:
    return MemoryFs({f"/loader/entries/{name}": f"linux /k\n{keys}" for name in names})


def order(**texts: str) -> list[str]:
    """Return entry names without suffix in menu order; `a_1` is the file `a-1.conf`."""
    files = {
        f"/loader/entries/{n.replace('_', '-')}.conf": f"linux /k\n{t}" for n, t in texts.items()
    }
    return [each.entry.removesuffix(".conf") for each in bls.scan(MemoryFs(files)).options]


def test_every_key_is_read() -> None:
    option = bls.parse_entry(
        "title T\nversion 1\nmachine-id m\nsort-key s\narchitecture aa64\nlinux /k\ninitrd /i\n"
        "options a b\ndevicetree /d.dtb\ndevicetree-overlay /o1 /o2\nunknown u\n",
        ENTRY,
    )
    assert (option.title, option.version, option.machine_id) == ("T", "1", "m")
    assert (option.sort_key, option.architecture, option.cmdline) == ("s", "aa64", "a b")
    assert (option.linux, option.initrds) == (FileRef("/k"), (FileRef("/i"),))
    assert option.devicetree == FileRef("/d.dtb")
    assert option.overlays == (FileRef("/o1"), FileRef("/o2"))
    assert option.notes == ()


def test_repeated_initrd_and_options_lines_add_up_in_order() -> None:
    option = bls.parse_entry("linux k\ninitrd a\ninitrd b\noptions x  y\noptions z\n", ENTRY)
    assert [each.path for each in option.initrds] == ["/a", "/b"]
    assert option.cmdline == "x  y z"


def test_only_a_newline_ends_a_line() -> None:
    option = bls.parse_entry("linux /k\noptions a\u2028linux /evil\x0cb\n", ENTRY)
    assert option.linux == FileRef("/k")
    assert option.cmdline == "a\u2028linux /evil\x0cb"


def test_the_title_is_the_file_name_when_there_is_none() -> None:
    assert bls.parse_entry("linux /k\n", ENTRY).title == "x"


def test_devicetree_none_asks_for_the_running_tree() -> None:
    option = bls.parse_entry("linux /k\ndevicetree none\n", ENTRY)
    assert (option.devicetree_none, option.devicetree) == (True, None)


def test_an_entry_without_a_kernel_is_a_problem() -> None:
    with pytest.raises(ConfigSyntaxError, match="neither a linux nor an efi key"):
        bls.parse_entry("title T\n", ENTRY)


@pytest.mark.parametrize("key", ["efi", "uki"])
def test_an_efi_program_is_listed_and_says_that_it_cannot_be_read(key: str) -> None:
    option = bls.parse_entry(f"{key} /EFI/Linux/a.efi\n", ENTRY)
    assert option.reasons == (f"its {key} key names an EFI program, which cannot be read here",)


def test_variables_of_grub_are_kept_in_options_dropped_from_initrds_and_noted() -> None:
    option = bls.parse_entry("linux /k\noptions $kernelopts q\ninitrd /i $tuned_initrd\n", ENTRY)
    assert (option.cmdline, option.initrds) == ("$kernelopts q", (FileRef("/i"),))
    assert [note.split()[0] for note in option.notes] == ["$kernelopts", "$tuned_initrd"]


@pytest.mark.parametrize(
    ("name", "entry", "left", "done"),
    [
        ("x+3.conf", "x.conf", 3, 0),
        ("x+2-1.conf", "x.conf", 2, 1),
        ("x+0-3.conf", "x.conf", 0, 3),
        ("x-1.conf", "x-1.conf", None, None),
        ("6.6.15+rpt.conf", "6.6.15+rpt.conf", None, None),
        ("x+9999999999.conf", "x+9999999999.conf", None, None),
    ],
)  # fmt: skip - rows
def test_boot_counting_is_read_from_the_file_name_and_is_no_part_of_the_id(
    name: str, entry: str, left: int | None, done: int | None
) -> None:
    (option,) = bls.scan(entries(name)).options
    assert (option.entry, option.tries_left, option.tries_done) == (entry, left, done)


def test_without_sort_keys_the_highest_file_name_comes_first() -> None:
    assert order(a_6_9="", a_6_10="", b_1="") == ["b-1", "a-6-10", "a-6-9"]


def test_entries_with_a_sort_key_come_first_in_its_order() -> None:
    assert order(z="", b="sort-key debian\n", c="sort-key arch\n") == ["c", "b", "z"]


def test_equal_sort_keys_go_by_machine_id_and_then_by_falling_version() -> None:
    key = "sort-key s\n"
    assert order(
        d=f"{key}machine-id 2\nversion 9\n",
        a=f"{key}machine-id 1\nversion 6.9\n",
        b=f"{key}machine-id 1\nversion 6.10\n",
        c=f"{key}machine-id 1\nversion 6.10~rc1\n",
    ) == ["b", "c", "a", "d"]


def test_an_entry_whose_tries_are_used_up_comes_last() -> None:
    fs = entries("a-1.conf", "a-9+0-3.conf", "a-5+1-2.conf")
    assert [each.entry for each in bls.scan(fs).options] == ["a-5.conf", "a-1.conf", "a-9.conf"]


@pytest.mark.parametrize(
    ("line", "chosen"),
    [
        ("default a-2.conf", "a-2.conf"),
        ("default a-2", "a-2.conf"),
        ("default A-*", "a-10.conf"),
        ("default gone", "b-1.conf"),
        ("", "b-1.conf"),
        ("default @saved", "b-1.conf"),
    ],
)  # fmt: skip - rows
def test_the_default_is_the_first_match_of_loader_conf_or_the_first_entry(
    line: str, chosen: str
) -> None:
    files = {f"/loader/entries/{n}.conf": "linux /k" for n in ("a-2", "a-10", "b-1")}
    result = bls.scan(MemoryFs({**files, "/loader/loader.conf": f"# c\n{line}\n"}))
    assert [each.entry for each in result.options if each.is_default] == [chosen]


def test_a_saved_default_is_a_problem_that_says_why_it_is_not_used() -> None:
    fs = MemoryFs({ENTRY: "linux /k", "/loader/loader.conf": "\ndefault @saved\n"})
    (problem,) = bls.scan(fs).problems
    assert (problem.source, problem.line) == ("/loader/loader.conf", 2)


def test_a_bad_entry_is_not_the_default_when_nothing_is_named() -> None:
    result = bls.scan(entries("z+0-1.conf", "a.conf"))
    assert [each.entry for each in result.options if each.is_default] == ["a.conf"]


@pytest.mark.parametrize(
    ("word", "seconds"),
    [
        ("5", 5),
        ("0", 0),
        ("menu-force", WAIT_FOREVER),
        ("menu-hidden", 0),
        ("soon", None),
        ("99999999999", None),
        ("\u0665", None),
    ],
)  # fmt: skip - rows
def test_the_timeout_is_in_seconds_or_a_word(word: str, seconds: int | None) -> None:
    result = bls.scan(MemoryFs({"/loader/loader.conf": f"timeout {word}\n"}))
    assert result.timeout_s == seconds
    assert bool(result.problems) == (seconds is None)


def test_paths_of_entries_below_boot_may_be_relative_to_boot() -> None:
    fs = MemoryFs({"/boot/loader/entries/x.conf": "linux /a\ninitrd /b\n", "/boot/a": "", "/b": ""})
    (option,) = bls.scan(fs).options
    assert (option.linux, option.initrds) == (FileRef("/boot/a"), (FileRef("/b"),))


def test_one_bad_entry_costs_only_itself() -> None:
    fs = MemoryFs(
        {ENTRY: "linux", "/loader/entries/y.conf": "linux /k", "/loader/entries/README": ""}
    )
    result = bls.scan(fs)
    assert [each.entry for each in result.options] == ["y.conf"]
    assert [(each.source, each.line) for each in result.problems] == [(ENTRY, 1)]


def test_a_file_system_that_ignores_case_has_entries_in_any_case() -> None:
    fs = MemoryFs({"/LOADER/ENTRIES/X.CONF": "linux /k"}, fold_case=True)
    assert len(bls.scan(fs).options) == 1


# Hostile inputs -----------------------------------------------------------------------------------


def test_more_entries_than_the_limit_are_cut_with_a_problem() -> None:
    result = bls.scan(entries(*(f"{i:05}.conf" for i in range(2000))))
    assert len(result.options) == bls.MAX_ENTRIES
    assert result.options[0].entry == "01999.conf"
    assert "2000 entries" in result.problems[0].message


def test_escape_sequences_become_visible_everywhere_but_in_the_command_line() -> None:
    option = bls.parse_entry(
        "title \x1b[2J\u202e\nversion \x9b1\nlinux /k\noptions \x1b\n", "/loader/entries/\x1b.conf"
    )
    assert (option.title, option.version) == ("\\x1b[2J\\u202e", "\\x9b1")
    assert option.entry == "\\x1b.conf"
    assert option.cmdline == "\x1b"


def test_a_nul_never_reaches_a_path() -> None:
    assert bls.parse_entry("linux /k\0x\n", ENTRY).linux == FileRef("/k\ufffdx")


@pytest.mark.parametrize("key", ["initrd /a\n", "devicetree-overlay /a /b /c\n"])
def test_an_entry_with_thousands_of_files_is_a_problem(key: str) -> None:
    result = bls.scan(entries("x.conf", keys=key * 10_000))
    assert "files of a kind" in result.problems[0].message


def test_lines_with_many_initrds_each_are_a_problem() -> None:
    result = bls.scan(entries("x.conf", keys=f"linux /k\n{'initrd ' + '/i ' * 40}\n" * 2))
    assert "files of a kind" in result.problems[0].message


def test_only_blanks_separate_words() -> None:
    assert bls.parse_entry("linux /k\u00a0\x1f\noptions a\u00a0b\n", ENTRY).linux == FileRef(
        "/k\u00a0\x1f"
    )


@pytest.mark.parametrize("pattern", ["*a" * 40 + "b", "*a" * 400_000, "[" * 900_000])
def test_a_hostile_glob_as_default_is_answered_at_once(pattern: str) -> None:
    name = f"/loader/entries/{'a' * 200}.conf"
    fs = MemoryFs({name: "linux /k", "/loader/loader.conf": f"default {pattern}\n"})
    start = process_time()
    assert len(bls.scan(fs).options) == 1
    assert process_time() - start < 1


@given(st.text())
def test_any_text_is_an_option_or_a_config_error(text: str) -> None:
    try:
        option = bls.parse_entry(text, ENTRY)
    except ConfigSyntaxError:
        return
    assert option.linux or option.reasons


@given(st.binary(max_size=300), st.binary(max_size=100))
def test_any_bytes_give_a_result(entry: bytes, settings: bytes) -> None:
    result = bls.scan(MemoryFs({ENTRY: entry, "/loader/loader.conf": settings}))
    assert len(result.options) <= 1


def test_a_key_without_a_value_is_no_key() -> None:
    text = "title a\nlinux /k\noptions\ninitrd\nversion\nuki\nsort-key \n"
    result = bls.scan(MemoryFs({"/loader/entries/a.conf": text, "/k": "k"}))
    (option,) = result.options
    assert (option.title, option.linux, option.initrds) == ("a", FileRef("/k"), ())
    assert (option.cmdline, option.reasons, result.problems) == ("", (), ())


def test_an_entry_without_a_kernel_is_a_problem_with_file_and_line() -> None:
    for text in ("title a\n", "title a\nlinux\n", ""):
        (problem,) = bls.scan(MemoryFs({"/loader/entries/a.conf": text})).problems
        assert (problem.source, problem.line) == ("/loader/entries/a.conf", 1)
