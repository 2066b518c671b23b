"""How well the processes that read disks are: for the log, and for everybody who asks."""

import logging
from collections.abc import Callable
from typing import Protocol

from bootd.record import replace
from bootd.services.store import Store

log = logging.getLogger(__name__)


class Probes(Protocol):
    """Who knows; `bootd.probe.prober.Prober` does."""

    unprotected: tuple[str, ...]
    on_health: Callable[[], object]

    @property
    def lost(self) -> int:
        """How many hang on dead disks."""
        ...


def watch_health(probes: Probes, store: Store) -> None:
    """Keep the status up to date from now on, and say in the log what gets worse."""
    told: tuple[str, ...] = ()
    lost = 0

    def tell() -> None:
        nonlocal told, lost
        if (probes.unprotected, probes.lost) == (told, lost):
            return
        if probes.unprotected != told:
            told = probes.unprotected
            log.warning("whoever reads disks is confined without %s", "; ".join(told))
        if probes.lost > lost:
            log.warning("disks do not answer: processes that wait for them: %d", probes.lost)
        lost = probes.lost
        status = replace(store.state.status, unprotected=told, abandoned=lost)
        store.update_status(status)

    probes.on_health = tell
    tell()
