import subprocess
from pathlib import Path

import pytest

from bootd.errors import FdtError
from bootd.fdt import Fdt, read, write
from bootd.fdt.overlay import apply, missing_symbols
from tests.support.trees import compile_dts

BASE = """/dts-v1/;
/ { aliases { ser = &uart; };
    gpio: gpio@1 { #gpio-cells = <1>; reg = <1>; };
    uart: serial@2 { reg = <2>; gpios = <&gpio 4>; status = "disabled"; };
    bus: bus { #address-cells = <1>; #size-cells = <0>; };
};"""

OVERLAY = """/dts-v1/; /plugin/;
&uart { status = "okay"; speed = <9600>; };
&bus { led: led@5 { reg = <5>; gpios = <&gpio 7>; };
       user { leds = <&led>; }; };
&{/bus} { more; };
"""


def applied(base: str, *overlays: str) -> Fdt:
    fdt = read(compile_dts(base, symbols=True))
    for overlay in overlays:
        apply(fdt, read(compile_dts(overlay, symbols=True)))
    return fdt


def by_libfdt(tmp_path: Path, base: str, *overlays: str) -> Fdt:
    (tmp_path / "base").write_bytes(compile_dts(base, symbols=True))
    for number, overlay in enumerate(overlays):
        (tmp_path / f"o{number}").write_bytes(compile_dts(overlay, symbols=True))
    names = [f"o{n}" for n in range(len(overlays))]
    command = ["fdtoverlay", "-i", "base", "-o", "out", *names]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=20)
    return read((tmp_path / "out").read_bytes())


def content(fdt: Fdt) -> dict[str, dict[str, bytes]]:
    return {path: node.properties for path, node in fdt.walk()}


def test_properties_and_nodes_land_on_their_targets() -> None:
    fdt = applied(BASE, OVERLAY)
    assert fdt.get("/serial@2", "status") == b"okay\0"
    assert fdt.get("/bus", "more") == b""
    gpio = fdt.get("/gpio@1", "phandle")
    assert fdt.get("/bus/led@5", "gpios") == (gpio or b"") + b"\0\0\0\7"
    assert fdt.get("/bus/user", "leds") == fdt.get("/bus/led@5", "phandle")
    assert fdt.get("/__symbols__", "led") == b"/bus/led@5\0"


def test_the_result_is_that_of_fdtoverlay(tmp_path: Path) -> None:
    assert content(applied(BASE, OVERLAY)) == content(by_libfdt(tmp_path, BASE, OVERLAY))


def test_a_second_overlay_sees_the_nodes_of_the_first(tmp_path: Path) -> None:
    second = '/dts-v1/; /plugin/; &led { label = "power"; };'
    fdt = applied(BASE, OVERLAY, second)
    assert fdt.get("/bus/led@5", "label") == b"power\0"
    assert content(fdt) == content(by_libfdt(tmp_path, BASE, OVERLAY, second))


def test_a_fragment_may_target_a_node_of_an_earlier_one() -> None:
    overlay = "/dts-v1/; /plugin/; &bus { new { a; }; }; &{/bus/new} { b; };"
    assert applied(BASE, overlay).get("/bus/new", "b") == b""


def test_the_base_keeps_its_phandle_where_an_overlay_node_lands_on_it() -> None:
    overlay = """/dts-v1/; /plugin/;
        &{/} { user { who = <&mine>; }; };
        &{/} { mine: gpio@1 { extra; }; };"""
    before = read(compile_dts(BASE, symbols=True)).get("/gpio@1", "phandle")
    fdt = applied(BASE, overlay)
    assert fdt.get("/gpio@1", "phandle") == before
    assert fdt.get("/user", "who") == before
    assert fdt.get("/serial@2", "gpios") == (before or b"") + b"\0\0\0\4"


def test_missing_symbols_are_listed_by_name() -> None:
    overlay = "/dts-v1/; /plugin/; &nowhere { a; }; &uart { b = <&elsewhere>; };"
    base, parsed = read(compile_dts(BASE, symbols=True)), read(compile_dts(overlay))
    assert missing_symbols(base, parsed) == ("elsewhere", "nowhere")
    with pytest.raises(FdtError, match="elsewhere, nowhere"):
        apply(base, parsed)


def test_a_base_without_symbols_is_named_as_the_reason() -> None:
    with pytest.raises(FdtError, match="has no symbols"):
        apply(read(compile_dts(BASE)), read(compile_dts(OVERLAY)))


@pytest.mark.parametrize(
    "overlay",
    [
        '/dts-v1/; / { f { target-path = "/nowhere"; __overlay__ { a; }; }; };',
        "/dts-v1/; / { f { target = <99>; __overlay__ { a; }; }; };",
        "/dts-v1/; / { f { __overlay__ { a; }; }; };",
        '/dts-v1/; / { f { target-path = "/"; __overlay__ {}; }; __fixups__ { uart = "x"; }; };',
        '/dts-v1/; / { __fixups__ { uart = "/f:p:0"; }; };',
        "/dts-v1/; / { f { p = <1>; }; __local_fixups__ { f { p = <4>; }; }; };",
        "/dts-v1/; / { f { p = <1>; }; __local_fixups__ { g { p = <0>; }; }; };",
        "/dts-v1/; / { f { p = <1>; }; __local_fixups__ { f { q = <0>; }; }; };",
        "/dts-v1/; / { f { p = <1>; }; __local_fixups__ { f { p = [00]; }; }; };",
        '/dts-v1/; / { f { target-path = "/"; __overlay__ { phandle = [00]; }; }; };',
        "/dts-v1/; / { __local_fixups__@1 { }; };",
        '/dts-v1/; / { f { target-path = "/"; __overlay__@1 { a; }; }; };',
    ],
)
def test_a_malformed_overlay_is_refused(overlay: str) -> None:
    with pytest.raises(FdtError):
        apply(read(compile_dts(BASE, symbols=True)), read(compile_dts(overlay, force=True)))


def test_the_overlay_itself_is_not_changed() -> None:
    overlay = read(compile_dts(OVERLAY, symbols=True))
    before = write(overlay)
    apply(read(compile_dts(BASE, symbols=True)), overlay)
    assert write(overlay) == before
