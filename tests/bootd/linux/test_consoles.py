"""The kernel's list of consoles."""

from pathlib import Path

from bootd.linux import consoles


def listed(root: Path, text: bytes) -> tuple[str, ...]:
    folder = root / "sys/class/tty/console"
    folder.mkdir(parents=True)
    (folder / "active").write_bytes(text)
    return consoles.read(str(root))


def test_consoles_come_in_the_kernels_order(tmp_path: Path) -> None:
    assert listed(tmp_path, b"tty0 ttyAMA0\n") == ("tty0", "ttyAMA0")


def test_a_machine_without_the_list_has_none(tmp_path: Path) -> None:
    assert consoles.read(str(tmp_path)) == ()


def test_hostile_names_are_cleaned_and_few(tmp_path: Path) -> None:
    names = listed(tmp_path, b"\x1b[2J " + b"x " * 500)
    assert len(names) <= 16
    assert "\x1b" not in "".join(names)
