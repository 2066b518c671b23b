"""Which framebuffers of the firmware the running kernel still draws into.

A driver that takes the display over for good (DRM) removes the device of the framebuffer,
and with it the link from its driver; so a link says that the picture is still there.
Source: the kernel's drivers/video/aperture.c and Documentation/ABI/stable/sysfs-devices.
"""

import os
from typing import Final

DRIVERS: Final = "sys/bus/platform/drivers"

_NAMES: Final = ("simple-framebuffer", "simpledrm")

MAX_SCREENS: Final = 8


def firmware_screens(root: str = "/") -> tuple[str, ...]:
    """Return the tree paths of the framebuffers in use, such as `/chosen/framebuffer@5f000000`.

    Args:
        root: Below it is `DRIVERS`.
    """
    found: list[str] = []
    for driver in _NAMES:
        folder = os.path.join(root, DRIVERS, driver)
        try:
            devices = sorted(os.listdir(folder))
        except OSError:
            continue
        for device in devices:
            try:
                target = os.readlink(f"{folder}/{device}/of_node")
            except OSError:
                continue
            _, base, path = target.partition("devicetree/base/")
            if base:
                found.append(f"/{path}")
    return tuple(found[:MAX_SCREENS])
