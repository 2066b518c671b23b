"""Which loader starts an option: by rule, told to a person before and after, never silent."""

from collections.abc import Sequence

from bootd.errors import LoadError
from bootd.images import require
from bootd.loaders import crash
from bootd.loaders.request import Loader, LoadRequest, cmdline_limit
from bootd.model.machine import Machine
from bootd.model.tree import TreeOrigin
from bootd.record import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A loader that can do it, and the sentence that says what the next kernel gets."""

    loader: Loader
    why: str


def choose(request: LoadRequest, machine: Machine, loaders: Sequence[Loader]) -> Choice:
    """Take the first loader that can do exactly what is asked.

    No loader ever gets another tree than the request's. Where only the tree stands in the way, the
    refusal says how to boot with the running tree, which is then a choice of its own.

    Args:
        request: What is to be loaded.
        machine: That is to load it.
        loaders: In order of preference; `LOADERS`, or the one of a rehearsal.

    Raises:
        ImageError: The kernel is not for this machine.
        LoadError: No loader can, memory is short, or the command line is too long.
    """
    require(request.kernel, machine.architecture)
    _check_cmdline(request)
    _check_pages(request, machine)
    if machine.stuck_processors and machine.architecture == "aarch64":
        raise LoadError(
            "the other processors of this board cannot be stopped (spin-table), and Linux refuses "
            "to leave them: start bootd's own kernel with nr_cpus=1 on its command line"
        )
    if request.crash:
        _check_crash_memory(request, machine)
    refusals: list[str] = []
    for loader in loaders:
        reason = loader.why_not(request, machine)
        if reason is None:
            _check_memory(request, loader.need_bytes(request))
            return Choice(loader=loader, why=loader.why(request) + _about_pages(request, machine))
        if reason not in refusals:
            refusals.append(reason)
    raise LoadError("; ".join(refusals) + _offer(request, machine, loaders))


def _offer(request: LoadRequest, machine: Machine, loaders: Sequence[Loader]) -> str:
    if not request.tree_changed:
        return ""
    unchanged = replace(request, origin=TreeOrigin.RUNNING, tree_changed=False)
    if any(loader.why_not(unchanged, machine) is None for loader in loaders):
        return ". It can be started with the running tree instead: choose the tree `running`"
    return ""


def _check_pages(request: LoadRequest, machine: Machine) -> None:
    if request.kernel.page_bytes in machine.missing_pages:
        raise LoadError(
            f"the kernel uses pages of {request.kernel.page_bytes >> 10} KiB, which a processor of "
            "this machine does not have: it would stop at once; choose a kernel with "
            f"{machine.page_bytes >> 10} KiB pages"
        )


def _about_pages(request: LoadRequest, machine: Machine) -> str:
    theirs = request.kernel.page_bytes
    if theirs in {0, machine.page_bytes}:
        return ""
    return (
        f"; it uses pages of {theirs >> 10} KiB, the running kernel {machine.page_bytes >> 10} "
        "KiB: if nothing more is heard of it, the processor has no such pages"
    )


def _check_cmdline(request: LoadRequest) -> None:
    cmdline, limit = request.cmdline, cmdline_limit(request.kernel)
    size = len(cmdline.encode("utf-8", "surrogateescape"))
    if size > limit:
        raise LoadError(
            f"the command line has {size} bytes, and this kernel reads {limit}: shorten it"
        )
    if "\0" in cmdline:
        raise LoadError("the command line contains a NUL character")


def _check_memory(request: LoadRequest, need: int) -> None:
    free, total = request.memory_available, request.memory_total
    if free and need > free:
        raise LoadError(f"not enough memory: needs {_mib(need)}, {_mib(free)} free")
    loaded = request.kernel.memory_bytes + sum(request.initrd_bytes)
    if need and total and loaded > total // 2:
        raise LoadError(
            f"kernel and initrd are too large: {_mib(loaded)}, "
            f"and Linux loads at most half of the {_mib(total)} of memory"
        )


def _check_crash_memory(request: LoadRequest, machine: Machine) -> None:
    reason = crash.why_not(machine)
    if reason is not None:
        raise LoadError(reason)
    need = request.kernel.memory_bytes + sum(request.initrd_bytes)
    if need > machine.crash_bytes:
        raise LoadError(
            f"a crash kernel and initrd of {_mib(need)} do not fit into the "
            f"{_mib(machine.crash_bytes)} that are set aside: raise crashkernel= on the command "
            "line of the running kernel"
        )


def _mib(size: int) -> str:
    return f"{size >> 20} MiB"
