"""`bootd`: the daemon's first milliseconds.

The zygote is forked before anything is imported that costs time, so that the first probes and the
parsers run on one processor while asyncio and the services are imported on another.
"""

import gc
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from bootd.probe.spawn import spawn

if TYPE_CHECKING:
    from bootd.probe.task import Tables

HELPERS: Final = (
    *("load", "unload", "quiesce", "wake", "rename", "arm", "disarm", "remember", "hook"),
    *("assemble", "dismantle", "unlock"),
)
"""Tasks that run with root's rights."""


class Arguments(NamedTuple):
    """What the command line says.

    Attributes:
        machine: Directory that plays the machine, or "".
        socket: Where to listen, or "" for what the settings say.
        dry_run: Load and start nothing.
    """

    machine: str = ""
    socket: str = ""
    dry_run: bool = False


def main() -> int:
    """Run the daemon until it is told to stop; returns the exit status."""
    gc.disable()  # nothing that is imported ever becomes garbage; looking for it costs 5 ms
    arguments = parse(sys.argv[1:]) if len(sys.argv) > 1 else Arguments()
    spawned = spawn(_tables, early=not arguments.machine)
    # bootd speaks no TLS, and asyncio does without: 4.5 MB and 10 ms less.
    sys.modules["ssl"] = None  # type: ignore[assignment] # the documented way to make an import fail
    from bootd.app import run  # noqa: PLC0415 - after the fork, see the module's docstring

    return run(arguments, spawned)


def parse(words: list[str]) -> Arguments:
    """Read the command line; leaves with status 2 when it makes no sense."""
    from argparse import ArgumentParser  # noqa: PLC0415 - 7 ms, and units pass no arguments

    from bootd import VERSION  # noqa: PLC0415 - ditto

    parser = ArgumentParser(
        prog="bootd", description="Find every operating system of this machine and boot one."
    )
    parser.add_argument(
        "--machine",
        metavar="DIR",
        default="",
        help="let the sub-directories of DIR play the disks, and DIR/live.dtb the device tree; "
        "loads nothing and needs no root",
    )
    parser.add_argument("--socket", metavar="PATH", default="", help="listen on this unix socket")
    parser.add_argument(
        "--dry-run", action="store_true", help="load and start nothing, only say what would happen"
    )
    parser.add_argument("--version", action="version", version=f"bootd {VERSION}")
    return Arguments(**vars(parser.parse_args(words)))


def _tables() -> "Tables":
    """Name what workers can do; called in the zygote, whose memory it costs."""
    from bootd.loaders import departure, task  # noqa: PLC0415 - in the zygote only
    from bootd.probe import remembering, stacking  # noqa: PLC0415 - ditto
    from bootd.probe.hooked import hooked  # noqa: PLC0415 - ditto
    from bootd.probe.rehearsal import complete, practise, preload  # noqa: PLC0415 - ditto
    from bootd.probe.task import Tables  # noqa: PLC0415 - ditto
    from bootd.probe.tasks import TASKS  # noqa: PLC0415 - ditto

    both = task.HELPERS | departure.HELPERS | stacking.HELPERS | remembering.HELPERS
    return Tables(
        tasks={**TASKS, "image": task.image, "hooked": hooked},
        helpers={name: both[name] for name in HELPERS},
        preload=preload,
        complete=complete,
        practise=practise,
    )


if __name__ == "__main__":
    sys.exit(main())
