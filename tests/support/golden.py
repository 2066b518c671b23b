"""Golden files: a result as JSON beside its input; `GOLDEN=write pytest` rewrites them."""

import json
import os
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).parent.parent / "golden"


def jsonable(value: object) -> object:
    """Return a value of frozen dataclasses as JSON, fields with their default value left out."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            each.name: jsonable(getattr(value, each.name))
            for each in fields(value)
            if each.default is MISSING or getattr(value, each.name) != each.default
        }
    if isinstance(value, tuple | list):
        return [jsonable(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def check(value: object, path: Path) -> None:
    """Compare `value` with the golden file; the reviewer reads the diff of a rewrite."""
    text = json.dumps(jsonable(value), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text(), f"{path} differs; GOLDEN=write pytest … rewrites it"
