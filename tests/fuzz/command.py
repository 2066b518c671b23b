"""What `python -m tests.fuzz.…` has in common: options, one line of figures, the exit status."""

import argparse
import resource
from collections.abc import Callable

from tests.fuzz.trees import Outcome


def report(
    about: str | None, name: str, accepted: str, fuzz: Callable[[int, int], Outcome], *, count: int
) -> int:
    """Run a target as the command line says; 1 when something must not be.

    Args:
        about: For --help.
        name: Of what is damaged.
        accepted: What became of those that were accepted.
        fuzz: Takes how many, and a seed.
        count: How many without --count.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--count", type=int, default=count)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    outcome = fuzz(args.count, args.seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(
        f"{name}: {outcome.runs} damaged, {outcome.accepted} {accepted}, slowest"
        f" {outcome.slowest_s * 1000:.1f} ms, peak {peak} MiB, mistakes: {len(outcome.mistakes)}"
    )
    print("\n".join(outcome.mistakes[:20]))
    return int(bool(outcome.mistakes))
