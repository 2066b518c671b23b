"""Parameters as the Raspberry Pi's overlays use them; sources in their style, compiled by dtc."""

import pytest

from bootd.errors import FdtError
from bootd.fdt import Fdt, read
from bootd.fdt.cells import cells, string, strings
from bootd.fdt.overlay import apply
from bootd.fdt.overrides import parse_parameters, set_parameters
from tests.support.trees import compile_dts

BASE = """\
/dts-v1/;
/ { compatible = "raspberrypi,4-model-b", "brcm,bcm2711";
    aliases { i2c1 = &i2c1; };
    chosen: chosen { bootargs = "coherent_pool=1M"; };
    soc { #address-cells = <1>; #size-cells = <1>;
        gpio: gpio@7e200000 { reg = <0x7e200000 0xb4>; #gpio-cells = <2>; };
        i2c1: i2c@7e804000 { #address-cells = <1>; #size-cells = <0>; reg = <0x7e804000 0x1000>;
            status = "disabled"; clock-frequency = <100000>; };
        i2c0: i2c@7e205000 { #address-cells = <1>; #size-cells = <0>; reg = <0x7e205000 0x200>;
            status = "disabled"; };
        uart0: serial@7e201000 { reg = <0x7e201000 0x200>; }; };
    __overrides__ { i2c_arm = <&i2c1>,"status"; i2c_arm_baudrate = <&i2c1>,"clock-frequency:0";
        audio = <&chosen>,"bootargs{on='snd_bcm2835.enable_hdmi=1',off='snd=0'}"; };
};
"""
OVERLAY = """\
/dts-v1/; /plugin/;
/ { compatible = "brcm,bcm2835";
    frag0: fragment@0 { target = <&i2c1>; __overlay__ {
        #address-cells = <1>; #size-cells = <0>; status = "okay";
        rtc: rtc@68 { compatible = "maxim,ds1307"; reg = <0x68>; wakeup-source;
            label = "abc"; mac = [00 00]; big = <0 0>; short = [00 00 00 00];
            gpios = <&gpio 4 0>; speed = "slow"; }; }; };
    fragment@1 { target = <&uart0>; __dormant__ { a-extra; }; };
    fragment@2 { target = <&uart0>; __overlay__ { b-extra; }; };
    __overrides__ {
        addr = <&rtc>,"reg:0";
        wakeup = <&rtc>,"wakeup-source?";
        quiet = <&rtc>,"wakeup-source!";
        text = <&rtc>,"label";
        mac = <&rtc>,"mac[";
        big = <&rtc>,"big#0";
        byte = <&rtc>,"short.3";
        half = <&rtc>,"short;0";
        new = <&rtc>,"grown:4";
        pin = <&rtc>,"gpios:4", <&rtc>,"gpios:8=1";
        speed = <&rtc>,"speed{1=slow,2=fast,3='very fast',same,=middle}";
        strict = <&rtc>,"speed{a=b}";
        bus0 = <&frag0>,"target:0=",<&i2c0>;
        bus = <&frag0>,"target:0{i2c0=",<&i2c0>,"i2c1=",<&i2c1>,"}";
        extra = <0>,"+1-2";
        either = <0>,"=1!2";
        fixed = <&rtc>,"speed=warp", <&rtc>,"fixed:0=42";
        path = <&rtc>,"where=","/soc/serial@7e201000";
        on = <&rtc>,"status";
        rename = <&rtc>,"name";
    }; };
"""


@pytest.fixture(scope="module")
def base() -> bytes:
    return compile_dts(BASE, symbols=True)


@pytest.fixture(scope="module")
def overlay() -> bytes:
    return compile_dts(OVERLAY, symbols=True)


def applied(base: bytes, overlay: bytes, text: str) -> Fdt:
    result = read(base)
    assert apply(result, read(overlay), parse_parameters(text)) == ()
    return result


RTC = "/soc/i2c@7e804000/rtc@68"


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("wakeup=off", "wakeup-source", None),
        ("wakeup", "wakeup-source", b""),
        ("quiet", "wakeup-source", None),
        ("quiet=n", "wakeup-source", b""),
        ("text=def", "label", b"def\0"),
        (r"text=a\x42\103\n", "label", b"aBC\n\0"),
        ("mac=b8:27:eb:00", "mac", b"\xb8\x27\xeb\x00"),
        ("big=0x123456789a", "big", bytes.fromhex("000000123456789a")),
        ("byte=255", "short", b"\0\0\0\xff"),
        ("half=0x1234", "short", b"\x12\x34\0\0"),
        ("new=010", "grown", b"\0\0\0\0\0\0\0\x08"),
        ("speed=2", "speed", b"fast\0"),
        ("speed=3", "speed", b"very fast\0"),
        ("speed=same", "speed", b"same\0"),
        ("speed=what", "speed", b"middle\0"),
        ("fixed=whatever", "speed", b"warp\0"),
        ("fixed=whatever", "fixed", b"\0\0\0\x2a"),
        ("path", "where", b"/soc/serial@7e201000\0"),
        ("on", "status", b"okay\0"),
        ("on=off", "status", b"disabled\0"),
        ("on=reserved", "status", b"reserved\0"),
        ("big=-1", "big", b"\xff" * 8),
    ],
)
def test_a_parameter_changes_its_target(
    base: bytes, overlay: bytes, text: str, name: str, value: bytes | None
) -> None:
    assert applied(base, overlay, text).get(RTC, name) == value


def test_reg_also_changes_the_unit_address(base: bytes, overlay: bytes) -> None:
    result = applied(base, overlay, "addr=0x6f")
    assert result.get("/soc/i2c@7e804000/rtc@6f", "reg") == b"\0\0\0\x6f"
    assert result.find(RTC) is None
    symbol = result.get("/__symbols__", "rtc")
    assert symbol == b"/soc/i2c@7e804000/rtc@6f\0"


def test_a_node_can_get_another_name(base: bytes, overlay: bytes) -> None:
    assert applied(base, overlay, "rename=clock@68").find("/soc/i2c@7e804000/clock@68")


def test_one_parameter_may_have_several_targets_and_keeps_the_reference(
    base: bytes, overlay: bytes
) -> None:
    result = applied(base, overlay, "pin=17")
    gpio = result.get("/soc/gpio@7e200000", "phandle")
    assert gpio is not None
    assert result.get(RTC, "gpios") == gpio + b"\0\0\0\x11\0\0\0\x01"


@pytest.mark.parametrize("text", ["bus0", "bus=i2c0"])
def test_a_label_as_value_moves_a_fragment_to_another_target(
    base: bytes, overlay: bytes, text: str
) -> None:
    result = applied(base, overlay, text)
    assert result.find("/soc/i2c@7e205000/rtc@68") is not None
    assert result.find(RTC) is None


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("", {"b-extra"}),
        ("extra", {"a-extra"}),
        ("either=on", {"a-extra"}),
        ("either=off", {"b-extra"}),
    ],
)
def test_fragments_are_switched(base: bytes, overlay: bytes, text: str, there: set[str]) -> None:
    uart = applied(base, overlay, text).find("/soc/serial@7e201000")
    assert uart is not None
    assert {name for name in uart.properties if name.endswith("extra")} == there


def test_parameters_of_the_board_itself(base: bytes) -> None:
    fdt = read(base)
    notes = set_parameters(fdt.root, parse_parameters("i2c_arm=on,i2c_arm_baudrate=400000,odd=1"))
    i2c = fdt.find("/soc/i2c@7e804000")
    assert i2c is not None
    assert string(i2c.properties["status"]) == "okay"
    assert cells(i2c.properties["clock-frequency"]) == (400000,)
    assert len(notes) == 1
    assert "'odd'" in notes[0]


def test_bootargs_are_appended_to(base: bytes) -> None:
    fdt = read(base)
    set_parameters(fdt.root, [("audio", "on")])
    assert strings(fdt.get("/chosen", "bootargs") or b"") == (
        "coherent_pool=1M snd_bcm2835.enable_hdmi=1",
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("addr=fast", "'fast' is no number"),
        ("mac=zz", "no bytes in hexadecimal"),
        ("strict=c", "it has no value 'c'"),
        ("rename=a/b", "no valid node name"),
        ("text=" + "x" * 300, "more than 255 characters"),
        (r"text=\q", "invalid escape"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(
    base: bytes, overlay: bytes, text: str, reason: str
) -> None:
    with pytest.raises(FdtError, match=f"the parameter .*{reason}"):
        applied(base, overlay, text)


@pytest.mark.parametrize(
    "row",
    [
        b"\0\0",
        b"\0\0\0\1",
        b"\0\0\0\1reg:0",
        b"\0\0\0\1reg:9999999\0",
        b"\0\0\0\1a/b:0\0",
        b"\0\0\0\1x{a=b\0",
        b"\0\0\0\1x{'a\0",
        b"\0\0\0\1x:0=\0\0",
        b"\0\0\0\0*9\0",
        b"\0\0\0\0+9\0",
        b"\0\0\0\x63x\0",
    ],
)
def test_a_malformed_row_is_refused(row: bytes) -> None:
    fdt = read(compile_dts("/dts-v1/; / { a: a { phandle = <1>; }; __overrides__ { p; }; };"))
    fdt.root.children["__overrides__"].properties["p"] = row
    with pytest.raises(FdtError, match="the parameter 'p'"):
        set_parameters(fdt.root, [("p", "1")])
