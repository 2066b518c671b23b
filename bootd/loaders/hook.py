"""The helper that runs one hook, in a process that ends with it.

The open files are kernel, initrds in order, then the tree if there is one, as a loader gets them.
What the hook gave comes back in the same order: initrds, then the tree.
"""

import os
from contextlib import ExitStack
from typing import Final

from bootd.linux import hook
from bootd.loaders.hook_contracts import TREE_NAME, HookFailedError, answer, environment, stdin
from bootd.model.hook import Contract, HookAnswer, HookFile, HookJob, HookOutcome, HookQuestion
from bootd.protocol.codec import Json, from_json, to_json
from bootd.record import replace

TREE_BYTES: Final = 2 << 20


def run(params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Run a hook as a `HookJob` says, and answer with the `HookOutcome`."""
    job = from_json(HookJob, params)
    given = [hook.unwritable(fd) for fd in fds]
    question = _with_files(job.question, given)
    with hook.cell(job.program) as place:
        outcome, found = _run(replace(job, question=question), given, place)
    for fd in given:
        os.close(fd)
    return to_json(replace(outcome, missing=place.missing)), found


def _run(job: HookJob, fds: list[int], place: hook.Cell) -> tuple[HookOutcome, list[int]]:
    question = job.question
    said = ""
    before = b""
    try:
        if job.contract is Contract.PETITBOOT and question.devicetree is not None:
            before = _lay_out(question.devicetree.file, place)
        ended = hook.run(
            job.program,
            environment(job.contract, question, place.folder, os.environ),
            stdin(job.contract, question),
            fds,
            place,
            job.timeout_s,
        )
        said = ended.said.decode("utf-8", "replace")
        if ended.status is None:
            raise HookFailedError(f"it had not ended after {job.timeout_s:.0f} s")  # noqa: TRY301 - one place for every failure
        if len(ended.output) > hook.OUTPUT_BYTES:
            raise HookFailedError(f"it wrote more than {hook.OUTPUT_BYTES} bytes")  # noqa: TRY301 - ditto
        found = answer(job.contract, question, ended.status, ended.output)
        return _taken(found, before, said, place)
    except HookFailedError as error:
        return HookOutcome(failure=str(error), said=said), []
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        return HookOutcome(failure=f"{named}{error.strerror or error}", said=said), []


def _taken(
    found: HookAnswer, before: bytes, said: str, place: hook.Cell
) -> tuple[HookOutcome, list[int]]:
    """Open the files that a hook gave; a tree that is as it was is none."""
    with ExitStack() as undo:
        files: list[int] = []

        def take(name: str, most: int) -> int:
            fd = hook.take(place, name, most)
            undo.callback(os.close, fd)
            files.append(fd)
            return fd

        for name in found.initrd:
            take(name, hook.FILE_BYTES)
        if found.devicetree is not None:
            fd = take(found.devicetree, TREE_BYTES)
            if os.pread(fd, TREE_BYTES, 0) == before:
                os.close(files.pop())
                found = replace(found, devicetree=None)
        undo.pop_all()
    return HookOutcome(answer=found, said=said), files


def _lay_out(tree: HookFile, place: hook.Cell) -> bytes:
    """Put the tree where a hook of petitboot's may edit it."""
    blob = os.pread(tree.fd, tree.bytes, 0)
    path = f"{place.folder}/{TREE_NAME}"
    with open(path, "wb") as file:  # noqa: PTH123 - in a helper that has no pathlib yet
        file.write(blob)
    os.chmod(path, 0o666)  # noqa: PTH101, S103 - nobody else sees the folder
    return blob


def _with_files(question: HookQuestion, fds: list[int]) -> HookQuestion:
    """Return the question with the descriptors' numbers of this process."""
    numbers = iter(fds)

    def told(file: HookFile) -> HookFile:
        fd = next(numbers)
        os.lseek(fd, 0, os.SEEK_SET)
        return replace(file, path=f"/proc/self/fd/{fd}", fd=fd)

    linux = told(question.linux)
    initrds = tuple(told(file) for file in question.initrd)
    tree = question.devicetree
    if tree is not None:
        tree = replace(tree, file=told(tree.file))
    return replace(question, linux=linux, initrd=initrds, devicetree=tree)
