"""kexec_file_load(2): the kernel reads the files and makes the next tree from its own boot tree.

It has no parameter for a device tree (drivers/of/kexec.c copies the tree that the running kernel
was started with and rewrites /chosen), so that only a tree that is unchanged elsewhere may use it.
On x86 a tree is carried over only when a flag of newer kernels asks for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bootd.linux import files, kexec
from bootd.loaders import kernel_file
from bootd.loaders.request import Loader, LoadFiles, LoadRequest
from bootd.model.load import LoadReport
from bootd.model.machine import Machine
from bootd.model.tree import TreeOrigin

_NAME: Final = "kexec_file"

_KINDS: Final = {
    "aarch64": ("arm64",),
    "x86_64": ("bzimage",),
    "riscv64": ("riscv", "elf"),
    "ppc64le": ("elf",),
}
"""What the kernel's own loaders take: kexec_file_loaders[] of arch/*/kernel/."""

_WORKING_BYTES: Final = 32 << 20

OVERWRITTEN: Final = (
    "kexec_file_load would place the kernel where this board's interrupt controller still writes"
)


def _why_not(request: LoadRequest, machine: Machine) -> str | None:
    if not machine.kexec_file:
        return "the running kernel has no kexec_file_load"
    if machine.kexec_locked:
        return machine.kexec_refusal
    if request.tree_changed:
        return "kexec_file_load cannot hand over a changed device tree"
    if overwrites(request, machine):
        return OVERWRITTEN
    if _forced(request) and not machine.kexec_file_force_dtb:
        return "the running kernel's kexec_file_load would drop the device tree"
    if machine.signatures_forced and not _may_be_signed(request):
        return (
            "the running kernel's kexec_file_load takes only signed kernels (KEXEC_SIG_FORCE), and "
            "this one is not signed"
        )
    return why_not_kind(request, machine)


def _may_be_signed(request: LoadRequest) -> bool:
    # A packed kernel shows whether it is signed when it is unpacked, and the running kernel says.
    return request.kernel.signed or bool(request.kernel.compression)


def why_not_kind(request: LoadRequest, machine: Machine) -> str | None:
    """Say why kexec_file_load(2) does not take this kind of kernel here, or None."""
    if request.kernel.kind not in _KINDS.get(machine.architecture, ()):
        return f"kexec_file_load takes no {request.kernel.title} on {machine.architecture}"
    return None


def _forced(request: LoadRequest) -> bool:
    return request.kernel.architecture == "x86_64" and request.tree_bytes > 0


def _why(request: LoadRequest) -> str:
    if not request.tree_bytes:
        return "kexec_file_load: this machine has no device tree"
    return "kexec_file_load: the next kernel gets the running kernel's boot tree"


def need_bytes(request: LoadRequest) -> int:
    """Return what memory kexec_file_load(2) needs for a load."""
    # The kernel reads each file whole before it copies it, and several initrds are joined before.
    initrds = sum(request.initrd_bytes)
    copies = 3 if len(request.initrd_bytes) > 1 else 2
    return 2 * request.kernel.memory_bytes + copies * initrds + _WORKING_BYTES


def _load(request: LoadRequest, given: LoadFiles) -> LoadReport:
    cmdline = request.cmdline.encode("utf-8", "surrogateescape")
    flags = kexec.KEXEC_FILE_FORCE_DTB if _forced(request) else 0
    flags |= crash_flag(request)
    with kernel_file.opened(request, given.kernel) as (kernel, _), one_initrd(given) as initrd:
        kexec.kexec_file_load(kernel, initrd, cmdline, flags=flags)
    why = _why(request)
    return LoadReport(loader=_NAME, tree=TreeOrigin.RUNNING, why=why, crash=request.crash)


def overwrites(request: LoadRequest, machine: Machine) -> bool:
    """Say whether devices may write where the running kernel places the next one."""
    return machine.lpi_unreserved and not request.crash  # whose memory is its own


def crash_flag(request: LoadRequest) -> int:
    """Return the flag for a kernel that waits for a crash; the running kernel does the rest."""
    return kexec.KEXEC_FILE_ON_CRASH if request.crash else 0


@contextmanager
def one_initrd(given: LoadFiles) -> Iterator[int | None]:
    """Give the medium's own initrd, or all of them joined in memory; None when there is none."""
    if len(given.initrds) < 2:
        yield given.initrds[0] if given.initrds else None
        return
    with files.joined("initrd", given.initrds) as fd:
        yield fd


LOADER: Final = Loader(
    name=_NAME, why_not=_why_not, why=_why, need_bytes=need_bytes, load=_load, own_tree=True
)
