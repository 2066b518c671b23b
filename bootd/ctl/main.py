"""`bootdctl`: argv to one verb, and what it raises to an exit status.

Exit status: 0 done, 1 failed, 2 usage, 3 refused by policy, 4 no such option.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final, cast

from bootd import VERSION
from bootd.ctl.asking import add_connection_options, exit_status, run_remotely
from bootd.errors import BootdError

VERBS: Final = (
    "bootd.ctl.query",
    "bootd.ctl.change",
    "bootd.ctl.remember",
    "bootd.ctl.browse",
    "bootd.ctl.monitor",
    "bootd.ctl.bridge",
    "bootd.ctl.bless",
    "bootd.ctl.scan",
    "bootd.ctl.dt",
    "bootd.ctl.image",
)
"""Modules with a group of verbs each, in the order of the help: `register(commands)` adds them."""

BROKEN_PIPE: Final = 141
"""What a shell shows for a program that SIGPIPE ended."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status."""
    arguments = list(sys.argv[1:] if words is None else words)
    given = build_parser().parse_args(arguments)
    host = None if hasattr(given, "asks") else getattr(given, "host", None)
    run = cast(Callable[[Namespace], int], given.run)
    try:
        status = run(given) if host is None else run_remotely(host, arguments)
        sys.stdout.flush()  # here, where a reader that left can be dealt with
        return status
    except BootdError as error:
        print(f"bootdctl: {error}", file=sys.stderr)
        return exit_status(error)
    except BrokenPipeError:
        # The reader of the output left; the interpreter must not try to flush it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        print(f"bootdctl: {_sentence(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def build_parser() -> ArgumentParser:
    """Return the parser with every verb."""
    parser = ArgumentParser(
        prog="bootdctl",
        description="Show and choose what this machine boots, and look at boot files and trees.",
        epilog="Exit status: 0 done, 1 failed, 2 usage, 3 refused by policy, 4 no such option.",
    )
    parser.add_argument("--version", action="version", version=f"bootdctl {VERSION}")
    add_connection_options(parser)
    commands = parser.add_subparsers(metavar="VERB", required=True)
    for name in VERBS:
        import_module(name).register(commands)
    return parser


def _sentence(error: OSError) -> str:
    """Return what the system refused, the file first and without an errno."""
    words = error.strerror or str(error)
    return f"{error.filename}: {words}" if error.filename else words


if __name__ == "__main__":
    sys.exit(main())
