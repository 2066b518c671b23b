"""Scripts in the style of boards and their builders; all were written here.

PetaLinux and Vivado, Toradex, CompuLab, Void Linux and Arch Linux ARM, Foundries.io, Armbian for
i.MX6, Amlogic boxes, TI and OLinuXino.
"""

import pytest

from bootd.formats import uboot_script
from bootd.model.option import BootOption, FileRef, ScanResult
from tests.support.memoryfs import MemoryFs
from tests.support.trees import blob


def boots(files: dict[str, str | bytes], *there: str) -> BootOption:
    (option,) = uboot_script.scan(MemoryFs({**files, **dict.fromkeys(there, "x")})).options
    return option


def test_commands_that_build_commands_find_their_overlays() -> None:
    text = r"""
test -n ${fdtfile} || env set fdtfile ${fdt_file}
test -n ${root_part} || env set root_part 2
test -n ${overlays_prefix} || env set overlays_prefix "overlays/"
test ${devtype} = "mmc" && env set load_cmd 'load ${devtype} ${devnum}:${distro_bootpart}'
env set set_kernel 'env set do_kernel "@C \\${kernel_addr_r} Image.gz"'
env set set_list 'env set do_list "@C @L overlays.txt && env import -t @L \\${filesize}"'
env set set_dtb 'env set do_dtb "@C \\${fdt_addr_r} \\${fdtfile}"'
env set set_apply 'env set do_apply "for o in \\${fdt_overlays}; do @E; done; true"'
env set find_root 'part uuid ${devtype} ${devnum}:${root_part} uuid'
env set rootargs 'run find_root && env set r root=PARTUUID=${uuid} ro'
env set do_args 'run rootargs && env set bootargs ${defargs} ${r} rootwait'
env set resize 'fdt addr ${fdt_addr_r} && fdt resize 0x20000'
run set_kernel && run set_dtb && run set_list && run set_apply
run do_dtb && run resize; run do_list && run do_apply; run do_kernel && run do_args
booti ${kernel_addr_r} - ${fdt_addr_r}
"""
    text = text.replace("@E", r"@C @L \\${overlays_prefix}\\${o} && fdt apply @L")
    text = text.replace("@C", "${load_cmd}").replace("@L", r"\\${loadaddr}")
    files: dict[str, str | bytes] = {
        "/boot.cmd": text,
        "/overlays.txt": "fdt_overlays=hdmi.dtbo dsi.dtbo\n",
    }
    option = boots(files, "/Image.gz", "/a.dtb", "/overlays/hdmi.dtbo", "/overlays/dsi.dtbo")
    assert option.overlays == (FileRef("/overlays/hdmi.dtbo"), FileRef("/overlays/dsi.dtbo"))
    assert option.cmdline == "root=PARTUUID=${bootd.partuuid:2} ro rootwait"
    assert (option.linux, option.devicetree_dir) == (FileRef("/Image.gz"), FileRef("/"))


PETALINUX = """for boot_target in ${boot_targets};
do
  if test "${boot_target}" = "jtag" ; then
    booti 0x00200000 0x04000000 0x00100000
  fi
  if test "${boot_target}" = "mmc0" || test "${boot_target}" = "mmc1" ; then
    if test -e ${devtype} ${devnum}:${distro_bootpart} /image.ub; then
      fatload ${devtype} ${devnum}:${distro_bootpart} 0x10000000 image.ub;
      bootm 0x10000000;
      exit;
    fi
    if test -e ${devtype} ${devnum}:${distro_bootpart} /Image; then
      fatload ${devtype} ${devnum}:${distro_bootpart} 0x00200000 Image;;
    fi
    if test -e ${devtype} ${devnum}:${distro_bootpart} /system.dtb; then
      fatload ${devtype} ${devnum}:${distro_bootpart} 0x00100000 system.dtb;
    fi
    booti 0x00200000 - 0x00100000
    exit;
  fi
done
"""


def test_a_loop_over_boot_targets_comes_to_the_card() -> None:
    option = boots({"/boot.cmd": PETALINUX}, "/Image", "/system.dtb")
    assert (option.linux, option.devicetree) == (FileRef("/Image"), FileRef("/system.dtb"))


def test_a_command_line_that_no_script_sets_is_that_of_the_tree() -> None:
    tree = blob({"chosen": {"bootargs": "earlycon root=/dev/mmcblk0p2"}})
    option = boots({"/boot.cmd": PETALINUX, "/system.dtb": tree}, "/Image")
    assert option.cmdline == "earlycon root=/dev/mmcblk0p2"


def test_an_initrd_that_is_not_there_is_not_booted() -> None:
    text = """part uuid ${devtype} ${devnum}:${bootpart} uuid
setenv bootargs console=ttyS0 root=PARTUUID=${uuid} rw
if load ${devtype} ${devnum}:${bootpart} ${kernel_addr_r} /boot/zImage; then
  if load ${devtype} ${devnum}:${bootpart} ${fdt_addr_r} /boot/dtbs/${fdtfile}; then
    if load ${devtype} ${devnum}:${bootpart} ${ramdisk_addr_r} /boot/initramfs-linux.img; then
      bootz ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr_r};
    else
      bootz ${kernel_addr_r} - ${fdt_addr_r};
    fi;
  fi;
fi
"""
    there = ("/boot/zImage", "/boot/dtbs/a.dtb")
    assert boots({"/boot/boot.cmd": text}, *there).initrds == ()
    with_it = boots({"/boot/boot.cmd": text}, *there, "/boot/initramfs-linux.img")
    assert with_it.initrds == (FileRef("/boot/initramfs-linux.img"),)
    assert with_it.cmdline == "console=ttyS0 root=PARTUUID=${bootd.partuuid} rw"


def test_a_script_may_run_what_its_environment_file_says() -> None:
    text = """if test ${distro_bootpart} != 1
then
  exit
fi
fatload ${devtype} ${devnum}:1 $scriptaddr /uEnv.txt
env import -t $scriptaddr $filesize
run bootcmd
"""
    env = (
        "bootargs=root=LABEL=otaroot\nkernel_image=/boot/vmlinuz\nbootcmd=load ${devtype} ${devnum}"
        ":2 ${kernel_addr_r} ${kernel_image}; booti ${kernel_addr_r} - ${fdtcontroladdr}\n"
    )
    option = boots({"/boot.cmd": text, "/uEnv.txt": env})
    assert option.linux == FileRef("/boot/vmlinuz", "PARTITION=2")
    assert (option.cmdline, option.devicetree_none) == ("root=LABEL=otaroot", True)


def test_single_quotes_inside_double_ones_are_seen_when_the_command_runs() -> None:
    text = """setenv kerneladdr "0x80800000"
setenv kernelname "zImage"
setenv loadkernel  "load mmc 0:1 '${kerneladdr}' '${kernelname}'"
setenv args "setenv bootargs cma=96M root=/dev/mmcblk0p2"
run loadkernel
run args
bootz ${kerneladdr}
"""
    option = boots({"/boot.cmd": text}, "/zImage")
    assert (option.linux, option.cmdline) == (FileRef("/zImage"), "cma=96M root=/dev/mmcblk0p2")


def test_a_kernel_whose_name_the_firmware_knows_is_the_one_in_its_place() -> None:
    text = """setenv fdt_file imx6q-udoo.dtb
setenv bootargs root=/dev/mmcblk0p1 quiet
ext2load mmc 0 ${fdt_addr} /boot/dtb/${fdt_file} || fatload mmc 0 ${fdt_addr} dtb/${fdt_file}
ext2load mmc 0 ${loadaddr} /boot/${image} || fatload mmc 0 ${loadaddr} ${image}
bootz ${loadaddr} - ${fdt_addr}
"""
    option = boots({"/boot/boot.cmd": text}, "/boot/zImage", "/boot/dtb/imx6q-udoo.dtb")
    assert option.linux == FileRef("/boot/zImage")
    assert option.devicetree == FileRef("/boot/dtb/imx6q-udoo.dtb")
    assert "${image} is taken for /boot/zImage" in option.notes[0]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("console=${console} ro", "ro"),
        ("console=${console},${baudrate} ro", "ro"),
        ("console=${console} console=ttyS0 ro", "console=ttyS0 ro"),
        ("console=tty${number} ro", "console=tty ro"),
        ("console= ro", "console= ro"),
    ],
)
def test_a_console_that_only_the_firmware_knows_is_left_out(given: str, meant: str) -> None:
    text = f"setenv bootargs {given}\nload mmc 0:1 1000 /Image\nbooti 1000\n"
    option = boots({"/boot.cmd": text}, "/Image")
    assert option.cmdline == meant
    assert bool(option.notes) is (meant in {"ro", "console=ttyS0 ro"})


def test_a_command_line_is_read_from_a_file_in_memory() -> None:
    text = """fatload mmc 2:1 0x40008000 vmlinuz
fatload mmc 2:1 0x42000000 cmdline.txt
setexpr end 0x42000000 + ${filesize}
mw.b ${end} 0 1
setexpr.s bootargs *0x42000000
fatload mmc 2:1 0x44000000 exynos.dtb
bootz 0x40008000 - 0x44000000
"""
    line = "console=ttySAC2 root=/dev/mmcblk1p2\n"
    option = boots({"/boot.cmd": text, "/cmdline.txt": line}, "/vmlinuz", "/exynos.dtb")
    assert option.cmdline == line.strip()


def test_nested_conditions_on_one_line_boot_the_box() -> None:
    text = """setenv condev "console=ttyS0,115200n8 console=tty0"
setenv bootargs "root=LABEL=ROOTFS rw ${condev}"
setenv k "0x14000000"
setenv d "0x11800000"
setenv i "0x15000000"
setenv boot_start bootm ${k} ${i} ${d}
if fatload usb 0 ${i} uInitrd; then if fatload usb 0 ${k} uImage; then if @D; then @R;fi;fi;fi;
"""
    text = text.replace("@D", "fatload usb 0 ${d} dtb.img")
    text = text.replace("@R", "run boot_start; else imgread dtb boot ${d}; run boot_start")
    option = boots({"/s905_autoscript": text}, "/uInitrd", "/uImage", "/dtb.img")
    assert (option.linux, option.devicetree) == (FileRef("/uImage"), FileRef("/dtb.img"))
    assert option.cmdline == "root=LABEL=ROOTFS rw console=ttyS0,115200n8 console=tty0"
    assert boots({"/s905_autoscript": text}, "/uInitrd", "/uImage").devicetree is None


UENV = """bootfile=zImage
fdtfile=am335x-boneblack.dtb
loadaddr=0x80007fc0
fdtaddr=0x80F80000
loadfdt=fatload mmc 0:1 ${fdtaddr} ${fdtfile}
loaduimage=fatload mmc 0:1 ${loadaddr} ${bootfile}
console=ttyO0,115200n8
mmcroot=/dev/mmcblk0p2
fdtboot=run mmc_args; bootz ${loadaddr} - ${fdtaddr}
mmc_args=setenv bootargs console=${console} root=${mmcroot} rw
"""


def test_settings_boot_by_uenvcmd() -> None:
    text = f"{UENV}uenvcmd=mmc rescan; run loaduimage; run loadfdt; run fdtboot\n"
    option = boots({"/uEnv.txt": text}, "/zImage", "/am335x-boneblack.dtb")
    assert option.cmdline == "console=ttyO0,115200n8 root=/dev/mmcblk0p2 rw"
    assert option.devicetree == FileRef("/am335x-boneblack.dtb")


def test_settings_boot_by_what_loads_the_kernel() -> None:
    text = UENV.replace("loaduimage=", "loadit=")
    text += "loaduimage=run loadit; run loadfdt; run mmc_args; bootz ${loadaddr} - ${fdtaddr}\n"
    assert boots({"/uEnv.txt": text}, "/zImage").linux == FileRef("/zImage")


def test_settings_that_only_load_boot_nothing_and_are_no_problem() -> None:
    assert uboot_script.scan(MemoryFs({"/uEnv.txt": UENV})) == ScanResult()


def test_a_settings_file_called_config_is_no_configuration_of_a_raspberry_pi() -> None:
    from bootd.formats import scan  # noqa: PLC0415 - in this test only

    text = """if test -e mmc 0 config.txt; then
  fatload mmc 0 ${loadaddr} config.txt
  env import -t ${loadaddr} ${filesize}
fi
fatload mmc 0 ${kernel_addr_r} ${kernel}
setenv bootargs fsck.repair=${fsck.repair} ${extra}
booti ${kernel_addr_r}
"""
    files = {"/boot.cmd": text, "/config.txt": "kernel=Image-1\nfsck.repair=yes\nextra=quiet\n"}
    result = scan(MemoryFs({**files, "/Image-1": "k"}))
    assert [option.format for option in result.options if option.linux] == ["uboot_script"]
    assert result.options[0].cmdline == "fsck.repair=yes quiet"


RAUC = """test -n "${BOOT_ORDER}" || setenv BOOT_ORDER "A B"
test -n "${BOOT_A_LEFT}" || setenv BOOT_A_LEFT 3
test -n "${BOOT_B_LEFT}" || setenv BOOT_B_LEFT 3
fileenv mmc ${devnum}:1 ${ramdisk_addr_r} cmdline.txt cmdline
setenv bootargs
for BOOT_SLOT in "${BOOT_ORDER}"; do
  if test "x${bootargs}" != "x"; then
    # skip remaining slots
  elif test "x${BOOT_SLOT}" = "xA"; then
    if test ${BOOT_A_LEFT} -gt 0; then
      setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
      if load mmc ${devnum}:2 ${kernel_addr_r} Image; then
        setenv bootargs "root=PARTUUID=8d3d53e3 rauc.slot=A left=${BOOT_A_LEFT} ${cmdline}"
      fi
    fi
  elif test "x${BOOT_SLOT}" = "xB"; then
    if test ${BOOT_B_LEFT} -gt 0; then
      setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
      if load mmc ${devnum}:4 ${kernel_addr_r} Image; then
        setenv bootargs "root=PARTUUID=a3ec664e rauc.slot=B ${cmdline}"
      fi
    fi
  fi
done
if test -n "${bootargs}"; then
  saveenv
else
  reset
fi
booti ${kernel_addr_r} - ${fdt_addr_r}
reset
"""


@pytest.mark.parametrize(
    ("before", "partition", "meant"),
    [
        ("", "2", "root=PARTUUID=8d3d53e3 rauc.slot=A left=2 console=tty1"),
        ('setenv BOOT_ORDER "B A"\n', "4", "root=PARTUUID=a3ec664e rauc.slot=B console=tty1"),
        ("setenv BOOT_A_LEFT 0\n", "4", "root=PARTUUID=a3ec664e rauc.slot=B console=tty1"),
    ],
)
def test_a_loop_over_slots_counts_and_boots_the_next(
    before: str, partition: str, meant: str
) -> None:
    option = boots({"/boot.cmd": before + RAUC, "/cmdline.txt": "console=tty1\n"})
    assert option.linux == FileRef("/Image", f"PARTITION={partition}")
    assert option.cmdline == meant
