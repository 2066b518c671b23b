"""Compile Python files for the image; run by the interpreter whose version the image has.

Usage: `pythonX.Y compile.py LIST`. A line of LIST is source, output, the name that tracebacks show
and the optimisation level, with tabs between. Only the standard library, and nothing
newer than the oldest interpreter this may run under.
"""

import py_compile
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path


def compile_line(line: str) -> str:
    """Compile one file; return what is wrong with it, or ""."""
    source, output, name, level = line.split("\t")
    try:
        py_compile.compile(
            source,
            output,
            dfile=name,
            doraise=True,
            optimize=int(level),
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except py_compile.PyCompileError as error:
        return str(error)
    return ""


def main() -> int:
    """Compile everything on the list, on all processors."""
    lines = Path(sys.argv[1]).read_text().splitlines()
    with ProcessPoolExecutor() as pool:
        failures = [text for text in pool.map(compile_line, lines, chunksize=16) if text]
    print("".join(failures), end="", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
