import dataclasses

import pytest

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
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.model.problem import Problem
from bootd.probe import answer
from bootd.probe.worker import describe
from bootd.protocol.codec import Json, to_json

OPTION = BootOption(
    entry="debian", format="bls", source="/loader/entries/debian.conf", title="Debian"
)


def judged(option: BootOption) -> BootOption:
    return answer.scan_result(to_json(ScanResult(options=(option,)))).options[0]


def test_an_honest_answer_passes_unchanged() -> None:
    option = dataclasses.replace(
        OPTION, linux=FileRef(path="/vmlinuz"), initrds=(FileRef(path="/a"), FileRef(path="/b"))
    )
    result = ScanResult(
        options=(option,), problems=(Problem(source="/x", message="is odd", line=3),), timeout_s=5
    )
    assert answer.scan_result(to_json(result)) == result


def test_text_for_people_is_cleaned_again() -> None:
    assert judged(dataclasses.replace(OPTION, title="\x1b[2J")).title == r"\x1b[2J"


def test_a_command_line_reaches_the_kernel_as_it_is() -> None:
    assert judged(dataclasses.replace(OPTION, cmdline="a\tb \u202e")).cmdline == "a\tb \u202e"


@pytest.mark.parametrize(
    "option",
    [
        dataclasses.replace(OPTION, cmdline="x" * (answer.MAX_CMDLINE + 1)),
        dataclasses.replace(OPTION, cmdline="quiet\0init=/evil"),
        dataclasses.replace(OPTION, entry="x" * 5000),
        dataclasses.replace(OPTION, source="x" * 5000),
        dataclasses.replace(OPTION, linux=FileRef(path="/" + "x" * 5000)),
        dataclasses.replace(OPTION, notes=("x",) * 65),
        dataclasses.replace(OPTION, initrds=(FileRef(path="/i"),) * 65),
    ],
)
def test_an_option_past_a_limit_is_refused(option: BootOption) -> None:
    with pytest.raises(ProtocolError):
        judged(option)


def test_too_many_options_are_refused() -> None:
    with pytest.raises(ProtocolError, match="more than 1024"):
        answer.scan_result(to_json(ScanResult(options=(OPTION,) * 1025)))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"options": {}},
        {"options": [1]},
        {"timeoutS": -2},
        {"timeoutS": "5"},
        {"options": [{"entry": "x"}]},
        {"problems": [{"source": "/x", "message": 5}]},
    ],
)
def test_another_shape_is_refused(value: Json) -> None:
    with pytest.raises(ProtocolError):
        answer.scan_result(value)


def test_a_path_that_leaves_the_file_system_is_refused() -> None:
    told = to_json(ScanResult(options=(dataclasses.replace(OPTION, linux=FileRef(path="/k")),)))
    assert isinstance(told, dict)
    options = told["options"]
    assert isinstance(options, list)
    assert isinstance(options[0], dict)
    options[0]["linux"] = {"path": "/../etc/passwd", "device": None}
    with pytest.raises(ProtocolError, match="normalised"):
        answer.scan_result(told)


@pytest.mark.parametrize(
    "error",
    [
        FdtError("is cut short", offset=8),
        MergeRefusedError("no memory node"),
        ImageError("is no kernel"),
        LoadError("no room"),
        ProtocolError("$.x: expected int"),
        ConfigError("is odd", source="/boot/grub/grub.cfg"),
    ],
)
def test_an_error_of_a_task_comes_back_as_itself(error: BootdError) -> None:
    rebuilt = answer.error("sda1", describe(error))
    assert type(rebuilt) is type(error)
    assert str(rebuilt) == str(error)


def test_a_system_error_keeps_number_and_file() -> None:
    rebuilt = answer.error("sda1", describe(FileNotFoundError(2, "there is no such file", "/k")))
    assert isinstance(rebuilt, FileNotFoundError)
    assert (rebuilt.strerror, rebuilt.filename) == ("there is no such file", "/k")


def test_a_fault_names_its_place_but_repeats_no_foreign_text() -> None:
    rebuilt = answer.error("sda1", describe(TypeError("\x1b[2J from a disk")))
    assert isinstance(rebuilt, ProbeError)
    assert "TypeError" in rebuilt.reason
    assert "disk" not in rebuilt.reason


@pytest.mark.parametrize("message", [{}, {"code": 5}, {"code": "os", "number": "x", "file": []}])
def test_a_malformed_error_is_still_an_error(message: dict[str, Json]) -> None:
    assert isinstance(answer.error("sda1", message), BootdError | OSError)
