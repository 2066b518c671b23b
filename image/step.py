"""Build steps that say what they do and are skipped while their inputs are what they were."""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path


def fingerprint(parts: Iterable[object]) -> str:
    """Return a digest over values and files.

    A `Path` stands for name, size and modification time of the file, or of every file below the
    directory; anything else for its `repr`.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            files = sorted(part.rglob("*")) if part.is_dir() else [part]
            for file in files:
                if file.is_file() and "__pycache__" not in file.parts:
                    stat = file.stat()
                    digest.update(f"{file}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
        else:
            digest.update(f"{part!r}\n".encode())
    return digest.hexdigest()


def run(what: str, target: Path, inputs: Iterable[object], make: Callable[[], None]) -> None:
    """Run `make` unless `target` is there and was made from the same inputs.

    The stamp beside the target is written last, so an interrupted step runs again.
    """
    stamp = target.with_name(target.name + ".stamp")
    wanted = json.dumps({"inputs": fingerprint(inputs)})
    if target.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    say(what)
    stamp.unlink(missing_ok=True)
    started = time.monotonic()
    make()
    stamp.write_text(wanted)
    say(f"{what}: done in {time.monotonic() - started:.1f} s{_size(target)}")


def say(text: str) -> None:
    """Tell the person who waits, at once."""
    print(f"[image] {text}", file=sys.stderr, flush=True)


def _size(target: Path) -> str:
    return f", {target.stat().st_size / 1e6:.1f} MB" if target.is_file() else ""
