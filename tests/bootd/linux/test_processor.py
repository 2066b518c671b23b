"""Page sizes that processors lack."""

from bootd.linux.processor import missing_pages

BIG_LITTLE = """\
processor\t: 0
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd03
CPU revision\t: 4

processor\t: 1
CPU implementer\t: 0x41
CPU part\t: 0xd0b
"""
APPLE = "CPU implementer\t: 0x61\nCPU part\t: 0x022\n"


def test_one_processor_that_lacks_a_size_is_enough() -> None:
    assert missing_pages(BIG_LITTLE) == (16384,)


def test_apples_have_no_large_pages() -> None:
    assert missing_pages(APPLE) == (65536,)


def test_of_other_processors_nothing_is_known() -> None:
    assert missing_pages("model name\t: Intel\n") == ()
    assert missing_pages(BIG_LITTLE.replace("0xd03", "0xd05")) == ()
