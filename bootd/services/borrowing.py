"""Second looks: a configuration that asks for files of other devices is read again with them."""

import logging
from collections.abc import Mapping

from bootd.errors import ProbeError
from bootd.model.device import BlockDevice
from bootd.model.lent import LentFile
from bootd.model.option import FileRef, ScanResult
from bootd.policy.lending import MAX_ROUNDS, answers, questions, unanswered
from bootd.record import replace
from bootd.services.discovery import Scanner

log = logging.getLogger(__name__)


async def scan_with_lent(
    scanner: Scanner,
    device: BlockDevice,
    devices: Mapping[str, BlockDevice],
    result: ScanResult,
) -> ScanResult:
    """Return what the device's configuration says when it can read what is on the others.

    Args:
        scanner: Looks at devices.
        device: The one that was scanned.
        devices: All that are present, by name; may change meanwhile.
        result: Of the first scan.

    Raises:
        ProbeError: The device itself cannot be read any more.
    """
    lent: tuple[LentFile, ...] = ()
    wanted = dict.fromkeys(result.wants)
    for _ in range(MAX_ROUNDS):
        wants = unanswered(result.wants, lent)
        more = await _borrow(scanner, device, devices, wants)
        if not more:
            break
        lent += more
        result = await scanner.scan(device, lent)
        wanted |= dict.fromkeys(result.wants)
    # What was lent is wanted no less: it matters when its device goes.
    return replace(result, wants=tuple(wanted))


async def _borrow(
    scanner: Scanner,
    own: BlockDevice,
    devices: Mapping[str, BlockDevice],
    wants: tuple[FileRef, ...],
) -> tuple[LentFile, ...]:
    present = tuple(devices.values())
    found: dict[str, tuple[LentFile, ...]] = {}
    for name, paths in questions(wants, own, present).items():
        lender = devices.get(name)
        if lender is None:  # it has gone while another one was asked
            continue
        try:
            found[name] = await scanner.lend(lender, paths)
        except (ProbeError, OSError) as error:
            log.info("%s lends nothing to %s: %s", name, own.name, error)
    return answers(wants, own, present, found)
