"""Every device tree and overlay that Debian's arm64 kernel ships, against libfdt."""

import pytest

from bootd.errors import FdtError
from bootd.fdt import Fdt, read, write
from bootd.fdt.compare import differences
from bootd.fdt.interchange import from_pyfdt, to_pyfdt
from bootd.fdt.overlay import apply
from bootd.fdt.tree import copy_fdt
from tests.support import debian
from tests.support.libfdt_oracle import apply_overlay, is_valid

pytestmark = pytest.mark.timeout(300)


def shape(fdt: Fdt) -> list[object]:
    """Return everything in a tree, in its order."""
    items: list[object] = [fdt.reservations, fdt.boot_cpu]
    for path, node in fdt.walk():
        items += [path, list(node.properties.items()), list(node.children)]
    return items


def test_every_dtb_of_the_kernel_package_survives_reading_and_writing() -> None:
    files = debian.dtbs()
    assert len(files) > 900
    for file in files:
        fdt = read(file.read_bytes())
        blob = write(fdt)
        assert shape(read(blob)) == shape(fdt), file.name
        assert is_valid(blob), file.name


def test_pyfdt_gives_back_every_tenth_dtb_as_it_was() -> None:
    for file in debian.dtbs()[::10]:
        fdt = read(file.read_bytes())
        back = from_pyfdt(to_pyfdt(fdt))
        assert not list(differences(fdt, back)), file.name
        assert back.reservations == fdt.reservations


def test_every_overlay_on_every_dtb_with_symbols_gives_what_libfdt_makes_of_it() -> None:
    overlays = [(file.name, file.read_bytes()) for file in debian.overlays()]
    bases = [(f.name, blob) for f in debian.dtbs() if b"__symbols__" in (blob := f.read_bytes())]
    applied: set[str] = set()
    pairs = 0
    for base_name, base in bases:
        tree = read(base)
        for name, overlay in overlays:
            expected = apply_overlay(base, overlay)
            result = _apply(tree, overlay)
            assert (result is None) == (expected is None), (base_name, name)
            if result is not None and expected is not None:
                assert not list(differences(read(expected), result)), (base_name, name)
                applied.add(name)
                pairs += 1
    assert len(overlays) >= 50
    assert len(applied) >= 40
    assert pairs >= 240


def _apply(tree: Fdt, overlay: bytes) -> Fdt | None:
    result = copy_fdt(tree)
    try:
        apply(result, read(overlay))
    except FdtError:
        return None
    return result
