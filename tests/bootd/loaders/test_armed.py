"""After a load exactly the asked-for kernel is armed, or none.

The kernel's state is played by a fake, since loading for real would need another machine.
"""

from dataclasses import dataclass, field, replace

import pytest

from bootd.errors import LoadError
from bootd.images import identify
from bootd.linux import kexec
from bootd.loaders.armed import load_with
from bootd.loaders.request import LoadFiles, LoadRequest
from bootd.model.load import LoadReport
from bootd.model.tree import TreeOrigin
from tests.support.images import arm64_image

REQUEST = LoadRequest(option="", kernel=identify(arm64_image(), 4096))
DONE = LoadReport(loader="kexec_load", tree=TreeOrigin.MERGED, why="")


@dataclass
class FakeKernel:
    """Keeps what a kernel keeps: whether something is loaded."""

    loaded: bool = False
    stuck: bool = False
    log: list[str] = field(default_factory=list)

    def unload(self) -> None:
        self.log.append("unload")
        self.loaded = self.stuck


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    fake = FakeKernel()
    monkeypatch.setattr(kexec, "unload", fake.unload)
    monkeypatch.setattr(kexec, "kexec_loaded", lambda: fake.loaded)
    return fake


def test_an_earlier_kernel_is_taken_out_before_the_load(kernel: FakeKernel) -> None:
    kernel.loaded = True

    def loader(_request: LoadRequest, _given: LoadFiles) -> LoadReport:
        assert not kernel.loaded
        kernel.loaded = True
        return DONE

    assert load_with(loader, REQUEST, LoadFiles(kernel=0)) is DONE
    assert kernel.loaded


@pytest.mark.parametrize("error", [OSError(12, "no memory"), LoadError("no"), KeyboardInterrupt()])
def test_whatever_ends_a_load_leaves_nothing_loaded(
    kernel: FakeKernel, error: BaseException
) -> None:
    def loader(_request: LoadRequest, _given: LoadFiles) -> LoadReport:
        kernel.loaded = True
        raise error

    with pytest.raises(type(error)):
        load_with(loader, REQUEST, LoadFiles(kernel=0))
    assert not kernel.loaded


def test_a_load_that_the_kernel_does_not_confirm_has_failed(kernel: FakeKernel) -> None:
    with pytest.raises(LoadError, match="has nothing loaded"):
        load_with(lambda _request, _given: DONE, REQUEST, LoadFiles(kernel=0))
    assert kernel.log == ["unload", "unload"]


def test_an_earlier_kernel_that_stays_stops_the_load(kernel: FakeKernel) -> None:
    kernel.loaded = kernel.stuck = True
    with pytest.raises(LoadError, match="earlier kernel is still loaded"):
        load_with(lambda _request, _given: DONE, REQUEST, LoadFiles(kernel=0))


def test_a_crash_kernel_leaves_the_ordinary_one_alone(
    kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.loaded = True
    waiting = FakeKernel(loaded=True)
    monkeypatch.setattr(kexec, "unload_crash", waiting.unload)
    monkeypatch.setattr(kexec, "crash_loaded", lambda: waiting.loaded)

    def loader(_request: LoadRequest, _given: LoadFiles) -> LoadReport:
        waiting.loaded = True
        return replace(DONE, crash=True)

    load_with(loader, replace(REQUEST, crash=True), LoadFiles(kernel=0))
    assert waiting.log == ["unload"]
    assert (kernel.loaded, kernel.log) == (True, [])
