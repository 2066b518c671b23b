"""iPXE scripts, sentence by sentence."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.fetch import Lease
from bootd.formats import ipxe
from bootd.formats.ipxe import script
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.record import replace
from tests.support.server import Server

ROOT = "http://10.0.0.1"
LEASE = Lease(
    server=f"{ROOT}/",
    bootfile="boot/menu.ipxe",
    mac="52:54:00:AB:CD:EF",
    architecture="aa64",
)
START = "/boot/menu.ipxe"


def scan(text: str, more: dict[str, str | bytes] | None = None) -> ScanResult:
    files = {START: f"#!ipxe\n{text}", **(more or {})}
    return ipxe.scan(Server(files, ROOT), LEASE)


def only(text: str, more: dict[str, str | bytes] | None = None) -> BootOption:
    (option,) = scan(text, more).options
    return option


def url(path: str) -> FileRef:
    return FileRef("/", url=f"{ROOT}{path}")


def test_a_script_that_boots_is_an_option() -> None:
    option = only(
        "dhcp\nkernel vmlinuz-6.1 root=/dev/nfs  ip=dhcp\ninitrd --name a /a.img\n"
        "initrd http://other/b.img || goto failed\nboot\n:failed\nshell\n"
    )
    assert option.linux == url("/boot/vmlinuz-6.1")
    assert option.initrds == (url("/a.img"), FileRef("/", url="http://other/b.img"))
    assert option.cmdline == "root=/dev/nfs ip=dhcp"
    assert (option.format, option.title, option.version) == ("ipxe", "menu.ipxe", "6.1")
    assert (option.source, option.line) == (f"{ROOT}{START}", 6)
    assert option.is_default


@pytest.mark.parametrize("name", ["autoexec.ipxe", "boot.ipxe", "menu.ipxe"])
def test_a_script_beside_the_boot_file_is_found(name: str) -> None:
    files: dict[str, str | bytes] = {"/x/ipxe.efi": b"MZ", f"/x/{name}": "#!ipxe\nkernel k\nboot\n"}
    lease = replace(LEASE, bootfile="x/ipxe.efi")
    assert len(ipxe.scan(Server(files, ROOT), lease).options) == 1


def test_a_boot_file_that_is_no_script_gives_nothing() -> None:
    assert ipxe.scan(Server({START: "kernel k\nboot\n"}, ROOT), LEASE) == ScanResult()
    assert ipxe.scan(Server({START: b"x" * (2 << 20)}, ROOT), LEASE) == ScanResult()


def test_each_item_of_a_menu_is_an_option_with_its_title() -> None:
    result = scan(
        "menu Boot what?\nitem --gap -- Systems\nitem --key d debian Debian 12\n"
        "item arch Arch Linux\nitem shell Shell\n"
        "choose --default arch --timeout 5500 target && goto ${target}\n"
        ":debian\nkernel d/k\nboot\n:arch\nkernel a/k\nboot\n:shell\nshell\n"
    )
    assert [(o.entry, o.title, o.is_default) for o in result.options] == [
        ("debian", "Debian 12", False),
        ("arch", "Arch Linux", True),
    ]
    assert result.timeout_s == 6


def test_a_menu_in_a_menu_is_a_submenu() -> None:
    option = only(
        "menu\nitem more More ...\nchoose a && goto ${a}\n"
        ":more\nmenu\nitem x X\nchoose b && goto ${b}\n:x\nkernel k\nboot\n"
    )
    assert (option.submenu, option.title, option.entry) == (("More ...",), "X", "more/x")


def test_a_menu_that_leads_back_to_itself_ends() -> None:
    options = scan(
        ":start\nmenu\nitem a A\nitem back Back\nchoose t && goto ${t}\n"
        ":a\nkernel k\nboot\n:back\ngoto start\n"
    ).options
    assert [each.entry for each in options] == ["a"]


def test_settings_nest_and_have_types() -> None:
    option = only(
        "set base-arm64 ${cwduri}images\nset name base-${buildarch}\n"
        "kernel ${${name}}/k mac=${net0/mac:hexhyp} q=${x:uristring}${unset}\nboot\n"
    )
    assert option.linux == url("/images/k")
    assert option.cmdline == "mac=52-54-00-ab-cd-ef q="


def test_a_setting_of_the_machine_is_empty_and_noted() -> None:
    option = only("kernel k host=${hostname}\nboot\n")
    assert option.cmdline == "host="
    assert option.notes == ("hostname is a setting of the machine, which is not known here",)


@pytest.mark.parametrize(
    ("line", "kernel"),
    [
        ("isset ${x} || set k b", "b"),
        ("isset ${mac} || set k b", "a"),
        ("iseq ${buildarch} arm64 && set k b ||", "b"),
        ("iseq ${buildarch} x86_64 && set k b ||", "a"),
        ("iseq a b && set k b || set k c", "c"),
        ("set k b ; set k c", "c"),
        ("prompt --key 0x197 Press F12 && set k b ||", "a"),
        ("clear k ; isset ${k} || set k b", "b"),
    ],
)
def test_conditions_join_commands(line: str, kernel: str) -> None:
    assert only(f"set k a\n{line}\nkernel ${{k}}\nboot\n").linux == url(f"/boot/{kernel}")


def test_arguments_may_be_given_later_and_images_freed() -> None:
    text = "imgfetch x\nimgfree\nkernel --name linux k old\ninitrd i\nimgargs linux new args\n"
    option = only(f"{text}boot linux\n")
    assert (option.cmdline, option.initrds) == ("new args", (url("/boot/i"),))
    assert only(f"{text}boot linux last\n").cmdline == "last"


def test_boot_may_name_the_kernel() -> None:
    option = only("initrd i\nboot k a=b\n")
    assert (option.linux, option.cmdline) == (url("/boot/k"), "a=b")


def test_a_chained_script_is_followed_with_paths_of_its_own() -> None:
    more: dict[str, str | bytes] = {"/sub/s.ipxe": "#!ipxe\nkernel k ${a}\nboot\n"}
    option = only("set a b\nchain --replace ../sub/s.ipxe\n", more)
    assert (option.linux, option.cmdline) == (url("/sub/k"), "b")
    assert option.source == f"{ROOT}/sub/s.ipxe"


def test_chaining_another_program_is_an_option_that_cannot_boot() -> None:
    option = only("chain --autofree grubaa64.efi\n")
    assert option.linux is None
    assert "grubaa64.efi, not a Linux kernel" in option.reasons[0]


def test_an_initrd_with_a_path_of_its_own_is_noted() -> None:
    option = only("kernel k\ninitrd preseed.cfg /preseed.cfg\nboot\n")
    assert option.initrds == ()
    assert option.notes == ("preseed.cfg is not put into the initrd as /preseed.cfg",)


def test_a_script_that_boots_nothing_is_a_problem_that_says_how_far_it_came() -> None:
    (problem,) = scan("dhcp\nexit\nkernel k\n").problems
    assert (problem.source, problem.line) == (f"{ROOT}{START}", 3)


def test_a_line_may_go_on_in_the_next() -> None:
    assert only("kernel k a \\\n b\nboot\n").cmdline == "a b"


@pytest.mark.parametrize(
    "text",
    [
        ":a\ngoto a\n",
        "set x y\n:a\nset x ${x}${x}\ngoto a\n",
        "set x " + "${y}" * 300 + "\n",
        f"chain {START}\n",
        ":a\n" + "isset ${hostname}\n" * 100 + "goto a\n",
    ],
)
def test_scripts_without_end_are_ended_with_a_problem(text: str) -> None:
    started = time.monotonic()
    (problem,) = scan(text).problems
    assert "too complex" in problem.message
    assert problem.line
    assert time.monotonic() - started < 2


def test_menus_of_menus_end_at_the_limit_of_options() -> None:
    items = "".join(f"item i{n} {n}\n" for n in range(100))
    text = f"menu\n{items}choose a\nmenu\n{items}choose b\nkernel k ${{a}} ${{b}}\nboot\n"
    result = scan(text)
    assert len(result.options) == script.MAX_WAYS
    assert "more than 256 options" in result.problems[0].message


def test_escape_sequences_in_a_title_are_made_visible() -> None:
    text = "menu\nitem a \x1b[2JA\nchoose t && goto ${t}\n:a\nkernel k\nboot\n"
    assert only(text).title == "\\x1b[2JA"


@given(st.text(alphabet="abkerneliboot${}:/\n|&; -#\\\0", max_size=300))
def test_any_text_is_options_or_problems(text: str) -> None:
    assert isinstance(scan(text), ScanResult)
