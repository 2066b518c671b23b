"""iPXE scripts on a boot server: every way through a script is a boot option.

Source: ipxe.org/scripting, ipxe.org/cmd. The script is DHCP's boot file when that is one, else
`autoexec.ipxe`, `boot.ipxe` or `menu.ipxe` in its folder. What is understood of a script:
`bootd.formats.ipxe.script`.
"""

from typing import Final

from bootd.errors import ConfigError
from bootd.fetch import Fetch, Lease, join
from bootd.formats import version
from bootd.formats.ipxe.script import Interpreter, Way
from bootd.formats.ipxe.syntax import is_script
from bootd.formats.lexing import check_cmdline, problem
from bootd.fsview import decode
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean

NAMES: Final = ("autoexec.ipxe", "boot.ipxe", "menu.ipxe")
"""Looked for beside the boot file."""

_HEAD: Final = 1 << 20


def scan(fetch: Fetch, lease: Lease) -> ScanResult:
    """Follow the first script that is there."""
    start = join(lease.server, lease.bootfile) if lease.bootfile else lease.server
    names = [start] if lease.bootfile else []
    for url in (*names, *(join(start, name) for name in NAMES)):
        try:
            text = decode(fetch.fetch(url, _HEAD))
        except FileNotFoundError:
            continue
        except ConfigError:
            continue  # Too large for a script: a boot loader.
        except OSError as error:
            return ScanResult(problems=(problem(error, url),))
        if is_script(text):
            return _scan_script(fetch, lease, url, text)
    return ScanResult()


def _scan_script(fetch: Fetch, lease: Lease, url: str, text: str) -> ScanResult:
    interpreter = Interpreter(fetch, lease)
    problems: list[Problem] = []
    try:
        interpreter.run(url, text)
    except ConfigError as error:
        problems.append(problem(error, url))
    options: list[BootOption] = []
    for way in interpreter.ways:
        try:
            options.append(_option(way))
        except ConfigError as error:
            problems.append(problem(error, way.source))
    if not options and not problems:
        where, line = interpreter.came_to
        message = "the script boots nothing that can be told before it runs; it ends here"
        problems.append(Problem(source=clean(where, 4096), line=line or None, message=message))
    return ScanResult(
        options=tuple(options), problems=tuple(problems), timeout_s=interpreter.timeout_s
    )


def _option(way: Way) -> BootOption:
    script = way.source.rpartition("/")[2]
    *around, title = map(clean, way.titles or (way.name or script,))
    return BootOption(
        entry=clean("/".join(way.labels) or script, 255),
        format="ipxe",
        source=clean(way.source, 4096),
        line=way.line,
        title=title,
        version=clean(version.of_kernel(way.kernel)),
        linux=FileRef("/", url=way.kernel) if way.kernel else None,
        initrds=tuple(FileRef("/", url=url) for url in way.initrds),
        cmdline=check_cmdline(way.cmdline, way.source, way.line),
        submenu=tuple(around),
        is_default=way.is_default,
        reasons=(way.reason,) if way.reason else (),
        notes=way.notes,
    )
