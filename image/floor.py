"""The floor of the bench: an /init that starts a demo system's kernel at once, without bootd.

Same kernel, same disk, same kexec_load(2), but no discovery, no menu, no tree of its own: what is
left is what the two kernels and the emulator cost. It expects that disk alone.
"""

from pathlib import Path
from typing import Final

from image import initramfs, kernel, second
from image.tree import Device, Directory, File, Link, Tree

MODULES: Final = ("virtio_mmio", "virtio_blk")

_INIT: Final = """
#!/bin/busybox sh
/bin/busybox --install -s /usr/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo "FLOOR init"
for module in /modules/*; do insmod "$module" 2> /dev/null; done
until [ -b /dev/vda1 ]; do sleep 0.02; done
mount -t ext4 -o ro /dev/vda1 /mnt
words="console=ttyAMA0 panic=-1"
kexec --no-checks -l /mnt/boot/vmlinuz --initrd=/mnt/boot/initrd.img --append="$words"
umount /mnt
exec kexec -e
"""


def build(root: Path) -> Tree:
    """Return the initramfs' tree; `root` has the unpacked packages."""
    tree = Tree()
    for folder in ("dev", "proc", "sys", "mnt"):
        tree.add(folder, Directory())
    for name in ("bin", "sbin", "lib"):
        tree.add(name, Link(f"usr/{name}"))
    tree.add("dev/console", Device("c", 5, 1))
    tree.add("usr/bin/busybox", File(second.busybox(root), 0o755))
    tree.add_from(root, "usr/sbin/kexec")
    initramfs.add_libraries(tree, root)
    files = [file for name in MODULES for file in kernel.module_files(root, name)]
    for number, file in enumerate(dict.fromkeys(files)):
        tree.add(f"modules/{number:02}-{file.name}", File(file))
    tree.add_text("init", _INIT, 0o755)
    return tree
