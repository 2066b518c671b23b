"""Resolving: a boot option set against the devices that are present now.

Device specs understood: `UUID=`, `LABEL=`, `PARTUUID=`, `PARTLABEL=`, `/dev/NAME` and the links of
/dev/disk/by-uuid, by-label, by-partuuid, by-partlabel. UUIDs compare without case, because vfat's
are written both ways.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.option import (
    BOARD_WORD,
    HINTED,
    OWN_PARTITION,
    BootOption,
    FileRef,
    Missing,
    OptionId,
    ResolvedFile,
    ResolvedOption,
)
from bootd.model.text import clean
from bootd.record import replace

_TAGS: Final = {
    "UUID": "uuid",
    "LABEL": "label",
    "PARTUUID": "partuuid",
    "PARTLABEL": "partlabel",
}

_LINKS: Final = {f"/dev/disk/by-{name}/": tag for tag, name in _TAGS.items()}

_MACHINES: Final[Mapping[str, tuple[str, ...]]] = {
    "x64": ("x86_64",),
    "ia32": ("i386", "i486", "i586", "i686"),
    "aa64": ("aarch64",),
    "arm": ("arm", "armv5tel", "armv6l", "armv7l", "armv8l"),
    "riscv32": ("riscv32",),
    "riscv64": ("riscv64",),
    "loongarch32": ("loongarch32",),
    "loongarch64": ("loongarch64",),
    "ia64": ("ia64",),
}
"""Architectures of the UEFI specification (2.10, section 3.5.1.1) to what uname(2) calls them."""

_OWN_FACT: Final = re.compile(r"\$\{bootd\.(partuuid|uuid)(?::(\d{1,3}))?\}")
"""What `own_fact` returns."""

_OPEN_TO_ANYBODY: Final = frozenset({DeviceKind.USB, DeviceKind.OPTICAL})
"""Kinds that a passer-by can bring in, whatever the kernel says about their medium."""

_NOT_OF_DISKS: Final = ("/dev/mapper/", "/dev/nfs", "/dev/ram", "/dev/md", "/dev/mtd", "/dev/ubi")
"""Roots that the next system sets up itself; looking for them here would say nothing."""


def resolve(
    option: BootOption,
    device: BlockDevice,
    devices: Mapping[str, BlockDevice],
    architecture: str,
    board: tuple[str, ...] = (),
    hardware: tuple[str, ...] = (),
) -> ResolvedOption:
    """Find every file of `option`, and say what keeps it from booting.

    Args:
        option: As a format module read it.
        device: The device that it was read from.
        devices: All that are present, by kernel name, `device` among them.
        architecture: Of this machine, as `uname -m` prints it.
        board: Root compatible strings of this board, most specific first; empty when unknown.
        hardware: What the firmware calls a machine without a device tree (`Machine.hardware`).
    """
    option, unknown = _with_own_facts(_with_board_word(option, board), device, devices)
    option = _with_tree(option, board or _named_by_firmware(option, hardware))
    twins = _twins(device, devices)
    files = _Files(option, device, devices)
    return ResolvedOption(
        id=_option_id(option, device, twins),
        device=device.name,
        option=option,
        linux=files.find("linux", option.linux),
        initrds=files.find_all("initrd", option.initrds),
        devicetree=files.find("devicetree", option.devicetree),
        devicetree_dir=files.find_dir(option.devicetree_dir),
        overlays=files.find_all("devicetreeOverlay", option.overlays),
        missing=tuple(files.missing),
        reasons=(
            *_reasons(option, architecture),
            *_board_reasons(option, board),
            *unknown,
            *files.remote,
        ),
        notes=(
            *option.notes,
            *dict.fromkeys(files.notes),
            *_twin_notes(device, twins),
            *_root_notes(option, devices),
        ),
        kind=device.kind,
        disk=device.disk or device.name,
        removable=is_open_to_anybody(device),
        replaces=_replaced(option.entry_file, device, devices),
        board_rank=next((i for i, text in enumerate(board) if text in option.compatible), None),
    )


def _replaced(
    file: FileRef | None, device: BlockDevice, devices: Mapping[str, BlockDevice]
) -> tuple[str, str] | None:
    """Return whose place an option takes; a stick takes that of no option on another disk."""
    holder = find_from(file.device or "", device, devices.values()) if file is not None else None
    if file is None or holder is None:
        return None
    if is_open_to_anybody(device) and (holder.disk or holder.name) != (device.disk or device.name):
        return None
    return holder.name, file.path


def without_replaced(options: Iterable[ResolvedOption]) -> list[ResolvedOption]:
    """Return the options of all devices but those whose place another one takes."""
    listed = list(options)
    replaced = {each.replaces for each in listed if each.replaces is not None}
    if not replaced:
        return listed
    return [each for each in listed if (each.device, each.option.source) not in replaced]


def is_open_to_anybody(device: BlockDevice) -> bool:
    """Say whether a passer-by can bring in or exchange the medium of a device."""
    return device.removable or device.kind in _OPEN_TO_ANYBODY


def find_device(spec: str, devices: Iterable[BlockDevice]) -> BlockDevice | None:
    """Return the device that `spec` names, or None; the first by name when several answer."""
    tag, value = split_spec(spec)
    if not value:
        return None
    wanted = value.casefold()
    found = [d for d in devices if str(getattr(d, tag)).casefold() == wanted]
    return min(found, key=lambda d: d.name, default=None)


def find_from(spec: str, own: BlockDevice, devices: Iterable[BlockDevice]) -> BlockDevice | None:
    """Return the device that a configuration on `own` names; of several that fit, `own` itself."""
    spec = spec.partition(HINTED)[0]
    if spec.startswith(OWN_PARTITION):
        return find_partition(spec.removeprefix(OWN_PARTITION), own, devices)
    tag, value = split_spec(spec)
    if value and str(getattr(own, tag)).casefold() == value.casefold():
        return own
    return find_device(spec, devices)


def split_spec(spec: str) -> tuple[str, str]:
    """Return the field of `BlockDevice` that `spec` is about, and its value ("" when unknown)."""
    for link, tag in _LINKS.items():
        if spec.startswith(link):
            return _TAGS[tag], spec.removeprefix(link)
    if spec.startswith("/dev/"):
        return "name", spec.removeprefix("/dev/")
    tag, _, value = spec.partition("=")
    return _TAGS.get(tag, "uuid"), value.strip('"') if tag in _TAGS else ""


def find_partition(
    number: str, device: BlockDevice, devices: Iterable[BlockDevice]
) -> BlockDevice | None:
    """Return the partition of that number on the disk of `device`, or None."""
    disk = device.disk or device.name
    for each in devices:
        # mmcblk0p2 is of mmcblk0, sda2 of sda.
        if each.disk == disk and each.name.removeprefix(disk).lstrip("p") == number:
            return each
    return None


def _with_board_word(option: BootOption, board: tuple[str, ...]) -> BootOption:
    """Put the word for this board into the command line, or the one for unknown boards."""
    if BOARD_WORD not in option.cmdline:
        return option
    words = {each.compatible: each.text for each in reversed(option.board_words)}
    word = next((words[name] for name in board if name in words), None)
    notes = option.notes
    if word is None:
        word = option.board_word
        note = (
            f"{clean(word)} in its command line is a name of the firmware, for this board unknown"
        )
        notes = (*notes, note)
    return replace(option, cmdline=option.cmdline.replace(BOARD_WORD, word), notes=notes)


def _with_own_facts(
    option: BootOption, device: BlockDevice, devices: Mapping[str, BlockDevice]
) -> tuple[BootOption, list[str]]:
    """Put facts about partitions into the command line; also say which ones `root=` lacks.

    Elsewhere (`ubootpart=`) what is unknown is left out with a note: the kernel itself needs none.
    """
    if "${bootd." not in option.cmdline:
        return option, []
    lacking: list[str] = []
    notes: list[str] = []

    def value(match: re.Match[str]) -> str:
        fact, number = match[1], match[2]
        holder = find_partition(number, device, devices.values()) if number else device
        if holder is not None and (found := str(getattr(holder, fact))):
            return found
        what = (
            f"the {fact.upper()} of {f'partition {number} of this disk' if number else device.name}"
        )
        word = match.string[: match.start()].rpartition(" ")[2]
        if word.startswith("root="):
            lacking.append(f"its command line needs {what}, which is unknown")
            return match[0]
        notes.append(f"{what} is unknown, and left out of the command line ({clean(word, 40)})")
        return ""

    cmdline = _OWN_FACT.sub(value, option.cmdline)
    filled = replace(option, cmdline=cmdline, notes=(*option.notes, *dict.fromkeys(notes)))
    return filled, list(dict.fromkeys(lacking))


def _with_tree(option: BootOption, board: tuple[str, ...]) -> BootOption:
    """Take the DTB for this board where an entry has several; without one keep the entry's own."""
    if not option.devicetree_choices or not board:
        return option
    for each in option.devicetree_choices:
        if each.compatible == board[0]:
            return replace(option, devicetree=each.devicetree)
    count = len(option.devicetree_choices)
    note = f"none of its {count} device trees is for {clean(board[0])}"
    return replace(option, notes=(*option.notes, note))


def _named_by_firmware(option: BootOption, hardware: tuple[str, ...]) -> tuple[str, ...]:
    """Return the compatible string that the entry knows for a machine without a device tree."""
    if not hardware or not option.hardware_ids:
        return ()
    from bootd.policy.chid import match  # noqa: PLC0415 - for few entries of few machines

    found = match(option.hardware_ids, hardware)
    return () if found is None else (found,)


class _Files:
    """Looks up one option's files and collects what is missing on the way."""

    def __init__(
        self, option: BootOption, device: BlockDevice, devices: Mapping[str, BlockDevice]
    ) -> None:
        self._absent = frozenset(option.absent)
        self._device = device
        self._devices = devices
        self.missing: list[Missing] = []
        self.remote: list[str] = []
        self.notes: list[str] = []

    def find(self, what: str, ref: FileRef | None) -> ResolvedFile | None:
        """Return where the file is, or would be on a device that is here."""
        if ref is None:
            return None
        if ref.url:
            place = clean(ref.url)
            self.remote.append(f"its {what} is at {place}; bootd does not fetch files yet")
            return None
        holder = self._device if ref.device is None else self._holder(ref.device, ref.path)
        if holder is not None and holder.name == self._device.name:
            if ref.path in self._absent:
                self.missing.append(Missing(what=what, device=self._device.name, path=ref.path))
            return ResolvedFile(device=self._device.name, path=ref.path, part=ref.part)
        if holder is None:
            spec = (ref.device or self._device.name).partition(HINTED)[0]
            self.missing.append(Missing(what=what, device=spec, path=ref.path))
            return None
        return ResolvedFile(device=holder.name, path=ref.path, part=ref.part)

    def _holder(self, spec: str, path: str) -> BlockDevice | None:
        """Return the device that `spec` names; of several that could be meant, the own one."""
        own = self._device
        spec, _, hint = spec.partition(HINTED)
        tag, _ = split_spec(spec)
        holder = find_from(spec, own, self._devices.values())
        if holder == own:
            return own
        if holder is None and path not in self._absent:
            # A directory, say, of which nobody said what it is: it has the file, so it is meant.
            if not (own.uuid or own.label):
                return own
            if hint and find_from(hint, own, self._devices.values()) == own:
                note = f"there is no device {clean(spec)}; its files are taken from {own.name}"
                self.notes.append(note)
                return own
        if holder is not None and tag == "name" and "/by-" not in spec:
            note = f"{clean(spec)} may be another device after the next start; UUIDs stay"
            self.notes.append(note)
        return holder

    def find_all(self, what: str, refs: tuple[FileRef, ...]) -> tuple[ResolvedFile, ...]:
        """Return those that are on devices that are here, in order."""
        return tuple(file for ref in refs if (file := self.find(what, ref)) is not None)

    def find_dir(self, ref: FileRef | None) -> ResolvedFile | None:
        """Return the folder of device trees; one that is not there costs the choice only.

        U-Boot goes on with the firmware's tree then (boot/pxe_utils.c, label_boot), so a missing
        folder is no reason to refuse the boot.
        """
        if ref is not None and ref.device is None and ref.path in self._absent:
            self.notes.append(f"the folder of device trees {clean(ref.path)} is not there")
            return None
        return self.find("devicetree", ref)


def _option_id(option: BootOption, device: BlockDevice, twins: list[str]) -> OptionId:
    place = device.uuid or device.partuuid or device.name
    if twins:
        # Two file systems with one UUID, such as a copied card: the partition tells them apart.
        place = f"{place}+{device.partuuid or device.name}"
    return OptionId(f"{option.format}:{place}:{option.entry}")


def _twins(device: BlockDevice, devices: Mapping[str, BlockDevice]) -> list[str]:
    """Return the names of other devices whose file system has the same UUID."""
    if not device.uuid:
        return []
    same = device.uuid.casefold()
    return sorted(
        d.name for d in devices.values() if d.uuid.casefold() == same and d.name != device.name
    )


def _twin_notes(device: BlockDevice, twins: list[str]) -> list[str]:
    if not twins:
        return []
    names = ", ".join(twins)
    return [f"{device.name} and {names} have the same file-system UUID; one may be a copy"]


def _reasons(option: BootOption, architecture: str) -> list[str]:
    reasons = list(option.reasons)
    if option.linux is None and not reasons:
        reasons.append("its entry names no kernel")
    wanted = option.architecture.casefold()
    machines = _MACHINES.get(wanted, (wanted,))
    if wanted and architecture.casefold() not in machines:
        reasons.append(f"kernel is for {machines[0]}, this board is {architecture}")
    return reasons


def _board_reasons(option: BootOption, board: tuple[str, ...]) -> list[str]:
    """Refuse what is for other boards; U-Boot's rule for FIT images, any string in common fits."""
    if not board or not option.compatible or set(board) & set(option.compatible):
        return []
    return [f"it is for {clean(option.compatible[0])}, this board is {clean(board[0])}"]


def _root_notes(option: BootOption, devices: Mapping[str, BlockDevice]) -> list[str]:
    """Look up the last `root=` of the command line, which is the one that the kernel uses."""
    roots = [word[5:] for word in option.cmdline.split(" ") if word.startswith("root=")]
    if not roots or roots[-1].startswith(_NOT_OF_DISKS):
        return []
    _, value = split_spec(roots[-1])
    if not value or "/" in value or find_device(roots[-1], devices.values()):
        return []
    return [f"its root file system {clean(roots[-1])} is on no device that is here now"]
