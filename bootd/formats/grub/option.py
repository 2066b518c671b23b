"""An entry whose body has run, as a boot option."""

from typing import Final

from bootd.formats import version
from bootd.formats.grub.devices import Devices
from bootd.formats.grub.load import Load
from bootd.formats.grub.menu import BlsFile, Entry
from bootd.formats.lexing import MAX_FILES, words
from bootd.fsview import normalise
from bootd.model.option import BootOption, FileRef, Save
from bootd.model.text import clean, escape

MAX_ID: Final = 255
"""Characters of an entry's id."""


def build(
    entry: Entry, load: Load, devices: Devices, around: tuple[Entry, ...], *, is_default: bool
) -> BootOption:
    """Return the boot option.

    Args:
        entry: As defined.
        load: What its body did.
        devices: To see where its files are.
        around: The submenus that it is in, outermost first.
        is_default: It boots when nobody chooses.

    Raises:
        ConfigLimitError: Too many files were looked for.
    """
    kernel = devices.file_ref(load.linux) if load.linux is not None else None
    saves = {(each.file, each.name): each for each in load.saves}
    notes = [*load.notes, *(_not_saved(each) for each in saves.values())]
    notes += load.reasons if kernel is not None else []
    path = ">".join(each.id for each in (*around, entry))
    bls = entry.bls
    keys = bls.keys if bls is not None else {}
    return BootOption(
        entry=escape(f"{bls.name}.conf") if bls is not None else clean(path, MAX_ID),
        format="bls" if bls is not None else "grub",
        source=entry.source,
        entry_file=entry.file,
        line=entry.line,
        title=clean(entry.title),
        version=clean(
            keys.get("version", "") or (version.of_kernel(kernel.path) if kernel else "")
        ),
        linux=kernel,
        initrds=tuple(devices.file_ref(at) for at in load.initrds),
        cmdline=load.cmdline if kernel is not None else "",
        devicetree=devices.file_ref(load.devicetree) if load.devicetree is not None else None,
        devicetree_none=keys.get("devicetree") == "none",
        overlays=_overlays(bls),
        submenu=tuple(clean(each.title) for each in around),
        is_default=is_default,
        sort_key=clean(keys.get("sort-key", "")),
        machine_id=clean(keys.get("machine-id", "")),
        architecture=clean(keys.get("architecture", "")),
        tries_left=bls.tries_left if bls is not None else None,
        tries_done=bls.tries_done if bls is not None else None,
        saves=tuple(saves.values()),
        reasons=_reasons(load, devices),
        notes=tuple(dict.fromkeys(notes)),
    )


def _not_saved(save: Save) -> str:
    return clean(f"it saves {save.name} in {save.file.path}, which bootd does not do")


def _overlays(bls: BlsFile | None) -> tuple[FileRef, ...]:
    named = words(bls.keys.get("devicetree-overlay", "")) if bls is not None else []
    return tuple(FileRef(normalise(each)) for each in named[:MAX_FILES])


def _reasons(load: Load, devices: Devices) -> tuple[str, ...]:
    if load.linux is None:
        return (*load.reasons, *load.closed)
    files = [at for at in (load.linux, *load.initrds, load.devicetree) if at is not None]
    why = (each for at in files if (each := devices.why_not(at)) is not None)
    return tuple(dict.fromkeys((*load.doubts, *why)))
