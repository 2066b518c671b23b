"""Architectures that `kexec_load` has a memory layout for; to add one, write its row and list it.

The key is what images for it say (`bootd.images.family` of `uname -m`).
"""

from typing import Final

from bootd.loaders.architecture import arm, arm64, riscv64, x86_64
from bootd.loaders.architecture.row import Architecture, Inputs

__all__ = ["ARCHITECTURES", "Architecture", "Inputs"]

ARCHITECTURES: Final[dict[str, Architecture]] = {
    "aarch64": arm64.ROW,
    "arm": arm.ROW,
    "riscv64": riscv64.ROW,
    "x86_64": x86_64.ROW,
}
