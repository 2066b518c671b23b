"""Files of variables are read under whatever name a script gives them."""

import pytest

from bootd import formats
from tests.support.memoryfs import MemoryFs

SCRIPT = """\
setenv load_addr "0x44000000"
setenv console "ttyS0,115200"
load ${devtype} ${devnum} ${load_addr} ${prefix}NAME
env import -t ${load_addr} ${filesize}
setenv bootargs "root=${rootdev} console=${console} ${extraargs}"
load ${devtype} ${devnum} ${kernel_addr_r} ${prefix}Image
load ${devtype} ${devnum} ${fdt_addr_r} ${prefix}dtb/${fdtfile}
booti ${kernel_addr_r} - ${fdt_addr_r}
"""
VARIABLES = "rootdev=UUID=1234\nextraargs=quiet\nfdtfile=rockchip/rk3399-board.dtb\n"


@pytest.mark.parametrize("name", ["armbianEnv.txt", "uEnv.txt", "extlinuxEnv", "extlinuxEnv.txt"])
def test_a_script_imports_its_variables(name: str) -> None:
    files = {
        "/boot/boot.cmd": SCRIPT.replace("NAME", name),
        f"/boot/{name}": VARIABLES,
        "/boot/Image": "kernel",
        "/boot/dtb/rockchip/rk3399-board.dtb": "tree",
    }
    (option,) = formats.scan(MemoryFs(files)).options
    assert option.cmdline == "root=UUID=1234 console=ttyS0,115200 quiet"
    assert option.linux is not None
    assert option.linux.path == "/boot/Image"
    assert option.devicetree is not None
    assert option.devicetree.path == "/boot/dtb/rockchip/rk3399-board.dtb"
