"""Settings: bootd.conf and its drop-ins, then `bootd.*` words of the kernel command line.

Places and precedence are those of UAPI.6: bootd.conf is read from the first of /etc, /run and
/usr/lib that has one; drop-ins bootd.conf.d/*.conf of all three are read after it in the order of
their names, one in /etc hiding one of the same name in /run, and so on. An empty file or a link to
/dev/null hides, too. `systemd-analyze cat-config bootd.conf` shows the result.

To add a setting: one field of `Config`.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final, TypeVar

from bootd.errors import SettingError
from bootd.model.board import HookPolicy, LiveChoice, RiskyTrees, RunningTree, Tier
from bootd.model.order import parse_text
from bootd.model.text import clean
from bootd.protocol.messages import SOCKET
from bootd.record import dataclass, field, fields, replace
from bootd.values import (
    ACTIONS,
    CountTries,
    Execute,
    parse_actions,
    parse_path,
    parse_pattern,
    parse_risky,
    parse_seconds,
    parse_state,
    parse_switch,
    parse_timeout,
    parse_tries,
    parse_words,
    word_of,
)

SECTION: Final = "Boot"
REMOTE_SECTION: Final = "Remote"
"""The gateway's settings (`bootd.gateway.settings`)."""
_SECTIONS: Final = frozenset({SECTION, REMOTE_SECTION})
DIRECTORIES: Final = ("etc", "run", "usr/lib")
"""First to last in precedence."""
MAX_FILE_BYTES: Final = 1 << 20
FILE_SYSTEMS: Final = (
    *("ext2", "ext3", "ext4", "vfat", "iso9660"),
    *("squashfs", "btrfs", "xfs", "f2fs", "erofs"),
)

_Record = TypeVar("_Record")


def written(default: str, parse: Callable[[str], object], key: str = "") -> dict[str, object]:
    """Return the metadata of a field: how it is read, its default as one writes it, its name."""
    return {"parse": parse, "written": default, "key": key}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the administrator decides; built once, and again at a reload.

    The name in the file is the field's in CamelCase without a unit, on the kernel command line
    `bootd.` and the same in lower case.

    Attributes:
        timeout_s: Seconds of the countdown, `WAIT_FOREVER` for none, None for what the default
            option's configuration asks.
        autoboot: Whether anything boots by itself.
        execute: How the machine leaves.
        socket: Where to listen when systemd has not opened a socket.
        file_systems: Types, as blkid names them, that are mounted and looked at.
        actions: What clients that may change things may do besides booting: `reboot`, `powerOff`.
        shell: Root's shell may be opened from the menu.
        dry_run: Load nothing, start nothing, say what would happen.
        live_tree: Which tree is the running one where it was changed after the start.
        trust: How far device trees from disks are trusted; a locked-down kernel trusts none.
        allow_risky_dt: Whether they may change what is dangerous where it is wrong.
        running_tree: When the countdown may take the running tree instead of an option's own.
        order: Boot order, see `bootd.policy.order`; empty for the built-in one.
        wait_for_s: Seconds after the start for which a preferred device is waited for.
        state: Where choices of people are kept: one of `bootd.values.STATES`, or a path.
        hooks: What a hook that fails before a load means.
        crash_option: Pattern of the id of the option that is kept for a crash; "" for none.
        tries: How often an option may fail before another one takes its place; 0 counts nothing.
        count_tries: Which options are counted.
        count_on_medium: Whether an entry's file may be renamed to count.
        reboot_watchdog_sec: When a watchdog resets a next kernel that hangs; 0 for never.
    """

    timeout_s: int | None = field(default=10, metadata=written("10", parse_timeout))
    autoboot: bool = field(default=True, metadata=written("yes", parse_switch))
    execute: Execute = field(default=Execute.AUTO, metadata=written("auto", word_of(Execute)))
    socket: str = field(default=SOCKET, metadata=written(SOCKET, parse_path))
    file_systems: tuple[str, ...] = field(
        default=FILE_SYSTEMS, metadata=written(" ".join(FILE_SYSTEMS), parse_words)
    )
    actions: tuple[str, ...] = field(
        default=ACTIONS, metadata=written(" ".join(ACTIONS), parse_actions)
    )
    shell: bool = field(default=False, metadata=written("no", parse_switch))
    dry_run: bool = field(default=False, metadata=written("no", parse_switch))
    live_tree: LiveChoice = field(
        default=LiveChoice.RUNTIME, metadata=written("runtime", word_of(LiveChoice))
    )
    trust: Tier = field(default=Tier.OPEN, metadata=written("open", word_of(Tier)))
    running_tree: RunningTree = field(
        default=RunningTree.NEVER, metadata=written("never", word_of(RunningTree))
    )
    order: tuple[str, ...] = field(default=(), metadata=written("none", parse_text))
    wait_for_s: int = field(default=10, metadata=written("10", parse_seconds))
    state: str = field(default="auto", metadata=written("auto", parse_state))
    tries: int = field(default=3, metadata=written("3", parse_tries))
    count_tries: CountTries = field(
        default=CountTries.CONFIRMING, metadata=written("confirming", word_of(CountTries))
    )
    count_on_medium: bool = field(default=False, metadata=written("no", parse_switch))
    reboot_watchdog_sec: int = field(default=0, metadata=written("0", parse_seconds))
    crash_option: str = field(default="", metadata=written("none", parse_pattern))
    allow_risky_dt: RiskyTrees = field(
        default=RiskyTrees.AUTO, metadata=written("auto", parse_risky)
    )
    hooks: HookPolicy = field(default=HookPolicy.TRY, metadata=written("try", word_of(HookPolicy)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How one field of `Config` is written.

    Attributes:
        key: In the file, such as `FileSystems`.
        written: Its default as one writes it.
    """

    field: str
    key: str
    parse: Callable[[str], object]
    written: str


def declared(record: type) -> Iterator[Setting]:
    """Yield the settings that a record declares, in its order."""
    for each in fields(record):
        words = each.name.removesuffix("_s").split("_")
        key = each.metadata["key"] or "".join(word.capitalize() for word in words)
        parse, default = each.metadata["parse"], each.metadata["written"]
        yield Setting(field=each.name, key=key, parse=parse, written=default)


SETTINGS: Final = tuple(declared(Config))
"""One for each field of `Config`, in its order."""

_BY_KEY: Final = {setting.key: setting for setting in SETTINGS}
_BY_WORD: Final = {f"bootd.{setting.key.lower()}": setting for setting in SETTINGS}

_ENTRY: Final = "bootd.entry"
"""No setting: says which option this very system was booted from (`bootd.model.started`)."""


def load(root: str = "/") -> tuple[Config, tuple[SettingError, ...]]:
    """Return the settings in force, and what was wrong with some; those keep their value.

    Args:
        root: Directory below which etc, run, usr/lib and proc/cmdline are looked for.
    """
    errors: list[SettingError] = []
    config = read_files(Config(), root, read_file, errors)
    try:
        words = _read(os.path.join(root, "proc/cmdline"))  # noqa: PTH118 - pathlib costs 10 ms
    except OSError:
        words = ""
    return _apply(config, read_cmdline(words), errors), tuple(errors)


def read_files(
    record: _Record,
    root: str,
    read: Callable[[str, str], Iterable["Assignment"]],
    errors: list[SettingError],
) -> _Record:
    """Return the settings with the assignments made that `read` finds in the files."""
    for path in find_files(root):
        try:
            text = _read(path)
        except OSError as error:
            errors.append(SettingError(f"{path}: cannot be read: {error.strerror}"))
            continue
        record = _apply(record, read(text, path), errors)
    return record


def fixed(root: str = "/") -> frozenset[str]:
    """Return the fields that the kernel command line gives: nothing that is remembered beats it."""
    with suppress(OSError):
        given = _assignments(root, None)
        return frozenset(
            setting.field
            for _, setting, text in given
            if isinstance(setting, Setting) and _is_valid(setting, text)
        )
    return frozenset()


def describe(root: str = "/") -> tuple[tuple[str, str, str], ...]:
    """Return key, value as written and place of each setting in force; place "" is the default."""
    found = {setting.key: (setting.written, "") for setting in SETTINGS}
    for path in [*find_files(root), None]:
        with suppress(OSError):
            for place, setting, text in _assignments(root, path):
                if isinstance(setting, Setting) and _is_valid(setting, text):
                    found[setting.key] = (text or setting.written, place)
    return tuple((key, value, place) for key, (value, place) in found.items())


def _assignments(root: str, path: str | None) -> Iterator["Assignment"]:
    """Read a file, or with None the kernel command line."""
    if path is not None:
        return read_file(_read(path), path)
    return read_cmdline(_read(os.path.join(root, "proc/cmdline")))  # noqa: PTH118 - pathlib costs 10 ms


def _is_valid(setting: Setting, text: str) -> bool:
    try:
        setting.parse(text or setting.written)
    except ValueError:
        return False
    return True


def find_files(root: str) -> list[str]:
    """Return the paths of the files to read, in order."""
    places = [os.path.join(root, directory) for directory in DIRECTORIES]  # noqa: PTH118 - ditto
    mains = [f"{place}/bootd.conf" for place in places]
    found = next((path for path in mains if os.path.lexists(path)), None)
    drop_ins: dict[str, str] = {}
    for place in reversed(places):
        folder = f"{place}/bootd.conf.d"
        names = os.listdir(folder) if os.path.isdir(folder) else []  # noqa: PTH112, PTH208 - ditto
        drop_ins |= {name: f"{folder}/{name}" for name in names if name.endswith(".conf")}
    paths = [found] if found else []
    return paths + [path for _, path in sorted(drop_ins.items())]


Assignment = tuple[str, Setting | SettingError, str]
"""Where it stands, what is set (or why nothing is), and the value."""


def read_file(
    text: str,
    path: str,
    wanted: str = SECTION,
    known: Mapping[str, Setting] = _BY_KEY,
) -> Iterator[Assignment]:
    """Yield the assignments of a section of a file in systemd's INI style (systemd.syntax(7)).

    A section that another program reads is passed over.
    """
    section = ""
    lines = text.replace("\\\n", " ").split("\n")
    for number, line in enumerate(map(str.strip, lines), start=1):
        place = f"{path}:{number}"
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        if section != wanted and section in _SECTIONS:
            continue
        key, equals, value = line.partition("=")
        if not equals:
            yield place, SettingError(f"{place}: expected KEY=VALUE: {clean(line)}"), ""
        elif section != wanted:
            yield place, SettingError(f"{place}: outside of [{wanted}]: {clean(line)}"), ""
        else:
            unknown = SettingError(f"{place}: there is no setting {clean(key.strip())}")
            yield place, known.get(key.strip(), unknown), value.strip()


def read_cmdline(text: str) -> Iterator[Assignment]:
    """Yield the assignments of the kernel command line; a word without `=` means yes."""
    for word in text.split():
        name, equals, value = word.partition("=")
        if name.startswith("bootd.") and name != _ENTRY:
            place = f"kernel command line, {clean(name)}"
            unknown = SettingError(f"{place}: there is no such setting")
            yield place, _BY_WORD.get(name, unknown), value if equals else "yes"


def _apply(
    record: _Record, assignments: Iterable[Assignment], errors: list[SettingError]
) -> _Record:
    """Return the settings with the assignments made; an empty value means the default."""
    for place, setting, text in assignments:
        if isinstance(setting, SettingError):
            errors.append(setting)
            continue
        try:
            value = setting.parse(text or setting.written)
        except ValueError as error:
            kept = f"{clean(text)!r} is ignored: {error}"
            errors.append(SettingError(f"{place}: {setting.key}: {kept}"))
            continue
        record = replace(record, **{setting.field: value})  # type: ignore[type-var] # see `declared`
    return record


def _read(path: str) -> str:
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs 10 ms at start
        return file.read(MAX_FILE_BYTES).decode("utf-8", "replace")
