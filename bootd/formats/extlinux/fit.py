"""KERNEL lines that name a FIT image: the configuration's parts take the kernel's place.

Source: boot/pxe_utils.c of U-Boot (`label_run_boot`): KERNEL may carry `#configuration`, without it
bootm takes the default one. INITRD and FDT lines of the label win over those of the configuration.
"""

from bootd.errors import ImageError
from bootd.fsview import FsView
from bootd.model.option import BootOption, FileRef
from bootd.model.text import clean
from bootd.record import replace

_NAMES = (".itb", ".fit", "fitimage")
"""How the names of FIT images end, in small letters; others are not opened to see."""


def expand(option: BootOption, fs: FsView) -> BootOption:
    """Return the option with its FIT image replaced by the parts that are booted."""
    kernel = option.linux
    if kernel is None or not (kernel.part or kernel.path.lower().endswith(_NAMES)):
        return option
    from bootd.formats import fitconfig  # noqa: PLC0415 - 5 ms, and most disks have no FIT image

    bare = replace(option, linux=FileRef(kernel.path))
    try:
        image = fitconfig.Image(fs, kernel.path)
    except FileNotFoundError:
        return bare
    except ImageError as error:
        return _refused(bare, str(error)) if kernel.part else bare
    except OSError as error:
        return _refused(bare, f"the FIT image cannot be read: {error.strerror}")
    name = kernel.part.removeprefix("#") or image.default
    parts = image.parts(name)
    if parts is None:
        return _refused(bare, f"the FIT image has no configuration {name!r:.60}")
    own_tree = option.devicetree is not None or option.devicetree_dir is not None
    use_tree = not own_tree and not option.devicetree_none
    return replace(
        option,
        linux=parts.linux or bare.linux,
        initrds=option.initrds or parts.initrds,
        devicetree=parts.devicetree if use_tree else option.devicetree,
        overlays=(*(parts.overlays if use_tree else ()), *option.overlays),
        compatible=parts.compatible if use_tree else (),
        architecture=parts.architecture,
        reasons=(*option.reasons, *parts.reasons),
        notes=(*option.notes, *parts.notes),
    )


def _refused(option: BootOption, reason: str) -> BootOption:
    return replace(option, reasons=(*option.reasons, clean(reason)))
