"""Damaged messages by the thousand: calls of clients, answers of workers, what is remembered.

Values are exchanged, moved, nested and repeated as JSON, or the bytes are damaged. Nothing but a
ProtocolError may come of it, and what is accepted stays so when it is written and read again.
`make fuzz` runs 300,000; the normal tests run some thousand with the same code.
"""

import json
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from bootd.errors import BootdError, ProtocolError
from bootd.formats import scan
from bootd.fsview import FsView
from bootd.model.option import ScanResult
from bootd.probe import answer
from bootd.protocol.codec import Json, from_json, to_json
from bootd.protocol.methods import METHODS
from bootd.protocol.varlink import decode_call, decode_reply
from tests.fuzz.command import report
from tests.fuzz.trees import FOUND, Outcome, mutate
from tests.support import golden, stacks
from tests.support.memoryfs import MemoryFs

SLOW_S: Final = 1.0
_LONG: Final = 20_000
"""Bytes of a message that is damaged no further."""

_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1 << 31, 1 << 63, -(1 << 70), 1.5, 1e400, "", "x" * 5000, [], {}),
    *("\0", "\x1b[2J", "\u202e", "\ud800", "../../etc/shadow", "$.id", "é" * 200),
    *([[]], [{}], [0] * 2000, {"x" * 300: {"y": [None]}}),
)


def fuzz_messages(count: int, seed: int) -> Outcome:
    """Read damaged messages as their receivers do."""
    rng, outcome = random.Random(seed), Outcome()  # noqa: S311 - repeatable on purpose
    kinds = tuple(_kinds())
    for number in range(count):
        name, value, attempt = rng.choice(kinds)
        data = _damaged(rng, value)
        start = perf_counter()
        try:
            with suppress(BootdError, OSError):
                attempt(data)
                outcome.accepted += 1
        except Exception as error:  # noqa: BLE001 - any other exception is what is looked for
            outcome.mistakes.append(f"{seed}:{number} {name} raised {error!r}")
            FOUND.mkdir(parents=True, exist_ok=True)
            (FOUND / f"message-{name}-{seed}-{number}").write_bytes(data)
        took = perf_counter() - start
        outcome.runs += 1
        outcome.slowest_s = max(outcome.slowest_s, took)
        if took > SLOW_S:
            outcome.mistakes.append(f"{seed}:{number} {name} took {took:.1f} s")
    return outcome


Kind = tuple[str, Json, Callable[[bytes], None]]
"""Name, a sound message, and who reads it."""


def _kinds() -> list[Kind]:
    calls: list[Kind] = [(method.name, _call(method.full_name), _try_call) for method in METHODS]
    found = [(f"scan {name}", to_json(result), _try_scan) for name, result in _scans()]
    disk = stacks.Disk(stacks.mirror(8))
    member = _member(disk)
    return [
        *calls,
        *found,
        ("member", member, _try_member),
        ("notes", {"notes": ["was not shut down cleanly", "b"]}, _try_notes),
        ("worker error", {"code": "os", "text": "x", "number": 5, "file": "/a"}, _try_error),
        ("reply", {"parameters": {"id": "a"}, "continues": True}, _try_reply),
    ]


def _member(disk: stacks.Disk) -> Json:
    from bootd.disk import mdraid  # noqa: PLC0415 - beside its only use

    return to_json(mdraid.read(disk, len(disk.data)))


def _scans() -> list[tuple[str, ScanResult]]:
    """Return what is found on some golden disks, of each format one."""
    found: list[tuple[str, ScanResult]] = []
    for folder in sorted(golden.ROOT.iterdir()):
        for case in sorted(folder.iterdir()) if folder.is_dir() else ():
            if not (case / "tree").is_dir():
                continue
            result = scan(_files(case / "tree"))
            if 0 < len(result.options) <= 4:
                found.append((case.name, result))
                break
    return found


def _files(root: Path) -> FsView:
    return MemoryFs(
        {
            f"/{path.relative_to(root).as_posix()}": path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.stat().st_size < 1 << 18
        }
    )


def _call(method: str) -> Json:
    initrd: Json = [{"device": "sda1", "path": "/i"}]
    changes: Json = {"options": "ro quiet", "devicetreeMode": "running", "initrd": initrd}
    parameters: Json = {
        "id": "bls:6b1c:debian", "by": "a test", "device": "sda2", "passphrase": "let me in",
        "seconds": 10, "action": "reboot", "path": "/", "offset": 3, "against": "live",
        "overrides": changes, "name": "quiet", "order": ["usb", "disk"], "until": "powerOn",
    }  # fmt: skip
    return {"method": method, "parameters": parameters, "more": True, "oneway": False}


def _try_call(data: bytes) -> None:
    call = decode_call(data)
    method = next((each for each in METHODS if each.full_name == call.method), METHODS[0])
    record: object = from_json(method.parameters, call.parameters)
    again: object = from_json(method.parameters, json.loads(json.dumps(to_json(record))))
    assert again == record or record != record  # noqa: PLR0124 - a NaN is no mistake


def _try_reply(data: bytes) -> None:
    decode_reply(data)


def _try_scan(data: bytes) -> None:
    result = answer.scan_result(_parsed(data))
    assert answer.scan_result(to_json(result)) == result


def _try_member(data: bytes) -> None:
    found = answer.member(_parsed(data))
    assert answer.member(to_json(found)) == found


def _try_notes(data: bytes) -> None:
    message = _parsed(data)
    if isinstance(message, dict):
        assert all(isinstance(each, str) for each in answer.notes(message))


def _try_error(data: bytes) -> None:
    message = _parsed(data)
    if isinstance(message, dict):
        assert isinstance(answer.error("sda1", message), BootdError | OSError)


def _parsed(data: bytes) -> Json:
    try:
        value: Json = json.loads(data)
    except (ValueError, RecursionError):
        raise ProtocolError("no JSON") from None
    return value


def _damaged(rng: random.Random, value: Json) -> bytes:
    copy: Json = json.loads(json.dumps(value))
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        copy = _changed(rng, copy)
        data = json.dumps(copy).encode()
        if len(data) > _LONG:
            return data
        copy = json.loads(data)
    data = json.dumps(copy).encode()
    return mutate(rng, data) if rng.random() < 0.3 and len(data) > 8 else data


def _changed(rng: random.Random, value: Json) -> Json:
    """Return a value with one change somewhere below it."""
    places = _places(value)
    new: Json = rng.choice(_VALUES)
    if not places:
        return new
    where, key = rng.choice(places)
    old = where[key]
    match rng.randrange(6):
        case 0 | 1:
            where[key] = new
        case 2:
            del where[key]
        case 3:
            other, name = rng.choice(places)
            where[key] = _copy(other[name])
        case 4:
            for _ in range(rng.choice((1, 40, 300))):
                old = [old]
            where[key] = old
        case _:
            if isinstance(where, dict):
                where[rng.choice(("id", "x", "", "méthod", "answer"))] = new
            else:
                where.extend([_copy(where[0])] * rng.choice((1, 70, 1500)))
    return value


def _copy(value: Json) -> Json:
    """Return a value of its own, or a short one in place of a long one: growth has to end."""
    text = json.dumps(value)
    if len(text) > 300:
        return text[:300]
    copy: Json = json.loads(text)
    return copy


def _places(value: Json) -> list[tuple[Any, Any]]:
    """Return every list with an index, and every object with a name, below a value."""
    found: list[tuple[Any, Any]] = []
    todo: list[Json] = [value]
    while todo:
        match todo.pop():
            case dict(members):
                found += [(members, name) for name in members]
                todo += list(members.values())
            case list(items):
                found += [(items, number) for number in range(len(items))]
                todo += items
            case _:
                pass
    return found


def main() -> int:
    """Run what `make fuzz` asks for; 1 when something must not be."""
    return report(__doc__, "messages", "accepted", fuzz_messages, count=300_000)


if __name__ == "__main__":
    sys.exit(main())
