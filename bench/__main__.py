"""`make bench`: run every measurement, show a table with the goals beside it, keep it as JSON.

A measurement is a module of this package with `measure() -> dict[str, float]`. Names end in their
unit (`_ms`, `_mb`, `_bytes`, `_ratio`, `_s`); a ratio is against something run in the same call, so
it travels between machines. `python -m bench NAME...` runs only those modules. The JSON is
build/bench.json.
"""

import importlib
import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Final

MODULES: Final = ("formats", "tree", "start", "discovery", "menu", "load", "board")
"""Cheapest first; one line adds a measurement."""

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE.parent / "build" / "bench.json"


def main(names: list[str]) -> int:
    """Run the named modules (all when none is named); 1 when a goal is missed."""
    goals: dict[str, float] = tomllib.loads((HERE / "goals.toml").read_text())
    found: dict[str, float] = {}
    skipped: dict[str, str] = {}
    for name in names or MODULES:
        print(f"== {name}", flush=True)
        try:
            measured = importlib.import_module(f"bench.{name}").measure()
        except OSError as error:
            skipped[name] = str(error)
            print(f"  skipped: {error}")
            continue
        for key, value in measured.items():
            print(_row(key, value, goals.get(key)), flush=True)
        found |= measured
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"measured": found, "skipped": skipped}, indent=1) + "\n")
    missed = [key for key, value in found.items() if value > goals.get(key, value)]
    print(f"\n{len(found)} figures in {os.path.relpath(RESULTS)}; goals missed: {len(missed)}")
    return 1 if missed else 0


def _row(key: str, value: float, goal: float | None) -> str:
    verdict = "" if goal is None else f"  goal {goal:g} {'ok' if value <= goal else 'MISSED'}"
    return f"  {key:44} {value:12.3f}{verdict}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
