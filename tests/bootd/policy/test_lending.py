"""Who is asked for files that a configuration wants of other devices."""

from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.lent import LentFile, LentKind
from bootd.model.option import BootOption, FileRef
from bootd.policy.lending import answers, questions, unanswered
from bootd.policy.resolve import resolve, without_replaced

EMMC1 = BlockDevice(name="mmcblk0p1", node="/dev/mmcblk0p1", uuid="A", disk="mmcblk0")
EMMC2 = BlockDevice(name="mmcblk0p2", node="/dev/mmcblk0p2", uuid="B", disk="mmcblk0")
DISK = BlockDevice(name="sda1", node="/dev/sda1", label="boot", disk="sda")
STICK = BlockDevice(
    name="sdb1", node="/dev/sdb1", label="boot", uuid="C", disk="sdb", kind=DeviceKind.USB
)
ALL = (EMMC1, EMMC2, DISK, STICK)


def there(path: str, text: str = "") -> LentFile:
    return LentFile(device="", path=path, kind=LentKind.FILE, text=text)


def test_the_named_device_is_asked_once_for_each_path() -> None:
    wants = (FileRef("/x", "UUID=b"), FileRef("/y", "UUID=B"), FileRef("/x", "PARTITION=2"))
    assert questions(wants, EMMC1, ALL) == {"mmcblk0p2": ("/x", "/y")}


def test_what_names_the_own_device_or_none_is_asked_of_nobody() -> None:
    wants = (FileRef("/x", "UUID=A"), FileRef("/y", "UUID=none"), FileRef("/z", "PARTITION=1"))
    assert questions(wants, EMMC1, ALL) == {}


def test_a_stick_does_not_lend_to_a_built_in_disk() -> None:
    wants = (FileRef("/x", "LABEL=boot"),)
    assert questions(wants, EMMC1, (EMMC1, STICK)) == {}
    assert questions(wants, EMMC1, ALL) == {"sda1": ("/x",)}


def test_a_stick_borrows_from_every_device() -> None:
    wants = (FileRef("/x", "UUID=A"),)
    assert questions(wants, STICK, ALL) == {"mmcblk0p1": ("/x",)}


def test_a_file_is_searched_for_on_the_own_disk_first() -> None:
    wants = (FileRef("/x", "FILE=/x"),)
    assert list(questions(wants, EMMC1, ALL)) == ["mmcblk0p2", "sda1"]
    found = {"sda1": [there("/x")], "mmcblk0p2": [there("/x")]}
    (lent,) = answers(wants, EMMC1, ALL, found)
    assert (lent.device, lent.holder) == ("FILE=/x", "UUID=B")
    (lent,) = answers(wants, EMMC1, ALL, {"sda1": [there("/x")]})
    assert lent.holder == "/dev/sda1"


def test_a_search_that_found_nothing_is_no_answer() -> None:
    absent = LentFile(device="", path="/x", kind=LentKind.ABSENT)
    assert answers((FileRef("/x", "FILE=/x"),), EMMC1, ALL, {"sda1": [absent]}) == ()
    (lent,) = answers((FileRef("/x", "UUID=B"),), EMMC1, ALL, {"mmcblk0p2": [absent]})
    assert lent.kind is LentKind.ABSENT


def test_what_was_lent_is_not_wanted_again() -> None:
    wants = (FileRef("/x", "UUID=B"), FileRef("/y", "UUID=B"))
    lent = LentFile(device="UUID=B", path="/x", kind=LentKind.ABSENT)
    assert unanswered(wants, (lent,)) == wants[1:]


def listed(*pairs: tuple[BlockDevice, BootOption]) -> list[tuple[str, str]]:
    """Return device and title of all options that are left."""
    devices = {each.name: each for each in ALL}
    resolved = [resolve(option, device, devices, "aarch64") for device, option in pairs]
    return [(each.device, each.option.title) for each in without_replaced(resolved)]


def entry(title: str, file: FileRef | None = None) -> BootOption:
    return BootOption(
        entry="a.conf", format="bls", source="/loader/a.conf", title=title, entry_file=file
    )


def test_the_better_reading_of_an_entry_takes_the_place_of_the_other() -> None:
    better = entry("better", FileRef("/loader/a.conf", "UUID=B"))
    assert listed((EMMC1, better), (EMMC2, entry("plain"))) == [("mmcblk0p1", "better")]
    assert listed((EMMC1, better), (DISK, entry("other")))[1] == ("sda1", "other")


def test_a_stick_takes_the_place_of_no_entry_of_a_built_in_disk() -> None:
    theirs = entry("theirs", FileRef("/loader/a.conf", "UUID=B"))
    assert listed((STICK, theirs), (EMMC2, entry("ours"))) == [
        ("sdb1", "theirs"),
        ("mmcblk0p2", "ours"),
    ]
