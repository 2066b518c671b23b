"""What the test collections of other boot loaders insist on; all inputs were written here.

Behaviours of petitboot 1.15 (test/parser), u-root (pkg/boot), systemd 256 (test-bootspec), barebox
2025 (test/self/blspec) and U-Boot 2025 (test/boot, bootflow images), where they agree with the
specification of the format.
"""

import pytest

from bootd.fetch import Lease
from bootd.formats import ipxe, pxe, scan
from bootd.model.option import BootOption, FileRef, ScanResult
from tests.support.grubscript import entry, run, value
from tests.support.memoryfs import MemoryFs
from tests.support.server import Server

GRUB = "/boot/grub2/grub.cfg"
SYSLINUX = "/boot/syslinux/syslinux.cfg"
YABOOT = "/etc/yaboot.conf"


def titles(result: ScanResult) -> list[str]:
    return [option.title for option in result.options]


def default(result: ScanResult) -> str:
    (found,) = (option.title for option in result.options if option.is_default)
    return found


def boots(*requests: tuple[str, str]) -> ScanResult:
    return scan(MemoryFs(dict(requests)))


@pytest.mark.parametrize(
    "text",
    [
        "if true;then r=x;fi",
        "if true ;then r=x ;fi",
        "if true;then r=x; ;fi",
        "if true\nthen r=x\nfi",
        "if true\n then r=x; fi",
        "if true\nthen\nr=x\n\nfi",
        "if false;then r=y;elif true;then r=x;else r=z;fi",
    ],
)
def test_a_condition_may_be_laid_out_in_any_way(text: str) -> None:
    assert value(text, "$r") == "x"


@pytest.mark.parametrize(
    "body",
    ["{linux /k;}", "{linux /k}", "{ linux /k }", "{linux /k ;}", "{\nlinux /k;}", "{linux /k\n}"],
)
@pytest.mark.parametrize("gap", ["", " "])
def test_an_entry_may_be_laid_out_in_any_way(gap: str, body: str) -> None:
    assert entry(f"menuentry 'a'{gap}{body}").linux == FileRef("/k")


def test_search_takes_its_variable_in_three_ways() -> None:
    script = "search u1\nsearch --set=a u2\nsearch --set b u3"
    assert value(script, "$root-$a-$b") == "u1-u2-u3"


def test_files_are_told_by_kind_and_size() -> None:
    files = {"/empty": "", "/full": "x", "/dir/file": "x"}
    yes = ("-f /empty", "-s /full", "-s /dir", "-d /dir")
    no = ("-f /dir", "-s /empty", "-d /full", "-e /none")
    wanted = dict.fromkeys(yes, 1) | dict.fromkeys(no, 0)
    for condition, holds in wanted.items():
        script = f"if [ {condition} ]; then r=1; else r=0; fi"
        assert value(script, "$r", files) == str(holds), condition


def test_a_function_of_one_file_makes_entries_in_another() -> None:
    files = {"/grub/2.cfg": 'function f2 { menuentry "f2$1" { linux $2 } }\nf1 a /k\n'}
    script = 'function f1 {\nmenuentry "f1$1" { linux $2 }\n}\nsource /grub/2.cfg\nf2 b /l\n'
    options = run(script, files).options
    assert [(o.title, o.linux) for o in options] == [("f1a", FileRef("/k")), ("f2b", FileRef("/l"))]


def test_an_entry_knows_its_own_parameters_before_those_of_a_function() -> None:
    script = "function f {\nmenuentry T own { linux /k $1 $2 $3 }\n}\nf a b c"
    assert entry(script).cmdline == "T own c"


@pytest.mark.parametrize("setting", ["set default=$saved", 'set default="$saved"'])
def test_a_default_with_blanks_is_found_by_its_title(setting: str) -> None:
    script = f"saved='Linux (6.1) 12 (b)'\n{setting}\nmenuentry a {{ linux /k\n}}\n"
    found = run(script + "menuentry 'Linux (6.1) 12 (b)' { linux /l\n}")
    assert default(found) == "Linux (6.1) 12 (b)"


def test_an_id_may_follow_an_equals_sign_or_a_blank() -> None:
    script = "default=two\nmenuentry a --id=one { linux /k\n}\nmenuentry b --id two { linux /l\n}"
    assert default(run(script)) == "b"


def test_an_invalid_default_is_the_first_entry() -> None:
    script = "set default=nothing\nmenuentry a { linux /k\n}\nmenuentry b { linux /l\n}"
    assert default(run(script)) == "a"


def test_a_loop_over_architectures_lists_those_that_are_there() -> None:
    script = """for bits in 32 64; do
      if [ -d "/ppc/ppc${bits}" ]; then
        menuentry "Install (${bits} bit)" $bits --class os { linux /ppc/ppc${2}/vmlinuz ro }
      fi
    done"""
    option = entry(script, {"/ppc/ppc64/vmlinuz": "k"})
    assert (option.title, option.linux) == ("Install (64 bit)", FileRef("/ppc/ppc64/vmlinuz"))


def test_keywords_are_words_behind_a_command() -> None:
    assert value("", "if then else fi for do done") == "if then else fi for do done"


def test_a_hash_is_a_comment_only_where_a_word_starts() -> None:
    assert value("", r"a###b c# \# '#' #d") == "a###b c# # #"


@pytest.mark.parametrize("text", ["{", "&", "}", "menuentry", "if", 'menuentry "'])
def test_what_is_no_script_is_a_problem_and_no_option(text: str) -> None:
    result = run(text)
    assert not result.options
    assert result.problems


def test_entries_of_blscfg_know_unquoted_kernelopts() -> None:
    conf = "title T\nlinux /v\ninitrd /i\noptions $kernelopts\n"
    script = "set kernelopts=root=/dev/mapper/f-root ro rd.lvm.lv=f/root\nblscfg\n"
    (option,) = boots((GRUB, script), ("/loader/entries/x-4.conf", conf)).options
    assert option.cmdline == "root=/dev/mapper/f-root ro rd.lvm.lv=f/root"


@pytest.mark.parametrize("named", ["6c-4.15", "6c-4.15.conf", "Fedora (4.15) 28 (X)", "1"])
def test_a_default_of_blscfg_is_a_file_a_title_or_a_number(named: str) -> None:
    confs = [
        (f"/loader/entries/6c-4.{n}.conf", f"title Fedora (4.{n}) 28 (X)\nlinux /v-4.{n}\n")
        for n in (14, 15, 16)
    ]
    script = f"set default='{named}'\nblscfg\n"
    assert default(boots((GRUB, script), *confs)) == "Fedora (4.15) 28 (X)"


def test_keys_of_ostree_in_an_entry_are_no_obstacle() -> None:
    conf = "title F 38\nversion 1\noptions a=b,c ostree=/x rw\nlinux /o/v\ninitrd /o/i\naboot /y\n"
    (option,) = boots(("/loader/entries/ostree-1-x.conf", conf)).options
    assert option.cmdline == "a=b,c ostree=/x rw"


def test_entries_are_in_the_order_of_systemd() -> None:
    keys = {name: f"version {name[2:] or 3}" for name in ("a-10", "a-5", "b")}
    keys |= {"c": "sort-key x\nversion 5", "cx": "sort-key x\nversion 10"}
    keys["d"] = "sort-key k\nversion 100"
    confs = [(f"/loader/entries/{n}.conf", f"title {n}\n{t}\nlinux /k\n") for n, t in keys.items()]
    assert titles(boots(*confs)) == ["d", "cx", "c", "b", "a-10", "a-5"]


def test_entries_are_in_the_order_of_barebox() -> None:
    versions = {"a": "Dummy v6.1-rc2", "b": "Dummy v6.19", "c": "Dummy v6.9"}
    confs = [
        (f"/loader/entries/{n}.conf", f"title {n}\nversion {v}\nsort-key s\nlinux /k\n")
        for n, v in versions.items()
    ]
    confs.append(("/loader/entries/d.conf", "title d\nversion v9999\nlinux /k\n"))
    assert titles(boots(*confs)) == ["b", "c", "a", "d"]


def test_barebox_may_add_the_partition_of_the_entry_as_root() -> None:
    conf = "title T\noptions rootwait\nlinux /k\nlinux-appendroot true\n"
    (option,) = boots(("/loader/entries/a.conf", conf)).options
    assert option.cmdline == "rootwait root=PARTUUID=${bootd.partuuid}"


def test_an_initrd_line_may_name_two_files_as_grub_reads_it() -> None:
    conf = "title T\nlinux /k\ninitrd /a.img /b.img\n"
    (option,) = boots(("/loader/entries/a.conf", conf)).options
    assert option.initrds == (FileRef("/a.img"), FileRef("/b.img"))


def test_an_initrd_with_a_blank_in_its_name_is_one_file() -> None:
    conf = "title T\nlinux /k\ninitrd /a b.img\n"
    (option,) = boots(("/loader/entries/a.conf", conf), ("/a b.img", "x")).options
    assert option.initrds == (FileRef("/a b.img"),)


def test_what_stands_before_the_first_label_is_no_entry() -> None:
    text = "DEFAULT boot\n\nKERNEL /v\nAPPEND a\n\nLABEL backup\nKERNEL /b\nIMPLICIT 0\n"
    assert titles(boots((SYSLINUX, text))) == ["backup"]


def test_the_global_append_is_replaced_or_switched_off() -> None:
    text = "APPEND g\nLABEL a\nLINUX /k\nAPPEND l\nLABEL b\nLINUX /k\nLABEL c\nLINUX /k\nAPPEND -\n"
    assert [option.cmdline for option in boots((SYSLINUX, text)).options] == ["l", "g", ""]


def test_nerfdefault_of_u_root_goes_before_default() -> None:
    text = "nerfdefault b\ndefault a\nlabel a\nkernel /k\nlabel b\nkernel /l\n"
    result = boots((SYSLINUX, text))
    assert default(result) == "b"
    assert result.problems == ()


def test_boot_sectors_and_programs_are_no_kernels() -> None:
    names = ["x.bss", "x.bs", "x.com", "x.cbt", "x.c32"]
    text = "".join(f"LABEL {name}\nKERNEL /{name}\n" for name in names)
    assert all(option.reasons for option in boots((SYSLINUX, text)).options)


def test_a_default_may_stand_in_an_included_file() -> None:
    text = "LABEL a\nKERNEL /a\nINCLUDE /one.cfg\nLABEL c\nKERNEL /c\n"
    one, two = "INCLUDE two.cfg\n", "LABEL b\nKERNEL /b\nDEFAULT b\n"
    result = boots((SYSLINUX, text), ("/one.cfg", one), ("/boot/syslinux/two.cfg", two))
    assert titles(result) == ["a", "b", "c"]
    assert default(result) == "b"


def test_a_label_that_boots_locally_is_listed_as_not_bootable() -> None:
    text = "DEFAULT local\nLABEL local\n  SAY Doing local boot...\n  LOCALBOOT 0\n"
    (option,) = boots(("/extlinux/extlinux.conf", text)).options
    assert option.linux is None
    assert option.reasons


def test_an_appliance_of_fedora_has_its_folder_of_trees() -> None:
    text = (
        "# written by appliance-creator\nui menu.c32\nmenu autoboot In # second{,s}.\n"
        "menu title T\nmenu hidden\ntimeout 20\ntotaltimeout 600\n\nlabel F-31 (5.3.7)\n"
        "        kernel /vmlinuz-5.3.7\n        append ro root=UUID=9f\n"
        "        fdtdir /dtb-5.3.7/\n        initrd /initramfs-5.3.7.img"
    )
    result = boots(("/extlinux/extlinux.conf", text))
    (option,) = result.options
    assert option.devicetree_dir == FileRef("/dtb-5.3.7")
    assert (option.cmdline, result.timeout_s, result.problems) == ("ro root=UUID=9f", 2, ())


def test_sections_of_yaboot_do_not_leak_into_one_another() -> None:
    text = 'image=/v1\n label=one\n literal="c=X"\n\nimage=/v2\n label=two\n'
    assert [option.cmdline for option in boots((YABOOT, text)).options] == ["c=X", ""]


def test_devices_of_yaboot_are_those_nearest_to_the_file() -> None:
    text = (
        "default=\ndevice=/dev/sda1\nimage=/v1\n\tlabel=1\n\tinitrd=i1\nimage=/v2\n"
        "\tdevice=/dev/sda2\n\tlabel=2\n\tinitrd=i2\nimage=sda3:/v3\n\tdevice=/dev/sda2\n"
        "\tlabel=3\n\tinitrd=sda4:i3\n"
    )
    options = boots((YABOOT, text)).options
    assert [option.linux for option in options] == [
        FileRef("/v1", "/dev/sda1"),
        FileRef("/v2", "/dev/sda2"),
        FileRef("/v3", "/dev/sda3"),
    ]
    assert options[2].initrds == (FileRef("/i3", "/dev/sda4"),)


def test_settings_of_petitboot_may_stand_before_and_between_entries() -> None:
    text = (
        "default A longer name\n\nname first\nimage /v\nargs console=hvc0\n\n"
        "name A longer name\n\nimage /k\ninitrd /i\nargs a=b debug \ndtb /a/dtb\ndescription W w\n"
    )
    result = boots(("/boot/petitboot.conf", text))
    assert default(result) == "A longer name"
    assert result.options[1].devicetree == FileRef("/a/dtb")


def follow(text: str) -> BootOption:
    server = Server({"http://h/d/script": text})
    (option,) = ipxe.scan(server, Lease(server="http://h/", bootfile="d/script")).options
    return option


def test_a_script_of_ipxe_need_not_boot_to_be_listed() -> None:
    option = follow("#!ipxe\nkernel vmlinux --name nightly a b\ninitrd initrd\n")
    assert option.linux == FileRef("/", url="http://h/d/vmlinux")
    assert (option.title, option.cmdline, option.is_default) == ("nightly", "a b", False)
    assert option.notes == ("its script loads it and ends without booting it",)


def test_a_script_of_ipxe_that_boots_is_the_default() -> None:
    option = follow("#!ipxe\nkernel --name nightly vmlinux\ninitrd initrd\nboot\n")
    assert (option.title, option.cmdline, option.is_default) == ("nightly", "", True)


@pytest.mark.parametrize("lines", ["initrd i1,i2", "initrd i1\ninitrd i2"])
def test_initrds_of_ipxe_scripts_add_up(lines: str) -> None:
    option = follow(f"#!ipxe\nkernel http://h/x/k\n{lines}\nboot")
    assert [ref.url for ref in option.initrds] == ["http://h/d/i1", "http://h/d/i2"]


def test_a_comma_in_a_query_is_part_of_the_address() -> None:
    option = follow("#!ipxe\nkernel k\ninitrd http://h/cgi?a=1,b=2\nboot")
    assert [ref.url for ref in option.initrds] == ["http://h/cgi?a=1,b=2"]


@pytest.mark.parametrize(
    ("bootfile", "prefix", "place"),
    [
        ("binary", "", ""),
        ("dir1/binary", "", "dir1/"),
        ("dir2/binary", "dir1/", "dir1/"),
        ("dir2/binary", "tftp://h/dir1/", "dir1/"),
    ],
)
def test_names_of_pxelinux_are_relative_to_prefix_or_boot_file(
    bootfile: str, prefix: str, place: str
) -> None:
    text = "label linux\nkernel vmlinux\ninitrd ::/i\n"
    server = Server({f"tftp://h/{place}pxelinux.cfg/default": text})
    lease = Lease(server="tftp://h/", bootfile=bootfile, path_prefix=prefix)
    (option,) = pxe.scan(server, lease).options
    assert option.linux == FileRef("/", url=f"tftp://h/{place}vmlinux")
    assert option.initrds == (FileRef("/", url="tftp://h/i"),)


def hush(script: str, word: str) -> str:
    """Return what a word is after a script of U-Boot."""
    text = f'{script}\nsetenv bootargs "{word}"\nload mmc 0:1 1000 /k\nbooti 1000\n'
    (option,) = boots(("/boot.cmd", text), ("/k", "k")).options
    return option.cmdline


@pytest.mark.parametrize("third", ["true", "false"])
@pytest.mark.parametrize("second", ["true", "false"])
@pytest.mark.parametrize("first", ["true", "false"])
def test_lists_of_u_boot_are_taken_from_left_to_right(first: str, second: str, third: str) -> None:
    a, b, c = (each == "true" for each in (first, second, third))
    decide = "if {}; then setenv r yes; else setenv r no; fi"
    assert hush(decide.format(f"{first} && {second} || {third}"), "$r") == (
        "yes" if (a and b) or c else "no"
    )
    assert hush(decide.format(f"{first} || {second} && {third}"), "$r") == (
        "yes" if (a or b) and c else "no"
    )
    assert hush(decide.format(f"{first}; {second}"), "$r") == ("yes" if b else "no")


@pytest.mark.parametrize(
    ("script", "word", "meant"),
    [
        ("x=bar", "$x ${x}", "bar bar"),
        (r"x=\$bar", "$x", "$bar"),
        ("x='$bar'", "$x", "$bar"),
        ("setenv e bar\ne=quux", "${e}", "bar"),
        ("c='setenv q bar'\n$c", "$q", "bar"),
        ('for i in a b b; do setenv r "${r}-$i"; done', "$r", "-a-b-b"),
        ('while test -z "$f"; do setenv n x${n}; setenv f q; done', "$n", "x"),
        ('setenv b b\nuntil test -z "$b"; do setenv n y; setenv b; done', "$n", "y"),
    ],
)
def test_variables_and_loops_of_u_boot(script: str, word: str, meant: str) -> None:
    assert hush(script, word) == meant
