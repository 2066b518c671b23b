"""udev properties to `BlockDevice`; sysfs is a directory that plays it."""

from pathlib import Path

import pytest

from bootd.linux import block_device, udev_database
from bootd.linux.block_device import describe
from bootd.model.device import ANDROID, DeviceKind

ROOT_FS = {
    "DEVNAME": "/dev/sda2",
    "ID_FS_USAGE": "filesystem",
    "ID_FS_TYPE": "ext4",
    "ID_FS_UUID": "6b1c0a52-8a0e-4f7e-9d6e-3d8c4f1f0a11",
    "ID_FS_LABEL": "my_root",
    "ID_FS_LABEL_ENC": r"my\x20root",
    "ID_PART_ENTRY_UUID": "0f3ab1d2-02",
    "ID_PART_ENTRY_NAME": r"Linux\x20filesystem",
}


@pytest.fixture
def sysfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """/sys/class/block with the disk sda and its partition sda2."""
    disk = tmp_path / "devices/sda"
    partition = disk / "sda2"
    (disk / "device").mkdir(parents=True)
    partition.mkdir()
    for place, text in {
        disk / "size": "2048",
        disk / "removable": "1",
        disk / "diskseq": "7",
        disk / "device/model": "Ultra \x1bFit  ",
        disk / "uevent": "MAJOR=8\nMINOR=0\nDEVNAME=sda\nDEVTYPE=disk",
        partition / "partition": "2",
        partition / "size": "1024",
        partition / "uevent": "MAJOR=8\nMINOR=2\nDEVNAME=sda2\nDEVTYPE=partition",
    }.items():
        place.write_text(text + "\n")
    block = tmp_path / "block"
    block.mkdir()
    (block / "sda").symlink_to(disk)
    (block / "sda2").symlink_to(partition)
    monkeypatch.setattr(block_device, "SYSFS", str(block))
    monkeypatch.setattr(udev_database, "SYSFS", str(block))
    return block


@pytest.mark.usefixtures("sysfs")
def test_a_partition_is_described_with_what_its_disk_knows() -> None:
    device = describe("sda2", ROOT_FS)
    assert device is not None
    assert (device.node, device.fstype, device.disk) == ("/dev/sda2", "ext4", "sda")
    assert (device.label, device.partlabel) == ("my root", "Linux filesystem")
    assert (device.size_bytes, device.removable, device.sequence) == (524288, True, 7)


@pytest.mark.usefixtures("sysfs")
def test_the_model_of_the_disk_is_cleaned() -> None:
    device = describe("sda2", ROOT_FS)
    assert device is not None
    assert device.model == r"Ultra \x1bFit"


@pytest.mark.usefixtures("sysfs")
def test_the_model_that_udev_tells_comes_first() -> None:
    device = describe("sda2", ROOT_FS | {"ID_MODEL_ENC": r"SanDisk\x20Ultra\x20\x20"})
    assert device is not None
    assert device.model == "SanDisk Ultra"


@pytest.mark.usefixtures("sysfs")
def test_a_label_cannot_steer_a_terminal() -> None:
    device = describe("sda2", ROOT_FS | {"ID_FS_LABEL_ENC": r"\x1b[2J\xe2\x80\xae"})
    assert device is not None
    assert device.label == r"\x1b[2J\u202e"


@pytest.mark.usefixtures("sysfs")
@pytest.mark.parametrize("label", ["boot", "boot_a", "boot_b", "recovery"])
def test_a_partition_that_android_boots_from_is_taken_by_its_name(label: str) -> None:
    device = describe("sda2", {"ID_PART_ENTRY_NAME": label})
    assert device is not None
    assert (device.fstype, device.partlabel) == (ANDROID, label)


@pytest.mark.usefixtures("sysfs")
@pytest.mark.parametrize(
    "properties",
    [
        {"ID_PART_ENTRY_NAME": "vendor_boot_a"},
        {"ID_PART_ENTRY_NAME": "boot_c"},
        {"ID_PART_ENTRY_NAME": "boot", "ID_FS_USAGE": "other", "ID_FS_TYPE": "swap"},
        {"ID_PART_ENTRY_NAME": "boot", "SYSTEMD_READY": "0"},
        {},
    ],
)
def test_other_partitions_without_a_file_system_are_left_out(properties: dict[str, str]) -> None:
    assert describe("sda2", properties) is None


@pytest.mark.usefixtures("sysfs")
def test_a_file_system_on_a_partition_called_boot_is_one() -> None:
    device = describe("sda2", ROOT_FS | {"ID_PART_ENTRY_NAME": "boot"})
    assert device is not None
    assert device.fstype == "ext4"


@pytest.mark.usefixtures("sysfs")
@pytest.mark.parametrize(
    "changed",
    [
        {"SYSTEMD_READY": "0"},
        {"ID_FS_USAGE": "raid", "ID_FS_TYPE": "ddf_raid_member"},
        {"ID_FS_USAGE": "crypto", "ID_FS_TYPE": "BitLocker"},
        {"ID_FS_USAGE": "other", "ID_FS_TYPE": "swap"},
        {"ID_FS_USAGE": ""},
    ],
)
def test_what_cannot_be_mounted_is_left_out(changed: dict[str, str]) -> None:
    assert describe("sda2", ROOT_FS | changed) is None


@pytest.mark.usefixtures("sysfs")
@pytest.mark.parametrize("fstype", ["LVM2_member", "linux_raid_member", "crypto_LUKS"])
def test_a_part_of_something_is_told_as_such(fstype: str) -> None:
    device = describe("sda2", ROOT_FS | {"ID_FS_USAGE": "raid", "ID_FS_TYPE": fstype})
    assert device is not None
    assert device.fstype == fstype


@pytest.mark.parametrize(
    ("holder", "uuid", "hidden"),
    [
        ("dm-0", "mpath-3600508b4", True),
        ("dm-0", "LVM-Bce0RArKWs9P", True),
        ("dm-0", "CRYPT-LUKS2-6b1c-bootd-luks-6b1c", True),
        ("md127", "", True),
        ("dm-0", "bootd-Bce0RArKWs9P-520HFgsbu5MH", False),
        ("dm-0", "bootd-cow-123-8-2", False),
    ],
)
def test_a_disk_is_hidden_by_what_others_put_together_from_it(
    sysfs: Path, holder: str, uuid: str, *, hidden: bool
) -> None:
    (sysfs / "sda2" / "holders" / holder).mkdir(parents=True)
    (sysfs / holder / "dm").mkdir(parents=True)
    (sysfs / holder / "dm/uuid").write_text(f"{uuid}\n")
    (sysfs / holder / "slaves/sda2").mkdir(parents=True)
    assert (describe("sda2", ROOT_FS) is None) == hidden
    assert block_device.below(holder) == ("sda2",)


@pytest.mark.usefixtures("sysfs")
def test_a_disk_is_put_together_from_nothing() -> None:
    assert block_device.below("sda2") == ()


def test_what_a_journal_is_replayed_in_is_nobodys_device(sysfs: Path) -> None:
    for name, file, text in (
        ("dm-3", "dm/uuid", "bootd-cow-12-8-2"),
        ("loop5", "loop/backing_file", "/memfd:bootd-cow- (deleted)"),
    ):
        (sysfs / name / file).parent.mkdir(parents=True)
        (sysfs / name / file).write_text(f"{text}\n")
        (sysfs / name / "size").write_text("2048\n")
        assert describe(name, ROOT_FS) is None


def test_a_volume_has_the_name_that_people_know(sysfs: Path) -> None:
    for file, text in (("dm/name", "bootd-vg-root"), ("dm/uuid", "bootd-A-B"), ("size", "2048")):
        (sysfs / "dm-1" / file).parent.mkdir(parents=True, exist_ok=True)
        (sysfs / "dm-1" / file).write_text(f"{text}\n")
    device = describe("dm-1", ROOT_FS | {"DEVNAME": "/dev/dm-1"})
    assert device is not None
    assert (device.node, device.model) == ("/dev/dm-1", "vg-root")


def test_a_drive_without_a_medium_is_left_out(sysfs: Path) -> None:
    (sysfs / "sda2/size").write_text("0\n")
    assert describe("sda2", ROOT_FS) is None


@pytest.mark.usefixtures("sysfs")
@pytest.mark.parametrize(
    ("name", "properties", "kind"),
    [
        ("sda2", {}, DeviceKind.DISK),
        ("sda2", {"ID_BUS": "usb"}, DeviceKind.USB),
        ("sda2", {"ID_CDROM": "1"}, DeviceKind.OPTICAL),
    ],
)
def test_kinds_are_told_by_udev(name: str, properties: dict[str, str], kind: DeviceKind) -> None:
    device = describe(name, ROOT_FS | properties)
    assert device is not None
    assert device.kind is kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nvme0n1p1", DeviceKind.NVME),
        ("mmcblk0p1", DeviceKind.MMC),
        ("sr0", DeviceKind.OPTICAL),
        ("nbd0", DeviceKind.NETWORK),
    ],
)
def test_kinds_are_told_by_name(sysfs: Path, name: str, kind: DeviceKind) -> None:
    (sysfs / name).mkdir()
    (sysfs / name / "size").write_text("8\n")
    device = describe(name, ROOT_FS)
    assert device is not None
    assert device.kind is kind


def test_the_database_gives_kernel_and_rule_properties(
    sysfs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "data"
    database.mkdir()
    lines = [f"E:{key}={value}" for key, value in ROOT_FS.items() if key != "DEVNAME"]
    (database / "b8:2").write_text("S:disk/by-uuid/x\nI:123\n" + "\n".join(lines) + "\n")
    monkeypatch.setattr(udev_database, "_DATABASE", str(database))
    assert (sysfs / "sda").is_dir()
    assert [device.name for device in udev_database.devices()] == ["sda2"]
    assert udev_database.properties("sda2")["DEVTYPE"] == "partition"


@pytest.mark.usefixtures("sysfs")
def test_a_device_that_udev_does_not_know_yet_has_no_properties(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(udev_database, "_DATABASE", str(tmp_path))
    assert udev_database.properties("sda2") == {}


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        (("p-1", "p-2"), ["sda"]),
        (("p-1", "p-1"), ["sda", "sdb"]),
        (("", ""), ["sda", "sdb"]),
    ],
    ids=["two parts", "two copies", "no parts"],
)
def test_a_file_system_on_two_disks_is_shown_once_and_its_copy_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: tuple[str, str], shown: list[str]
) -> None:
    monkeypatch.setattr(block_device, "SYSFS", str(tmp_path))
    monkeypatch.setattr(udev_database, "SYSFS", str(tmp_path))
    monkeypatch.setattr(udev_database, "_DATABASE", str(tmp_path))
    for minor, (name, part) in enumerate(zip(("sda", "sdb"), parts, strict=True)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "size").write_text("2048\n")
        (tmp_path / name / "uevent").write_text(f"MAJOR=8\nMINOR={minor}\nDEVNAME={name}\n")
        rules = ROOT_FS | {"ID_FS_TYPE": "btrfs", "ID_FS_UUID_SUB": part, "DEVNAME": f"/dev/{name}"}
        (tmp_path / f"b8:{minor}").write_text("".join(f"E:{k}={v}\n" for k, v in rules.items()))
    assert [device.name for device in udev_database.devices()] == shown
