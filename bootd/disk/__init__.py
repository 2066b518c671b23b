"""Disk images read without the kernel: no root, no mount, no driver.

For images that play devices in development (`bootd --machine`) and for `bootdctl scan IMAGE` where
the kernel may not or cannot mount. Boots never come through here: there the kernel mounts.
"""
