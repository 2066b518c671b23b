"""What a look at one device found, as `bootdctl scan` keeps it."""

from bootd.formats.tried import Tried
from bootd.model.device import BlockDevice
from bootd.model.option import ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found on one device.

    Attributes:
        result: Empty when it could not be read; a problem says why then.
    """

    device: BlockDevice
    result: ScanResult
    tried: Tried = ()


def unread(device: BlockDevice, reason: str) -> Look:
    """Return a look at a device that cannot be read."""
    problem = Problem(source="", message=clean(reason))
    return Look(device=device, result=ScanResult(problems=(problem,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A look without its device, as it comes from the process that read it."""

    result: ScanResult
    tried: Tried

    def of(self, device: BlockDevice) -> Look:
        """Return the whole."""
        return Look(device=device, result=self.result, tried=self.tried)
