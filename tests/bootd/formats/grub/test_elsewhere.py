"""Scripts that read files of other devices, which those lend."""

from collections.abc import Iterable

from bootd.formats import grub, scan
from bootd.formats.lending import MAX_BYTES, MAX_WANTS, lend
from bootd.model.lent import LentFile, LentKind
from bootd.model.option import FileRef, ScanResult
from tests.support.grubscript import CONF
from tests.support.memoryfs import MemoryFs

SEARCH = "search --fs-uuid --set=other 12-ab\n"


def lent(path: str, text: str | None, device: str = "UUID=12-ab", holder: str = "") -> LentFile:
    kind = LentKind.ABSENT if text is None else LentKind.FILE
    size = len(text or "")
    return LentFile(device=device, path=path, kind=kind, size=size, text=text, holder=holder)


def run(text: str, files: Iterable[LentFile] = (), **more: str) -> ScanResult:
    return grub.scan(MemoryFs({CONF: text, **{f"/{name}": x for name, x in more.items()}}), files)


def cmdline(result: ScanResult) -> str:
    assert result.problems == ()
    (option,) = result.options
    return option.cmdline


def test_what_is_asked_of_another_device_is_wanted_and_not_there() -> None:
    script = (
        SEARCH + "if [ -f ($other)/flag ]; then r=yes; else r=no; fi\nmenuentry a {linux /k $r}"
    )
    result = run(script)
    assert cmdline(result) == "no"
    assert result.wants == (FileRef("/flag", "UUID=12-ab"),)


def test_a_test_sees_what_is_lent() -> None:
    script = (
        SEARCH + 'for t in "-f" "-s" "-e" "-d"; do\n'
        "if [ $t ($other)/flag ]; then r=$r$t; fi\ndone\nmenuentry a {linux /k $r}"
    )
    assert cmdline(run(script, [lent("/flag", "x")])) == "-f-s-e"
    assert cmdline(run(script, [lent("/flag", "")])) == "-f-e"
    assert cmdline(run(script, [lent("/flag", None)])) == ""
    folder = LentFile(device="UUID=12-ab", path="/flag", kind=LentKind.FOLDER)
    assert cmdline(run(script, [folder])) == "-s-e-d"


def test_what_another_device_surely_lacks_is_not_taken_from_the_own_one() -> None:
    script = (
        SEARCH + "if [ -f ($other)/flag ]; then r=yes; else r=no; fi\nmenuentry a {linux /k $r}"
    )
    assert cmdline(run(script, flag="")) == "yes"
    assert cmdline(run(script, [lent("/flag", None)], flag="")) == "no"


def test_a_lent_file_is_run_in_place() -> None:
    script = SEARCH + 'x=1\nsource "($other)/first"\nmenuentry a {linux /k $x $y}'
    assert cmdline(run(script, [lent("/first", "y=meep$x\n")])) == "1 meep1"


def test_entries_of_a_lent_file_name_it_and_their_device() -> None:
    script = "search --fs-uuid --set=root 12-ab\nconfigfile /menus/a.cfg\n"
    result = run(script, [lent("/menus/a.cfg", "\nmenuentry A {\nlinux /k\n}\nnonsense\n")])
    (option,) = result.options
    assert option.linux == FileRef("/k", "UUID=12-ab")
    assert (option.source, option.line) == ("UUID=12-ab:/menus/a.cfg", 2)
    (problem,) = result.problems
    assert (problem.source, problem.line) == ("UUID=12-ab:/menus/a.cfg", 5)


def test_variables_are_loaded_from_a_lent_environment_block() -> None:
    script = SEARCH + "load_env -f ($other)/grubenv\nmenuentry a {linux /k $x}"
    assert cmdline(run(script, [lent("/grubenv", "# GRUB Environment Block\nx=7\n##")])) == "7"


def test_a_file_is_searched_for_on_other_devices() -> None:
    script = "search --file --set=root /marker\nmenuentry a {linux /k}"
    assert run(script).wants == (FileRef("/marker", "FILE=/marker"),)
    found = lent("/marker", "", "FILE=/marker", "UUID=77-88")
    assert run(script, [found]).options[0].linux == FileRef("/k", "UUID=77-88")
    assert run(script, [found], marker="").options[0].linux == FileRef("/k")


def test_a_stub_that_leads_to_another_device_is_no_failure_and_noted_once() -> None:
    stub = (
        "search.fs_uuid 12-ab root hd0,gpt2\nset prefix=($root)'/boot/grub'\n"
        "configfile $prefix/grub.cfg\n"
    )
    files = dict.fromkeys(("/EFI/debian/grub.cfg", "/EFI/BOOT/grub.cfg"), stub)
    result = scan(MemoryFs({**files, "/EFI/debian/grubaa64.efi": "x"}))
    leads = (FileRef("/boot/grub/grub.cfg", "UUID=12-ab hint PARTITION=2"),)
    assert result == ScanResult(leads=leads)


def test_a_menu_that_the_other_device_lists_itself_is_not_run_here() -> None:
    script = SEARCH + "configfile ($other)/boot/grub/grub.cfg\nmenuentry a {linux /k}"
    lending = [lent("/boot/grub/grub.cfg", "menuentry b {linux /l}")]
    other = MemoryFs({"/EFI/BOOT/grub.cfg": script})
    assert [option.title for option in grub.scan(other, lending).options] == ["a"]


def test_a_chain_of_lent_files_wants_one_after_the_other() -> None:
    script = SEARCH + "source ($other)/one\nmenuentry a {linux /k $x}"
    one = lent("/one", "source ($other)/two\n")
    assert FileRef("/two", "UUID=12-ab") in run(script, [one]).wants
    assert cmdline(run(script, [one, lent("/two", "x=end\n")])) == "end"


def test_a_lent_file_that_includes_itself_ends() -> None:
    script = SEARCH + "source ($other)/one\nmenuentry a {linux /k}"
    result = run(script, [lent("/one", "source ($other)/one\n")])
    assert "nested more than 10 deep" in result.problems[0].message
    assert len(result.options) == 1


def test_wants_are_limited() -> None:
    script = (
        SEARCH + "".join(f"source ($other)/{n}\n" for n in range(200)) + "menuentry a {linux /k}"
    )
    assert len(run(script).wants) == MAX_WANTS


def test_what_is_too_long_to_lend_is_there_all_the_same() -> None:
    files = {"/long": "x" * (MAX_BYTES + 1), "/short": "y", "/dir/z": ""}
    long, short, folder, none = lend(MemoryFs(files), ["/long", "/short", "/dir", "/none"])
    assert (long.kind, long.size, long.text) == (LentKind.FILE, MAX_BYTES + 1, None)
    assert (short.kind, short.text) == (LentKind.FILE, "y")
    assert (folder.kind, none.kind) == (LentKind.FOLDER, LentKind.ABSENT)
    script = SEARCH + "source ($other)/long\nmenuentry a {linux /k}"
    other = LentFile(device="UUID=12-ab", path="/long", kind=LentKind.FILE, size=MAX_BYTES + 1)
    (problem,) = run(script, [other]).problems
    assert (
        problem.message == "cannot read UUID=12-ab:/long: too long to be read from another device"
    )


def test_no_more_than_a_fair_share_is_lent_at_once() -> None:
    files = {f"/{n}": "x" * MAX_BYTES for n in range(10)}
    lending = lend(MemoryFs(files), sorted(files))
    assert sum(each.text is not None for each in lending) == 4


def test_names_that_no_device_can_have_are_not_wanted() -> None:
    name = "x" * 5000
    script = f"search --fs-uuid --set=o {name}\nsource ($o)/a\nconfigfile ($o)/boot/grub/grub.cfg\n"
    result = run(script + "menuentry a {linux /k}")
    assert (result.wants, result.leads) == ((), ())


def test_a_lent_file_has_the_budget_of_the_script() -> None:
    script = SEARCH + "source ($other)/one\nmenuentry a {linux /k}"
    loop = "while true; do x=$x$x$x; done\n"
    result = run(script, [lent("/one", loop)])
    assert "configuration too complex" in result.problems[0].message
    assert result.problems[0].source == "UUID=12-ab:/one"


def test_many_lent_entries_are_limited_as_others_are() -> None:
    names = tuple(f"{n}.conf" for n in range(300))
    folder = LentFile(
        device="UUID=12-ab", path="/loader/entries", kind=LentKind.FOLDER, names=names
    )
    result = run("search --fs-uuid --set=root 12-ab\nblscfg\n", [folder])
    assert len(result.wants) == MAX_WANTS
    assert "only the newest 256 are used" in result.problems[0].message


def test_a_lent_text_with_escapes_is_cleaned_as_the_own_is() -> None:
    script = "search --fs-uuid --set=root 12-ab\nsource /one\n"
    text = "menuentry 'a\x1b[2J\u202eb' {linux /k}\n"
    (option,) = run(script, [lent("/one", text)]).options
    assert option.title == r"a\x1b[2J\u202eb"


def test_a_device_without_a_uuid_lends_under_its_name() -> None:
    script = "search --file --set=root /m/a.cfg\nconfigfile /m/a.cfg\n"
    found = lent("/m/a.cfg", "", "FILE=/m/a.cfg", "/dev/sdb1")
    assert FileRef("/m/a.cfg", "/dev/sdb1") in run(script, [found]).wants
    menu = lent("/m/a.cfg", "menuentry A {\nlinux /k\n}\n", "/dev/sdb1")
    (option,) = run(script, [found, menu]).options
    assert (option.source, option.linux) == ("dev/sdb1:/m/a.cfg", FileRef("/k", "/dev/sdb1"))
