"""PXELINUX configurations on a boot server, sentence by sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.fetch import Lease, join
from bootd.formats import pxe
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.record import replace
from tests.support.server import Server

ROOT = "tftp://10.0.0.1"
LEASE = Lease(
    server=f"{ROOT}/",
    bootfile="boot/pxelinux.0",
    mac="52:54:00:AB:CD:EF",
    address="192.168.1.10",
    uuid="B8945908-D6A6-41A9-611D-74A6AB80B83D",
)
DEFAULT = "/boot/pxelinux.cfg/default"


def only(text: str, lease: Lease = LEASE) -> BootOption:
    (option,) = pxe.scan(Server({DEFAULT: text}), lease).options
    return option


def url(path: str) -> FileRef:
    return FileRef("/", url=f"{ROOT}{path}")


def test_configurations_are_tried_from_the_most_to_the_least_specific() -> None:
    server = Server({})
    assert pxe.scan(server, LEASE) == ScanResult()
    assert [each.removeprefix(f"{ROOT}/boot/pxelinux.cfg/") for each in server.asked] == [
        "b8945908-d6a6-41a9-611d-74a6ab80b83d",
        "01-52-54-00-ab-cd-ef",
        *("C0A8010A", "C0A8010", "C0A801", "C0A80", "C0A8", "C0A", "C0", "C"),
        "default",
    ]


def test_only_the_first_configuration_counts() -> None:
    files = {"/boot/pxelinux.cfg/C0A8": "label net\nkernel k\n", DEFAULT: "label all\nkernel k\n"}
    assert [each.title for each in pxe.scan(Server(files), LEASE).options] == ["net"]


def test_what_is_not_known_is_not_asked_for() -> None:
    lease = Lease(server=f"{ROOT}/", mac="nonsense", address="1.2.3", uuid="x/../y")
    assert list(pxe.candidates(lease)) == [f"{ROOT}/pxelinux.cfg/default"]


def test_dhcp_may_name_the_configuration_and_the_prefix() -> None:
    lease = replace(LEASE, config_file="cfg/board", path_prefix="/images/")
    server = Server({"/images/cfg/board": "label a\nkernel k\n"})
    (option,) = pxe.scan(server, lease).options
    assert option.linux == url("/images/k")
    assert server.asked == [f"{ROOT}/images/cfg/board"]


def test_a_label_is_an_option_whose_files_are_urls() -> None:
    option = only(
        "default a\nlabel a\nmenu label Debian\nkernel debian/vmlinuz-6.1\ninitrd debian/i,/abs/i\n"
        "fdt debian/b.dtb\nfdtdir debian\nfdtoverlays o.dtbo\nappend x=1\n"
    )
    assert (option.format, option.title, option.version) == ("pxe", "Debian", "6.1")
    assert option.source == f"{ROOT}{DEFAULT}"
    assert option.linux == url("/boot/debian/vmlinuz-6.1")
    assert option.initrds == (url("/boot/debian/i"), url("/abs/i"))
    assert option.devicetree == url("/boot/debian/b.dtb")
    assert option.devicetree_dir == url("/boot/debian")
    assert option.overlays == (url("/boot/o.dtbo"),)
    assert option.is_default


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("::k", f"{ROOT}/k"),
        ("::/k", f"{ROOT}/k"),
        ("10.0.0.2::dir/k", "tftp://10.0.0.2/dir/k"),
        ("http://10.0.0.2:80/a/k", "http://10.0.0.2:80/a/k"),
        ("../k", f"{ROOT}/k"),
    ],
)
def test_a_name_may_say_where_else_it_is(name: str, found: str) -> None:
    option = only(f"label a\nkernel {name}\nappend initrd={name},i b={name}\n")
    assert option.linux == FileRef("/", url=found)
    assert option.initrds == (FileRef("/", url=found), url("/boot/i"))
    assert option.reasons == ()


def test_urls_of_arguments_stay_as_they_are() -> None:
    text = "label a\nkernel k\nappend url=http://x/preseed.cfg live::y initrd=i\n"
    assert only(text).cmdline == "url=http://x/preseed.cfg live::y"


def test_includes_are_relative_to_the_prefix() -> None:
    files = {DEFAULT: "include pxelinux.cfg/more\n", "/boot/pxelinux.cfg/more": "label a\nkernel k"}
    assert len(pxe.scan(Server(files), LEASE).options) == 1
    (problem,) = pxe.scan(Server({DEFAULT: "include gone\n"}), LEASE).problems
    assert problem.source == f"{ROOT}{DEFAULT}"


@pytest.mark.parametrize(("value", "note"), [("2", ()), ("3", ("SYSAPPEND 0x1",))])
def test_sysappend_adds_the_interface(value: str, note: tuple[str, ...]) -> None:
    option = only(f"label a\nkernel k\nappend q\nipappend {value}\n")
    assert option.cmdline == "q BOOTIF=01-52-54-00-ab-cd-ef"
    assert tuple(each[:13] for each in option.notes) == note


def test_sysappend_before_the_first_label_is_for_all() -> None:
    assert "BOOTIF" in only("sysappend 2\nlabel a\nkernel k\n").cmdline


def test_a_configuration_that_is_too_large_is_a_problem() -> None:
    result = pxe.scan(Server({DEFAULT: "#" * ((1 << 20) + 1)}), LEASE)
    assert result.problems[0].source == f"{ROOT}{DEFAULT}"


@given(st.text(max_size=200))
def test_any_text_is_options_or_problems(text: str) -> None:
    data = f"label a\nkernel k\n{text}".encode("utf-8", "surrogatepass")
    assert isinstance(pxe.scan(Server({DEFAULT: data}), LEASE), ScanResult)


@pytest.mark.parametrize(
    ("base", "name", "result"),
    [
        ("tftp://h/a/b", "c", "tftp://h/a/c"),
        ("tftp://h/a/", "../../c", "tftp://h/c"),
        ("http://h", "c", "http://h/c"),
        ("http://h/a", "/c?d=e", "http://h/c?d=e"),
        ("http://h/a", "https://i/b", "https://i/b"),
    ],
)
def test_urls_are_joined(base: str, name: str, result: str) -> None:
    assert join(base, name) == result
