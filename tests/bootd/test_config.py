from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd import config
from bootd.config import Config
from bootd.gateway.settings import SETTINGS as REMOTE
from bootd.model.option import WAIT_FOREVER
from bootd.values import CountTries, Execute
from tests.support.daemon import write_tree

SHIPPED = Path(__file__).parents[2] / "etc/bootd.conf"


def tree(root: Path, files: dict[str, str]) -> tuple[Config, list[str]]:
    """Write files below `root` and load the settings from there."""
    write_tree(root, dict(files))
    settings, errors = config.load(str(root))
    return settings, [str(error) for error in errors]


def test_nothing_anywhere_gives_the_defaults(tmp_path: Path) -> None:
    assert config.load(str(tmp_path)) == (Config(), ())


def test_the_shipped_file_lists_every_setting_with_its_default_in_order() -> None:
    lines = [line for line in SHIPPED.read_text().split("\n") if line.startswith("#")]
    written = [line[1:] for line in lines if not line.startswith("# ")]
    assert written == [
        f"{setting.key}={setting.written}" for setting in (*config.SETTINGS, *REMOTE)
    ]


def test_the_shipped_file_uncommented_is_the_defaults(tmp_path: Path) -> None:
    text = "\n".join(
        line[1:] if line.startswith("#") and not line.startswith("# ") else line
        for line in SHIPPED.read_text().split("\n")
    )
    assert tree(tmp_path, {"etc/bootd.conf": text}) == (Config(), [])


def test_each_value_is_read(tmp_path: Path) -> None:
    text = """\
[Boot]
Timeout=3
Autoboot=no
Execute=direct
Socket=/run/x
FileSystems=ext4  vfat
DryRun=true
"""
    settings, errors = tree(tmp_path, {"etc/bootd.conf": text})
    assert errors == []
    assert settings == Config(
        timeout_s=3,
        autoboot=False,
        execute=Execute.DIRECT,
        socket="/run/x",
        file_systems=("ext4", "vfat"),
        dry_run=True,
    )


@pytest.mark.parametrize(
    ("word", "seconds"),
    [("0", 0), ("never", WAIT_FOREVER), ("infinity", WAIT_FOREVER), ("auto", None), ("", 10)],
)
def test_the_timeout_may_be_a_word(tmp_path: Path, word: str, seconds: int | None) -> None:
    settings, errors = tree(tmp_path, {"etc/bootd.conf": f"[Boot]\nTimeout={word}\n"})
    assert (settings.timeout_s, errors) == (seconds, [])


def test_boot_counting_is_read_and_nonsense_is_told(tmp_path: Path) -> None:
    text = "[Boot]\nTries=5\nCountTries=all\nCountOnMedium=yes\nRebootWatchdogSec=90\n"
    settings, errors = tree(tmp_path, {"etc/bootd.conf": text})
    assert errors == []
    assert (settings.tries, settings.count_tries) == (5, CountTries.ALL)
    assert (settings.count_on_medium, settings.reboot_watchdog_sec) == (True, 90)
    settings, errors = tree(tmp_path, {"etc/bootd.conf": "[Boot]\nTries=-1\nCountTries=some\n"})
    assert settings == Config()
    assert [error.split("ignored: ")[1] for error in errors] == [
        "expected a number of tries (at most 99; 0 counts nothing)",
        "expected confirming or all",
    ]


def test_the_word_that_says_what_was_booted_is_no_setting(tmp_path: Path) -> None:
    settings, errors = tree(tmp_path, {"proc/cmdline": "bootd.entry=bls:a:b bootd.tries=4\n"})
    assert (settings.tries, errors) == (4, [])


def test_etc_hides_run_hides_usr(tmp_path: Path) -> None:
    files = {
        "usr/lib/bootd.conf": "[Boot]\nTimeout=1\nDryRun=yes\n",
        "run/bootd.conf": "[Boot]\nTimeout=2\n",
    }
    assert tree(tmp_path, files)[0] == Config(timeout_s=2)
    assert tree(tmp_path, {"etc/bootd.conf": "[Boot]\nTimeout=3\n"})[0] == Config(timeout_s=3)


def test_drop_ins_of_all_directories_are_applied_by_name_after_the_file(tmp_path: Path) -> None:
    files = {
        "etc/bootd.conf": "[Boot]\nTimeout=1\n",
        "etc/bootd.conf.d/10-a.conf": "[Boot]\nTimeout=2\n",
        "usr/lib/bootd.conf.d/20-b.conf": "[Boot]\nTimeout=3\n",
        "run/bootd.conf.d/15-c.conf": "[Boot]\nTimeout=4\nDryRun=yes\n",
        "etc/bootd.conf.d/99-not-read.txt": "[Boot]\nTimeout=9\n",
    }
    assert tree(tmp_path, files)[0] == Config(timeout_s=3, dry_run=True)


def test_a_drop_in_in_etc_replaces_one_of_the_same_name(tmp_path: Path) -> None:
    files = {
        "usr/lib/bootd.conf.d/10-a.conf": "[Boot]\nDryRun=yes\n",
        "etc/bootd.conf.d/10-a.conf": "[Boot]\nTimeout=2\n",
    }
    assert tree(tmp_path, files)[0] == Config(timeout_s=2)


def test_an_empty_file_or_a_link_to_dev_null_hides_the_ones_below(tmp_path: Path) -> None:
    files = {
        "usr/lib/bootd.conf": "[Boot]\nTimeout=1\n",
        "usr/lib/bootd.conf.d/10-a.conf": "[Boot]\nDryRun=yes\n",
        "etc/bootd.conf.d/10-a.conf": "",
    }
    write_tree(tmp_path, files)
    (tmp_path / "etc/bootd.conf").symlink_to("/dev/null")
    assert config.load(str(tmp_path)) == (Config(), ())


def test_the_kernel_command_line_has_the_last_word(tmp_path: Path) -> None:
    files = {
        "etc/bootd.conf": "[Boot]\nTimeout=1\n",
        "proc/cmdline": "quiet bootd.timeout=7 root=/dev/x bootd.dryrun bootd.filesystems=ext4\n",
    }
    expected = Config(timeout_s=7, dry_run=True, file_systems=("ext4",))
    assert tree(tmp_path, files) == (expected, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[Boot]\nTimeout=soon\n", "bootd.conf:2: Timeout: 'soon' is ignored: expected seconds"),
        ("[Boot]\nTimeout=-1\n", "Timeout: '-1' is ignored"),
        ("[Boot]\nTimeout=٣\n", "is ignored"),
        ("[Boot]\nAutoboot=perhaps\n", "Autoboot: 'perhaps' is ignored: expected yes or no"),
        ("[Boot]\nExecute=fast\n", "expected auto, direct or systemd"),
        ("[Boot]\nSocket=here\n", "expected an absolute path"),
        ("[Boot]\nFrob=1\n", "bootd.conf:2: there is no setting Frob"),
        ("[Boot]\nnonsense\n", "bootd.conf:2: expected KEY=VALUE: nonsense"),
        ("Timeout=1\n", "bootd.conf:1: outside of [Boot]: Timeout=1"),
        ("[Boot]\n\x1b[2J=1\n", r"there is no setting \x1b[2J"),
    ],
)
def test_what_makes_no_sense_is_said_and_changes_nothing(
    tmp_path: Path, text: str, message: str
) -> None:
    settings, errors = tree(tmp_path, {"etc/bootd.conf": text})
    assert settings == Config()
    assert len(errors) == 1
    assert message in errors[0]


def test_an_unknown_word_of_ours_on_the_kernel_command_line_is_said(tmp_path: Path) -> None:
    _, errors = tree(tmp_path, {"proc/cmdline": "bootd.frob=1"})
    assert errors == ["kernel command line, bootd.frob: there is no such setting"]


def test_comments_and_continued_lines_are_those_of_systemd(tmp_path: Path) -> None:
    text = "# a\n; b\n[Boot]\nFileSystems=ext4 \\\n  vfat\n"
    assert tree(tmp_path, {"etc/bootd.conf": text})[0].file_systems == ("ext4", "vfat")


@given(st.text(max_size=200))
def test_any_text_gives_settings_or_errors_that_name_their_place(text: str) -> None:
    read = [*config.read_file(text, "/etc/bootd.conf"), *config.read_cmdline(text)]
    assert all(
        place.startswith(("/etc/bootd.conf:", "kernel command line")) for place, _, _ in read
    )


def test_each_setting_in_force_is_shown_with_its_place(tmp_path: Path) -> None:
    files = {
        "etc/bootd.conf": "[Boot]\nTimeout=3\nAutoboot=perhaps\n",
        "proc/cmdline": "quiet bootd.dryrun",
    }
    write_tree(tmp_path, dict(files))
    shown = {name: (value, place) for name, value, place in config.describe(str(tmp_path))}
    assert shown["Timeout"] == ("3", f"{tmp_path}/etc/bootd.conf:2")
    assert shown["Autoboot"] == ("yes", "")
    assert shown["DryRun"] == ("yes", "kernel command line, bootd.dryrun")


def test_actions_can_be_forbidden(tmp_path: Path) -> None:
    assert tree(tmp_path, {"etc/bootd.conf": "[Boot]\nActions=none\n"})[0].actions == ()
    assert tree(tmp_path, {"etc/bootd.conf": "[Boot]\nActions=halt\n"})[1] != []
