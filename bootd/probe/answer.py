"""Answers of workers, judged: a worker may have been taken over by the disk that it read.

Nothing in an answer is believed because of who sent it: types, counts, lengths and characters are
checked here, and text for people is cleaned a second time.
"""

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Final

from bootd.errors import (
    BootdError,
    ConfigError,
    FdtError,
    ImageError,
    LoadError,
    MergeRefusedError,
    ProbeError,
    ProtocolError,
)
from bootd.model.option import BootOption, FileRef, Save, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.model.tree import TreeEdit
from bootd.probe.channel import Message
from bootd.protocol.codec import Json, from_json
from bootd.record import replace

if TYPE_CHECKING:
    from bootd.model.lent import LentFile
    from bootd.model.stack import Member

MAX_OPTIONS: Final = 1024
"""Boot options of one device (DESIGN.md, limits)."""
MAX_PROBLEMS: Final = 1024
MAX_ITEMS: Final = 64
"""Initrds, overlays, notes and the like of one option."""
MAX_LENT: Final = 64 << 10
"""Characters of a file that another device's configuration reads."""
MAX_TREES: Final = 256
"""Device trees that one option chooses from."""
MAX_CHIDS: Final = 2048
MAX_PATH: Final = 4096
"""PATH_MAX."""
MAX_WORD: Final = 64
"""What a board's name for something may have, such as `ttyAMA10`."""
MAX_CMDLINE: Final = 65536
"""More than any architecture's COMMAND_LINE_SIZE; the loader checks the exact limit."""
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*")
SENTENCE: Final = 400
"""Columns of a message."""


def scan_result(answer: Json) -> ScanResult:
    """Return the answer to a scan as a value that is within every limit.

    Raises:
        ProtocolError: It is not what a worker in its right mind would say.
    """
    result = from_json(ScanResult, answer)
    _at_most(len(result.options), MAX_OPTIONS, "$.options")
    _at_most(len(result.problems), MAX_PROBLEMS, "$.problems")
    for elsewhere in (result.wants, result.leads):
        _at_most(len(elsewhere), MAX_ITEMS, "$.wants")
        for file in elsewhere:
            _check_file(file)
    timeout = result.timeout_s
    if timeout is not None and not -1 <= timeout <= 1 << 20:
        raise ProtocolError("$.timeoutS: out of range")
    return ScanResult(
        options=tuple(_option(option) for option in result.options),
        problems=tuple(_problem(problem) for problem in result.problems),
        timeout_s=timeout,
        wants=result.wants,
        leads=result.leads,
    )


def member(answer: Json) -> "Member":
    """Return what a worker says that a disk is a part of.

    Raises:
        ProtocolError: It is not what a worker in its right mind would say.
    """
    from bootd.model.stack import MAX_PIECES, MAX_VOLUMES, Member  # noqa: PLC0415 - few have one

    found = from_json(Member, answer)
    _at_most(len(found.volumes), MAX_VOLUMES, "$.volumes")
    for volume in found.volumes:
        _at_most(len(volume.pieces), MAX_PIECES, "$.volumes[].pieces")
        for piece in volume.pieces:
            _at_most(len(piece.places), MAX_ITEMS, "$.volumes[].pieces[].places")
            numbers = (piece.length, piece.stripe, *(place.start for place in piece.places))
            if not piece.places or not all(0 <= number < 1 << 63 for number in numbers):
                raise ProtocolError("$.volumes[].pieces[]: out of range")
    texts = (found.uuid, found.group, *(volume.uuid for volume in found.volumes))
    for text in texts:
        _at_most(len(text), MAX_PATH, "$.uuid")
    named = tuple(
        replace(each, name=clean(each.name, MAX_WORD), reason=clean(each.reason, SENTENCE))
        for each in found.volumes
    )
    return replace(
        found,
        name=clean(found.name, MAX_WORD),
        reason=clean(found.reason, SENTENCE),
        volumes=named,
    )


def lent_files(answer: Json, paths: Collection[str]) -> "tuple[LentFile, ...]":
    """Return what a worker found at `paths`; files that nobody asked for are left out.

    Raises:
        ProtocolError: It is not what a worker in its right mind would say.
    """
    from bootd.model.lent import LentFile  # noqa: PLC0415 - few machines ever need it

    if not isinstance(answer, list):
        raise ProtocolError("$: expected a list")
    _at_most(len(answer), MAX_ITEMS, "$")
    files = tuple(from_json(LentFile, each) for each in answer)
    for file in files:
        _at_most(len(file.text or ""), MAX_LENT, "$[].text")
        _at_most(len(file.names), MAX_TREES, "$[].names")
        for name in file.names:
            _at_most(len(name), MAX_PATH, "$[].names[]")
        try:
            (file.text or "").encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise ProtocolError("$[].text: malformed") from None
    return tuple(file for file in files if file.path in paths)


def notes(message: Message) -> tuple[str, ...]:
    """Return the notes of a worker's first message."""
    lines = message.get("notes")
    if not isinstance(lines, list):
        raise ProtocolError("$.notes: expected a list")
    _at_most(len(lines), MAX_ITEMS, "$.notes")
    return tuple(clean(str(line), SENTENCE) for line in lines)


def error(device: str, message: Message) -> BootdError | OSError:
    """Rebuild the error that a worker reported; unknown kinds become a ProbeError.

    Args:
        device: Kernel name, or the task's name when there is no device.
        message: The value of `error`.
    """
    text = clean(str(message.get("text", "")), SENTENCE)
    number = message.get("number")
    number = number if isinstance(number, int) else None
    code = message.get("code")
    if code == "os":
        return OSError(number or 5, text, clean(str(message.get("file") or device), SENTENCE))
    if code == "fault":
        return ProbeError(device, f"bootd made a mistake while reading it: {text}")
    rebuild = _ERRORS.get(str(code))
    if rebuild is not None:
        return rebuild(text, clean(str(message.get("file") or ""), SENTENCE), number)
    return ProbeError(device, text)


_ERRORS: Final[dict[str, Callable[[str, str, int | None], BootdError]]] = {
    "config": lambda text, file, _number: ConfigError(text, source=file),
    "config-limit": lambda text, file, _number: ConfigError(text, source=file),
    "config-syntax": lambda text, file, _number: ConfigError(text, source=file),
    "fdt": lambda text, _file, number: FdtError(text, offset=number),
    "image": lambda text, _file, _number: ImageError(text),
    "load": lambda text, _file, _number: LoadError(text),
    "merge-refused": lambda text, _file, _number: MergeRefusedError(text),
    "protocol": lambda text, _file, _number: ProtocolError(text),
}
"""By `BootdError.code`."""


def _option(option: BootOption) -> BootOption:
    listed = (option.initrds, option.overlays, option.submenu, option.notes, option.reasons)
    for items in listed:
        _at_most(len(items), MAX_ITEMS, "$.options[]")
    # Each of its files may be absent.
    _at_most(len(option.absent), 3 * MAX_ITEMS, "$.options[].absent")
    _at_most(len(option.devicetree_choices), MAX_TREES, "$.options[].devicetreeChoices")
    _at_most(sum(len(each.chids) for each in option.hardware_ids), MAX_CHIDS, "$.hardwareIds")
    _check_edits(option.devicetree_edits)
    _check_saves(option.saves)
    _at_most(len(option.board_words), MAX_ITEMS, "$.options[].boardWords")
    for text in (option.board_word, *(each.text for each in option.board_words)):
        _at_most(len(text), MAX_WORD, "$.options[].boardWords[]")
        if clean(text) != text:
            raise ProtocolError("$.options[].boardWords[]: malformed")
    named = (option.linux, option.devicetree, option.devicetree_dir)
    choices = (each.devicetree for each in option.devicetree_choices)
    for file in (*named, *option.initrds, *option.overlays, *choices):
        _check_file(file)
    _at_most(len(option.cmdline), MAX_CMDLINE, "$.options[].cmdline")
    if "\0" in option.cmdline:
        raise ProtocolError("$.options[].cmdline: holds a NUL")
    _at_most(len(option.entry), MAX_PATH, "$.options[].entry")
    _at_most(len(option.source), MAX_PATH, "$.options[].source")
    cleaned: dict[str, Any] = {
        "title": clean(option.title),
        "version": clean(option.version),
        "sort_key": clean(option.sort_key),
        "machine_id": clean(option.machine_id),
        "architecture": clean(option.architecture),
        "submenu": tuple(clean(title) for title in option.submenu),
        "notes": tuple(clean(note, SENTENCE) for note in option.notes),
        "reasons": tuple(clean(reason, SENTENCE) for reason in option.reasons),
    }
    if all(getattr(option, name) == value for name, value in cleaned.items()):
        return option  # as it is from every worker in its right mind
    return replace(option, **cleaned)


def _check_edits(edits: tuple[TreeEdit, ...]) -> None:
    _at_most(len(edits), MAX_ITEMS, "$.options[].devicetreeEdits")
    for edit in edits:
        for text in (edit.path, edit.property, edit.value or "", edit.source):
            _at_most(len(text), MAX_PATH, "$.options[].devicetreeEdits[]")
        if not _HEX.fullmatch(edit.value or "") or clean(edit.source, MAX_PATH) != edit.source:
            raise ProtocolError("$.options[].devicetreeEdits[]: malformed")


def _check_saves(saves: tuple[Save, ...]) -> None:
    _at_most(len(saves), MAX_ITEMS, "$.options[].saves")
    for save in saves:
        _check_file(save.file)
        _at_most(len(save.name) + len(save.value), MAX_PATH, "$.options[].saves[]")


def _check_file(file: FileRef | None) -> None:
    if file is not None:
        _at_most(len(file.path), MAX_PATH, "$.options[].path")
        _at_most(len(file.device or ""), MAX_PATH, "$.options[].device")
        _at_most(len(file.part), MAX_PATH, "$.options[].part")
        _at_most(len(file.url), MAX_PATH, "$.options[].url")


def _problem(problem: Problem) -> Problem:
    _at_most(len(problem.source), MAX_PATH, "$.problems[].source")
    return replace(problem, message=clean(problem.message, SENTENCE))


def _at_most(count: int, limit: int, where: str) -> None:
    if count > limit:
        raise ProtocolError(f"{where}: {count} is more than {limit}")
