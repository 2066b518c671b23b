"""The ways to put the next kernel in memory. To add one: write its module, list it in `LOADERS`."""

from typing import Final

from bootd.loaders import choice, dry_run, kexec_file, kexec_file_dtb, kexec_load
from bootd.loaders.choice import Choice
from bootd.loaders.request import Loader, LoadRequest
from bootd.model.machine import Machine

LOADERS: Final[tuple[Loader, ...]] = (
    kexec_file.LOADER,
    kexec_file_dtb.LOADER,
    kexec_load.LOADER,
)
"""In order of preference."""

REHEARSAL: Final[tuple[Loader, ...]] = (dry_run.LOADER,)
"""Takes the place of `LOADERS` where nothing may be loaded (`bootd --dry-run`)."""

BY_NAME: Final = {loader.name: loader for loader in (*LOADERS, *REHEARSAL)}
"""What a helper may be asked for."""


def choose(request: LoadRequest, machine: Machine, loaders: tuple[Loader, ...] = LOADERS) -> Choice:
    """Take the first loader that can do exactly what is asked; see `bootd.loaders.choice`.

    Raises:
        ImageError: The kernel is not for this machine.
        LoadError: No loader can, memory is short, or the command line is too long.
    """
    return choice.choose(request, machine, loaders)
