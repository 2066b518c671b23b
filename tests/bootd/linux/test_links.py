from pathlib import Path

from bootd.linux import links
from tests.support.daemon import write_tree


def test_each_interface_but_the_loopback_is_read(tmp_path: Path) -> None:
    files = {
        "sys/class/net/eth0/operstate": "up\n",
        "sys/class/net/eth0/address": "02:00:00:00:00:01\n",
        "sys/class/net/lo/operstate": "unknown\n",
        "sys/class/net/usb0/operstate": "\x1b[2Jdown",
    }
    write_tree(tmp_path, dict(files))
    eth0, usb0 = links.read(str(tmp_path))
    assert eth0 == ("eth0", "up", "02:00:00:00:00:01")
    assert usb0[0] == "usb0"
    assert "\x1b" not in usb0[1]


def test_a_machine_without_network_has_no_interfaces(tmp_path: Path) -> None:
    assert links.read(str(tmp_path)) == ()
