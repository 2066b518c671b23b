"""Devices and options as the daemon shows them, for tests of the menu."""

from dataclasses import replace

from bootd.protocol.messages import (
    DeviceView,
    FileView,
    MissingView,
    OptionView,
    Snapshot,
    Status,
)

SDA1 = DeviceView(
    name="sda1", label="debian", fstype="ext4", model="Samsung SSD 860", kind="disk", uuid="aaaa"
)
MMC = DeviceView(name="mmcblk0p2", label="ARMBIAN", fstype="ext4", model="SC32G", kind="mmc")


def option(number: int, *, device: str = "sda1", **changes: object) -> OptionView:
    """Return a bootable option with a title like those that distributions write."""
    entry = OptionView(
        id=f"bls:{device}:{number}",
        device=device,
        format="bls",
        source=f"/loader/entries/debian-{number}.conf",
        title=f"Debian GNU/Linux 12 (bookworm) {number}",
        version=f"6.1.0-{number}-arm64",
        linux=FileView(device=device, path=f"/vmlinuz-6.1.0-{number}-arm64"),
        options=f"root=UUID=5a0c-{number:04} ro console=ttyAMA0,115200 quiet",
    )
    return replace(entry, **changes)  # type: ignore[arg-type] # a test names real fields


def waiting(number: int) -> OptionView:
    """Return an option whose kernel is on a device that is not there."""
    missing = MissingView(what="linux", device="UUID=1234-ABCD", path="/vmlinuz")
    return option(number, bootable=False, missing=(missing,))


def twenty() -> Snapshot:
    """Return a machine with two devices and twenty options, the first the default."""
    options = tuple(option(n) for n in range(1, 13)) + tuple(
        option(n, device="mmcblk0p2") for n in range(13, 21)
    )
    status = Status(
        board="Radxa ROCK 3A", architecture="aarch64", kernel="6.12.9", default_id=options[0].id
    )
    return Snapshot(devices=(SDA1, MMC), options=options, status=status)
