"""The loader of a rehearsal: goes the whole way but for the system call, and says what it would do.

On a machine of the same architecture and with root it plans the real layout; elsewhere it says what
it could not find out.
"""

import os
from typing import Final

from bootd.errors import FdtError, LoadError
from bootd.images import HEAD_BYTES, family
from bootd.loaders import kernel_file, kexec_load
from bootd.loaders.placement import Kernel, place
from bootd.loaders.request import Loader, LoadFiles, LoadRequest
from bootd.model.load import LoadReport
from bootd.model.machine import Machine

_NAME: Final = "dry_run"


def _why_not(_request: LoadRequest, _machine: Machine) -> str | None:
    return None


def _why(request: LoadRequest) -> str:
    if request.tree_changed:
        return "dry run: nothing is loaded; the tree would need kexec_load"
    return "dry run: nothing is loaded; the running kernel's tree would do"


def _need_bytes(_request: LoadRequest) -> int:
    return 0


def _load(request: LoadRequest, given: LoadFiles) -> LoadReport:
    bare = LoadReport(loader=_NAME, tree=request.origin, why=_why(request), executed=False)
    here = os.uname().machine
    if given.tree is None:
        return bare  # the kernel itself would place everything
    if request.kernel.architecture != family(here):
        return _noted(bare, f"the kernel is for {request.kernel.architecture}, this is {here}")
    try:
        sizes = tuple(os.fstat(fd).st_size for fd in given.initrds)
        with kernel_file.opened(request, given.kernel) as (bare_fd, image):
            kernel = Kernel(info=image, head=os.pread(bare_fd, HEAD_BYTES, 0))
            placed = place(request, kernel, sizes, os.pread(given.tree, 2 << 20, 0))
    except (OSError, LoadError, FdtError) as error:
        return _noted(bare, str(error))
    planned = kexec_load.report(request, placed)
    return LoadReport(
        loader=_NAME,
        tree=request.origin,
        why=_why(request),
        tree_sha256=planned.tree_sha256,
        segments=planned.segments,
        notes=planned.notes,
        executed=False,
    )


def _noted(report: LoadReport, reason: str) -> LoadReport:
    return LoadReport(
        loader=report.loader,
        tree=report.tree,
        why=report.why,
        notes=(f"No memory layout was planned: {reason}.",),
        executed=False,
    )


LOADER: Final = Loader(name=_NAME, why_not=_why_not, why=_why, need_bytes=_need_bytes, load=_load)
