"""Which device an entry means that names none: GRUB's `$root`, or petitboot's."""

from bootd.model.option import BootOption, FileRef, ScanResult
from tests.support.grubscript import run


def kernels(result: ScanResult) -> dict[str, FileRef | None]:
    return {each.title: each.linux for each in result.options}


def kernel(option: BootOption) -> FileRef:
    assert option.linux is not None
    return option.linux


HERE, THERE = "0a0a0a0a-0000-4000-8000-000000000001", "0b0b0b0b-0000-4000-8000-000000000002"


def test_a_bare_uuid_counts_for_the_entries_below_it() -> None:
    """GRUB has no such device, so the menu was written for petitboot."""
    found = kernels(
        run(
            "menuentry first { linux /zimage }\n"
            f"root={HERE}\nmenuentry second {{ linux /zimage }}\n"
            f"root={THERE}\nmenuentry third {{ linux /zimage }}\n"
            f"menuentry fourth {{ linux ({HERE})/zimage }}\n"
        )
    )
    assert found == {
        "first": FileRef("/zimage"),
        "second": FileRef("/zimage", f"UUID={HERE}"),
        "third": FileRef("/zimage", f"UUID={THERE}"),
        "fourth": FileRef("/zimage", f"UUID={HERE}"),
    }


def test_in_grubs_own_menus_the_last_root_counts_for_all() -> None:
    """An entry's body runs when it is chosen, and then finds what the script has left behind."""
    script = (
        "menuentry first { linux /zimage }\n"
        f"search --fs-uuid --set=root {HERE}\nmenuentry second {{ linux /zimage }}\n"
        f"search --fs-uuid --set=root {THERE}\n"
    )
    specs = {kernel(each).device for each in run(script).options}
    assert specs == {f"UUID={THERE}"}
