from pathlib import Path

from bootd.linux.screens import firmware_screens

TREE = "../../../firmware/devicetree/base"


def bind(root: Path, driver: str, device: str, node: str) -> None:
    folder = root / "sys/bus/platform/drivers" / driver
    device_folder = root / "sys/devices/platform" / device
    device_folder.mkdir(parents=True)
    (device_folder / "of_node").symlink_to(f"{TREE}{node}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / device).symlink_to(device_folder)
    (folder / "bind").touch()


def test_a_bound_driver_means_that_the_picture_is_there(tmp_path: Path) -> None:
    bind(tmp_path, "simple-framebuffer", "5f000000.framebuffer", "/chosen/framebuffer@5f000000")
    assert firmware_screens(str(tmp_path)) == ("/chosen/framebuffer@5f000000",)


def test_either_driver_counts(tmp_path: Path) -> None:
    bind(tmp_path, "simpledrm", "1.framebuffer", "/chosen/framebuffer@1")
    bind(tmp_path, "simple-framebuffer", "2.framebuffer", "/chosen/framebuffer@2")
    assert len(firmware_screens(str(tmp_path))) == 2


def test_without_such_drivers_there_are_none(tmp_path: Path) -> None:
    assert firmware_screens(str(tmp_path)) == ()
