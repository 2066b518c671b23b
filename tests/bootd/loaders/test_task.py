"""The tasks as workers and helpers run them."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from bootd.errors import ImageError, ProtocolError
from bootd.fsview import FsView
from bootd.images import ImageInfo, identify
from bootd.linux import kexec
from bootd.loaders import task
from bootd.loaders.request import LoadJob, LoadRequest
from bootd.model.load import LoadReport
from bootd.protocol.codec import Json, from_json, to_json
from tests.support.images import arm64_image
from tests.support.memoryfs import MemoryFs


@dataclass(frozen=True)
class Worker:
    fs: FsView | None


def job(loader: str, *, initrds: tuple[int, ...] = (), has_tree: bool = False) -> Json:
    kernel = identify(arm64_image(), 4096)
    request = LoadRequest(option="", kernel=kernel, initrd_bytes=initrds)
    return to_json(LoadJob(loader=loader, request=request, has_tree=has_tree))


def opened(*datas: bytes) -> list[int]:
    fds = []
    for data in datas:
        fd = os.memfd_create("test")
        os.write(fd, data)
        fds.append(fd)
    return fds


def is_open(fd: int) -> bool:
    return Path(f"/proc/self/fd/{fd}").exists()


def test_a_kernel_is_described_from_the_device_it_is_on() -> None:
    fs = MemoryFs({"/boot/vmlinuz": arm64_image(8192)})
    answer, fds = task.image(Worker(fs), {"path": "/boot/vmlinuz"}, [])
    info = from_json(ImageInfo, answer)
    assert (info.kind, info.file_bytes, fds) == ("arm64", 8192, [])


def test_what_is_no_kernel_is_named_by_its_path() -> None:
    with pytest.raises(ImageError, match=r"^/boot/vmlinuz: no kernel that bootd knows"):
        task.image(Worker(MemoryFs({"/boot/vmlinuz": b"text"})), {"path": "/boot/vmlinuz"}, [])


@pytest.mark.parametrize("params", [None, {}, {"path": 1}, []])
def test_nonsense_is_a_protocol_error(params: Json) -> None:
    with pytest.raises(ProtocolError, match="path"):
        task.image(Worker(MemoryFs({})), params, [])


def test_a_rehearsal_loads_nothing_and_closes_its_files() -> None:
    fds = opened(arm64_image(), b"tree")
    answer, out = task.load(Worker(None), job("dry_run", has_tree=True), list(fds))
    report = from_json(LoadReport, answer)
    assert (report.loader, report.executed, out) == ("dry_run", False, [])
    assert report.notes
    assert not kexec.kexec_loaded()
    assert not any(is_open(fd) for fd in fds)


def test_files_that_do_not_fit_the_job_are_refused_and_closed() -> None:
    fds = opened(arm64_image())
    with pytest.raises(ProtocolError, match="expected 3 open files, got 1"):
        task.load(Worker(None), job("dry_run", initrds=(5,), has_tree=True), list(fds))
    assert not is_open(fds[0])


def test_an_unknown_loader_is_refused() -> None:
    with pytest.raises(ProtocolError, match="there is no 'kexec-tools'"):
        task.load(Worker(None), job("kexec-tools"), opened(arm64_image()))


def test_unloading_with_nothing_loaded_answers_so() -> None:
    assert task.unload(Worker(None), None, []) == (False, [])
