"""Version order of UAPI.10, against the specification's own examples and against systemd's code."""

import itertools
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.formats import version

RISING = (
    "122.1",
    "123~rc1-1",
    "123",
    "123-a",
    "123-a.1",
    "123-1",
    "123-1.1",
    "123^post1",
    "123.a-1",
    "123.1-1",
    "123a-1",
    "124-1",
)  # fmt: skip - the specification's line

LOWER = [
    ("bar-123", "foo-123"),
    ("123", "123a"),
    ("123", "123.a"),
    ("123.a", "123.b"),
    ("123.a", "123a"),
    ("B", "a"),
    ("", "0"),
    ("0", "0."),
    ("0", "0.0"),
    ("~", "0"),
    ("~", ""),
    ("1_", "1.2"),
    ("1.3.3", "1_2_3"),
    ("1+", "1.2"),
    ("6.9", "6.10"),
    ("6.12~rc1", "6.12"),
]  # fmt: skip - pairs read better in rows

EQUAL = [
    ("11", "11"),
    ("systemd-123", "systemd-123"),
    ("11\u03b1", "11\u03b2"),
    ("1_", "1"),
    ("_1", "1"),
    ("1+", "1"),
    ("+1", "1"),
    ("1.02", "1.2"),
]  # fmt: skip - ditto

VERSIONS = st.text(alphabet="019ab.-~^_+", max_size=8)


@pytest.mark.parametrize(("lower", "higher"), [*itertools.combinations(RISING, 2), *LOWER])
def test_the_specification_calls_this_pair_rising(lower: str, higher: str) -> None:
    assert version.compare(lower, higher) < 0
    assert version.compare(higher, lower) > 0


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_the_specification_calls_this_pair_equal(left: str, right: str) -> None:
    assert version.compare(left, right) == 0


def test_systemd_orders_real_kernel_versions_the_same_way() -> None:
    program = shutil.which("systemd-analyze")
    assert program, "systemd is part of the test set-up"
    real = [
        "6.12.0-55.9.1.el10_0.aarch64",
        "6.12.0-55.el10.aarch64",
        "6.1.0-13-arm64",
        "6.1.0-9-arm64",
        "5.15.0~rc3",
        "5.15.0",
        "6.6.31+rpt-rpi-v8",
    ]  # fmt: skip - a list
    for left, right in itertools.combinations(real, 2):
        argv = [program, "compare-versions", left, right]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
        sign = {"<": -1, "==": 0, ">": 1}[done.stdout.split()[1]]
        assert version.compare(left, right) == sign, (left, right)


@given(VERSIONS, VERSIONS)
def test_comparing_the_other_way_round_gives_the_opposite(left: str, right: str) -> None:
    assert version.compare(left, right) == -version.compare(right, left)


@given(st.text())
def test_any_text_equals_itself(text: str) -> None:
    assert version.compare(text, text) == 0


def test_the_version_of_a_kernel_is_read_from_its_file_name() -> None:
    assert version.of_kernel("/boot/vmlinuz-6.1.0-13-arm64") == "6.1.0-13-arm64"
    assert version.of_kernel("/boot/Image") == ""
