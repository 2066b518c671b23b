"""Damaged configurations of every distribution by the thousand: nothing may crash, hang or leak.

`make fuzz` runs 20,000; the normal tests run some hundred with the same code. The seeds are the
golden trees: one file of one tree is damaged, or parts of two are mixed. What failed is written
below build/fuzz.
"""

import random
import sys
from time import process_time
from typing import Final

from bootd.formats import FORMATS, scan
from bootd.formats.lending import lend
from bootd.model.lent import LentFile
from bootd.model.option import ScanResult
from bootd.probe import answer
from bootd.protocol.codec import to_json
from bootd.record import replace
from tests.fuzz.command import report
from tests.fuzz.trees import FOUND, Outcome
from tests.support import golden
from tests.support.memoryfs import MemoryFs

SLOW_S: Final = 2.0
"""Of processor time: what a worker has."""

_WORDS: Final = (
    *(b"\n", b"{", b"}", b"'", b'"', b"\\", b"$", b"${", b"$(", b"[", b"]", b"=", b"#", b"<", b">"),
    *(
        b"\0",
        b"\x1b[2J",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xae",
        b"../../",
        b"(",
        b")",
        b";",
    ),
    *(b" if ", b" fi\n", b" then ", b" done\n", b" for x in a b; do ", b" while true; do "),
    *(b"include ", b"source ", b"menuentry a {\n", b"submenu b {\n", b"\nlabel x\n", b"[all]\n"),
    *(b"*" * 50, b"9" * 30, b"x" * 5000, b"a,b,c,", b"fdt set / a <1 ", b"-1", b"0x", b"%s%n"),
)


def fuzz_formats(count: int, seed: int) -> Outcome:
    """Scan damaged trees; every answer has to be one that the broker takes."""
    rng, outcome = random.Random(seed), Outcome()  # noqa: S311 - repeatable on purpose
    trees = _trees()
    every = [data for files in trees.values() for data in files.values()]
    for number in range(count):
        case = rng.choice(tuple(trees))
        files = dict(trees[case])
        name = rng.choice(tuple(files))
        files[name] = _damaged(rng, files[name], every)
        start = process_time()
        try:
            outcome.accepted += bool(_try(files).options)
        except Exception as error:  # noqa: BLE001 - any exception is what is looked for
            outcome.mistakes.append(f"{seed}:{number} {case}{name} raised {error!r}")
            FOUND.mkdir(parents=True, exist_ok=True)
            (FOUND / f"format-{seed}-{number}").write_bytes(files[name])
        took = process_time() - start
        outcome.runs += 1
        outcome.slowest_s = max(outcome.slowest_s, took)
        if took > SLOW_S:
            outcome.mistakes.append(f"{seed}:{number} {case}{name} took {took:.1f} s")
    return outcome


def _trees() -> dict[str, dict[str, bytes]]:
    """Return the files of every golden tree that are more than stand-ins."""
    found: dict[str, dict[str, bytes]] = {}
    for each in FORMATS:
        for case in sorted((golden.ROOT / each.name).iterdir()):
            root = case / "tree"
            found[f"{each.name}/{case.name}"] = {
                f"/{path.relative_to(root).as_posix()}": path.read_bytes()
                for path in sorted(root.rglob("*"))
                if path.is_file() and path.stat().st_size < 1 << 18
            }
    return {name: files for name, files in found.items() if files}


def _try(files: dict[str, bytes]) -> ScanResult:
    result = _checked(files)
    # What is wanted of other devices is lent by this one: the same files under another name.
    here = MemoryFs(files)
    found = lend(here, [each.path for each in result.wants])
    wanted = zip(found, result.wants, strict=True)
    lent = tuple(replace(file, device=each.device or "", holder="UUID=1") for file, each in wanted)
    return _checked(files, lent) if lent else result


def _checked(files: dict[str, bytes], lent: tuple[LentFile, ...] = ()) -> ScanResult:
    result = scan(MemoryFs(files), lent)
    taken = answer.scan_result(to_json(result))
    if taken != result:
        msg = "the broker changed the answer"
        raise AssertionError(msg)
    return result


def _damaged(rng: random.Random, data: bytes, every: list[bytes]) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(data) + 1)
        end = min(at + rng.choice((1, 4, 30, 400)), len(data))
        match rng.randrange(6):
            case 0:
                data = data[:at] + rng.choice(_WORDS) + data[at:]
            case 1:
                data = data[:at] + data[end:]
            case 2:
                data = data[:at] + data[at:end] * rng.choice((2, 20)) + data[end:]
            case 3:
                data = data[:at] + rng.randbytes(end - at) + data[end:]
            case 4:
                other = rng.choice(every)
                begin = rng.randrange(len(other) + 1)
                data = data[:at] + other[begin : begin + 300] + data[at:]
            case _:
                data = data[:at]
    return data


def main() -> int:
    """Run what `make fuzz` asks for; 1 when something must not be."""
    return report(__doc__, "formats", "with options", fuzz_formats, count=20_000)


if __name__ == "__main__":
    sys.exit(main())
