"""What the zygote practises is what its workers do."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_CODE = """
import json, os, sys
from bootd.formats import scan
from bootd.linux.dirview import DirView
from bootd.linux.listed import ListedView
from bootd.probe import rehearsal, tasks
from bootd.probe.task import Context
rehearsal.{step}()
known = set(sys.modules)
fd = os.open({root!r}, os.O_PATH | os.O_DIRECTORY)
tasks.scan(Context(fs=DirView(fd)), None, [])
print(json.dumps(sorted(set(sys.modules) - known)))
"""

EXTLINUX = {"extlinux/extlinux.conf": "label a\nlinux /a\n", "a": "", "loader/entries/b.conf": ""}
GRUB = {"boot/grub/grub.cfg": "menuentry a {\nlinux /a\n}\n", "a": ""}


def imports_of_a_scan(root: Path, files: Mapping[str, str], step: str) -> list[str]:
    """Return the modules that the first scan imports after a step of the rehearsal."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    code = _CODE.format(step=step, root=str(root))
    run = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    found: list[str] = json.loads(run.stdout)
    return found


def test_a_common_disk_needs_no_import_after_the_first_step(tmp_path: Path) -> None:
    assert imports_of_a_scan(tmp_path, EXTLINUX, "preload") == []


def test_the_rare_parsers_wait_for_the_second_step(tmp_path: Path) -> None:
    assert "bootd.formats.grub.run" in imports_of_a_scan(tmp_path, GRUB, "preload")


def test_no_disk_needs_an_import_after_the_second_step(tmp_path: Path) -> None:
    assert imports_of_a_scan(tmp_path, {**GRUB, **EXTLINUX}, "complete") == []


def test_the_zygote_needs_nothing_of_the_broker() -> None:
    """asyncio alone would put off the first look at a disk by 20 ms."""
    code = "import sys\nfrom bootd.probe import zygote, tasks\ntasks.complete()\n"
    code += "sys.exit(f'{[*sys.modules]}' if 'asyncio' in sys.modules else 0)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_a_preview_needs_no_import_after_the_second_step() -> None:
    code = "import sys\nfrom bootd.probe import rehearsal, tasks, worker\nrehearsal.complete()\n"
    code += "known = set(sys.modules)\nrehearsal.practise()\n"
    code += "sys.exit(f'{set(sys.modules) - known}' if set(sys.modules) - known else 0)"
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30, env=environment)
