"""Who decides what, by where it stands in a tree."""

import pytest

from bootd.devicetree.trustclass import ABOUT, TrustClass, trust_class


@pytest.mark.parametrize(
    ("path", "name", "letter"),
    [
        ("/memory@40000000", "reg", "A"),
        ("/memory", "", "A"),
        ("/memreserve/", "0x0+0x1000", "A"),
        ("/header/", "boot_cpuid_phys", "A"),
        ("/reserved-memory/optee@1", "no-map", "A"),
        ("/cpus/cpu@1", "status", "A"),
        ("/psci", "method", "A"),
        ("/firmware/optee", "", "A"),
        ("/hypervisor", "compatible", "A"),
        ("/", "serial-number", "A"),
        ("/soc/ethernet@1", "local-mac-address", "A"),
        ("/chosen", "bootargs", "B"),
        ("/chosen/framebuffer@0", "reg", "B"),
        ("/", "compatible", "C"),
        ("/soc/serial@1", "clock-frequency", "C"),
        ("/memory-controller@1", "reg", "C"),
        ("/soc/pcie@1", "dma-ranges", "D"),
        ("/soc/pcie@1", "iommu-map", "D"),
        ("/soc/flash@0/partition@0", "read-only", "D"),
    ],
)
def test_a_place_has_its_class(path: str, name: str, letter: str) -> None:
    assert trust_class(path, name) is TrustClass(letter)


def test_every_class_is_explained() -> None:
    assert set(ABOUT) == set(TrustClass)
