"""What GRUB's own tests and the menus of other systems insist on; all inputs were written here."""

import pytest

from bootd.formats import grub
from bootd.model.lent import LentFile, LentKind
from bootd.model.option import FileRef
from tests.support.grubscript import entry, run, value
from tests.support.memoryfs import MemoryFs


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("-s v 1234 abcd", "abcd5678"),
        ("--set=v 1234 abcd", "abcd5678"),
        ("-s v 12345 abcde a1b2c3", "aabbcc"),
        ("-U -s v xyz", "XYZ"),
        ("--downcase --set v XyZ", "xyz"),
        ("-s v 123 ab", "12345678"),
        ("-s v", "12345678"),
    ],
)
def test_letters_are_translated(words: str, meant: str) -> None:
    assert value(f"v=12345678\ntr {words}", "$v") == meant


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ('-s version "vm-(.*)" vm-1.2.3', "1.2.3"),
        ('-s 0:version "vm-(.*)" vm-1.2.3', "vm-1.2.3"),
        ('-s 2:version "vm-(.*)" vm-1.2.3', ""),
        (r'-s version "\\((.*)\\)" (hd0,msdos1)', "hd0,msdos1"),
        ('-s version "hd([0-9]+)" hd0', "0"),
    ],
)
def test_parts_of_a_text_are_found(words: str, meant: str) -> None:
    assert value(f"regexp {words}", "$version") == meant


def test_parameters_are_shifted_as_far_as_there_are_some() -> None:
    script = (
        'function f { r="$r/$#$1"; shift 3; r="$r/$#$1"; shift; r="$r/$#$1"; }\nf; f a; f a b c d'
    )
    assert value(script, "$r") == "/0/0/0/1a/1a/0/4a/1d/0"


def test_functions_inside_functions_count_their_own_parameters() -> None:
    script = (
        'function f { r="$r/$#"; }\nfunction g { r="$r/$#"; f; f a; f a b; r="$r-$#"; }\ng; g 1'
    )
    assert value(script, "$r") == "/0/0/1/2-0/1/0/1/2-1"


def test_a_variable_may_be_the_command() -> None:
    assert value('c=s; e=t\n"$c"e${e} v=1', "$v") == "1"


def test_quotes_blanks_and_escapes_make_one_word() -> None:
    word = r"""ab"cd"ef$foo'gh'ij${foo}kl\ mn\$st\(uv\)"""
    assert value("foo=bar", word) == '"abcdefbarghijbarkl mn$st(uv)"'


def test_a_pattern_of_files_keeps_the_device_that_it_names() -> None:
    files = {"/boot/v1": "", "/boot/v2": ""}
    script = 'for i in ($root)/boot/v*; do r="$r $i"; done'
    assert value(script, "$r", files) == "(hd0)/boot/v1 (hd0)/boot/v2"


def test_a_marker_that_no_device_has_is_not_found() -> None:
    script = (
        "search --set first --file /first_boot\n"
        'if [ -n "$first" ]; then first=first_boot=1; fi\nmenuentry a { linux /k $first end\n}'
    )
    result = run(script)
    assert result.options[0].cmdline == "end"
    assert result.wants == (FileRef("/first_boot", "FILE=/first_boot"),)
    assert run(script, {"/first_boot": ""}).options[0].cmdline == "first_boot=1 end"


def test_a_disk_that_nobody_names_is_not_found() -> None:
    script = "search --no-floppy --set d --disk-uuid 00000000-0000-0000-0000-000000000001"
    assert value(script, "[$d]") == "[]"


def test_an_entry_that_chooses_by_the_partition_table_says_that_it_is_not_sure() -> None:
    script = """menuentry default --id=coreos {
  gptprio.next -d usr -u usr_uuid
  if [ "$usr_uuid" = "7130c94a" ]; then
    linux /coreos/vmlinuz-a mount.usr=PARTUUID=$usr_uuid
  else
    linux /coreos/vmlinuz-b mount.usr=PARTUUID=$usr_uuid
  fi
}
menuentry "USR-A" --id=coreos-a { linux /coreos/vmlinuz-a mount.usr=PARTLABEL=USR-A
}"""
    first, second = run(script).options
    assert "priorities of partitions" in first.reasons[0]
    assert (second.reasons, second.cmdline) == ((), "mount.usr=PARTLABEL=USR-A")


OEM = (
    "search --no-floppy --set oem --part-label OEM\n"
    'if [ -n "$oem" -a -f "($oem)/grub.cfg" ]; then\n'
    '  source "($oem)/grub.cfg"\nfi\nmenuentry a { linux /k $append\n}\n'
)


def test_a_configuration_of_another_device_may_only_set_variables() -> None:
    text = "set append=oem\nmenuentry theirs { linux /k2\n}\n"
    lent = LentFile(device="PARTLABEL=OEM", path="/grub.cfg", kind=LentKind.FILE, text=text)
    result = grub.scan(MemoryFs({"/boot/grub/grub.cfg": OEM}), [lent])
    # Its entries are listed by the device that it is on.
    assert [(option.title, option.cmdline) for option in result.options] == [("a", "oem")]
    assert result.leads == (FileRef("/grub.cfg", "PARTLABEL=OEM"),)


def test_a_stub_that_sources_the_menu_leads_to_it() -> None:
    stub = "search --fs-uuid --set=root 12-ab\nset prefix=($root)/boot/grub2\n"
    stub += "source ${prefix}/grub.cfg\n"
    result = grub.scan(MemoryFs({"/EFI/opensuse/grub.cfg": stub}))
    assert result.problems == ()
    assert result.wants == (FileRef("/boot/grub2/grub.cfg", "UUID=12-ab"),)
    assert result.leads == result.wants


def test_entries_of_fedora_coreos_get_what_ignition_needs() -> None:
    script = """set pager=1
if [ -d (md/md-boot)/none ]; then
  set prefix=md/md-boot
else
  if [ -f ${config_directory}/bootuuid.cfg ]; then
    source ${config_directory}/bootuuid.cfg
  fi
  if [ -n "${BOOT_UUID}" ]; then
    search --fs-uuid "${BOOT_UUID}" --set prefix --no-floppy
  else
    search --label boot --set prefix --no-floppy
  fi
fi
set prefix=($prefix)/grub2
load_env -f ($root)/grub2/grubenv
if [ -f /ignition.firstboot ]; then
  set ignition_network_kcmdline=''
  source /ignition.firstboot
  set ignition_firstboot="ignition.firstboot $ignition_network_kcmdline"
fi
set timeout=1
blscfg
"""
    conf = "title CoreOS\nversion 1\nlinux /ostree/k\noptions rw $ignition_firstboot root=UUID=1\n"
    files = {
        "/grub2/grub.cfg": script,
        "/ignition.firstboot": "set ignition_network_kcmdline='ip=dhcp'\n",
        "/loader/entries/ostree-1.conf": conf,
    }
    (option,) = grub.scan(MemoryFs(files)).options
    assert option.cmdline == "rw ignition.firstboot ip=dhcp root=UUID=1"


def test_a_tree_for_each_entry_may_be_set_by_a_variable() -> None:
    script = """set dtb=/dtb/$board.dtb
if [ -z "$board" ]; then set dtb=/dtb/default.dtb; fi
menuentry a { devicetree $dtb
linux /k
}"""
    assert entry(script).devicetree == FileRef("/dtb/default.dtb")


HAOS = """set ORDER="A B"
set A_OK=0
set B_OK=0
set A_TRY=0
set B_TRY=0
load_env
for SLOT in $ORDER; do
    if [ "$SLOT" == "A" ]; then
        INDEX=0
        OK=$A_OK
        TRY=$A_TRY
        A_TRY=1
    fi
    if [ "$SLOT" == "B" ]; then
        INDEX=1
        OK=$B_OK
        TRY=$B_TRY
        B_TRY=1
    fi
    if [ "$OK" -eq 1 -a "$TRY" -eq 0 ]; then
        default=$INDEX
        break
    fi
done
save_env A_TRY A_OK B_TRY B_OK ORDER
file_env -f ($root)/cmdline.txt cmdline
menuentry "Slot A (OK=$A_OK TRY=$A_TRY)" {
    linux (hd0,gpt2)/bzImage root=PARTUUID=8d3d53e3 $cmdline rauc.slot=A
}
menuentry "Slot B (OK=$B_OK TRY=$B_TRY)" {
    linux (hd0,gpt4)/bzImage root=PARTUUID=a3ec664e $cmdline rauc.slot=B
}
"""


@pytest.mark.parametrize(
    ("env", "title"),
    [
        ("ORDER=B A\nB_OK=1\nA_OK=1\n", "Slot B (OK=1 TRY=1)"),
        ("ORDER=B A\nB_OK=1\nA_OK=1\nB_TRY=1\n", "Slot A (OK=1 TRY=1)"),
        ("ORDER=A B\nB_OK=1\nA_OK=0\n", "Slot B (OK=1 TRY=1)"),
    ],
)
def test_a_loop_over_slots_finds_the_one_that_is_next(env: str, title: str) -> None:
    files = {
        "/EFI/BOOT/grub.cfg": HAOS,
        "/EFI/BOOT/grubenv": f"# GRUB Environment Block\n{env}####",
        "/cmdline.txt": "console=tty1 quiet\nignored\n",
    }
    options = grub.scan(MemoryFs(files)).options
    (default,) = (option for option in options if option.is_default)
    assert default.title == title
    assert " console=tty1 quiet rauc.slot=" in default.cmdline
    assert [each.name for each in default.saves] == ["A_TRY", "A_OK", "B_TRY", "B_OK", "ORDER"]
    assert options[1].linux == FileRef("/bzImage", "PARTITION=4")


def test_settings_of_a_vendor_are_loaded_from_files_of_their_own() -> None:
    script = """search -n -u 12-ab -s
load_env -f /boot/photon.cfg
if [ -f  /boot/systemd.cfg ]; then
    load_env -f /boot/systemd.cfg
else
    set systemd_cmdline=net.ifnames=0
fi
menuentry "Photon" {
    linux /boot/$photon_linux root=/dev/sda2 $photon_cmdline $systemd_cmdline
    if [ -f /boot/$photon_initrd ]; then
        initrd /boot/$photon_initrd
    fi
}"""
    settings = "photon_cmdline=ro quiet\nphoton_linux=vmlinuz-4.19\nphoton_initrd=initrd.img-4.19\n"
    files = {
        "/boot/photon.cfg": f"# GRUB Environment Block\n{settings}",
        "/boot/vmlinuz-4.19": "k",
        "/boot/initrd.img-4.19": "i",
    }
    option = entry(script, files)
    assert option.linux == FileRef("/boot/vmlinuz-4.19", "UUID=12-ab")
    assert option.initrds == (FileRef("/boot/initrd.img-4.19", "UUID=12-ab"),)
    assert option.cmdline == "root=/dev/sda2 ro quiet net.ifnames=0"


def test_two_devices_of_one_entry_are_told_apart() -> None:
    script = """menuentry "NixOS - Default" --class nixos --unrestricted {
search --set=drive1 --fs-uuid ab-01
  search --set=drive2 --fs-uuid cd-02
  linux ($drive2)/nix/store/a-linux/bzImage init=/nix/store/x/init loglevel=4
  initrd ($drive1)//kernels/initrd
}"""
    option = entry(script)
    assert option.linux == FileRef("/nix/store/a-linux/bzImage", "UUID=cd-02")
    assert option.initrds == (FileRef("/kernels/initrd", "UUID=ab-01"),)


def test_an_image_that_cannot_be_opened_is_the_reason() -> None:
    script = """menuentry "cOS" --id cos {
  search --no-floppy --label --set=root COS_STATE
  loopback loop0 /cOS/active.img
  set root=($root)
  source (loop0)/etc/cos/bootargs.cfg
  linux (loop0)$kernel $kernelcmd
  initrd (loop0)$initramfs
}"""
    (option,) = run(script, {"/cOS/active.img": "no image"}).options
    assert option.linux is None
    assert option.reasons == (
        "its files are inside /cOS/active.img, which is no image that bootd can open",
    )


def test_the_partition_of_a_slot_comes_from_the_environment() -> None:
    script = """load_env --skip-sig --file=${prefix}/mender_grubenv1/env mender_boot_part upgrade
if [ "${upgrade}" = "1" ]; then
    if [ "${mender_boot_part}" = "2" ]; then mender_boot_part=3; else mender_boot_part=2; fi
fi
menuentry "Mender" { linux (hd0,gpt${mender_boot_part})/boot/kernel root=/dev/sda${mender_boot_part}
}"""
    env = "# GRUB Environment Block\nmender_boot_part=2\nupgrade=1\n###"
    option = entry(script, {"/boot/grub/mender_grubenv1/env": env})
    assert option.linux == FileRef("/boot/kernel", "PARTITION=3")
    assert option.cmdline == "root=/dev/sda3"
