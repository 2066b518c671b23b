"""The verb `bless`, and `bootd-bless`: the booted system says that it came up.

Runs where no daemon does; what it writes the next bootd finds.
"""

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bootd.ctl.asking import Commands

_WORDS: Final = ("good", "bad", "status")


def register(commands: "Commands") -> None:
    """Add the verb."""
    text = "Confirm that the system that runs now has come up, so that bootd boots it again."
    verb = commands.add_parser("bless", help=text, description=text)
    verb.add_argument(
        "verdict",
        nargs="?",
        choices=_WORDS,
        default="good",
        help="good (the default); bad: nothing boots it by itself any more; status: say how it is",
    )
    verb.add_argument("--entry", metavar="ID", help="of that boot option instead of this system's")
    verb.set_defaults(run=_bless)


def main() -> int:
    """Be `bootd-bless`; returns the exit status."""
    from bootd.ctl.main import main as bootdctl  # noqa: PLC0415 - it imports this module

    return bootdctl(["bless", *sys.argv[1:]])


def _bless(given: Namespace) -> int:
    import asyncio  # noqa: PLC0415 - other verbs of this program need neither
    import os  # noqa: PLC0415 - ditto

    from bootd.services import blessing  # noqa: PLC0415 - ditto

    option_id = given.entry or blessing.started_from()
    if not option_id:
        print("This system was not started by bootd: there is nothing to confirm.")
        return 0
    if os.geteuid() != 0:
        print("bootdctl: only root reads and writes boot counters", file=sys.stderr)
        return 1
    if given.verdict == "status":
        print(asyncio.run(blessing.describe(option_id)))
        return 0
    outcome = asyncio.run(blessing.bless(option_id, blessing.Verdict(given.verdict)))
    for sentence in outcome.said:
        print(sentence)
    return int(outcome.failed)
