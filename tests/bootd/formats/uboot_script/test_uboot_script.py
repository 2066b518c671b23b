"""Scripts of U-Boot, sentence by sentence."""

import re
from textwrap import dedent
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootd.formats import uboot_script
from bootd.formats.uboot_script.interpreter import run
from bootd.formats.uboot_script.state import LeaveError, State
from bootd.formats.uboot_script.values import property_value
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.model.tree import TreeEdit
from tests.support.containers import Configuration, Image, multi, script, uimage
from tests.support.containers import fit as make_fit
from tests.support.memoryfs import MemoryFs

KERNEL = "load mmc 0:1 ${kernel_addr_r} /Image\n"
BOOT = f"{KERNEL}booti ${{kernel_addr_r}}\n"


def scan(text: str, **others: str | bytes) -> ScanResult:
    """Scan /boot.scr; keyword `a_dtb` becomes the file /a.dtb; there is a kernel /Image."""
    files: dict[str, str | bytes] = {"/boot.scr": script(dedent(text)), "/Image": b"kernel"}
    files |= {f"/{name.replace('_', '.')}": data for name, data in others.items()}
    return uboot_script.scan(MemoryFs(files))


def only(text: str, **others: str | bytes) -> BootOption:
    (option,) = scan(text, **others).options
    return option


def value(text: str, name: str = "x") -> str | None:
    """Interpret a text and return what a variable has then."""
    state = State(
        MemoryFs({"/there": b"12345", "/dir/file": b""}), "/s", dict(uboot_script.VARIABLES)
    )
    run(state, text, "/s")
    return state.get(name)


def holds(condition: str) -> bool:
    return value(f"if {condition}; then x=yes; else x=no; fi") == "yes"


# Places and wrappings ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place", [p for p in uboot_script.PLACES if not p.endswith(("boot.ini", "uEnv.txt"))]
)
def test_a_script_is_found_in_every_place(place: str) -> None:
    result = uboot_script.scan(MemoryFs({place: BOOT, "/Image": b"kernel"}))
    assert [option.source for option in result.options] == [place]


def test_one_file_under_two_names_is_read_once() -> None:
    fs = MemoryFs({"/boot.scr": script(BOOT), "/Image": b"kernel"}, {"/boot": "."})
    assert len(uboot_script.scan(fs).options) == 1


def test_a_damaged_script_is_a_problem() -> None:
    damaged = script(BOOT)[:-1] + b"!"
    (problem,) = uboot_script.scan(MemoryFs({"/boot.scr": damaged})).problems
    assert "data of the U-Boot image is damaged" in problem.message


def test_a_script_that_is_cut_off_is_a_problem() -> None:
    (problem,) = uboot_script.scan(MemoryFs({"/boot.scr": script(BOOT)[:-3]})).problems
    assert "is cut off (3 bytes missing)" in problem.message


def test_a_script_with_a_damaged_header_is_a_problem() -> None:
    damaged = bytearray(script(BOOT))
    damaged[35] ^= 1
    (problem,) = uboot_script.scan(MemoryFs({"/boot.scr": bytes(damaged)})).problems
    assert "header of the U-Boot image is damaged" in problem.message


def test_an_image_that_is_no_script_is_a_problem() -> None:
    (problem,) = uboot_script.scan(MemoryFs({"/boot.scr": uimage(b"kernel")})).problems
    assert problem.message == "it is a U-Boot image, but not a script"


def test_a_script_inside_a_fit_image_is_read() -> None:
    blob = make_fit({"s": Image(data=BOOT.encode(), kind="script")}, {})
    result = uboot_script.scan(MemoryFs({"/boot.scr": blob, "/Image": b"kernel"}))
    assert result.options[0].linux == FileRef("/Image")


def test_a_fit_image_without_a_script_is_a_problem() -> None:
    blob = make_fit({"k": Image(data=b"kernel")}, {})
    (problem,) = uboot_script.scan(MemoryFs({"/boot.scr": blob})).problems
    assert "without a script" in problem.message


def test_boot_cmd_is_not_read_beside_a_usable_boot_scr() -> None:
    files: dict[str, str | bytes] = {
        "/boot.scr": script(BOOT),
        "/boot.cmd": BOOT + "\n",
        "/Image": b"kernel",
    }
    assert [o.source for o in uboot_script.scan(MemoryFs(files)).options] == ["/boot.scr"]


def test_boot_cmd_stands_in_for_a_damaged_boot_scr() -> None:
    files: dict[str, str | bytes] = {
        "/boot.scr": script(BOOT)[:-1],
        "/boot.cmd": BOOT,
        "/Image": b"kernel",
    }
    assert [o.source for o in uboot_script.scan(MemoryFs(files)).options] == ["/boot.cmd"]


def test_boot_ini_needs_the_first_line_of_hardkernel() -> None:
    files: dict[str, str | bytes] = {
        "/boot.ini": f"ODROIDC4-UBOOT-CONFIG\n{BOOT}",
        "/Image": b"kernel",
    }
    (option,) = uboot_script.scan(MemoryFs(files)).options
    assert option.line == 3
    windows = {"/boot.ini": "[boot loader]\ntimeout=30\n"}
    assert uboot_script.scan(MemoryFs(windows)) == ScanResult()


def test_a_uenv_txt_that_boots_nothing_by_itself_is_left_alone() -> None:
    assert uboot_script.scan(MemoryFs({"/uEnv.txt": "bootargs=quiet\n"})) == ScanResult()


def test_a_uenv_txt_may_have_its_script_in_a_variable() -> None:
    text = "uenvcmd=load mmc 0:1 ${loadaddr} zImage; setenv bootargs a=b; bootz ${loadaddr}\n"
    (option,) = uboot_script.scan(MemoryFs({"/uEnv.txt": text, "/zImage": b"kernel"})).options
    assert (option.linux, option.cmdline, option.line) == (FileRef("/zImage"), "a=b", None)


def test_a_uenv_txt_of_amlogic_boxes_names_its_files() -> None:
    text = "LINUX=/zImage\nINITRD=/uInitrd\nFDT=/dtb/a.dtb\nAPPEND=root=LABEL=R rw\n"
    files: dict[str, str | bytes] = {"/uEnv.txt": text, "/zImage": b"k", "/dtb/a.dtb": b"d"}
    files["/uInitrd"] = uimage(b"i", 3)
    (option,) = uboot_script.scan(MemoryFs(files)).options
    assert option.linux == FileRef("/zImage")
    assert option.initrds == (FileRef("/uInitrd", part="0"),)
    assert (option.devicetree, option.cmdline) == (FileRef("/dtb/a.dtb"), "root=LABEL=R rw")


# Words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("setenv x a b  c", "a b c"),
        ("setenv x 'a  $b'", "a  $b"),
        ('y=1; setenv x "a  ${y}"', "a  1"),
        ('setenv x "a \\"b\\""', 'a "b"'),
        ("setenv x a\\ b", "a b"),
        ("setenv x a\\\nb", "ab"),
        ("y='1  2'; setenv x ${y}", "1 2"),
        ("y='1  2'; setenv x \"${y}\"", "1  2"),
        ("y=1; setenv x a${y}b$y", "a1b1"),
        ("a_1=in; n=1; setenv x ${a_${n}}", "in"),
        ("setenv x ${nothing:-rest}", "rest"),
        ("y=1; setenv x ${y:-rest}", "1"),
        ("y=1; setenv x ${y:+rest}", "rest"),
        ("setenv z ${x:=set}", "set"),
        ("setenv x a#b # comment", "a#b"),
        ("setenv x $", "$"),
        ("false; setenv x $?", "1"),
        ("setenv x 'a;b && c'", "a;b && c"),
        ("x=local", "local"),
        ("setenv -f x y", "y"),
        ("setenv x 1; setenv x", None),
        ("setenv y '\\${z}'; setenv z 1; setenv x \"${y}\"", "${z}"),
        (r"setenv x 'a\nb'", "anb"),
        (r"setenv x 'a\\nb'", r"a\nb"),
        (r'setenv x "a\$b"', r"a\$b"),
        (r'setenv n 1; setenv x "a\$b$n"', "a$b1"),
        (r"""setenv n 1; setenv x 'a\\$b'"$n" """, "a$b1"),
        (r"""setenv w 'setenv x "\\${a} ${b}"'; setenv b 1; run w""", "${a} 1"),
        ("setenv y 'setenv x ${z}'; setenv z 1; run y", "1"),
        ("setenv a 'setenv x 1'; setenv b 'run a'; run b", "1"),
    ],
)
def test_words_become_arguments_as_in_hush(text: str, expected: str | None) -> None:
    assert value(text) == expected


# Statements -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if true; then x=1; fi", "1"),
        ("if false; then x=1; else x=2; fi", "2"),
        ("if false; then x=1; elif true; then x=3; else x=2; fi", "3"),
        ("if false || true; then x=1; fi", "1"),
        ("if true && false; then x=1; else x=0; fi", "0"),
        ("true && x=1", "1"),
        ("false || x=1", "1"),
        ("false && x=1 || x=2", "2"),
        ("for i in a b c; do x=${x:-}$i; done", "abc"),
        ("for i in 'a b' c; do x=${x:-}[$i]; done", "[a][b][c]"),
        ("l='a b'; for i in $l; do x=${x:-}$i; done", "ab"),
        ("x=0; while test $x -lt 5; do setexpr y $x + 1; x=$y; done", "5"),
        ("x=0; until test $x -eq 3; do setexpr y $x + 1; x=$y; done", "3"),
        ("! false && x=1", "1"),
        ("if true\nthen\n\n x=1\nfi", "1"),
        ("true &&\n x=1", "1"),
        ("if test 1 = 1; then if false; then x=1; else x=2; fi; fi", "2"),
    ],
)
def test_statements_run_as_in_hush(text: str, expected: str) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("x=1\nif true; then\n x=2\n", 4, "fi is missing"),
        ("fi\n", 1, "fi without its beginning"),
        ("for x; do true; done\n", 1, "for needs a name"),
        ("echo 'open\n\n", 1, "single quote is not closed"),
        ('\necho "open\n', 2, "double quote is not closed"),
        ("echo ${open\n", 2, "brace is not closed"),
        ("if true; do x=1; done\n", 1, "do in place of then"),
        ("true && && true\n", 1, "a command is missing"),
        ("echo ${a:?b}\n", 1, "rule that U-Boot does not know"),
    ],
)
def test_a_syntax_error_is_a_problem_with_its_line(text: str, line: int, message: str) -> None:
    (problem,) = scan(text).problems
    assert problem.source == "/boot.scr"
    assert problem.line == line
    assert message in problem.message


def test_what_precedes_a_syntax_error_is_used() -> None:
    result = scan(f"{BOOT}\nif\n")
    assert len(result.options) == 1
    assert result.problems == ()


# Conditions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition",
    [
        "test a = a",
        "test a != b",
        "test a < b",
        "test b > a",
        "test -n a",
        "test -z ''",
        "test -z ${unset}",
        'test "${unset}" = ""',
        "test ! a = b",
        "test 10 -gt 9",
        "test 0x10 -eq 16",
        "test 1 -le 1",
        "test 2 -ge 1",
        "test 1 -ne 2",
        "test 1 -lt 2",
        "test 010 -ne 10",
        "test 0xa -eq 012",
        "test 0x2000000 -gt 1ffffff",
        "test -5 -lt 08",
        "test ! ! a != a -o ! ! b = b",
        "test ! a != a -a ! b != b",
        "test a = b -o a = a",
        "test a = a -a b = b",
        "test -e mmc 0:1 /there",
        "test ! -e mmc 0:1 /gone",
        "[ a = a ]",
        "itest 10 == 0x10",
        "itest 1f -gt 1e",
        "itest 1 <> 2",
        "itest.s a == a",
        "env exists loadaddr",
        "printenv loadaddr",
        "size mmc 0:1 there",
        "ls mmc 0:1 /dir",
        "load mmc 0:1 1000 there",
        "setenv y 1",
        "unknown_command || true",
    ],
)
def test_conditions_that_hold(condition: str) -> None:
    assert holds(condition)


@pytest.mark.parametrize(
    "condition",
    [
        "test a = b",
        "test -n ''",
        "test -n ${unset}",
        "test",
        "test a = a -a b = c",
        "test -e mmc 0:1 /gone",
        "itest 1 == 2",
        "itest *1000 == 2",
        "itest",
        "env exists unset",
        "size mmc 0:1 gone",
        "ls mmc 0:1 /gone",
        "load mmc 0:1 1000 gone",
        "load mmc 0:1 nonsense there",
        "unknown_command",
        "run unset",
        "env nonsense",
        "env import -t 1000",
        "env import -b 1000",
        "source 1000",
        "fdt addr 1000",
        "fdt apply 1000",
        "tftp 1000 there",
        "booti 1000",
        "read mmc 0:1 1000 0 1",
        "setenv",
        "setexpr x nonsense + 1",
        "setexpr x 1 / 0",
        "setexpr x gsub [a-z]+ b text",
    ],
)
def test_conditions_that_do_not_hold(condition: str) -> None:
    assert not holds(condition)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("setexpr x 10 + 10", "20"),
        ("setexpr x 0x10 * 2", "20"),
        ("setexpr.b x f0 & 3c", "30"),
        ("setexpr x 0 - 1", "ffffffffffffffff"),
        ("setexpr x ff", "ff"),
        ("setexpr x sub a b banana", "bbnana"),
        ("setexpr x gsub a b banana", "bbnbnb"),
        ("x=a,b; setexpr x gsub , -", "a-b"),
        ("load mmc 0:1 1000 there; x=${filesize}", "5"),
        ("load mmc 0:1 1000 there; x=${fileaddr}", "1000"),
        ("part list mmc 0 -bootable x", "1"),
        ("part uuid mmc 0:1 x", "${bootd.partuuid}"),
        ("part uuid mmc 0:2 x", "${bootd.partuuid:2}"),
        ("fsuuid mmc 0:3 x", "${bootd.uuid:3}"),
        ("part uuid mmc 0:1 y; run z; setenv x root=${y}", "root=${bootd.partuuid}"),
        ("env set x 5", "5"),
        ("env set x 5; env delete x", None),
        ("size mmc 0:1 there; x=${filesize}", "5"),
    ],
)
def test_commands_set_variables(text: str, expected: str | None) -> None:
    assert value(text) == expected


def test_an_environment_is_imported_from_a_file() -> None:
    text = "load mmc 0:1 1000 /e.txt && env import -t 1000 ${filesize}\nsetenv bootargs $a $b\n"
    option = only(text + BOOT, e_txt="# note\na=1\r\n b=2 3\nnonsense\n")
    assert option.cmdline == "1 2 3"


def test_only_the_named_variables_are_imported() -> None:
    text = "load mmc 0:1 1000 /e.txt; env import -t 1000 ${filesize} b\nsetenv bootargs $a/$b\n"
    assert only(text + BOOT, e_txt="a=1\nb=2\n").cmdline == "/2"


def test_a_section_of_an_ini_file_is_imported() -> None:
    text = "load mmc 0:1 1000 /c.ini; ini generic 1000; setenv bootargs $a $b\n"
    assert only(text + BOOT, c_ini='[other]\na=0\n[generic]\na="1 2" \n;b=3\n').cmdline == "1 2"


def test_a_script_is_sourced_from_a_file() -> None:
    text = "load mmc 0:1 1000 /more.scr; source 1000\n"
    assert only(text + BOOT, more_scr=script("setenv bootargs from=more\n")).cmdline == "from=more"


# Booting ----------------------------------------------------------------------------------------


def test_the_files_are_those_that_lie_at_the_addresses() -> None:
    option = only(
        """
        load mmc 0:1 ${kernel_addr_r} /wrong
        load mmc 0:1 ${kernel_addr_r} /Image
        load mmc 0:1 ${fdt_addr_r} /a.dtb
        load mmc 0:1 ${ramdisk_addr_r} /initrd
        setenv bootargs root=/dev/vda1
        booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr_r}
        """,
        a_dtb=b"tree",
        initrd=b"initrd",
    )
    assert option.linux == FileRef("/Image")
    assert option.initrds == (FileRef("/initrd"),)
    assert option.devicetree == FileRef("/a.dtb")
    assert (option.cmdline, option.line, option.is_default) == ("root=/dev/vda1", 7, True)


@pytest.mark.parametrize("command", ["booti", "bootz", "bootm"])
def test_a_dash_is_no_initrd(command: str) -> None:
    option = only(
        f"{KERNEL}load mmc 0:1 ${{fdt_addr_r}} a.dtb\n"
        f"{command} ${{kernel_addr_r}} - ${{fdt_addr_r}}\n",
        a_dtb=b"tree",
    )
    assert (option.initrds, option.devicetree) == ((), FileRef("/a.dtb"))


def test_addresses_that_only_the_firmware_knows_are_told_apart_by_name() -> None:
    option = only(
        "load mmc 0:1 ${some_addr} Image; load mmc 0:1 ${other_addr} i\n"
        "booti ${some_addr} ${other_addr}:1\n",
        i=b"initrd",
    )
    assert (option.linux, option.initrds) == (FileRef("/Image"), (FileRef("/i"),))


def test_the_first_boot_command_that_finds_a_kernel_counts() -> None:
    text = f"load mmc 0:1 1000 gone && booti 1000\n{BOOT}load mmc 0:1 1000 b; booti 1000\n"
    assert only(text, b=b"kernel").linux == FileRef("/Image")


def test_a_kernel_that_is_not_there_is_named_all_the_same() -> None:
    option = only("load mmc 0:1 1000 /gone; setenv bootargs a; booti 1000\n")
    assert (option.linux, option.cmdline) == (FileRef("/gone"), "a")


def test_a_legacy_image_is_booted_by_its_parts() -> None:
    text = "load mmc 0:1 1000 uImage; load mmc 0:1 2000 uInitrd; bootm 1000 2000\n"
    option = only(text, uImage=uimage(b"kernel"), uInitrd=uimage(b"initrd", 3))
    assert option.linux == FileRef("/uImage", part="0")
    assert option.initrds == (FileRef("/uInitrd", part="0"),)


def test_a_multi_file_image_brings_initrd_and_tree() -> None:
    option = only("load mmc 0:1 1000 all; bootm 1000\n", all=multi([b"k", b"i", b"d"]))
    assert option.linux == FileRef("/all", part="0")
    assert option.initrds == (FileRef("/all", part="1"),)
    assert option.devicetree == FileRef("/all", part="2")


FIT = make_fit(
    {"kernel-1": Image(data=b"k"), "ramdisk-1": Image(data=b"i", kind="ramdisk")},
    {"conf-1": Configuration(), "conf-2": Configuration(ramdisk="ramdisk-1")},
    "conf-1",
)


@pytest.mark.parametrize(("what", "initrds"), [("", 0), ("#conf-2", 1), ("#conf-1", 0)])
def test_a_configuration_of_a_fit_image_is_booted(what: str, initrds: int) -> None:
    option = only(f"load mmc 0:1 1000 x.itb; bootm 1000{what}\n", x_itb=FIT)
    assert option.linux == FileRef("/x.itb", part="/images/kernel-1")
    assert len(option.initrds) == initrds


def test_an_image_of_a_fit_image_is_booted() -> None:
    option = only("load mmc 0:1 1000 x.itb; bootm 1000:kernel-1\n", x_itb=FIT)
    assert option.linux == FileRef("/x.itb", part="/images/kernel-1")


def test_a_configuration_that_a_fit_image_does_not_have_is_said() -> None:
    option = only("load mmc 0:1 1000 x.itb; bootm 1000#nope\n", x_itb=FIT)
    assert option.reasons == ("the FIT image has no configuration 'nope'",)


def test_an_unpacked_kernel_is_the_packed_file() -> None:
    option = only("load mmc 0:1 1000 Image; unzip 1000 2000; booti 2000\n")
    assert option.linux == FileRef("/Image")


def test_an_efi_program_is_no_kernel() -> None:
    option = only("load mmc 0:1 1000 /grub.efi; bootefi 1000\n", grub_efi=b"MZ")
    assert "starts the EFI program /grub.efi" in option.reasons[0]


def test_a_kernel_started_as_an_efi_program_is_one() -> None:
    text = f"{KERNEL}load mmc 0:1 ${{fdt_addr_r}} a.dtb; bootefi ${{kernel_addr_r}} ${{fdt_addr_r}}"
    option = only(text, a_dtb=b"d")
    assert (option.linux, option.devicetree) == (FileRef("/Image"), FileRef("/a.dtb"))


def test_a_path_that_is_only_on_another_partition_is_looked_for_there() -> None:
    option = only("load mmc 0:2 1000 /boot/Image; booti 1000\n")
    assert option.linux == FileRef("/boot/Image", "PARTITION=2")


def test_a_path_that_is_here_is_taken_from_here_whatever_the_device() -> None:
    assert only("load usb 3:7 1000 Image; booti 1000\n").linux == FileRef("/Image")


def test_without_bootargs_the_command_line_is_that_of_the_tree() -> None:
    from bootd.fdt import Fdt, Node, write  # noqa: PLC0415 - in this test only

    root = Node("")
    root.add("chosen").properties["bootargs"] = b"console=ttyS0\0"
    text = f"{KERNEL}load mmc 0:1 1000 a.dtb; booti ${{kernel_addr_r}} - 1000\n"
    assert only(text, a_dtb=write(Fdt(root=root))).cmdline == "console=ttyS0"


# Device trees -----------------------------------------------------------------------------------

TREE = "load mmc 0:1 ${fdt_addr_r} ${fdt}\n"
WITH_TREE = f"{KERNEL}booti ${{kernel_addr_r}} - ${{fdt_addr_r}}\n"


def test_a_name_that_only_the_firmware_knows_becomes_the_folder() -> None:
    fs = MemoryFs(
        {
            "/boot.scr": script(f"load mmc 0:1 ${{fdt_addr_r}} /dtb/${{fdtfile}}\n{WITH_TREE}"),
            "/Image": b"k",
            "/dtb/vendor/a.dtb": b"d",
        }
    )
    (option,) = uboot_script.scan(fs).options
    assert (option.devicetree, option.devicetree_dir) == (None, FileRef("/dtb"))


def test_an_unset_name_without_such_a_folder_is_no_device_tree_at_all() -> None:
    option = only(f"load mmc 0:1 ${{fdt_addr_r}} /dtb/${{fdtfile}}\n{WITH_TREE}")
    assert (option.devicetree, option.devicetree_dir) == (None, None)
    assert "only the firmware knows ${fdtfile}" in option.notes[0]


def test_a_default_in_the_script_wins_over_the_folder() -> None:
    text = 'if test -z "${fdtfile}"; then setenv fdtfile a.dtb; fi\n'
    option = only(f"{text}load mmc 0:1 ${{fdt_addr_r}} ${{fdtfile}}\n{WITH_TREE}", a_dtb=b"d")
    assert option.devicetree == FileRef("/a.dtb")


def test_the_tree_of_the_firmware_is_asked_for_by_its_address() -> None:
    assert only(f"{KERNEL}booti ${{kernel_addr_r}} - ${{fdt_addr}}\n").devicetree_none


OVERLAYS = """
load mmc 0:1 ${fdt_addr_r} a.dtb
fdt addr ${fdt_addr_r}
fdt resize 8192
for o in b a gone; do
  if load mmc 0:1 ${fdtoverlay_addr_r} $o.dtbo; then fdt apply ${fdtoverlay_addr_r}; fi
done
"""


def test_overlays_are_applied_in_order() -> None:
    option = only(OVERLAYS + WITH_TREE, a_dtb=b"d", a_dtbo=b"a", b_dtbo=b"b")
    assert [each.path for each in option.overlays] == ["/b.dtbo", "/a.dtbo"]


def test_a_tree_that_is_loaded_again_has_no_overlays() -> None:
    text = f"{OVERLAYS}load mmc 0:1 ${{fdt_addr_r}} a.dtb\n{WITH_TREE}"
    assert only(text, a_dtb=b"d", a_dtbo=b"a").overlays == ()


def test_a_tree_that_is_moved_keeps_its_overlays() -> None:
    text = (
        f"{OVERLAYS}fdt move ${{fdt_addr_r}} 9000 1000\n{KERNEL}booti ${{kernel_addr_r}} - 9000\n"
    )
    option = only(text, a_dtb=b"d", a_dtbo=b"a")
    assert [each.path for each in (*option.overlays, option.devicetree) if each] == [
        "/a.dtbo",
        "/a.dtb",
    ]


@given(st.lists(st.text("<>[]0x19afz. ", max_size=6), max_size=6))
def test_any_words_are_a_value_or_none(words: list[str]) -> None:
    value = property_value(words)
    assert value is None or isinstance(value, bytes)


# setexpr ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "value"),
    [
        ('sub ".*/" "" "a/b/c.dtb"', "c.dtb"),
        ('gsub "[0-9]+" "#" "a1b22"', "a#b#"),
        ('sub "^a" "x" "aba"', "xba"),
        ('sub "b$" "" "aba"', "unset"),
        ('sub "(a)" "x" "a"', "x"),
        ('sub "a*b*c*" "x" "abc"', "x"),
        ('sub "[" "x" "["', "unset"),
        ('sub "a*" "x" "bbb"', "unset"),
        ('sub "(a+)+$" "x" "' + "a" * 3000 + '!"', "unset"),
        ('sub "a" "x" "' + "a" * 300 + '"', "x" + "a" * 299),
        ("sub '(.*)-(.*)' '\\\\2_\\\\1' 'left-right'", "right_left"),
        ("gsub '([a-z])[0-9]' '\\\\1' 'a1b2c3'", "abc"),
        ("sub '<.+?>' '#' '<a><b>'", "#<b>"),
        ("sub '\\\\d+' '#' 'a12'", "a#"),
        ("gsub '\\\\x2d' '_' 'a-b-c'", "a_b_c"),
        ("sub '{a}' 'x' '{a}'", "x"),
        ("gsub '^a' '' 'aaab'", "b"),
        ("sub 'rk3399|rk3328' 'soc' 'rk3328-rock64'", "soc-rock64"),
        ("10 % 6", "4"),
        ("10 / 0", "unset"),
        ("fmt %d 0x10", "16"),
        ("fmt mmc%u:%x-%02d%% a 1f 3", "mmc10:1f-03%"),
        ("fmt %s text", "unset"),
    ],
)
def test_setexpr_changes_texts_and_numbers(command: str, value: str) -> None:
    script = f"setenv x unset\nsetexpr x {command}\nsetenv bootargs $x\n{BOOT}"
    assert only(script).cmdline == value


@pytest.mark.parametrize(
    ("command", "value"),
    [
        ("setexpr.b x *1001", "62"),
        ("setexpr.w x *1000", "6261"),
        ("setexpr x *1000", "64636261"),
        ("setexpr.w x *1003", "unset"),
        ("setexpr.w x *900", "unset"),
        ("setexpr.w x *nothing", "unset"),
        ("setexpr.b x *1000 + 1", "62"),
        ("setexpr.b x *1001 - *1000", "1"),
        ("setexpr.s x ab + cd", "abcd"),
    ],
)
def test_setexpr_reads_the_file_at_an_address(command: str, value: str) -> None:
    script = f"setenv x unset\nload mmc 0:1 1000 a.bin\n{command}\nsetenv bootargs $x\n{BOOT}"
    assert only(script, a_bin=b"abcd").cmdline == value


@pytest.mark.parametrize(
    ("files", "cpu"),
    [
        (("/Image",), "armv8"),
        (("/Image", "/zImage"), "armv8"),
        (("/zImage",), "armv7"),
    ],
)
def test_the_processor_is_that_of_the_kernel_beside_the_script(
    files: tuple[str, ...], cpu: str
) -> None:
    kernel = files[0]
    script = f"setenv bootargs $cpu\nload mmc 0:1 1000 {kernel}\nbooti 1000\n"
    fs = MemoryFs({"/boot.cmd": script, **dict.fromkeys(files, "k")})
    assert uboot_script.scan(fs).options[0].cmdline == cpu


# Edits of the tree ------------------------------------------------------------------------------

ADDRESSED = "load mmc 0:1 1000 a.dtb; fdt addr 1000\n"
BOOTED = f"{KERNEL}booti ${{kernel_addr_r}} - 1000\n"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("okay", b"okay\0"),
        ('"two words"', b"two words\0"),
        ("one two", b"one\0two\0"),
        ("", b""),
        ("<1>", bytes([0, 0, 0, 1])),
        ("<0x10 010 4294967295>", bytes([0, 0, 0, 16, 0, 0, 0, 8, 255, 255, 255, 255])),
        ("< 1 2 >", bytes([0, 0, 0, 1, 0, 0, 0, 2])),
        ("'<1 2>'", bytes([0, 0, 0, 1, 0, 0, 0, 2])),
        ("[0a 0B]", b"\x0a\x0b"),
        ("[0a.0b]", b"\x0a\x0b"),
        ("<1> [02] three", b"\0\0\0\1\x02three\0"),
        ("$size", b"5\0"),
    ],
)
def test_a_property_is_set_as_u_boot_would(written: str, value: bytes) -> None:
    text = f"setenv size 5\n{ADDRESSED}fdt set /soc/uart@1 status {written}\n{BOOTED}"
    option = only(text, a_dtb=b"d")
    assert option.devicetree_edits == (
        TreeEdit(
            path="/soc/uart@1", property="status", value=value.hex(), source="/boot.scr line 3"
        ),
    )
    assert option.notes == ()


def test_properties_and_nodes_are_taken_away_and_made_in_order() -> None:
    edits = "fdt rm /soc status\nfdt rm /gpu\nfdt mknode / leds\nfdt mknode /soc uart@2\n"
    option = only(f"{ADDRESSED}{edits}{BOOTED}", a_dtb=b"d")
    assert [(e.path, e.property, e.value) for e in option.devicetree_edits] == [
        ("/soc", "status", None),
        ("/gpu", "", None),
        ("/leds", "", ""),
        ("/soc/uart@2", "", ""),
    ]


@pytest.mark.parametrize(
    "edit",
    [
        "fdt set /soc status <1",
        "fdt set /soc status <x>",
        "fdt set /soc status [0]",
        "fdt set /soc status ${fdtfile}",
        "fdt set ${node} status okay",
        "fdt set /soc status <4294967296>",
        "fdt set /soc status " + "x" * 1100,
        "fdt memory 0x40000000 0x10000000",
        "fdt rsvmem add 0 1000",
    ],
)
def test_an_edit_that_cannot_be_known_is_noted(edit: str) -> None:
    option = only(f"{ADDRESSED}{edit}\n{BOOTED}", a_dtb=b"d")
    assert option.devicetree_edits == ()
    assert "is not carried over" in option.notes[0]


def test_edits_end_at_their_limit_with_a_note() -> None:
    edits = "".join(f"fdt set /n{number} a b\n" for number in range(70))
    option = only(f"{ADDRESSED}{edits}{BOOTED}", a_dtb=b"d")
    assert len(option.devicetree_edits) == 64
    assert option.notes


def test_edits_belong_to_the_tree_that_is_booted() -> None:
    text = f"{ADDRESSED}fdt set /a b c\nload mmc 0:1 2000 b.dtb\nfdt addr 2000\nfdt set /d e f\n"
    option = only(f"{text}{BOOTED}", a_dtb=b"d", b_dtb=b"d")
    assert [each.path for each in option.devicetree_edits] == ["/a"]


def test_edits_move_with_the_tree() -> None:
    text = f"{ADDRESSED}fdt set /a b c\nfdt move 1000 3000 100\n"
    option = only(f"{text}{KERNEL}booti ${{kernel_addr_r}} - 3000\n", a_dtb=b"d")
    assert [each.path for each in option.devicetree_edits] == ["/a"]


def test_bootargs_in_the_tree_are_the_command_line_where_none_is_set() -> None:
    edit = "fdt set /chosen bootargs 'root=/dev/sda1 ro'\n"
    option = only(f"{ADDRESSED}{edit}{BOOTED}", a_dtb=b"d")
    assert (option.cmdline, option.devicetree_edits) == ("root=/dev/sda1 ro", ())
    option = only(f"setenv bootargs quiet\n{ADDRESSED}{edit}{BOOTED}", a_dtb=b"d")
    assert (option.cmdline, option.devicetree_edits) == ("quiet", ())


# Questions about the tree -----------------------------------------------------------------------

BOARD: dict[str, object] = {
    "compatible": ["acme,board", "acme,soc"],
    "model": "A board",
    "aliases": {"serial0": "/soc/uart@1"},
    "soc": {
        "uart@1": {"reg": [0x1, 0x1000], "status": "disabled", "flag": b"", "odd": b"\1\2\3"},
        "uart@2": {"reg": [0x2], "hash": list(range(5)), "long": list(range(6))},
    },
}


def tree_blob() -> bytes:
    from tests.support.trees import blob  # noqa: PLC0415 - in these tests only

    return blob(BOARD)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("value x / model", "A board"),
        ("value x / compatible", "acme,board"),
        ("value x / compatible 1", "acme,soc"),
        ("value x / compatible 2", "unset"),
        ("value x serial0 status", "disabled"),
        ("value x /soc/uart@2 reg", "0x00000002"),
        ("value x /soc/uart@1 reg 1", "0x00001000"),
        ("value x /soc/uart@1 reg 2", "unset"),
        ("value x /soc/uart@1 reg", "0100000000100000"),
        ("value x /soc/uart@2 hash", "0000000001000000020000000300000004000000"),
        ("value x /soc/uart@2 long", "unset"),
        ("value x /soc/uart@1 odd", "unset"),
        ("value x /soc/uart@1 flag", ""),
        ("value x /soc/uart@1 none", "unset"),
        ("value x /none status", "unset"),
        ("value x none status", "unset"),
        ("name x /soc 1", "uart@2"),
        ("name x /soc 2", "unset"),
        ("size x /soc", "2"),
        ("size x / model", "0x00000008"),
        ("size x / none", "unset"),
        ("addr x / model", "unset"),
        ("value", "unset"),
    ],
)
def test_the_tree_in_work_answers_as_u_boot_would(question: str, answer: str) -> None:
    text = f'setenv x unset\n{ADDRESSED}fdt get {question}\nsetenv bootargs "$x"\n{BOOTED}'
    assert only(text, a_dtb=tree_blob()).cmdline == answer


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ("fdt set /soc/uart@1 status okay", "okay"),
        ("fdt set serial0 status okay", "okay"),
        ("fdt rm /soc/uart@1 status", "unset"),
        ("fdt rm /soc/uart@1", "unset"),
        ("fdt mknode /soc/uart@1 child", "disabled"),
        ("load mmc 0:1 2000 b.dtbo; fdt apply 2000", "fail"),
    ],
)
def test_the_answer_is_that_of_the_changed_tree(change: str, answer: str) -> None:
    from tests.support.trees import blob  # noqa: PLC0415 - in these tests only

    overlay = blob(
        {"fragment@0": {"target-path": "/soc/uart@1", "__overlay__": {"status": "fail"}}}
    )
    question = "fdt get value x /soc/uart@1 status\nsetenv bootargs $x\n"
    text = f"setenv x unset\n{ADDRESSED}{change}\n{question}{BOOTED}"
    assert only(text, a_dtb=tree_blob(), b_dtbo=overlay).cmdline == answer


@pytest.mark.parametrize(
    ("question", "holds"),
    [
        ("fdt list /soc/uart@1", True),
        ("fdt list serial0", True),
        ("fdt list /soc/uart@9", False),
        ("fdt print / model", True),
        ("fdt print / none", False),
        ("fdt list", True),
        ("fdt header", True),
        ("fdt header get v version && test $v = 11", True),
        ("fdt header get v nonsense", False),
    ],
)
def test_a_script_can_ask_whether_a_node_is_there(question: str, *, holds: bool) -> None:
    decide = f"if {question}; then setenv bootargs True; else setenv bootargs False; fi\n"
    assert only(f"{ADDRESSED}{decide}{BOOTED}", a_dtb=tree_blob()).cmdline == str(holds)


def test_a_damaged_tree_answers_nothing_and_says_so() -> None:
    text = f"{ADDRESSED}fdt get value x / model\nfdt header get y version\n{BOOTED}"
    option = only(text, a_dtb=tree_blob()[:30])
    assert all("cannot be known here" in note for note in option.notes)
    assert len(option.notes) == 2


def test_a_script_reads_so_many_trees_and_no_more() -> None:
    ask = "".join(f"fdt set / n{n} a\nfdt get value x{n} / model\n" for n in range(12))
    option = only(f"{ADDRESSED}{ask}setenv bootargs $x7$x8\n{BOOTED}", a_dtb=tree_blob())
    assert option.cmdline == "A board"
    assert len(option.notes) == 4


# What is said -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo hello\n", "it ends without a boot command"),
        ("booti ${kernel_addr_r}\n", "booti finds no kernel in memory"),
        ("run distro_bootcmd\n", "may be the firmware's own"),
        ("reset\n", "reset ends the script"),
        ("frobnicate\nbooti 0\n", "frobnicate is not understood"),
    ],
)
def test_a_script_that_boots_nothing_says_how_far_it_came(text: str, message: str) -> None:
    (problem,) = scan(text).problems
    assert message in problem.message


def test_a_script_that_hands_over_to_another_configuration_is_no_problem() -> None:
    assert scan("sysboot mmc 0:1 any ${scriptaddr} /extlinux/extlinux.conf\n") == ScanResult()


def test_an_unknown_command_is_a_note() -> None:
    assert only(f"frobnicate all\n{BOOT}").notes == (
        "line 1: frobnicate is not understood, and taken as failed",
    )


@pytest.mark.parametrize(
    ("files", "title"),
    [
        ({"/etc/os-release": 'NAME=x\nPRETTY_NAME="Some OS 1"\n'}, "Some OS 1 (boot.scr)"),
        ({"/usr/lib/os-release": "NAME=Some\n"}, "Some (boot.scr)"),
        ({"/armbianEnv.txt": ""}, "Armbian (boot.scr)"),
        ({}, "U-Boot script (boot.scr)"),
    ],
)
def test_the_title_says_whose_script_it_is(files: dict[str, str], title: str) -> None:
    fs = MemoryFs({"/boot.scr": script(BOOT), "/Image": b"k", **files})
    assert uboot_script.scan(fs).options[0].title == title


def test_escape_sequences_in_a_title_are_made_visible() -> None:
    fs = MemoryFs({"/boot.scr": BOOT, "/Image": "k", "/etc/os-release": "NAME=\x1b[2J\n"})
    assert "\x1b" not in uboot_script.scan(fs).options[0].title


# Limits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("while true; do true; done\n", "more than 20000 commands"),
        ("setenv a 'run a'\nrun a\n", "more than 10 deep"),
        ("setenv a 'run b'; setenv b 'run a'\nrun a\n", "more than 10 deep"),
        ("x=aaaaaaaaaaaaaaaa\n" + "x=$x$x\n" * 40, "of expanded text"),
        ("for a in 1 2 3 4 5 6 7 8; do " * 8 + "true; " + "done; " * 8, "more than 20000"),
        ("if true; then " * 40 + "fi; " * 40, "nested more than 32 deep"),
        ("echo " + "${" * 20 + "a" + "}" * 20, "nested more than 8 deep"),
        ("for a in " + "1 " * 600 + "; do load mmc 0:1 1000 f$a; done\n", "more than 512 files"),
        ("load mmc 0:1 1000 boot.scr; source 1000\n", "more than 10 deep"),
    ],
)
def test_a_script_past_a_limit_is_answered_in_time(text: str, message: str) -> None:
    start = process_time()
    result = scan(text)
    assert process_time() - start < 2
    assert message in result.problems[0].message


def test_what_a_script_booted_before_a_limit_is_lost_with_a_reason() -> None:
    assert scan(f"while true; do true; done\n{BOOT}").options == ()


def test_a_script_of_a_megabyte_is_answered_in_time() -> None:
    start = process_time()
    result = scan("echo " + "a" * 500_000 + "\n" + "true;" * 100_000)
    assert process_time() - start < 2
    assert result.problems


def test_a_script_larger_than_a_configuration_may_be_is_a_problem() -> None:
    (problem,) = uboot_script.scan(MemoryFs({"/boot.scr": b"#" * (1 << 20 | 1)})).problems
    assert "1048576" in problem.message


def test_nothing_in_foreign_text_is_taken_for_a_variable_without_a_value() -> None:
    option = only(f"setenv bootargs '\ue000fdtfile\ue001'\n{BOOT}")
    assert option.cmdline == "\ufffdfdtfile\ufffd"


def test_a_path_that_is_too_long_is_not_there() -> None:
    assert scan(f"load mmc 0:1 1000 /{'a' * 5000}; booti 1000\n").options[0].linux is not None


COMMANDS = st.sampled_from(
    (
        "if",
        "fi",
        "then",
        "else",
        "elif",
        "for",
        "in",
        "do",
        "done",
        "while",
        "until",
        ";",
        "&&",
        "||",
        "!",
        "$x",
        "${x}",
        "${",
        "'",
        "#",
        "x=1",
        "setenv",
        "load",
        "booti",
        "fdt",
        "addr",
        "apply",
        "env",
        "import",
        "test",
        "[",
        "-e",
        "mmc",
        "0:1",
        "1000",
        "/Image",
        "run",
        "source",
        "part",
        "uuid",
        "\n",
        '"',
        "\\",
    )
)


@settings(max_examples=300)
@given(st.lists(COMMANDS, max_size=30).map(" ".join))
def test_any_sequence_of_words_gives_options_or_problems(text: str) -> None:
    assert isinstance(scan(text), ScanResult)


@settings(max_examples=300)
@given(st.text(max_size=300))
def test_any_text_gives_options_or_problems(text: str) -> None:
    fs = MemoryFs({"/boot.scr": text.encode("utf-8", "replace"), "/uEnv.txt": f"uenvcmd={text}"})
    assert isinstance(uboot_script.scan(fs), ScanResult)


@given(st.binary(max_size=200))
def test_any_bytes_give_options_or_problems(data: bytes) -> None:
    assert isinstance(uboot_script.scan(MemoryFs({"/boot.scr": data})), ScanResult)


@given(st.text(alphabet="$x{}'\"\\ab \n;#", max_size=40))
def test_an_argument_in_single_quotes_loses_a_layer_of_backslashes(text: str) -> None:
    quoted = text.replace("'", "")
    try:
        found = value(f"setenv x '{quoted}'")
    except LeaveError:
        found = None
    assert (found or "") == re.sub(r"\\(.?)", r"\1", quoted, flags=re.DOTALL)
