"""The two ways to speak to a hook, as text in and text out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.loaders.hook_contracts import HookFailedError, answer, contract_of, environment, stdin
from bootd.model.hook import Contract, HookAnswer, HookFile, HookOption, HookQuestion, HookTree
from bootd.record import replace

OPTION = HookOption(id="a:b:c", title="T", format="bls", source="/x", device="sda1", version="6")


def file(number: int) -> HookFile:
    return HookFile(path=f"/proc/self/fd/{number}", fd=number, bytes=9)


TREE = HookTree(file=file(9), origin="merged", summary="merged: x.dtb")
QUESTION = HookQuestion(
    option=OPTION,
    cmdline="root=/dev/sda1 console=tty0 console=hvc0,9600",
    linux=file(7),
    initrd=(file(8),),
    devicetree=TREE,
)


def test_the_ending_of_the_name_says_how_a_hook_is_spoken_to() -> None:
    assert contract_of("30-dtb-updates.petitboot") is Contract.PETITBOOT
    assert contract_of("30-dtb-updates") is Contract.JSON


def test_little_of_the_daemon_s_environment_is_passed_on() -> None:
    ours = {"PATH": "/bin", "NOTIFY_SOCKET": "/run/x", "CREDENTIALS_DIRECTORY": "/run/y"}
    assert environment(Contract.JSON, QUESTION, "/tmp", ours) == {  # noqa: S108 - a name
        "PATH": "/bin",
        "TMPDIR": "/tmp",  # noqa: S108 - a name
        "HOME": "/tmp",  # noqa: S108 - a name
        "BOOTD_OPTION": "a:b:c",
    }


def test_petitboot_s_names_are_there_and_empty_ones_are_not() -> None:
    shown = environment(Contract.PETITBOOT, QUESTION, "/t", {})
    assert {name: value for name, value in shown.items() if name.startswith("boot_")} == {
        "boot_image": "/proc/self/fd/7",
        "boot_initrd": "/proc/self/fd/8",
        "boot_dtb": "/t/boot.dtb",
        "boot_args": QUESTION.cmdline,
        "boot_console": "/dev/hvc0",
    }
    bare = replace(QUESTION, initrd=(), devicetree=None, cmdline="")
    shown = environment(Contract.PETITBOOT, bare, "/t", {})
    assert [name for name in shown if name.startswith("boot_")] == ["boot_image"]


def test_a_question_is_one_line_of_json() -> None:
    told = stdin(Contract.JSON, QUESTION)
    assert told.count(b"\n") == 1
    assert json.loads(told)["devicetree"]["file"] == {
        "path": "/proc/self/fd/9",
        "fd": 9,
        "bytes": 9,
    }


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (b"", HookAnswer()),
        (b"\n", HookAnswer()),
        (b"{}", HookAnswer()),
        (b'{"cmdline":"x","later":1}', HookAnswer(cmdline="x")),
        (b'{"refuse":"no"}', HookAnswer(refuse="no")),
    ],
)
def test_an_answer_in_json(output: bytes, wanted: HookAnswer) -> None:
    assert answer(Contract.JSON, QUESTION, 0, output) == wanted


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (b"boot_args=a=b c\n", HookAnswer(cmdline="a=b c", devicetree="boot.dtb")),
        (b"boot_dtb=/t/x\nboot_image=/proc/self/fd/7\n", HookAnswer(devicetree="/t/x")),
        (b"boot_initrd=/proc/self/fd/8\n", HookAnswer(devicetree="boot.dtb")),
        (
            b"boot_initrd=/t/i\nnonsense\n",
            HookAnswer(initrd=("/t/i",), replace_initrd=True, devicetree="boot.dtb"),
        ),
    ],
)
def test_an_answer_of_petitboot_s_hooks(output: bytes, wanted: HookAnswer) -> None:
    assert answer(Contract.PETITBOOT, QUESTION, 2, output) == wanted


@given(
    contract=st.sampled_from(Contract),
    status=st.integers(-64, 255),
    output=st.binary(max_size=300)
    | st.dictionaries(
        st.sampled_from(["cmdline", "initrd", "devicetree", "refuse", "notes", "x"]),
        st.none() | st.text() | st.lists(st.text()) | st.integers(),
    ).map(lambda members: json.dumps(members).encode()),
)
def test_whatever_a_hook_writes_is_an_answer_or_a_failure(
    contract: Contract, status: int, output: bytes
) -> None:
    try:
        found = answer(contract, QUESTION, status, output)
    except HookFailedError:
        return
    assert found.cmdline is None or "\n" not in found.cmdline
    assert len(found.initrd) <= 8
