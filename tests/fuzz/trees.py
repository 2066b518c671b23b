"""Damaged blobs, overlays and trees to merge by the thousand.

Nothing may crash or hang, and nothing that libfdt refuses may be accepted.

`make fuzz` runs 100,000 of each kind; the normal tests run some thousand with the same code. What
failed is written below build/fuzz, with the seed that made it, and kept in tests/crashers.
"""

import argparse
import random
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Final

from bootd.devicetree.prepare import combine
from bootd.errors import FdtError, MergeRefusedError
from bootd.fdt import read, write
from bootd.fdt.compare import differences
from bootd.fdt.overlay import apply
from bootd.fdt.tree import copy_fdt
from tests.support.libfdt_oracle import Guarded, is_valid
from tests.support.trees import compile_dts

SLOW_S: Final = 1.0
"""A blob of a few kilobytes that takes longer hangs, for a person at a console."""

FOUND: Final = Path(__file__).parents[2] / "build" / "fuzz"

_BASE: Final = """\
/dts-v1/; /memreserve/ 0x1000 0x2000;
/ { #address-cells = <1>; #size-cells = <1>; compatible = "acme,board", "acme,soc";
    aliases { serial0 = &uart; };
    chosen { stdout-path = "serial0:115200n8"; };
    cpus { #address-cells = <1>; #size-cells = <0>;
        cpu0: cpu@0 { device_type = "cpu"; reg = <0>; next-level-cache = <&cache>; };
        cache: l2-cache { compatible = "cache"; }; };
    memory@0 { device_type = "memory"; reg = <0 0x10000000>; };
    soc: soc { #address-cells = <1>; #size-cells = <1>; ranges; interrupt-parent = <&gic>;
        gic: interrupt-controller@1000 { reg = <0x1000 0x1000>; interrupt-controller;
            #interrupt-cells = <3>; };
        uart: serial@2000 { compatible = "acme,uart"; reg = <0x2000 0x100>; clocks = <&clk 1>; };
        clk: clock@3000 { reg = <0x3000 0x100>; #clock-cells = <1>; };
        i2c1: i2c@4000 { reg = <0x4000 0x100>; #address-cells = <1>; #size-cells = <0>;
            status = "disabled"; clocks = <&clk 2>, <&clk 3>; }; };
};
"""
_OVERLAY: Final = """\
/dts-v1/; /plugin/;
&i2c1 { status = "okay"; label: sensor@48 { compatible = "acme,sensor"; reg = <0x48>;
    vdd-supply = <&vdd>; interrupt-parent = <&gic>; }; };
&{/} { vdd: regulator-vdd { compatible = "regulator-fixed"; gpios = <&clk 4>;
    sensor = <&label>; }; };
&label { wakeup-source; };
"""


@dataclass(slots=True)
class Outcome:
    """What a run saw.

    Attributes:
        mistakes: What must not be: a crash, a hang, or an answer that libfdt contradicts.
    """

    runs: int = 0
    accepted: int = 0
    slowest_s: float = 0.0
    mistakes: list[str] = field(default_factory=list)


def mutate(rng: random.Random, blob: bytes) -> bytes:
    """Return a blob with one to four kinds of damage."""
    data = bytearray(blob)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        rng.choice(_DAMAGES)(rng, data)
        if not data:
            data = bytearray(blob)
    return bytes(data)


def _flip(rng: random.Random, data: bytearray) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _word(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(0, max(len(data) - 4, 1), 4)
    words = (0, 1, 2, 3, 4, 9, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, rng.getrandbits(32), 255, 65536)
    data[at : at + 4] = struct.pack(">I", rng.choice(words))


def _header(rng: random.Random, data: bytearray) -> None:
    at = 4 * rng.randrange(10)
    old = int.from_bytes(data[at : at + 4], "big")
    new = rng.choice((0, old + 4, max(old - 4, 0), old * 2, len(data), rng.getrandbits(32)))
    data[at : at + 4] = (new & 0xFFFFFFFF).to_bytes(4, "big")


def _cut(rng: random.Random, data: bytearray) -> None:
    del data[rng.randrange(len(data)) :]


def _delete(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(0, len(data), 4)
    del data[at : at + 4 * rng.randrange(1, 8)]


def _double(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(0, len(data), 4)
    data[at:at] = data[at : at + 4 * rng.randrange(1, 32)]


def _swap(rng: random.Random, data: bytearray) -> None:
    a, b = (rng.randrange(0, max(len(data) - 8, 1), 4) for _ in range(2))
    data[a : a + 4], data[b : b + 4] = data[b : b + 4], data[a : a + 4]


def _text(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    data[at] = rng.choice(b"/@:\0\xff\x1b a0")


_DAMAGES: Final[Sequence[Callable[[random.Random, bytearray], None]]] = (
    *(_flip, _word, _header, _cut, _delete, _double, _swap, _text),
)


def fuzz_blobs(count: int, seed: int, samples: Sequence[bytes] = ()) -> Outcome:
    """Read damaged blobs."""
    rng, outcome = random.Random(seed), Outcome()  # noqa: S311 - repeatable on purpose
    blobs = [compile_dts(_BASE, symbols=True), compile_dts(_OVERLAY), *samples]
    for number in range(count):
        blob = mutate(rng, rng.choice(blobs))
        start = perf_counter()
        try:
            fdt = read(blob)
        except FdtError:
            pass
        except Exception as error:  # noqa: BLE001 - any other exception is what is looked for
            _keep(outcome, f"blob {seed}:{number}", f"raised {error!r}", blob)
        else:
            outcome.accepted += 1
            if not is_valid(blob):
                _keep(outcome, f"blob {seed}:{number}", "is accepted, libfdt refuses it", blob)
            if not is_valid(write(fdt)):
                _keep(outcome, f"blob {seed}:{number}", "is written as an invalid one", blob)
        _time(outcome, f"blob {seed}:{number}", start)
    return outcome


def fuzz_overlays(count: int, seed: int) -> Outcome:
    """Apply damaged overlays to a sound base, and compare with libfdt."""
    rng, outcome = random.Random(seed), Outcome()  # noqa: S311 - repeatable on purpose
    base, sound = compile_dts(_BASE, symbols=True), compile_dts(_OVERLAY)
    tree = read(base)
    with Guarded() as oracle:
        for number in range(count):
            blob = mutate(rng, sound)
            start = perf_counter()
            result = copy_fdt(tree)
            try:
                overlay = read(blob)
                apply(result, overlay)
                merged = write(result)
            except FdtError:
                merged = b""
            except Exception as error:  # noqa: BLE001 - any other exception is what is looked for
                _keep(outcome, f"overlay {seed}:{number}", f"raised {error!r}", blob)
                continue
            _time(outcome, f"overlay {seed}:{number}", start)
            if merged:
                outcome.accepted += 1
                _compare(outcome, f"overlay {seed}:{number}", blob, merged, oracle, base)
    return outcome


def fuzz_merges(count: int, seed: int, samples: Sequence[bytes] = ()) -> Outcome:
    """Merge what damage leaves readable: each is refused with a reason or comes out sound."""
    rng, outcome = random.Random(seed), Outcome()  # noqa: S311 - repeatable on purpose
    boards = [compile_dts(_BASE, symbols=True), *samples]
    for number in range(count):
        sound = rng.choice(boards)
        shipped, live = ((mutate(rng, sound), sound), (sound, mutate(rng, sound)))[number % 2]
        name = f"merge {seed}:{number}"
        start = perf_counter()
        try:
            blob, _ = combine(read(shipped), read(live), "quiet")
        except (FdtError, MergeRefusedError):
            pass
        except Exception as error:  # noqa: BLE001 - any other exception is what is looked for
            _keep(outcome, name, f"raised {error!r}", (shipped, live)[number % 2])
        else:
            outcome.accepted += 1
            if not is_valid(blob):
                _keep(outcome, name, "makes an invalid blob", (shipped, live)[number % 2])
        _time(outcome, name, start)
    return outcome


def _compare(
    outcome: Outcome, name: str, blob: bytes, merged: bytes, oracle: Guarded, base: bytes
) -> None:
    crashes = oracle.crashes
    expected = oracle.apply_overlay(base, blob)
    if expected is None:
        if oracle.crashes == crashes:
            _keep(outcome, name, "is applied, libfdt refuses it", blob)
    elif write(read(expected)) != write(read(merged)) and not _same(expected, merged):
        _keep(outcome, name, "is applied in another way than by libfdt", blob)


def _same(first: bytes, second: bytes) -> bool:
    try:
        return not list(differences(read(first), read(second)))
    except FdtError:
        return False


def _time(outcome: Outcome, name: str, start: float) -> None:
    took = perf_counter() - start
    outcome.runs += 1
    outcome.slowest_s = max(outcome.slowest_s, took)
    if took > SLOW_S:
        outcome.mistakes.append(f"{name} took {took:.1f} s")


def _keep(outcome: Outcome, name: str, what: str, blob: bytes) -> None:
    outcome.mistakes.append(f"{name} {what}")
    FOUND.mkdir(parents=True, exist_ok=True)
    (FOUND / f"{name.replace(' ', '-').replace(':', '-')}.dtb").write_bytes(blob)


def main() -> int:
    """Run what `make fuzz` asks for; 1 when something must not be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    failed = 0
    runs = (("blobs", fuzz_blobs), ("overlays", fuzz_overlays), ("merges", fuzz_merges))
    for name, run in runs:
        outcome = run(args.count, args.seed)
        failed += len(outcome.mistakes)
        print(
            f"{name}: {outcome.runs} damaged, {outcome.accepted} still valid, slowest"
            f" {outcome.slowest_s * 1000:.1f} ms, mistakes: {len(outcome.mistakes)}"
        )
        print("\n".join(outcome.mistakes[:20]))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
