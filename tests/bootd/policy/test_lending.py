"""Who is asked for files that a configuration wants of other devices."""

from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.lent import LentFile, LentKind
from bootd.model.option import FileRef
from bootd.policy.lending import answers, questions, unanswered

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
