"""Options against devices: ids, files, reasons and notes."""

from dataclasses import replace

import pytest

from bootd.model.device import BlockDevice
from bootd.model.option import (
    HINTED,
    OWN_PARTITION,
    FileRef,
    Missing,
    ResolvedFile,
    ResolvedOption,
    TreeChoice,
    own_fact,
)
from bootd.policy.resolve import find_device, resolve
from tests.support.options import device, option, resolved

BOOT = BlockDevice(
    name="mmcblk0p1",
    node="/dev/mmcblk0p1",
    uuid="ABCD-1234",
    label="BOOT",
    partuuid="0f0f-01",
    partlabel="boot",
)


def test_an_id_is_made_of_format_file_system_uuid_and_entry() -> None:
    assert resolved(option("l0"), device(uuid="aaaa")).id == "extlinux:aaaa:l0"


def test_an_id_uses_the_device_name_when_the_file_system_has_no_uuid() -> None:
    assert resolved(option("l0"), device(uuid="")).id == "extlinux:sda1:l0"


def test_two_file_systems_with_one_uuid_keep_distinct_ids_and_say_so() -> None:
    first, copy = device(partuuid="p-1"), device("sdb1", partuuid="p-2")
    one, two = resolved(option(), first, copy), resolved(option(), copy, first)
    assert (one.id, two.id) == ("extlinux:1111-1111+p-1:linux", "extlinux:1111-1111+p-2:linux")
    assert one.notes == ("sda1 and sdb1 have the same file-system UUID; one may be a copy",)


def test_a_copied_disk_without_partition_uuids_is_told_apart_by_name() -> None:
    assert resolved(option(), device(), device("sdb1")).id == "extlinux:1111-1111+sda1:linux"


def test_files_of_the_own_device_are_found_there() -> None:
    assert resolved(option(), device()).linux == ResolvedFile(device="sda1", path="/vmlinuz")


def test_a_file_that_the_scan_did_not_find_is_missing() -> None:
    result = resolved(replace(option(), absent=("/vmlinuz",)), device())
    assert result.missing == (Missing(what="linux", device="sda1", path="/vmlinuz"),)
    assert not result.bootable


def test_a_file_on_a_device_that_is_not_here_waits_for_it() -> None:
    waiting = replace(option(), initrds=(FileRef("/initrd", "UUID=abcd-1234"),))
    before = resolved(waiting, device())
    assert before.missing == (Missing(what="initrd", device="UUID=abcd-1234", path="/initrd"),)
    after = resolved(waiting, device(), BOOT)
    assert after.initrds == (ResolvedFile(device="mmcblk0p1", path="/initrd"),)
    assert after.bootable


@pytest.mark.parametrize(
    ("partition", "absent", "notes"), [("1", (), 1), ("2", (), 0), ("1", ("/k",), 0)]
)
def test_a_hint_at_the_own_partition_counts_when_the_device_is_nowhere(
    partition: str, absent: tuple[str, ...], notes: int
) -> None:
    own = replace(device("sda1"), disk="sda")
    spec = f"UUID=dead-beef{HINTED}{OWN_PARTITION}{partition}"
    result = resolved(replace(option(), linux=FileRef("/k", spec), absent=absent), own)
    assert (len(result.notes), result.bootable) == (notes, bool(notes))
    if notes:
        assert result.linux == ResolvedFile(device="sda1", path="/k")
        assert result.notes == ("there is no device UUID=dead-beef; its files are taken from sda1",)
    else:
        assert result.missing == (Missing(what="linux", device="UUID=dead-beef", path="/k"),)


def test_a_hint_does_not_count_while_the_device_is_there() -> None:
    spec = f"UUID=abcd-1234{HINTED}{OWN_PARTITION}1"
    result = resolved(
        replace(option(), linux=FileRef("/k", spec)), replace(device(), disk="sda"), BOOT
    )
    assert result.linux == ResolvedFile(device="mmcblk0p1", path="/k")
    assert result.notes == ()


def test_a_device_named_by_its_node_is_found_with_a_warning() -> None:
    files = (FileRef("/a", "/dev/mmcblk0p1"), FileRef("/b", "/dev/mmcblk0p1"))
    result = resolved(replace(option(), initrds=files), device(), BOOT)
    assert result.bootable
    assert result.notes == (
        "/dev/mmcblk0p1 may be another device after the next start; UUIDs stay",
    )


def test_a_device_named_by_a_link_of_udev_is_found_without_a_warning() -> None:
    ref = FileRef("/k", "/dev/disk/by-label/BOOT")
    assert resolved(replace(option(), linux=ref), device(), BOOT).notes == ()


def test_a_configuration_may_name_its_own_device() -> None:
    own = replace(option(), linux=FileRef("/vmlinuz", "UUID=1111-1111"))
    assert resolved(own, device()).linux == ResolvedFile(device="sda1", path="/vmlinuz")
    gone = replace(own, absent=("/vmlinuz",))
    assert resolved(gone, device()).missing == (
        Missing(what="linux", device="sda1", path="/vmlinuz"),
    )


def test_of_two_file_systems_with_one_uuid_the_own_one_is_meant() -> None:
    own = replace(option(), linux=FileRef("/vmlinuz", "UUID=1111-1111"))
    copy = device("sdb1", partuuid="p-2")
    assert resolved(own, copy, device()).linux == ResolvedFile(device="sdb1", path="/vmlinuz")


def test_a_device_of_which_nothing_is_known_is_meant_when_it_has_the_file() -> None:
    named = replace(option(), linux=FileRef("/vmlinuz", "UUID=abcd-9999"))
    unknown = device(uuid="")
    assert resolved(named, unknown).linux == ResolvedFile(device="sda1", path="/vmlinuz")
    gone = replace(named, absent=("/vmlinuz",))
    assert resolved(gone, unknown).missing[0].device == "UUID=abcd-9999"
    assert resolved(named, device()).missing[0].device == "UUID=abcd-9999"


def test_a_missing_folder_of_device_trees_is_a_note_and_does_not_refuse_the_boot() -> None:
    opt = replace(option(), devicetree_dir=FileRef("/dtbs"), absent=("/dtbs",))
    result = resolved(opt, device())
    assert result.bootable
    assert result.devicetree_dir is None
    assert result.notes == ("the folder of device trees /dtbs is not there",)


def test_a_missing_overlay_refuses_the_boot() -> None:
    opt = replace(option(), overlays=(FileRef("/o.dtbo"),), absent=("/o.dtbo",))
    assert resolved(opt, device()).missing[0].what == "devicetreeOverlay"


@pytest.mark.parametrize(
    "spec",
    [
        "UUID=abcd-1234",
        'LABEL="BOOT"',
        "PARTUUID=0F0F-01",
        "PARTLABEL=boot",
        "/dev/mmcblk0p1",
        "/dev/disk/by-uuid/ABCD-1234",
        "/dev/disk/by-label/BOOT",
        "/dev/disk/by-partuuid/0f0f-01",
        "/dev/disk/by-partlabel/boot",
    ],
)  # fmt: skip - a list of words
def test_a_device_is_found_by_every_kind_of_spec(spec: str) -> None:
    assert find_device(spec, [device(), BOOT]) is BOOT


@pytest.mark.parametrize("spec", ["UUID=", "nonsense", "ID=ABCD-1234", "/dev/", "", "LABEL=boo"])
def test_a_spec_that_names_nothing_finds_nothing(spec: str) -> None:
    assert find_device(spec, [device(uuid="", partuuid=""), BOOT]) is None


@pytest.mark.parametrize("architecture", ["aa64", "AA64", "aarch64", ""])
def test_a_kernel_for_this_architecture_may_boot(architecture: str) -> None:
    assert resolved(replace(option(), architecture=architecture), device()).bootable


def test_a_kernel_for_another_architecture_says_so() -> None:
    result = resolved(replace(option(), architecture="x64"), device())
    assert result.reasons == ("kernel is for x86_64, this board is aarch64",)


def test_an_entry_without_a_kernel_says_so() -> None:
    assert resolved(replace(option(), linux=None), device()).reasons == (
        "its entry names no kernel",
    )


def test_a_reason_of_the_format_is_kept() -> None:
    assert resolved(replace(option(), reasons=("no UKIs yet",)), device()).reasons == (
        "no UKIs yet",
    )


def test_a_root_file_system_that_is_not_here_is_noted() -> None:
    result = resolved(option(cmdline="quiet root=UUID=dead-beef rw"), device())
    assert result.notes == ("its root file system UUID=dead-beef is on no device that is here now",)
    assert result.bootable


@pytest.mark.parametrize(
    "root", ["UUID=1111-1111", "/dev/sda1", "/dev/mapper/vg-root", "/dev/nfs", "ZFS=pool/os", ""]
)
def test_a_root_that_is_here_or_is_set_up_later_is_not_noted(root: str) -> None:
    assert resolved(option(cmdline=f"root={root}"), device()).notes == ()


def test_the_last_root_of_a_command_line_counts() -> None:
    assert resolved(option(cmdline="root=UUID=gone root=UUID=1111-1111"), device()).notes == ()


def test_an_option_for_other_boards_says_so() -> None:
    opt = replace(option(), compatible=("acme,other",))
    sda1 = device()
    found = resolve(opt, sda1, {"sda1": sda1}, "aarch64", ("acme,board",))
    assert found.reasons == ("it is for acme,other, this board is acme,board",)
    assert resolve(opt, sda1, {"sda1": sda1}, "aarch64").bootable


def test_the_partuuid_of_the_own_partition_is_put_into_the_command_line() -> None:
    opt = option(cmdline=f"root=PARTUUID={own_fact('partuuid')} ro")
    sda1 = device("sda1", partuuid="0b-01")
    assert resolved(opt, sda1).option.cmdline == "root=PARTUUID=0b-01 ro"


def test_the_uuid_of_another_partition_of_the_disk_is_put_into_the_command_line() -> None:
    opt = option(cmdline=f"root=UUID={own_fact('uuid', 2)}")
    own, other = device("mmcblk0p1"), replace(device("mmcblk0p2", uuid="u2"), disk="mmcblk0")
    assert resolved(opt, replace(own, disk="mmcblk0"), other).option.cmdline == "root=UUID=u2"


def test_a_fact_that_is_unknown_keeps_an_option_from_booting() -> None:
    opt = option(cmdline=f"root=PARTUUID={own_fact('partuuid', 7)}")
    found = resolved(opt, device("sda1"))
    assert not found.bootable
    assert "PARTUUID of partition 7 of this disk" in found.reasons[0]


def test_a_file_on_another_partition_of_the_disk_is_found_there() -> None:
    opt = replace(option(), initrds=(FileRef("/initrd", "PARTITION=2"),))
    alone = resolved(opt, device("sda1"), device("sdb2", uuid="x"))
    assert [each.device for each in alone.missing] == ["PARTITION=2"]
    both = resolved(opt, device("sda1"), device("sda2", uuid="x"))
    assert both.initrds == (ResolvedFile(device="sda2", path="/initrd"),)


CHOICES = tuple(
    TreeChoice(compatible=name, devicetree=FileRef("/a.efi", part=part))
    for name, part in (("acme,a", ".dtbauto"), ("acme,b", ".dtbauto:1"))
)


def with_choices(*board: str) -> ResolvedOption:
    entry = replace(option(), devicetree=FileRef("/a.efi", part=".dtb"), devicetree_choices=CHOICES)
    sda1 = device()
    return resolve(entry, sda1, {"sda1": sda1}, "aarch64", board)


def test_of_several_trees_the_one_for_this_board_is_taken() -> None:
    found = with_choices("acme,b", "acme,a").devicetree
    assert found == ResolvedFile(device="sda1", path="/a.efi", part=".dtbauto:1")


def test_when_no_tree_is_for_this_board_the_entrys_own_stays_and_a_note_says_so() -> None:
    resolved = with_choices("acme,c", "acme,a")
    assert resolved.devicetree == ResolvedFile(device="sda1", path="/a.efi", part=".dtb")
    assert resolved.notes == ("none of its 2 device trees is for acme,c",)


def test_on_an_unknown_board_nothing_is_said_of_its_trees() -> None:
    assert with_choices().notes == ()


def test_an_unknown_fact_outside_of_root_is_left_out_with_a_note() -> None:
    opt = option(cmdline=f"root=/dev/vda1 ubootpart={own_fact('partuuid')} quiet")
    found = resolved(opt, device("sda1"))
    assert found.bootable
    assert found.option.cmdline == "root=/dev/vda1 ubootpart= quiet"
    assert "the PARTUUID of sda1 is unknown" in found.notes[0]
