"""A root shell on a virtio serial port, for tests and debugging; never part of the product's image.

It is an archive of its own: the kernel unpacks it over the product's, which stays as shipped.
"""

from pathlib import Path
from typing import Final

from image import kernel, second
from image.tree import File, Link, Tree

PORT: Final = "org.bootd.console"
"""Name of the virtio serial port that QEMU has to offer."""

_UNIT: Final = """
[Unit]
Description=Root shell on the virtio serial port
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target

[Service]
ExecStart=/test/busybox sh /test/console
Environment=PATH=/usr/bin:/usr/sbin:/test/bin
Restart=always
RestartSec=1
"""

_SCRIPT: Final = """
/test/busybox mkdir -p /test/bin
/test/busybox --install -s /test/bin
for module in /test/modules/*; do insmod "$module" 2> /dev/null; done
until [ -c /dev/vport0p1 ]; do sleep 0.1; done
exec sh -s <> /dev/vport0p1 >&0 2>&1
"""


def build(root: Path) -> Tree:
    """Return the tree to unpack over the product's; `root` has the unpacked packages."""
    tree = Tree()
    tree.add("test/busybox", File(second.busybox(root), 0o755))
    tree.add_text("test/console", _SCRIPT)
    for number, file in enumerate(kernel.module_files(root, "virtio_console")):
        tree.add(f"test/modules/{number}-{file.name}", File(file))
    tree.add_text("usr/lib/systemd/system/test-console.service", _UNIT)
    tree.add(
        "usr/lib/systemd/system/sysinit.target.wants/test-console.service",
        Link("../test-console.service"),
    )
    return tree
