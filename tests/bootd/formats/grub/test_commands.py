"""Commands: conditions, devices, files, the environment block, loading."""

from dataclasses import replace

import pytest

from bootd.model.option import HINTED, OWN_PARTITION, FileRef, Save
from tests.support.grubscript import CONF, entry, holds, run, value

UUID = "8a1c9d54-7b3f-4e59-a1d2-0c4f5b6e7d81"
FILES: dict[str, str | bytes] = {"/full": "x", "/empty": "", "/dir/x": ""}


@pytest.mark.parametrize(
    "condition",
    [
        "[ a = a ]",
        "[ a == a ]",
        "[ a != b ]",
        "[ a '<' b ]",
        "[ b '>' a ]",
        "[ a '<=' a ]",
        "[ 2 -eq 02 ]",
        "[ 2 -ne 3 ]",
        "[ 2 -lt 10 ]",
        "[ 10 -gt 2 ]",
        "[ 2 -le 2 ]",
        "[ 2 -ge 2 ]",
        "[ 0x10 -eq 16 ]",
        "[ -1 -lt 0 ]",
        "[ x -eq 0 ]",
        "[ linux-10 -pgt linux-9 ]",
        "[ x ]",
        "[ -n x ]",
        "[ -z '' ]",
        "[ ! '' ]",
        "[ ! a = b ]",
        "[ ! ! a ]",
        "[ a = a -a b = b ]",
        "[ a = b -o b = b ]",
        "[ a = a -o b = a -a c = d ]",
        "[ '(' a = b -o a = a ')' -a b = b ]",
        "test a = a",
        "! [ a = b ]",
        "! test",
        "[ -e /full ]",
        "[ -e /dir ]",
        "[ -f /full ]",
        "[ -d /dir ]",
        "[ -s /full ]",
        "[ ! -f /dir ]",
        "[ ! -d /full ]",
        "[ ! -s /empty ]",
        "[ ! -e /none ]",
        "[ -f (hd0)/full ]",
        "[ -d (hd0)/ ]",
        "[ -d ($root) ]",
        "[ -f ($root)/full ]",
        "[ -f /none -o -f /full ]",
        "[ ! -f /none -a -f /full ]",
        "[ -n x -a ! -n '' ]",
        "[ ! /full -nt /none ]",
        "[ ! /full -nt /empty ]",
        "[ ! /none -ot /full ]",
        "[ x$feature_menuentry_id = xy ]",
        "[ $grub_platform = efi ]",
    ],
)  # fmt: skip - rows
def test_conditions_that_hold(condition: str) -> None:
    assert holds(condition, FILES)


@pytest.mark.parametrize(
    "condition",
    [
        "[ a = b ]",
        "[ '' ]",
        "[ ]",
        "test",
        "[ -n '' ]",
        "[ a -a '' ]",
        "[ a = a -a b = c ]",
        "[ 1 -eq 2 ]",
        "[ ! a ]",
        "[ -f / ]",
        "[ -f '' ]",
        "[ -e (loop)x ]",
    ],
)  # fmt: skip - rows
def test_conditions_that_do_not_hold(condition: str) -> None:
    assert not holds(condition, FILES)


@pytest.mark.parametrize("condition", ["[ -n $none ]", "[ -f ]"])
def test_an_operator_alone_is_a_word_that_is_not_empty(condition: str) -> None:
    assert holds(condition)


def test_a_condition_without_its_bracket_is_a_problem() -> None:
    assert run("[ a = a\n").problems[0].message == "[: ']' is missing"


@pytest.mark.parametrize(
    "search",
    [
        f"search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2 --hint='hd0,gpt2' {UUID}",
        f"search --no-floppy --fs-uuid --set root {UUID}",
        f"search --fs-uuid --set {UUID}",
        f"search -u {UUID} --set",
        f"search --set=root {UUID}",
        f"search.fs_uuid {UUID} root hd0,gpt2",
        f"search.fs_uuid {UUID}",
        f"set root={UUID}",
        f"root='({UUID})'",
    ],
)
def test_files_are_on_the_device_that_was_searched_for(search: str) -> None:
    option = entry(f"{search}\nmenuentry a {{ linux /k\ninitrd /i }}")
    assert option.linux is not None
    assert (option.linux.path, option.linux.device_spec) == ("/k", f"UUID={UUID}")
    assert option.initrds == (replace(option.linux, path="/i"),)


@pytest.mark.parametrize(
    "search",
    [
        f"search -u --set=root --hint='hd0,gpt2' {UUID}",
        f"search -u --set=root --hint-efi=hd0,msdos2, {UUID}",
        f"set root='hd0,gpt2'\nsearch -u --set=root {UUID}",
        f"search.fs_uuid {UUID} root hd0,gpt2",
    ],
)
def test_what_was_meant_before_a_search_is_a_hint(search: str) -> None:
    option = entry(f"{search}\nmenuentry a {{ linux /k\n}}")
    assert option.linux == FileRef("/k", f"UUID={UUID}{HINTED}{OWN_PARTITION}2")


@pytest.mark.parametrize("hint", ["--hint-bios=hd1,gpt2", "--hint-baremetal=ahci0,gpt2", ""])
def test_what_is_on_another_disk_is_no_hint(hint: str) -> None:
    option = entry(f"search -u --set=root {hint} {UUID}\nmenuentry a {{ linux /k\n}}")
    assert option.linux == FileRef("/k", f"UUID={UUID}")


@pytest.mark.parametrize(
    ("search", "spec"),
    [
        ("search --label --set=root BOOT", "LABEL=BOOT"),
        ("search -l BOOT --set=root", "LABEL=BOOT"),
        ("search.fs_label BOOT root", "LABEL=BOOT"),
        ("search --part-uuid 12345678-01", "PARTUUID=12345678-01"),
        ("search --file --set=root /none", "FILE=/none"),
        ("search --file --set=root /full", None),
        ("search.file /full root", None),
        ("set root='hd0,gpt2'", "PARTITION=2"),
        ("set root='hd0,msdos3'", "PARTITION=3"),
        ("set root=(hd0,1)", "PARTITION=1"),
        ("set root=hd1,gpt2", "(hd1,gpt2)"),
        ("set root=lvm/vg-root", "(lvm/vg-root)"),
        ("set root=cd0", None),
    ],
)
def test_devices_are_named_by_what_is_known_of_them(search: str, spec: str | None) -> None:
    option = entry(f"{search}\nmenuentry a {{ linux /k }}", FILES)
    assert option.linux == FileRef("/k", spec)


def test_a_search_may_set_another_variable() -> None:
    option = entry(f"search --fs-uuid --set=dev {UUID}\nmenuentry a {{ linux ($dev)/k }}")
    assert option.linux == FileRef("/k", f"UUID={UUID}")


def test_a_path_with_a_device_and_no_file_costs_the_kernel() -> None:
    (option,) = run("menuentry a { linux /k\nlinux (hd0,gpt2) }").options
    assert "names a device but no file" in option.notes[0]


def test_the_uuid_of_the_own_device_is_put_in_later() -> None:
    assert value("probe --set=u --fs-uuid $root", "root=UUID=$u") == "root=UUID=${bootd.uuid}"


def test_the_uuid_of_a_device_that_was_searched_for_is_known() -> None:
    text = f"search --fs-uuid {UUID} --set=d\nprobe --set u --fs-uuid ($d)"
    assert value(text, "root=UUID=$u") == f"root=UUID={UUID}"


@pytest.mark.parametrize(
    "command", ["linux", "linux16", "linuxefi"],
)  # fmt: skip
def test_each_name_of_linux_loads_a_kernel(command: str) -> None:
    assert entry(f"menuentry a {{ {command} /k x }}").cmdline == "x"


def test_several_initrds_are_kept_in_order() -> None:
    option = entry("menuentry a { linux /k\ninitrd /a (hd0)/b /c }")
    assert [ref.path for ref in option.initrds] == ["/a", "/b", "/c"]


def test_the_last_initrd_line_counts() -> None:
    option = entry("menuentry a { linux /k\ninitrd /a\ninitrd /b }")
    assert [ref.path for ref in option.initrds] == ["/b"]


def test_a_device_tree_is_named() -> None:
    assert entry("menuentry a { linux /k\ndevicetree /d.dtb }").devicetree == FileRef("/d.dtb")


def test_the_version_comes_from_the_name_of_the_kernel() -> None:
    assert entry("menuentry a { linux /boot/vmlinuz-6.1.0-18-arm64 }").version == "6.1.0-18-arm64"


def test_a_subvolume_that_the_mount_hides_is_taken_off() -> None:
    option = entry("menuentry a { linux /@/boot/k }", {"/boot/k": ""})
    assert option.linux == FileRef("/boot/k")


@pytest.mark.parametrize(
    "command",
    [
        "chainloader +1",
        "multiboot /xen.gz",
        "xen_hypervisor /xen",
        "fwsetup",
        "reboot",
        "halt",
        "exit",
        "ntldr /bootmgr",
        "kfreebsd /boot/kernel",
    ],
)  # fmt: skip - rows
def test_an_entry_that_starts_no_linux_is_listed_with_a_reason(command: str) -> None:
    option = entry(f"menuentry a {{ {command} }}")
    assert option.linux is None
    assert option.reasons


@pytest.mark.parametrize("body", ["true", "echo hello", ""])
def test_an_entry_that_does_nothing_is_none(body: str) -> None:
    result = run(f"menuentry a {{ {body} }}\nmenuentry b {{ linux /k }}\ndefault=1")
    assert [(o.title, o.is_default) for o in result.options] == [("b", True)]


def test_an_initrd_may_be_packed_under_a_name() -> None:
    option = entry("menuentry a { linux /k\ninitrd /i newc:etc/conf:/x newc:b:(hd0,gpt2)/y }")
    assert option.initrds == (
        FileRef("/i"),
        FileRef("/x", part="newc:etc/conf"),
        FileRef("/y", f"{OWN_PARTITION}2", "newc:b"),
    )


@pytest.mark.parametrize("name", ["newc:x", "newc::/x", "newc:x:(l)/x"])
def test_an_initrd_that_cannot_be_packed_is_a_note(name: str) -> None:
    option = entry(f"menuentry a {{ loopback l /a.iso\nlinux /k\ninitrd /i {name} }}")
    assert [ref.path for ref in option.initrds] == ["/i"]
    assert name in option.notes[0] or "a file name is missing" in option.notes[0]


def test_a_command_line_that_no_kernel_takes_is_a_reason() -> None:
    option = entry(f"menuentry a {{ linux /k {'x' * 5000} }}")
    assert "5000 characters" in option.reasons[0]


ENV = "# GRUB Environment Block\nsaved_entry=b\nkernelopts=root=/dev/sda1 ro\n"


def test_the_environment_block_is_read() -> None:
    files: dict[str, str | bytes] = {"/boot/grub/grubenv": ENV + "#" * 900}
    assert value("load_env", "$kernelopts", files) == "root=/dev/sda1 ro"


def test_only_the_variables_asked_for_are_read() -> None:
    files: dict[str, str | bytes] = {"/boot/grub/grubenv": ENV}
    assert value("load_env saved_entry", "$saved_entry$kernelopts", files) == "b"


def test_another_environment_block_may_be_named() -> None:
    assert value("load_env -f /e", "$saved_entry", {"/e": ENV}) == "b"
    assert value("load_env --file=/e", "$saved_entry", {"/e": ENV}) == "b"


def test_escapes_in_the_environment_block_are_taken_away() -> None:
    files: dict[str, str | bytes] = {"/boot/grub/grubenv": ENV + "v=a\\\\b\\\nc\n"}
    assert value("load_env", '"$v"', files) == "a\\\\b\nc"


def test_a_file_without_the_signature_is_no_environment_block() -> None:
    assert not holds("load_env", {"/boot/grub/grubenv": "a=b\n"})


def test_writing_is_noted_and_not_done() -> None:
    option = entry("menuentry a { save_env saved_entry\nlinux /k }")
    assert option.notes == ("it saves saved_entry in /boot/grub/grubenv, which bootd does not do",)


def test_what_the_menu_saves_is_noted_at_its_default() -> None:
    result = run("save_env x\nmenuentry a { linux /k }\nmenuentry b { linux /k }")
    assert [bool(each.notes) for each in result.options] == [True, False]


def test_what_an_entry_would_save_is_kept_with_its_values() -> None:
    script = (
        "set next_entry=\nsave_env next_entry\nsaved_entry=old\nsave_env -f /e saved_entry\n"
        'menuentry a { saved_entry="${chosen}"\nsave_env -f /e saved_entry again\nlinux /k }'
    )
    assert entry(script).saves == (
        Save(FileRef("/boot/grub/grubenv"), "next_entry", ""),
        Save(FileRef("/e"), "saved_entry", "a"),
        Save(FileRef("/e"), "again", ""),
    )


def test_a_block_on_another_device_is_named_with_it() -> None:
    option = entry("search --set=d 12-ab\nx=1\nsave_env -f ($d)/e x\nmenuentry a { linux /k }")
    assert option.saves == (Save(FileRef("/e", "UUID=12-ab"), "x", "1"),)


def test_what_no_block_can_hold_is_not_saved() -> None:
    names = " ".join(f"x{n}" for n in range(100))
    option = entry(f"x={'y' * 2000}\nsave_env x\nsave_env {names}\nmenuentry a {{ linux /k }}")
    assert [each.name for each in option.saves] == [f"x{n}" for n in range(16)]


def test_counters_go_up_and_down() -> None:
    assert value("a=5\nincrement a\ndecrement b", "$a$b") == "60"


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ("--set=r '^/iso/(.*)\\.iso$' /iso/a.b.iso", "a.b"),
        ("--set 2:r '(a)(b)' ab", "b"),
        ("--set=1:x --set=2:r '(a)(b)' ab", "b"),
        ("--set r '([[:digit:]]+)' ab12", "12"),
        ("--set=0:r 'b+' abbc", "bb"),
        ("--set=r x y", ""),
        ("--set=r '(' y", ""),
        ("--set=5:r 'a' a", ""),
    ],
)
def test_patterns_set_what_they_match(arguments: str, meant: str) -> None:
    result = run(f"regexp {arguments}\nmenuentry a {{ linux /k $r }}")
    assert result.options[0].cmdline == meant


def test_a_sourced_file_runs_in_place() -> None:
    files: dict[str, str | bytes] = {"/boot/grub/b.cfg": "v=1\nfunction f { w=2; }\nreturn\nv=3\n"}
    assert value("source $prefix/b.cfg\nf", "$v$w", files) == "12"


def test_a_missing_file_is_a_problem_with_its_line() -> None:
    (problem,) = run("\nsource /none.cfg\n").problems
    assert (problem.source, problem.line) == (CONF, 2)
    assert problem.message == "source: /none.cfg is not there"


def test_an_error_in_a_sourced_file_is_a_problem_of_that_file() -> None:
    problem = run("source /b.cfg", {"/b.cfg": "\n}\n"}).problems[0]
    assert (problem.source, problem.line) == ("/b.cfg", 2)


def test_a_menu_on_another_device_is_left_to_that_device() -> None:
    text = f"search.fs_uuid {UUID} root\nset prefix=($root)'/grub'\nconfigfile $prefix/grub.cfg\n"
    assert run(text).problems == ()


def test_the_menu_of_another_file_is_shown_with_its_own_variables() -> None:
    files: dict[str, str | bytes] = {
        "/b.cfg": "v=inner\ntimeout=7\ndefault=1\n"
        "menuentry a { linux /k }\nmenuentry b { linux /k $v $w }\n"
    }
    result = run("v=outer\nw=hidden\ntimeout=3\nconfigfile /b.cfg\n", files)
    assert result.timeout_s == 7
    assert [(o.title, o.cmdline, o.is_default) for o in result.options] == [
        ("a", "", False),
        ("b", "inner", True),
    ]


def test_an_entry_that_opens_a_menu_is_a_submenu() -> None:
    files: dict[str, str | bytes] = {"/b.cfg": "menuentry b { linux /k }"}
    option = entry("menuentry a { configfile /b.cfg }", files)
    assert (option.submenu, option.title, option.entry) == (("a",), "b", "a>b")
