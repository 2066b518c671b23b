"""The table of formats agrees with the modules, and spares the import of those without files."""

import subprocess
import sys

import pytest

from bootd.formats.table import FORMATS, BootFormat
from bootd.model.option import ScanResult
from tests.support.memoryfs import MemoryFs


def by_name(each: BootFormat) -> str:
    return each.name


@pytest.mark.parametrize("row", FORMATS, ids=by_name)
def test_a_row_names_the_places_of_its_module(row: BootFormat) -> None:
    assert row.places == row.load().PLACES


@pytest.mark.parametrize("row", FORMATS, ids=by_name)
def test_a_format_finds_nothing_where_none_of_its_files_is(row: BootFormat) -> None:
    assert row.scan(MemoryFs({"/home/a/photo.jpg": ""})) == ScanResult()


def test_names_are_unique() -> None:
    assert len({row.name for row in FORMATS}) == len(FORMATS)


def test_only_the_formats_of_a_disk_are_imported() -> None:
    code = (
        "import sys; from bootd.formats import scan; from tests.support.memoryfs import MemoryFs\n"
        "scan(MemoryFs({'/extlinux/extlinux.conf': 'label a\\nlinux /a\\n', '/a': ''}))\n"
        "loaded = {name for name in sys.modules if name.startswith('bootd.formats.')}\n"
        "assert 'bootd.formats.extlinux' in loaded\n"
        "assert not loaded & {'bootd.formats.grub', 'bootd.formats.android', 'bootd.formats.bare'}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
