"""House rules that no linter knows: sizes, purity, tables, and what may stand in the repository."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*ROOT.glob("bootd/**/*.py"), *ROOT.glob("ui/bootmenu/**/*.py")])
PURE = (
    "bootd/errors.py",
    "bootd/fsview.py",
    "bootd/model/",
    "bootd/container/",
    "bootd/disk/",
    "bootd/formats/",
    "bootd/images/",
    "bootd/fdt/",
    "bootd/devicetree/",
    "bootd/policy/",
    "bootd/protocol/",
    "ui/bootmenu/state.py",
)
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 50


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without the docstring: documenting a function must not be punished."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return 0 if not body else (function.end_lineno or 0) - body[0].lineno + 1


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_module_stays_readable_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_MODULE_LINES


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    tree = ast.parse(path.read_text())
    too_long = {
        f.name: code_lines(f) for f in functions(tree) if code_lines(f) > MAX_FUNCTION_LINES
    }
    assert not too_long


@pytest.mark.parametrize("path", [p for p in SOURCES if name(p).startswith(PURE)], ids=name)
def test_pure_code_opens_no_files(path: Path) -> None:
    tree = ast.parse(path.read_text())
    called = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert not called & {"open", "print", "input", "Path", "exec", "eval"}


@pytest.mark.parametrize("path", [p for p in SOURCES if name(p).startswith("bootd/")], ids=name)
def test_dataclasses_are_records(path: Path) -> None:
    # The standard ones cost 0.4 ms of start-up each; docs/adr/0011 says why.
    # Scene needs a __dict__ for what it works out late, and is imported in workers that merge only.
    if not name(path).startswith(("bootd/record/", "bootd/devicetree/scene.py")):
        assert "from dataclasses import" not in path.read_text()


def test_no_module_is_a_drawer_for_everything() -> None:
    words = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert not [name(path) for path in SOURCES if path.stem in words]


def tracked_texts() -> Iterator[tuple[str, str]]:
    listing = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for line in listing.stdout.splitlines():
        path = ROOT / line
        if path.is_file() and line not in {"LICENSE", "tests/test_repository.py"}:
            yield line, path.read_bytes().decode("utf-8", "ignore")


def test_no_machine_path_or_package_host_is_written_down() -> None:
    # A clone must work anywhere: sources of packages are read from the machine, never named here.
    pattern = re.compile(r"deb\.debian\.org|security\.debian\.org|pypi\.org/simple|/work/|/root/\.")
    found = [
        f"{path}: {match.group()}"
        for path, text in tracked_texts()
        if (match := pattern.search(text))
    ]
    assert not found


def test_every_ignored_finding_says_why() -> None:
    bare = re.compile(r"#\s*(noqa|type: ignore)(:\s*[A-Z0-9, ]+|\[[a-z, -]+\])?\s*$", re.MULTILINE)
    found = [
        f"{path}: {m.group().strip()}"
        for path, text in tracked_texts()
        if path.endswith(".py")
        for m in bare.finditer(text)
    ]
    assert not found


def test_every_test_that_is_skipped_says_why() -> None:
    pattern = re.compile(r"pytest\.mark\.skip(if)?\((?![^)]*reason=)|pytest\.skip\(\)")
    assert not [
        path for path, text in tracked_texts() if path.endswith(".py") and pattern.search(text)
    ]
