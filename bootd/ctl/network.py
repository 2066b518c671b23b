"""`bootdctl scan --tftp`: network configuration, served from a directory."""

from typing import Final

from bootd.ctl.look import Look, Sight, unread
from bootd.ctl.scan import Source
from bootd.errors import ProbeError
from bootd.fetch import Lease
from bootd.formats import ipxe, pxe
from bootd.linux.served import ServedDirectory
from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.text import clean
from bootd.probe import confined
from bootd.protocol.codec import Json, from_json, to_json

_ARCHITECTURES: Final = {"aarch64": "aa64", "x86_64": "x64", "armv7l": "arm", "riscv64": "riscv64"}
"""As `uname -m` has them, to UEFI's names."""


def look(source: Source, architecture: str) -> Look:
    """Collect what a boot server offers this machine.

    Args:
        source: The server's URL as name, the directory, and what DHCP says.
        architecture: As `uname -m` prints it.

    Raises:
        OSError: There is no such directory.
    """
    said = source.properties
    lease = Lease(
        server=source.name,
        bootfile=said.get("bootfile", ""),
        config_file=said.get("config", ""),
        path_prefix=said.get("prefix", ""),
        mac=said.get("mac", ""),
        address=said.get("ip", ""),
        uuid=said.get("uuid", ""),
        architecture=_ARCHITECTURES.get(architecture, ""),
    )
    host = source.name.partition("://")[2].partition("/")[0]
    device = BlockDevice(name=clean(host), node=source.name, kind=DeviceKind.NETWORK)
    with ServedDirectory(source.name, source.path) as server:

        def work() -> Json:
            found = pxe.scan(server, lease)
            asked = [("pxe", *each) for each in server.asked]
            server.asked.clear()
            found += ipxe.scan(server, lease)
            asked += [("ipxe", *each) for each in server.asked]
            return to_json(Sight(result=found, tried=tuple(asked)))

        try:
            return from_json(Sight, confined.run(host, work)).of(device)
        except ProbeError as error:
            return unread(device, error.reason)
