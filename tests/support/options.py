"""Short ways to say boot options and devices in tests of what is above the formats."""

from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.option import BootOption, FileRef, ResolvedOption
from bootd.policy.resolve import resolve


def option(entry: str = "linux", *, cmdline: str = "", is_default: bool = False) -> BootOption:
    """Return an option whose kernel is on its own device."""
    return BootOption(
        entry=entry,
        format="extlinux",
        source="/extlinux/extlinux.conf",
        title=entry.capitalize(),
        linux=FileRef("/vmlinuz"),
        cmdline=cmdline,
        is_default=is_default,
    )


def device(
    name: str = "sda1",
    *,
    uuid: str = "1111-1111",
    partuuid: str = "",
    kind: DeviceKind = DeviceKind.DISK,
    removable: bool = False,
) -> BlockDevice:
    """Return a device on a disk whose name is the device's without its last character."""
    return BlockDevice(
        name=name,
        node=f"/dev/{name}",
        uuid=uuid,
        partuuid=partuuid,
        kind=kind,
        removable=removable,
        disk=name[:-1],
    )


def resolved(opt: BootOption, *devices: BlockDevice) -> ResolvedOption:
    """Resolve `opt` of the first device against all of them on an aarch64 board."""
    return resolve(opt, devices[0], {d.name: d for d in devices}, "aarch64")
