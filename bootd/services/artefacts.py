"""What a boot is made from: open files, the kernel's description, and the tree for it."""

import asyncio
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from bootd.errors import FdtError, LoadError, MergeRefusedError, ProtocolError
from bootd.fdt.recheck import recheck
from bootd.fsview import MAX_DTB_BYTES
from bootd.images import ImageInfo
from bootd.linux import files, memfd, meminfo
from bootd.loaders.request import LoadRequest
from bootd.model.board import Board
from bootd.model.browsing import TreePage, TreeQuery
from bootd.model.device import BlockDevice
from bootd.model.option import ResolvedFile, ResolvedOption
from bootd.model.started import without_word
from bootd.model.text import clean, escape
from bootd.model.tree import IndexedTree, TreeMode, TreeReport, TreeRequest
from bootd.policy.trust import check_risks, restrict
from bootd.protocol.codec import Json, from_json, to_json
from bootd.protocol.messages import Overrides
from bootd.record import dataclass, replace

if TYPE_CHECKING:
    from bootd.probe.prober import Prober
    from bootd.probe.session import Session

AHEAD_BYTES: Final = 4 << 20
"""Read between two looks at the progress: a second on the slowest cards."""

MAX_INDEXES: Final = 4
"""Devices whose DTBs are remembered; a thousand take half a megabyte."""

CALL_S: Final = 20.0
"""Opening a file, or making the tree; a disk may have to spin up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefacts:
    """Open files of one option; the exit stack of `gather` closes them.

    Attributes:
        kernel: As its header describes it.
        kernel_fd: Open for reading.
        initrds: (descriptor, bytes) of each, in order.
        blob: The tree's descriptor and bytes, or None on a machine without a device tree.
        cmdline: Exactly what the next kernel gets.
        crash: It is to wait for the running kernel to crash.
    """

    kernel: ImageInfo
    kernel_fd: int
    initrds: tuple[tuple[int, int], ...]
    tree: TreeReport
    blob: tuple[int, int] | None
    cmdline: str
    crash: bool = False

    @property
    def fds(self) -> tuple[int, ...]:
        """Kernel, initrds, tree: as the helper wants them."""
        tree = () if self.blob is None else (self.blob[0],)
        return (self.kernel_fd, *(fd for fd, _ in self.initrds), *tree)

    @property
    def total_bytes(self) -> int:
        """Bytes that will be read from the media."""
        return self.kernel.file_bytes + sum(size for _, size in self.initrds)

    def request(self, resolved: ResolvedOption) -> LoadRequest:
        """Return what a loader is asked, with the memory that is free at this moment."""
        memory = meminfo.read()
        return LoadRequest(
            option=resolved.id,
            kernel=self.kernel,
            initrd_bytes=tuple(size for _, size in self.initrds),
            cmdline=self.cmdline,
            origin=self.tree.origin,
            tree_bytes=0 if self.blob is None else self.blob[1],
            tree_changed=self.tree.changed_outside_chosen,
            memory_available=memory.get("MemAvailable", 0),
            memory_total=memory.get("MemTotal", 0),
            crash=self.crash,
        )


class Bench:
    """Workers for the devices of one option, each started when first needed."""

    def __init__(
        self,
        stack: AsyncExitStack,
        prober: "Prober",
        find_device: Callable[[str], BlockDevice | None],
        indexes: dict[str, tuple[IndexedTree, ...]],
    ) -> None:
        """Give everything that is opened to `stack`, and what is found out of DTBs to `indexes`."""
        self._stack = stack
        self._prober = prober
        self._find_device = find_device
        self._indexes = indexes
        self._sessions: dict[str, Session] = {}

    async def session(self, name: str) -> "Session":
        """Return the worker of a device; raises LoadError when it is gone."""
        if name not in self._sessions:
            device = self._find_device(name)
            if device is None:
                raise LoadError(f"{name} is not there any more")
            entered = await self._stack.enter_async_context(self._prober.session(device))
            self._sessions[name] = entered
        return self._sessions[name]

    async def open(self, file: ResolvedFile, what: str) -> tuple[int, int]:
        """Open a file and return (descriptor, bytes).

        Args:
            file: On a device that is present.
            what: For the error: `kernel` or `initrd`.
        """
        session = await self.session(file.device)
        with _named(file):
            _, fds = await session.call(
                "open", {"paths": [file.path], "parts": [file.part]}, timeout_s=CALL_S
            )
        (fd,) = self.keep(fds, 1)
        size = os.fstat(fd).st_size
        if size == 0:
            raise LoadError(f"the {what} {escape(file.path)} on {file.device} is empty")
        return fd, size

    async def read_ahead(self, file: ResolvedFile, offset: int) -> int:
        """Bring the next part of a file into memory; returns how many bytes, 0 at its end."""
        session = await self.session(file.device)
        with _named(file):
            params: Json = {"path": file.path, "offset": offset, "size": AHEAD_BYTES}
            answer, fds = await session.call("readAhead", params, timeout_s=CALL_S)
        self.keep(fds, 0)
        count = answer.get("bytes") if isinstance(answer, dict) else None
        return count if isinstance(count, int) else 0

    async def image(self, file: ResolvedFile) -> ImageInfo:
        """Describe a kernel; raises ImageError when it is none."""
        session = await self.session(file.device)
        with _named(file):
            params: Json = {"path": file.path, "part": file.part}
            answer, fds = await session.call("image", params, timeout_s=CALL_S)
        self.keep(fds, 0)
        return from_json(ImageInfo, answer)

    async def tree(
        self, device: str | None, request: TreeRequest, board: Board
    ) -> tuple[TreeReport, tuple[int, int] | None]:
        """Make the next kernel's tree; (descriptor, bytes) is None without a device tree."""
        if device in self._indexes:
            request = replace(request, indexed=self._indexes[device])
        answer, fds = await self._with_board("tree", device, to_json(request), board)
        blobs = self.keep(fds, 0 if board.live is None else 1)
        blob = (blobs[0], await asyncio.to_thread(_recheck, blobs[0])) if blobs else None
        report = from_json(TreeReport, answer)
        if device is not None and report.indexed:
            self._remember(device, report.indexed)
        return replace(report, indexed=()), blob

    def _remember(self, device: str, indexed: tuple[IndexedTree, ...]) -> None:
        """Keep what is known of the DTBs of the devices that were last used."""
        self._indexes.pop(device, None)
        while len(self._indexes) >= MAX_INDEXES:
            del self._indexes[next(iter(self._indexes))]
        self._indexes[device] = indexed

    async def browse(
        self, device: str | None, request: TreeRequest, board: Board, query: TreeQuery
    ) -> TreePage:
        """Look into the tree that `tree` would make."""
        params: Json = {"request": to_json(request), "query": to_json(query)}
        answer, fds = await self._with_board("browse", device, params, board)
        self.keep(fds, 0)
        return from_json(TreePage, answer)

    async def _with_board(
        self, task: str, device: str | None, params: Json, board: Board
    ) -> tuple[Json, Sequence[int]]:
        # Without a running tree its origin means nothing.
        blobs = () if board.live is None else filter(None, (board.live, board.original))
        given = tuple(
            self._stack.enter_context(files.memory_file("tree", (blob,))) for blob in blobs
        )
        if device is None:
            return await self._prober.run(task, params, given, timeout_s=CALL_S)
        session = await self.session(device)
        return await session.call(task, params, given, timeout_s=CALL_S)

    def keep(self, fds: Sequence[int], count: int) -> Sequence[int]:
        """Own files that came with an answer; raises ProtocolError unless `count` did."""
        for fd in fds:
            self._stack.callback(os.close, fd)
        if len(fds) != count:
            raise ProtocolError(f"$.fds: expected {count} open files, got {len(fds)}")
        if not all(stat.S_ISREG(os.fstat(fd).st_mode) for fd in fds):
            raise ProtocolError("$.fds: expected files, got something else")
        return fds


async def gather(
    bench: Bench,
    resolved: ResolvedOption,
    overrides: Overrides,
    board: Board,
    progress: Callable[[str, int | None], None],
) -> Artefacts:
    """Open and look at everything that an option needs.

    Args:
        bench: Owns what is opened.
        resolved: A bootable option.
        overrides: What a person changed.
        board: What is known of this machine.
        progress: Told what is being done.

    Raises:
        BootdError: A file is no kernel, no tree can be made, a device is gone.
        OSError: A file cannot be opened.
    """
    if resolved.linux is None:
        raise LoadError("the entry names no kernel")
    progress("Looking at the kernel", None)
    kernel = await bench.image(resolved.linux)
    kernel_fd, _ = await bench.open(resolved.linux, "kernel")
    initrds = [await bench.open(file, "initrd") for file in resolved.initrds]
    progress("Preparing the device tree", None)
    request = tree_request(resolved, overrides, board)
    tree, blob = await bench.tree(tree_device(resolved, overrides), request, board)
    check_risks(tree, board.risky, removable=resolved.removable)
    tree = replace(tree, notes=board.notes + tree.notes + tree.risks)
    return Artefacts(
        kernel=kernel,
        kernel_fd=kernel_fd,
        initrds=tuple(initrds),
        tree=tree,
        blob=blob,
        cmdline=request.cmdline,
    )


async def read_ahead(
    bench: Bench,
    named: Sequence[ResolvedFile],
    total: int,
    progress: Callable[[str, int | None], None],
) -> None:
    """Read files into memory in steps, so that a long load shows progress and can be cancelled.

    The loader then finds them there. What stands inside a container is in memory already.
    """
    done = 0
    for file in named:
        offset = 0
        while not file.part and (count := await bench.read_ahead(file, offset)):
            offset += count
            done += count
            said = f"{done >> 20} of {total >> 20} MiB read"
            progress(said, min(done * 100 // max(total, 1), 100))


def tree_request(resolved: ResolvedOption, overrides: Overrides, board: Board) -> TreeRequest:
    """Return what an option asks for, with what a person changed, as far as it may be done.

    Raises:
        LoadError: There is no such mode, or the DTB is no path.
        MergeRefusedError: Its device tree files may not be used on this machine.
    """
    option = resolved.option
    named = overrides.devicetree
    if named is not None and not named.startswith("/"):
        shown = clean(named, 80)
        raise LoadError(f"{shown!r} is no path: write it from the root of its device, like /my.dtb")
    mode = TreeMode.RUNNING if option.devicetree_none else TreeMode.MERGED
    if overrides.devicetree_mode is not None:
        mode = _mode(overrides.devicetree_mode)
    own = None if resolved.devicetree is None else resolved.devicetree.path
    own_part = "" if resolved.devicetree is None else resolved.devicetree.part
    parts = tuple(file.part for file in resolved.overlays)
    cmdline = option.cmdline if overrides.options is None else overrides.options
    request = TreeRequest(
        mode=mode,
        devicetree=own if overrides.devicetree is None else overrides.devicetree,
        devicetree_part=own_part if overrides.devicetree is None else "",
        devicetree_dir=None if resolved.devicetree_dir is None else resolved.devicetree_dir.path,
        kernel_version=option.version,
        overlays=tuple(file.path for file in resolved.overlays),
        overlay_parts=parts if any(parts) else (),
        cmdline=without_word(cmdline),
        parameters=option.devicetree_parameters,
        overlay_parameters=option.overlay_parameters,
        edits=option.devicetree_edits,
        profile=board.profile,
        screens=board.screens,
        fdtfile=board.fdtfile,
    )
    return restrict(request, board.tier)


def tree_device(resolved: ResolvedOption, overrides: Overrides) -> str | None:
    """Return the device that holds the files of the tree, or None when there are none.

    Raises:
        LoadError: They are on several devices, and a worker sees one.
    """
    named = [resolved.devicetree, resolved.devicetree_dir, *resolved.overlays]
    names = {file.device for file in named if file is not None}
    if overrides.devicetree is not None:
        names.add(resolved.device)
    if len(names) > 1:
        listed = ", ".join(sorted(names))
        raise LoadError(f"its device tree files are on several devices ({listed})")
    return names.pop() if names else None


def _recheck(fd: int) -> int:
    """Look at what a worker has made of trees before a loader believes it; returns its bytes."""
    blob = memfd.content(fd, MAX_DTB_BYTES)
    try:
        recheck(blob)
    except FdtError as error:
        raise MergeRefusedError(f"the merged tree is not what a merge makes: {error}") from error
    return len(blob)


def _mode(word: str) -> TreeMode:
    try:
        return TreeMode(word)
    except ValueError:
        words = ", ".join(mode.value for mode in TreeMode)
        raise LoadError(f"there is no device tree mode {word!r:.40}, only {words}") from None


@contextmanager
def _named(file: ResolvedFile) -> Iterator[None]:
    """Have an error of the file system name the file and its device."""
    path = escape(file.path)
    try:
        yield
    except FileNotFoundError:
        raise LoadError(f"{path} is missing on {file.device}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise LoadError(f"{path} on {file.device} cannot be read: {reason}") from error
