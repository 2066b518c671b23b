"""config.txt of the Raspberry Pi, sentence by sentence."""

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootd.fdt import Fdt, Node, write
from bootd.formats import raspberrypi
from bootd.formats.raspberrypi.board import BOARDS
from bootd.model.device import BlockDevice
from bootd.model.option import BootOption, FileRef, ResolvedOption, ScanResult
from bootd.policy.resolve import resolve
from tests.support.memoryfs import MemoryFs

Files = dict[str, str | bytes]


def scan(config: str, files: Files | None = None) -> ScanResult:
    """Scan /config.txt beside one kernel, /kernel8.img."""
    default: Files = {"/config.txt": config, "/kernel8.img": b"k", "/cmdline.txt": "a=b\n"}
    return raspberrypi.scan(MemoryFs(default | (files or {})))


def only(config: str, files: Files | None = None) -> BootOption:
    (option,) = scan(config, files).options
    return option


def on(board: str, config: str, files: Files | None = None) -> BootOption:
    """Return the option for a board, such as `raspberrypi,4-model-b`."""
    options = scan(config, files).options
    return next(o for o in options if not o.compatible or f"raspberrypi,{board}" in o.compatible)


def resolved(option: BootOption, board: str) -> ResolvedOption:
    """Resolve an option on a board."""
    device = BlockDevice(name="mmcblk0p1", node="/dev/mmcblk0p1")
    return resolve(option, device, {device.name: device}, "aarch64", (board,))


@pytest.mark.parametrize("place", raspberrypi.PLACES)
def test_a_configuration_is_found_in_every_place(place: str) -> None:
    base = place.removesuffix("/config.txt")
    fs = MemoryFs({place: "", f"{base}/kernel8.img": b"k"})
    (option,) = raspberrypi.scan(fs).options
    assert (option.source, option.linux) == (place, FileRef(f"{base}/kernel8.img"))


def test_a_config_txt_of_something_else_is_left_alone() -> None:
    assert raspberrypi.scan(MemoryFs({"/config.txt": "kernel=x\n"})) == ScanResult()


def test_one_file_under_two_names_is_read_once() -> None:
    fs = MemoryFs({"/config.txt": "", "/kernel8.img": b"k"}, {"/boot": "."})
    assert len(raspberrypi.scan(fs).options) == 1


def test_the_first_line_of_cmdline_txt_is_the_command_line() -> None:
    option = only("", {"/cmdline.txt": "\n  root=/dev/mmcblk0p2 quiet \nmore\n"})
    assert option.cmdline == "root=/dev/mmcblk0p2 quiet"


def test_without_cmdline_txt_the_command_line_is_empty() -> None:
    fs = MemoryFs({"/config.txt": "", "/kernel8.img": b"k"})
    assert raspberrypi.scan(fs).options[0].cmdline == ""


def test_another_file_can_have_the_command_line() -> None:
    assert only("cmdline=other.txt\n", {"/other.txt": "c=d"}).cmdline == "c=d"


def test_a_command_line_that_no_kernel_takes_is_a_problem() -> None:
    result = scan("", {"/cmdline.txt": "a" * 5000})
    assert result.options == ()
    assert result.problems[0].source == "/cmdline.txt"


@pytest.mark.parametrize(
    ("config", "board", "port"),
    [
        ("", "4-model-b", "ttyS0"),
        ("", "3-model-b-plus", "ttyS0"),
        ("", "model-zero-w", "ttyS0"),
        ("", "2-model-b", "ttyAMA0"),
        ("", "model-zero", "ttyAMA0"),
        ("", "3-compute-module-plus", "ttyAMA0"),
        ("", "5-model-b", "ttyAMA10"),
        ("dtparam=uart0_console\n", "5-model-b", "ttyAMA0"),
        ("dtoverlay=disable-bt\n", "4-model-b", "ttyAMA0"),
        ("dtoverlay=miniuart-bt\n", "3-model-b", "ttyAMA0"),
        ("dtoverlay=vc4-kms-v3d\n", "3-model-b", "ttyS0"),
    ],
)
def test_serial0_is_the_port_that_the_firmware_names(config: str, board: str, port: str) -> None:
    names = ("disable-bt", "miniuart-bt", "vc4-kms-v3d")
    files: dict[str, str | bytes] = {f"/overlays/{name}.dtbo": b"o" for name in names}
    files["/cmdline.txt"] = "console=serial0,115200 root=serial0 xconsole=serial0"
    files |= dict.fromkeys(("/kernel.img", "/kernel7.img", "/kernel_2712.img"), b"k")
    option = resolved(on(board, config, files), f"raspberrypi,{board}")
    expected = f"console={port},115200 root=serial0 xconsole=serial0"
    assert option.option.cmdline == expected


def test_serial0_stays_and_is_noted_where_the_board_is_unknown() -> None:
    option = resolved(only("", {"/cmdline.txt": "console=serial0,115200"}), "acme,board")
    assert option.option.cmdline == "console=serial0,115200"
    assert "serial0 in its command line is a name of the firmware" in option.notes[0]


# Kernels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("board", "config", "kernel"),
    [
        ("5-model-b", "", "kernel_2712.img"),
        ("4-model-b", "", "kernel8.img"),
        ("4-model-b", "arm_64bit=0\n", "kernel7l.img"),
        ("3-model-b", "", "kernel7.img"),
        ("3-model-b", "arm_64bit=1\n", "kernel8.img"),
        ("model-zero-2-w", "arm_64bit=1\n", "kernel8.img"),
        ("2-model-b", "", "kernel7.img"),
        ("model-b", "arm_64bit=1\n", "kernel.img"),
        ("model-zero-w", "", "kernel.img"),
        ("4-model-b", "kernel=mine\n", "mine"),
    ],
)
def test_each_board_looks_for_its_kernel(board: str, config: str, kernel: str) -> None:
    names = ("kernel.img", "kernel7.img", "kernel7l.img", "kernel8.img", "kernel_2712.img", "mine")
    files: Files = {f"/{name}": b"k" for name in names}
    assert on(board, config, files).linux == FileRef(f"/{kernel}")


def test_boards_without_a_kernel_make_no_option() -> None:
    options = scan("", {"/kernel_2712.img": b"k"}).options
    assert [each.linux for each in options] == [
        FileRef("/kernel_2712.img"),
        FileRef("/kernel8.img"),
    ]
    assert not any("raspberrypi,model-b" in each.compatible for each in options)


def test_boards_that_boot_the_same_make_one_option_for_any_board() -> None:
    option = only("kernel=kernel8.img\n")
    assert (option.compatible, option.entry, option.is_default) == ((), "config.txt", True)


def test_a_soc_is_named_when_all_its_boards_are_among_them() -> None:
    option = on("4-model-b", "[pi4]\ndtoverlay=x\n")
    assert "brcm,bcm2711" in option.compatible
    assert "brcm,bcm2712" not in option.compatible


def test_only_the_first_option_of_a_configuration_is_marked() -> None:
    options = scan("", {"/kernel_2712.img": b"k"}).options
    assert [each.is_default for each in options] == [True, False]
    assert options[0].title == "Linux (config.txt) on Raspberry Pi 5, 500, CM5"


def test_a_kernel_that_is_not_there_is_named_once() -> None:
    assert only("kernel=gone.img\n").linux == FileRef("/gone.img")


@pytest.mark.parametrize(
    "config", ["kernel=u-boot.bin\n", "kernel=uboot_rpi_4.bin\n", "armstub=RPI_EFI.fd\n"]
)
def test_another_boot_loader_is_no_option(config: str) -> None:
    assert scan(config) == ScanResult()


# Initrds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "initrds"),
    [
        ("initramfs i.gz followkernel\n", ["/i.gz"]),
        ("initramfs i.gz 0x00a00000\n", ["/i.gz"]),
        ("initramfs i.gz,j.gz followkernel\n", ["/i.gz", "/j.gz"]),
        ("ramfsfile=i.gz\n", ["/i.gz"]),
        ("auto_initramfs=1\n", ["/initramfs8"]),
        ("auto_initramfs=1\ninitramfs i.gz\n", ["/i.gz"]),
        ("auto_initramfs=0\n", []),
        ("", []),
    ],
)
def test_initrds_are_named_or_belong_to_the_kernel(config: str, initrds: list[str]) -> None:
    option = on("4-model-b", config, {"/initramfs8": b"i"})
    assert [each.path for each in option.initrds] == initrds


# Prefixes ---------------------------------------------------------------------------------------

NEW: Files = {
    "/new/kernel8.img": b"k",
    "/new/cmdline.txt": "new=1\n",
    "/new/bcm2711-rpi-4-b.dtb": b"d",
}


def test_os_prefix_is_put_before_kernel_cmdline_and_trees() -> None:
    option = on("4-model-b", "os_prefix=new/\n", NEW)
    assert (option.linux, option.cmdline) == (FileRef("/new/kernel8.img"), "new=1")
    assert [each.devicetree.path for each in option.devicetree_choices] == [
        "/new/bcm2711-rpi-4-b.dtb"
    ]


def test_os_prefix_without_a_kernel_is_not_used() -> None:
    option = only("os_prefix=gone/\nkernel=kernel8.img\n")
    assert option.linux == FileRef("/kernel8.img")
    assert "os_prefix gone/ has no kernel" in option.notes[0]


def test_overlays_of_a_prefix_need_their_readme() -> None:
    config = "os_prefix=new/\ndtoverlay=x\n"
    assert on("4-model-b", config, NEW).overlays == (FileRef("/overlays/x.dtbo"),)
    own = NEW | {"/new/overlays/README": ""}
    assert on("4-model-b", config, own).overlays == (FileRef("/new/overlays/x.dtbo"),)


def test_overlay_prefix_names_another_folder() -> None:
    assert only("overlay_prefix=o/\ndtoverlay=x\nkernel=kernel8.img\n").overlays == (
        FileRef("/o/x.dtbo"),
    )


def test_upstream_kernel_takes_the_files_below_upstream() -> None:
    files: Files = {"/upstream/kernel8.img": b"k", "/upstream/bcm2837-rpi-3-b.dtb": b"d"}
    option = on("3-model-b", "upstream_kernel=1\narm_64bit=1\n", files)
    assert option.linux == FileRef("/upstream/kernel8.img")
    assert option.devicetree_choices[0].devicetree == FileRef("/upstream/bcm2837-rpi-3-b.dtb")


# Device trees -----------------------------------------------------------------------------------


def test_the_tree_of_each_board_is_found_by_its_name() -> None:
    files: Files = {"/bcm2711-rpi-4-b.dtb": b"4", "/bcm2712-rpi-5-b.dtb": b"5"}
    option = only("kernel=kernel8.img\n", files)
    assert [(each.compatible, each.devicetree.path) for each in option.devicetree_choices] == [
        ("raspberrypi,5-model-b", "/bcm2712-rpi-5-b.dtb"),
        ("raspberrypi,4-model-b", "/bcm2711-rpi-4-b.dtb"),
    ]
    assert option.devicetree_dir == FileRef("/")


def test_device_tree_names_the_one_tree() -> None:
    option = only("kernel=kernel8.img\ndevice_tree=my.dtb\n", {"/bcm2711-rpi-4-b.dtb": b"4"})
    assert (option.devicetree, option.devicetree_dir) == (FileRef("/my.dtb"), None)
    assert option.devicetree_choices == ()


def test_an_empty_device_tree_asks_for_the_running_one() -> None:
    assert only("kernel=kernel8.img\ndevice_tree=\n").devicetree_none


@pytest.mark.parametrize(
    ("config", "base", "overlays", "parameters"),
    [
        ("dtparam=audio=on\n", ["audio=on"], [], []),
        ("dtparam=i2c=on,spi=on\n", ["i2c=on", "spi=on"], [], []),
        ("dtparam=audio\n", ["audio=true"], [], []),
        ("dtoverlay=x\n", [], ["x"], []),
        ("dtoverlay=x,a=1,b\n", [], ["x"], ["a=1,b=true"]),
        ("dtoverlay=x:a=1\n", [], ["x"], ["a=1"]),
        ("dtoverlay=x\ndtparam=a=1\ndtparam=b=2\n", [], ["x"], ["a=1,b=2"]),
        ("dtoverlay=x\ndtoverlay=y\ndtparam=b=2\n", [], ["x", "y"], ["", "b=2"]),
        ("dtoverlay=x\ndtoverlay=\ndtparam=b=2\n", ["b=2"], ["x"], []),
        ("dtparam=a=1\ndtoverlay=x\n", ["a=1"], ["x"], []),
        ("device_tree_overlay=x\ndevice_tree_param=b=2\n", [], ["x"], ["b=2"]),
        ("dtoverlay=x\ndtoverlay=x,a=1\n", [], ["x", "x"], ["", "a=1"]),
    ],
)
def test_a_parameter_belongs_to_the_overlay_before_it(
    config: str, base: list[str], overlays: list[str], parameters: list[str]
) -> None:
    option = only(f"kernel=kernel8.img\n{config}")
    assert list(option.devicetree_parameters) == base
    assert [each.path for each in option.overlays] == [f"/overlays/{n}.dtbo" for n in overlays]
    assert list(option.overlay_parameters) == parameters


def overlay_map(**nodes: dict[str, bytes]) -> Files:
    root = Node("")
    for name, properties in nodes.items():
        root.add(name.replace("_", "-")).properties.update(properties)
    return {"/overlays/overlay_map.dtb": write(Fdt(root=root))}


@pytest.mark.parametrize(
    ("board", "overlays"),
    [("5-model-b", ["/overlays/vc4-pi5.dtbo"]), ("4-model-b", ["/overlays/vc4.dtbo"])],
)
def test_overlay_map_renames_overlays_for_boards(board: str, overlays: list[str]) -> None:
    files = overlay_map(vc4={"bcm2712": b"vc4-pi5\0", "bcm2711": b""})
    option = on(board, "dtoverlay=vc4\n", files)
    assert [each.path for each in option.overlays] == overlays


def test_overlay_map_leaves_out_what_is_not_for_a_board() -> None:
    files = overlay_map(vc4={"bcm2712": b""})
    option = on("4-model-b", "dtoverlay=vc4\ndtparam=lost=1\ndtoverlay=\ndtparam=kept=1\n", files)
    assert option.overlays == ()
    assert option.devicetree_parameters == ("kept=1",)
    assert "vc4 is not for this board" in option.notes[0]


def test_overlay_map_knows_old_names() -> None:
    files = overlay_map(old_name={"renamed": b"new-name\0"}, gone={"deprecated": b"use x\0"})
    option = only("kernel=kernel8.img\ndtoverlay=old-name\ndtoverlay=gone\n", files)
    assert [each.path for each in option.overlays] == ["/overlays/new-name.dtbo"]
    assert "gone is deprecated" in option.notes[0]


def test_a_damaged_overlay_map_is_as_none() -> None:
    files: Files = {"/overlays/overlay_map.dtb": b"text"}
    assert len(only("kernel=kernel8.img\ndtoverlay=x\n", files).overlays) == 1


# Filters ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "boards"),
    [
        ("[pi4]", {"4", "400", "CM4", "CM4S"}),
        ("[pi400]", {"400"}),
        ("[cm4]", {"CM4"}),
        ("[pi5]", {"5", "500", "CM5"}),
        ("[pi3+]", {"3B+", "3A+"}),
        ("[pi02]", {"Zero 2"}),
        ("[pi0w]", {"Zero 2", "Zero W"}),
        ("[PI4]", {"4", "400", "CM4", "CM4S"}),
        ("[board-type=0x11]", {"4"}),
        ("[board-type=23]", {"5"}),
        ("[none]", set()),
        ("[all]", {board.name for board in BOARDS}),
        ("[pi4]\n[pi5]", {"5", "500", "CM5"}),
        ("[pi4]\n[all]", {board.name for board in BOARDS}),
        ("[none]\n[all]", {board.name for board in BOARDS}),
        ("[gpio4=1]", set()),
        ("[EDID=VSC-TD2220]", set()),
        ("[0x12345678]", set()),
        ("[pi4]\n[gpio4=1]", set()),
        ("[gpio4=1]\n[pi4]", set()),
        ("[gpio4=1]\n[all]\n[pi4]", {"4", "400", "CM4", "CM4S"}),
        ("[tryboot]\n[all]", {board.name for board in BOARDS}),
    ],
)
def test_lines_behind_a_filter_are_for_the_boards_it_names(filters: str, boards: set[str]) -> None:
    config = f"kernel=kernel8.img\n{filters}\ndtoverlay=x\n"
    options = [each for each in scan(config).options if each.source == "/config.txt"]
    names = {
        board.name
        for option in options
        for board in BOARDS
        if option.overlays and (not option.compatible or board.compatible in option.compatible)
    }
    assert names == boards


def test_filters_that_cannot_be_decided_are_noted_once() -> None:
    option = only("kernel=kernel8.img\n[gpio4=1]\na=1\nb=2\n[all]\n[gpio4=1]\nc=1\n")
    assert option.notes == ("[gpio4=1] cannot be decided here; what stands behind it is left out",)


def test_tryboot_txt_is_an_option_of_its_own() -> None:
    files: Files = {"/tryboot.txt": "kernel=new.img\n", "/new.img": b"n"}
    first, second = scan("kernel=kernel8.img\n", files).options
    assert (first.linux, first.is_default) == (FileRef("/kernel8.img"), True)
    assert (second.linux, second.is_default) == (FileRef("/new.img"), False)
    assert (second.source, second.title) == ("/tryboot.txt", "Linux (config.txt) (tryboot)")


def test_tryboot_sections_make_an_option_of_their_own() -> None:
    config = "kernel=kernel8.img\n[tryboot]\nkernel=new.img\n"
    first, second = scan(config, {"/new.img": b"n"}).options
    assert (first.linux, second.linux) == (FileRef("/kernel8.img"), FileRef("/new.img"))
    assert (first.entry, second.entry) == ("config.txt", "config.txt+tryboot")


# Includes and limits ----------------------------------------------------------------------------


def test_an_included_file_stands_in_its_place() -> None:
    config = "kernel=a.img\ninclude more.txt\ndtoverlay=y\n"
    option = only(config, {"/more.txt": "kernel=kernel8.img\ndtoverlay=x\n"})
    assert option.linux == FileRef("/kernel8.img")
    assert [each.path for each in option.overlays] == ["/overlays/x.dtbo", "/overlays/y.dtbo"]


def test_a_missing_include_is_a_problem_with_its_line() -> None:
    (problem,) = scan("\ninclude gone.txt\n").problems
    assert (problem.source, problem.line) == ("/config.txt", 2)
    assert "cannot include gone.txt" in problem.message


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("include config.txt\n", "too many files"),
        ("include config.txt\n" * 100, "too many files"),
        ("include big.txt\n" * 3, "too much text"),
        ("a=1\n" * 100_000, "more than 4096 settings"),
        ("[gpio1=1]\n" * 100_000, "more than 4096 settings"),
        ("".join(f"[gpio{i}x{i}=1]\n" for i in range(10_000)), "more than 4096 settings"),
    ],
)
def test_a_configuration_past_a_limit_is_answered_in_time(config: str, message: str) -> None:
    start = process_time()
    result = scan(config, {"/big.txt": "#" * (1 << 20)})
    assert process_time() - start < 2
    assert any(message in problem.message for problem in result.problems)
    assert result.options


def test_a_configuration_larger_than_may_be_is_a_problem() -> None:
    (problem,) = scan("#" * (1 << 20 | 1)).problems
    assert "1048576" in problem.message


def test_thousands_of_overlays_are_cut() -> None:
    option = only("kernel=kernel8.img\n" + "dtoverlay=x\n" * 4000)
    assert len(option.overlays) == 64


def test_escape_sequences_in_filters_are_made_visible() -> None:
    option = only("kernel=kernel8.img\n[\x1b[2J]\na=1\n")
    assert "\x1b" not in "".join(option.notes)


WORDS = st.sampled_from(
    (
        "[all]",
        "[pi4]",
        "[tryboot]",
        "[gpio4=1]",
        "[",
        "kernel=",
        "kernel=kernel8.img",
        "dtoverlay=",
        "dtoverlay=x,a=1",
        "dtparam=b",
        "include config.txt",
        "initramfs",
        "initramfs a,b followkernel",
        "os_prefix=x/",
        "os_prefix=../..",
        "device_tree=",
        "overlay_prefix=",
        "cmdline=",
        "cmdline=config.txt",
        "=",
        "auto_initramfs=1",
        "upstream_kernel=1",
    )
)


@settings(max_examples=200)
@given(st.lists(WORDS, max_size=20).map("\n".join))
def test_any_sequence_of_settings_gives_options_or_problems(config: str) -> None:
    assert isinstance(scan(config), ScanResult)


@settings(max_examples=200)
@given(st.binary(max_size=200), st.binary(max_size=100))
def test_any_bytes_give_options_or_problems(config: bytes, cmdline: bytes) -> None:
    files: Files = {"/config.txt": config, "/cmdline.txt": cmdline, "/tryboot.txt": config}
    assert isinstance(scan("", files), ScanResult)
