"""What an x86 firmware said, from a played /sys."""

from pathlib import Path

from bootd.linux import x86


def entry(root: Path, number: int, start: int, end: int, kind: str) -> None:
    folder = root / "memmap" / str(number)
    folder.mkdir(parents=True)
    for name, text in (("start", hex(start)), ("end", hex(end)), ("type", kind)):
        (folder / name).write_text(f"{text}\n")


def test_the_map_is_sorted_and_its_ends_are_exclusive(tmp_path: Path) -> None:
    entry(tmp_path, 0, 0x100000, 0x2FFFFFFF, "System RAM")
    entry(tmp_path, 1, 0, 0x9FBFF, "System RAM")
    entry(tmp_path, 2, 0x30000000, 0x300FFFFF, "ACPI Tables")
    entry(tmp_path, 3, 0x40000000, 0x400FFFFF, "something new")
    assert x86.firmware_map(str(tmp_path)).entries == (
        (0, 0x9FC00, 1),
        (0x100000, 0x30000000, 1),
        (0x30000000, 0x30100000, 3),
        (0x40000000, 0x40100000, 2),
    )


def test_the_root_of_acpis_tables_comes_from_efi(tmp_path: Path) -> None:
    entry(tmp_path, 0, 0, 0x9FBFF, "System RAM")
    (tmp_path / "efi").mkdir()
    (tmp_path / "efi/systab").write_text("ACPI20=0x7fe014\nACPI=0x7fe000\n")
    assert x86.firmware_map(str(tmp_path)).acpi_root == 0x7FE014


def test_a_kernel_that_hides_its_parameters_gives_none(tmp_path: Path) -> None:
    assert x86.boot_params(str(tmp_path / "data")) == b""
