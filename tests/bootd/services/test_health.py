"""What becomes of the prober's health; the prober itself is tested where it is."""

import logging
from typing import TYPE_CHECKING

import pytest

from bootd.protocol.messages import Status
from bootd.services.health import watch_health
from bootd.services.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable


class Probes:
    """A prober's health, to be set by a test."""

    def __init__(self) -> None:
        self.unprotected: tuple[str, ...] = ()
        self.on_health: Callable[[], object] = bool
        self.lost = 0


async def test_everybody_sees_what_the_kernel_lacks_and_which_disks_are_dead(
    caplog: pytest.LogCaptureFixture,
) -> None:
    probes, store = Probes(), Store(Status())
    watch_health(probes, store)
    assert (store.state.status.unprotected, store.state.status.abandoned) == ((), 0)
    assert caplog.messages == []
    probes.unprotected, probes.lost = ("Landlock",), 2
    with caplog.at_level(logging.WARNING):
        probes.on_health()
        probes.on_health()
    assert (store.state.status.unprotected, store.state.status.abandoned) == (("Landlock",), 2)
    assert caplog.messages == [
        "whoever reads disks is confined without Landlock",
        "disks do not answer: processes that wait for them: 2",
    ]
    probes.lost = 0
    probes.on_health()
    assert store.state.status.abandoned == 0
