from dataclasses import replace

import pytest

from bootd.errors import LoadError
from bootd.model.option import BootOption, FileRef, Missing, ResolvedFile, ResolvedOption
from bootd.policy.resolve import resolve
from bootd.protocol.messages import NO_OVERRIDES, FileView, OverlayView, Overrides
from bootd.services.overriding import MAX_FILES, by_hand, overridden
from bootd.services.state import DevicePhase, DeviceState
from tests.support.services import device

DEVICES = {"vda1": DeviceState(device=device(), phase=DevicePhase.READY)}


def debian() -> ResolvedOption:
    entry = BootOption(
        entry="debian",
        format="bls",
        source="/x",
        title="Debian",
        linux=FileRef("/vmlinuz"),
        initrds=(FileRef("/initrd.img"),),
        overlays=(FileRef("/a.dtbo"), FileRef("/b.dtbo")),
        overlay_parameters=("speed=3", ""),
    )
    return resolve(entry, device(), {"vda1": device()}, "aarch64")


def test_nothing_changed_is_the_same_option() -> None:
    assert overridden(debian(), NO_OVERRIDES) == debian()


def test_another_kernel_may_be_on_another_device_and_inside_a_container() -> None:
    changed = Overrides(linux=FileView(device="sda1", path="/fit.itb#/images/kernel-1"))
    found = overridden(debian(), changed).linux
    assert found == ResolvedFile(device="sda1", path="/fit.itb", part="/images/kernel-1")


def test_an_empty_list_boots_without_an_initrd() -> None:
    assert overridden(debian(), Overrides(initrd=())).initrds == ()


def test_overlays_come_with_their_parameters() -> None:
    overlay = OverlayView(device="vda1", path="/b.dtbo", parameters="baud=9600")
    changed = overridden(debian(), Overrides(devicetree_overlay=(overlay,)))
    assert changed.overlays == (ResolvedFile(device="vda1", path="/b.dtbo"),)
    assert changed.option.overlay_parameters == ("baud=9600",)


def test_a_file_that_was_missing_is_not_once_another_is_named() -> None:
    gone = Missing(what="linux", device="UUID=1", path="/vmlinuz")
    waiting = replace(debian(), linux=None, missing=(gone,))
    kernel = FileView(device="vda1", path="/vmlinuz.old")
    assert not waiting.bootable
    assert overridden(waiting, Overrides(linux=kernel)).bootable


@pytest.mark.parametrize("path", ["", "vmlinuz", "#part", "\x1b[2J"])
def test_a_path_must_be_absolute(path: str) -> None:
    with pytest.raises(LoadError, match="from the root of its device"):
        overridden(debian(), Overrides(linux=FileView(device="vda1", path=path)))


def test_there_is_a_limit_to_initrds() -> None:
    many = tuple(FileView(device="vda1", path=f"/{n}") for n in range(MAX_FILES + 1))
    with pytest.raises(LoadError, match="more than 64"):
        overridden(debian(), Overrides(initrd=many))


def test_an_option_by_hand_needs_its_device() -> None:
    made = by_hand("manual:vda1", DEVICES)
    assert made is not None
    assert (made.device, made.linux, made.bootable) == ("vda1", None, True)
    assert by_hand("manual:sdz", DEVICES) is None
    assert by_hand("bls:vda1:debian", DEVICES) is None
