"""Previews: a device read in the time that udev needs for it, believed only when udev agrees.

The kernel names a disk some milliseconds before udev has run its rules, and until then bootd may
not mount it: it may belong to a storage stack that udev is about to start, and a mount would keep
its member. Reading takes nothing from anybody, which is what udev's own blkid does meanwhile. So a
spare worker opens the device read-only, gives up its rights, and looks for boot options with the
readers that need no kernel driver. The result counts if udev then names the same file system, and
if nothing about it was doubtful; else the device is mounted and scanned as if nothing had been.
"""

from collections.abc import Collection

from bootd.model.device import BlockDevice
from bootd.protocol.codec import Json, to_json


def read(fd: int, types: Collection[str]) -> Json:
    """Return what is on a device and what identifies it, or None when a mount has to tell.

    Runs in a worker, and is imported in the zygote.

    Args:
        fd: The device, open for reading; stays the caller's.
        types: File systems that may be looked at, as blkid names them.

    Raises:
        OSError: The medium failed, or its file system is damaged.
    """
    from bootd.disk import superblock  # noqa: PLC0415 - in workers only
    from bootd.disk.volume import VolumeView  # noqa: PLC0415 - ditto
    from bootd.formats import scan  # noqa: PLC0415 - ditto
    from bootd.linux.byterange import ByteRange  # noqa: PLC0415 - ditto
    from bootd.probe.image import READERS  # noqa: PLC0415 - ditto
    from bootd.probe.mounter import needs_replay  # noqa: PLC0415 - ditto

    device = ByteRange(fd)
    identity = superblock.identify(device)
    if identity is None or not identity.uuid or identity.fstype not in types:
        return None
    reader = READERS.get(identity.fstype)
    if reader is None or needs_replay(fd, identity.fstype):
        return None
    result = scan(VolumeView(reader(device)))
    if result.problems or not result.options:
        return None
    return {"fstype": identity.fstype, "uuid": identity.uuid, "result": to_json(result)}


def believe(preview: Json, device: BlockDevice) -> Json:
    """Return the scan's result if it is of this very file system, else None."""
    if not isinstance(preview, dict):
        return None
    read_of = preview.get("fstype"), preview.get("uuid")
    return preview.get("result") if read_of == (device.fstype, device.uuid) else None
