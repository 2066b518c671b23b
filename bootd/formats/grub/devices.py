"""Names of devices and files in GRUB scripts: `(hd0,gpt2)/vmlinuz`, `$root`, what `search` found.

A script is read on one file system. Which device a UUID belongs to is known only when all devices
are (`policy.resolve`), so a device that may well be the own one is taken as the own one where a
file has to be looked at, if the file is there. What is looked for elsewhere is remembered
(`wants`): the script may be run again with what those devices lend.
"""

import re
from typing import Final

from bootd.container.newc import PREFIX
from bootd.errors import ConfigSyntaxError
from bootd.formats.grub.budget import LOOK, Budget
from bootd.formats.grub.images import ImagesView
from bootd.formats.grub.lent import place
from bootd.formats.lending import MAX_WANTS
from bootd.formats.lexing import MAX_PATH
from bootd.fsview import normalise
from bootd.model.lent import HAVING
from bootd.model.option import OWN_PARTITION, FileRef
from bootd.model.text import clean
from bootd.record import dataclass

OWN: Final = "hd0"
"""Name of the own device until a script finds it by something better."""

_UUID: Final = re.compile(r"[0-9A-Fa-f]{4,16}(?:-[0-9A-Fa-f]{2,12})+|[0-9A-F]{16}")

_BOOT_DISK: Final = re.compile(r"hd0,(?:gpt|msdos|part_gpt:|part_msdos:)?([1-9][0-9]{0,2})")
"""GRUB counts disks from the one that it was started from."""

_SUBVOLUME: Final = re.compile(r"/@[\w.-]*(?=/)")
"""What btrfs paths start with when they are meant from the top of the file system."""


@dataclass(frozen=True, slots=True)
class Located:
    """A path on a device.

    Attributes:
        path: Absolute and normalised.
        spec: Device spec for `FileRef`; None for the own device.
        image: Where the image is that the file lies in, after `loopback`.
        packed: Name that the file gets in the initramfs, or "" for an initrd as it is.
    """

    path: str
    spec: str | None = None
    image: "Located | None" = None
    packed: str = ""


class Devices:
    """Knows the names that the script has given devices, and looks up files.

    Attributes:
        wants: Files of other devices that the script asked for, as keys in order.
    """

    def __init__(self, fs: ImagesView, budget: Budget) -> None:
        self._fs = fs
        self._budget = budget
        self._specs: dict[str, str | None] = {OWN: None}
        self._images: dict[str, Located] = {}
        self.wants: dict[FileRef, None] = {}

    def lent(self, at: Located) -> str | None:
        """Return the name under which another device lends a file; None when nothing is lent.

        There may be no such file: the device is known then not to have it.
        """
        if at.spec is None or at.image is not None:
            return None
        name = place(at.spec, at.path)
        return None if self._fs.lent.look(name) is None else name

    def ask_for(self, at: Located) -> None:
        """Remember that it would make a difference what is at a path of another device."""
        known = at.spec is not None and not at.spec.startswith(("(", HAVING))
        if known and at.image is None and len(self.wants) < MAX_WANTS:
            self.wants[FileRef(at.path, at.spec)] = None

    def holder(self, path: str) -> str | None:
        """Return the spec of another device that has a file, or None and remember the question."""
        spec = f"{HAVING}{path}"
        found = self._fs.lent.look(place(spec, path))
        if found is not None:
            return found.holder
        if len(self.wants) < MAX_WANTS:
            self.wants[FileRef(path, spec)] = None
        return None

    def name(self, spec: str | None, value: str) -> str:
        """Remember a device under a name that scripts can pass around, and return the name."""
        name = value.replace(")", "") or OWN
        self._specs[name] = spec
        return name

    def mount_image(self, name: str, image: Located) -> bool:
        """Remember a `loopback` device; False when the file is there and is no image."""
        self._images[name] = image
        self._budget.step(LOOK)
        path = self.visible(image)
        return self._fs.open_image(path) or not self.has(path)

    def image_of(self, spec: str) -> str | None:
        """Return the name of the `loopback` device that `search` would find, or None.

        Args:
            spec: `UUID=…`, `LABEL=…`, or `FILE=…` for one that has the file.
        """
        kind, _, value = spec.partition("=")
        for name, image in self._images.items():
            path = self.visible(image)
            in_it = kind == "FILE" and self.has(f"{path}{value}")
            if in_it or self._fs.is_called(path, spec):
                return name
        return None

    def why_not(self, at: Located) -> str | None:
        """Return why a file in an image cannot be had, or None; others are seen to later."""
        if at.image is None:
            return None
        image = self.visible(at.image)
        if not self.has(image):
            return None  # On another device, which is not looked at now.
        if not self._fs.open_image(image):
            return f"its files are inside {clean(image)}, which is no image that bootd can open"
        return None if self.has(f"{image}{at.path}") else f"the image has no file {clean(at.path)}"

    def spec(self, name: str) -> str | None:
        """Return how `FileRef` names a device of the script; None for the own one."""
        name = name.removeprefix("(").removesuffix(")")
        if name in self._specs:
            return self._specs[name]
        if _UUID.fullmatch(name):
            return f"UUID={name}"
        partition = _BOOT_DISK.fullmatch(name)
        if partition is not None:
            return f"{OWN_PARTITION}{partition[1]}"
        return None if not name or name.startswith("cd") else f"({name})"

    def is_bare_uuid(self, name: str) -> bool:
        """Say whether a script made up a name of a device that GRUB does not have: a UUID alone."""
        return name not in self._specs and _UUID.fullmatch(name) is not None

    def locate(self, text: str, root: str) -> Located:
        """Return where a path of the script is.

        Args:
            text: `(device)/path` or `/path`; without the slash it is meant from the top as well.
            root: The device to take when the path names none.

        Raises:
            ConfigSyntaxError: It has a device and no path, or is longer than a path can be.
        """
        name = root
        path = text
        if text.startswith("("):
            name, closed, path = text[1:].partition(")")
            if not closed or not path:
                raise self._error(f"{clean(text)} names a device but no file")
        if not path or len(path) > MAX_PATH:
            raise self._error("a file name is missing" if not path else "a path is too long")
        name = name.removeprefix("(").removesuffix(")")
        if name in self._images:
            return Located(normalise(path), image=self._images[name])
        return Located(normalise(path), self.spec(name))

    def file_ref(self, at: Located) -> FileRef:
        """Return the file for an option; a btrfs subvolume that the mount hides is taken off."""
        if at.image is not None:
            return FileRef(self.visible(at.image), at.image.spec, at.path)
        part = f"{PREFIX}{at.packed}" if at.packed else ""
        return FileRef(self.visible(at), at.spec, part)

    def visible(self, at: Located) -> str:
        """Return the path as it is below the root of the mount, or in an image that is there."""
        if at.image is not None:
            return f"{self.visible(at.image)}{at.path}"
        if not self.has(at.path):
            found = _SUBVOLUME.match(at.path)
            if found is not None and self.has(at.path[found.end() :]):
                return at.path[found.end() :]
        return at.path

    def has(self, path: str) -> bool:
        """Say whether the own device, or an image on it, has a regular file of that name."""
        self._budget.step(LOOK)
        return self._fs.is_file(path)

    def _error(self, reason: str) -> ConfigSyntaxError:
        return ConfigSyntaxError(reason, source=self._budget.source, line=self._budget.line)
