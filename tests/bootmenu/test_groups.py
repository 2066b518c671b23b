from bootmenu.groups import grouped, in_order
from tests.support.menu_views import MMC, SDA1, option


def test_devices_come_in_the_order_of_their_first_option() -> None:
    options = (option(1, device="mmcblk0p2"), option(2), option(3, device="mmcblk0p2"))
    groups = grouped((SDA1, MMC), options)
    assert [group.device.name for group in groups] == ["mmcblk0p2", "sda1"]


def test_the_cursor_passes_options_device_by_device() -> None:
    options = (option(1), option(2, device="mmcblk0p2"), option(3))
    assert [entry.id for entry in in_order((), options)] == [
        "bls:sda1:1",
        "bls:sda1:3",
        "bls:mmcblk0p2:2",
    ]


def test_a_device_without_options_comes_last() -> None:
    groups = grouped((MMC, SDA1), (option(1),))
    assert [(group.device.name, len(group.options)) for group in groups] == [
        ("sda1", 1),
        ("mmcblk0p2", 0),
    ]


def test_an_option_may_come_before_its_device() -> None:
    assert grouped((), (option(1),))[0].device.name == "sda1"
