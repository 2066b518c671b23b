"""kexec_file_load(2) with a device tree: bootd's kernel patch hands a merged tree to the kernel.

The kernel checks the tree, and sets initrd, command line and seeds in /chosen itself. A kernel
without the patch is never asked (`Machine.kexec_file_dtb`), nor is one that is locked down: it
takes signed trees only, and nobody can have signed what was merged on this board.
"""

import hashlib
import os
from typing import Final

from bootd.devicetree import finish
from bootd.errors import LoadError
from bootd.fsview import MAX_DTB_BYTES
from bootd.linux import files, kexec
from bootd.loaders import kernel_file, kexec_file
from bootd.loaders.placement import chosen
from bootd.loaders.request import Loader, LoadFiles, LoadRequest
from bootd.model.load import LoadReport
from bootd.model.machine import Machine
from bootd.model.tree import TreeOrigin

_NAME: Final = "kexec_file_dtb"


def _why_not(request: LoadRequest, machine: Machine) -> str | None:
    if not machine.kexec_file:
        return "the running kernel has no kexec_file_load"
    if machine.kexec_locked:
        return machine.kexec_refusal
    if not machine.kexec_file_dtb:
        return "kexec_file_load cannot hand over a changed device tree"
    if machine.lockdown != "none":
        return (
            f"the running kernel is locked down ({machine.lockdown}) and takes only a device tree "
            "that is signed, which one made on this board cannot be"
        )
    if machine.signatures_forced:
        return (
            "the running kernel's kexec_file_load takes only what is signed (KEXEC_SIG_FORCE), "
            "which a device tree made on this board cannot be"
        )
    if not request.tree_bytes:
        return "this machine has no device tree"
    if kexec_file.overwrites(request, machine):
        return kexec_file.OVERWRITTEN
    return kexec_file.why_not_kind(request, machine)


_WHY: Final = {
    TreeOrigin.MERGED: "its own tree with this board's facts",
    TreeOrigin.SHIPPED: "its own tree nearly as shipped",
    TreeOrigin.RUNNING: "the running kernel's tree as it is now",
}


def _why(request: LoadRequest) -> str:
    tree = _WHY[request.origin]
    return f"kexec_file_load with a device tree: the next kernel gets {tree}"


def _load(request: LoadRequest, given: LoadFiles) -> LoadReport:
    if given.tree is None:
        raise LoadError("no device tree was handed over")
    blob = os.pread(given.tree, MAX_DTB_BYTES + 1, 0)
    finished = finish.finish(blob, chosen=chosen(request, _NAME, blob))
    cmdline = request.cmdline.encode("utf-8", "surrogateescape")
    with (
        kernel_file.opened(request, given.kernel) as (kernel, _),
        kexec_file.one_initrd(given) as initrd,
        files.memory_file("tree", (finished,)) as tree,
    ):
        flags = kexec_file.crash_flag(request)
        kexec.kexec_file_load(kernel, initrd, cmdline, tree_fd=tree, flags=flags)
    return LoadReport(
        loader=_NAME,
        tree=request.origin,
        why=_why(request),
        tree_sha256=hashlib.sha256(finished).hexdigest(),
        crash=request.crash,
    )


LOADER: Final = Loader(
    name=_NAME,
    why_not=_why_not,
    why=_why,
    need_bytes=kexec_file.need_bytes,
    load=_load,
)
