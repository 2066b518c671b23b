"""Disk images, block devices and directories as devices with a view, without udev.

For `bootdctl scan` and development: what udev would tell about each file system is read from
partition table and superblock. ext, FAT and ISO 9660 are read without a mount, hence without root;
other types are mounted from a loop device.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final

from bootd.disk import partitions, superblock
from bootd.disk.ext import ExtVolume
from bootd.disk.fat import FatVolume
from bootd.disk.iso import IsoVolume
from bootd.disk.volume import ByteSource, Volume, VolumeView
from bootd.errors import ConfigLimitError, ProbeError
from bootd.fsview import FsView
from bootd.linux import loop, memfd
from bootd.linux.byterange import ByteRange
from bootd.linux.dirview import DirView
from bootd.linux.layers import LayeredView, mount_layers
from bootd.linux.mount import FILE_SYSTEMS, mount_detached
from bootd.model.device import ANDROID, BlockDevice, DeviceKind
from bootd.probe.partitionimages import open_images
from bootd.record import dataclass, replace

READERS: Final[Mapping[str, Callable[[ByteSource], Volume]]] = {
    "ext2": ExtVolume,
    "ext3": ExtVolume,
    "ext4": ExtVolume,
    "iso9660": IsoVolume,
    "vfat": FatVolume,
}
"""Types that need no mount."""

MAX_COPY_BYTES: Final = 64 << 20
"""Largest file of a played disk; a worker holds it in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A file system inside a source: all of it, or one partition.

    Attributes:
        device: As udev would describe it; `node` is the source.
        start: First byte within the source.
    """

    device: BlockDevice
    start: int = 0


def find(source: str, name: str) -> tuple[Stretch, ...]:
    """Return the file systems in `source`; for an image without any, one of unknown type.

    Args:
        source: A directory, a disk or partition image, or a block device.
        name: The kernel name that it plays; partitions get their number behind it.

    Raises:
        OSError: It cannot be opened or read, or is none of these.
    """
    mode = os.stat(source).st_mode
    if stat.S_ISDIR(mode):
        device = BlockDevice(name=name, node=source, disk=name, kind=DeviceKind.DIRECTORY)
        return (Stretch(device=device),)
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        raise OSError(errno.EINVAL, "it is no directory, disk image or block device", source)
    fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        size = os.lseek(fd, 0, os.SEEK_END)
        whole = BlockDevice(name=name, node=source, disk=name, size_bytes=size)
        if identity := superblock.identify(ByteRange(fd)):
            return (Stretch(device=_identified(whole, identity)),)
        found = tuple(_partitions(fd, whole))
    finally:
        os.close(fd)
    return found or (Stretch(device=whole),)


@contextmanager
def opened(stretch: Stretch) -> Iterator[FsView]:
    """Give the view of a file system for the length of the `with` block.

    Raises:
        ProbeError: It has no file system that can be read here.
    """
    device = stretch.device
    with ExitStack() as stack:
        try:
            view = _view(stretch, stack)
        except OSError as error:
            raise ProbeError(device.name, _reason(device, error)) from error
        yield view


def volume_view(
    node: str, fstype: str, start_bytes: int, size_bytes: int
) -> tuple[VolumeView, int] | None:
    """Return a view that needs no mount, and the descriptor that it reads, which the caller owns.

    None where only the kernel can read the file system.

    Raises:
        OSError: The image cannot be read, or only root could have the kernel read it.
    """
    reader = READERS.get(fstype)
    if reader is None:
        return None
    fd = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return VolumeView(reader(ByteRange(fd, start_bytes, size_bytes or None))), fd
    except OSError:
        os.close(fd)
        # A feature that our reader lacks; the kernel may have it.
        if os.geteuid() != 0:
            raise
        return None


def copy_file(view: VolumeView, path: str) -> int:
    """Return a memfd with a copy of a file, which no descriptor of the image's could give.

    Raises:
        OSError: There is no such file, it is too large, or the image is damaged.
    """
    try:
        content = view.read(path, MAX_COPY_BYTES)
    except ConfigLimitError as error:
        raise OSError(errno.EFBIG, str(error), path) from error
    return memfd.filled("played", (content,))


def _partitions(fd: int, whole: BlockDevice) -> Iterator[Stretch]:
    joint = "p" if whole.name[-1:].isdecimal() else ""
    for each in partitions.read(ByteRange(fd), whole.size_bytes):
        device = replace(
            whole,
            name=f"{whole.name}{joint}{each.number}",
            size_bytes=each.size,
            partuuid=each.partuuid,
            partlabel=each.partlabel,
        )
        if identity := superblock.identify(ByteRange(fd, each.start, each.size)):
            yield Stretch(device=_identified(device, identity), start=each.start)


def _identified(device: BlockDevice, identity: superblock.Identity) -> BlockDevice:
    return replace(device, fstype=identity.fstype, uuid=identity.uuid, label=identity.label)


def _view(stretch: Stretch, stack: ExitStack) -> FsView:
    device = stretch.device
    if os.path.isdir(device.node):
        fd = os.open(device.node, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, fd)
        return DirView(fd)
    if not device.fstype:
        raise OSError(errno.EINVAL, "no file system", device.node)
    if device.fstype == ANDROID:
        size = device.size_bytes if stretch.start else 0
        images = open_images(device.node, stretch.start, size, device.partlabel)
        for fd in images.fds:
            stack.callback(os.close, fd)
        return images.view
    read = volume_view(device.node, device.fstype, stretch.start, device.size_bytes)
    if read is not None:
        stack.callback(os.close, read[1])
        return read[0]
    with loop.attached(device.node, offset=stretch.start, size=device.size_bytes) as node:
        if device.fstype == "btrfs":
            layers = mount_layers(node)
        else:
            layers = (mount_detached(node, device.fstype),)
    for fd in layers:
        stack.callback(os.close, fd)
    return LayeredView(layers, one_mount=True)


def _reason(device: BlockDevice, error: OSError) -> str:
    if not device.fstype:
        return "has no partition table and no file system that bootd knows"
    if device.fstype in FILE_SYSTEMS and os.geteuid() != 0 and device.fstype not in READERS:
        return f"{device.fstype} can only be read by mounting it, and that needs root"
    return f"{device.fstype} cannot be read: {error.strerror or error}"
