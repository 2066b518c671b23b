"""The patch series: its form, and that it applies to Debian's kernels without fuzz."""

import re
from pathlib import Path

import pytest

from image import command, kernel_series
from image.kernel_series import KERNEL, SERIES, Series

EACH = [
    pytest.param(series, patch, id=f"{series.version}-{patch.name[:4]}")
    for series in SERIES.values()
    for patch in series.patches
]


def added(series: Series) -> set[str]:
    text = "".join(patch.read_text() for patch in series.patches)
    return set(re.findall(r"^--- /dev/null\n\+\+\+ b/(\S+)$", text, re.MULTILINE))


def plus(patch: Path) -> str:
    """What a patch adds."""
    return "\n".join(re.findall(r"^\+(?!\+\+ )(.*)$", patch.read_text(), re.MULTILINE))


def test_every_folder_of_patches_is_a_series_that_is_built() -> None:
    assert {path.name for path in KERNEL.iterdir() if path.is_dir()} == set(SERIES)
    assert all(series.patches for series in SERIES.values())


@pytest.mark.parametrize(("series", "patch"), EACH)
def test_a_patch_has_the_form_that_git_am_takes(series: Series, patch: Path) -> None:
    text = patch.read_text()
    number = int(patch.name[:4])
    assert text.startswith("From ")
    subject = re.search(r"^Subject: \[PATCH (\S+) (\d)/(\d)\] (\S.*)", text, re.MULTILINE)
    assert subject is not None
    assert subject.group(1, 2, 3) == (series.version, str(number), str(len(series.patches)))
    message, _, _ = text.partition("\n---\n")
    assert "\nSigned-off-by: " in message
    body = message.partition("\n\n")[2]
    assert len(body.splitlines()) > 2, "a patch says why"
    assert max(len(line) for line in body.splitlines() if ": " not in line) <= 75


@pytest.mark.parametrize(("series", "patch"), EACH)
def test_what_a_patch_adds_ends_in_no_blanks(series: Series, patch: Path) -> None:
    assert not re.search(r"[ \t]+$", plus(patch), re.MULTILINE), series.version


@pytest.mark.parametrize("series", SERIES.values(), ids=lambda series: series.version)
def test_the_flag_is_none_that_mainline_uses(series: Series) -> None:
    text = "\n".join(plus(patch) for patch in series.patches)
    (flag,) = re.findall(r"^#define KEXEC_FILE_DTB\t+(0x[0-9a-f]+)$", text, re.MULTILINE)
    assert int(flag, 16) == 0x100


def test_both_series_add_the_same_checks_tests_and_documentation() -> None:
    def files(series: Series) -> list[str]:
        return [plus(patch) for patch in series.patches if patch.name[:4] in {"0003", "0004"}]

    one, other = (files(series) for series in SERIES.values())
    assert one == other


@pytest.mark.boards
@pytest.mark.timeout(600)
@pytest.mark.parametrize("series", SERIES.values(), ids=lambda series: series.version)
def test_the_series_applies_to_debians_source_package_without_fuzz(
    series: Series, tmp_path: Path
) -> None:
    tarball = kernel_series.fetch(series)
    changed = sorted(kernel_series.touched(series) - added(series))
    names = [f"{series.source.name}/{name}" for name in changed]
    command.run("tar", "-x", "-f", tarball, "-C", tmp_path, *names)
    kernel_series.apply(series, tmp_path / series.source.name)
    assert all((tmp_path / series.source.name / name).is_file() for name in added(series))
