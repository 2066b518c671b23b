from zlib import crc32

import pytest

from bootd.devicetree.select import LAYOUTS, Selection, select
from bootd.errors import FdtError
from bootd.model.board import Profile
from bootd.model.tree import TreeRequest
from bootd.record import replace
from tests.support.memoryfs import MemoryFs
from tests.support.trees import blob, board, live_board, tree

OURS = blob(board())
OTHER = blob(board("acme,other"))
IN_DTBS = TreeRequest(devicetree_dir="/dtbs")


def chosen(files: dict[str, str | bytes], request: TreeRequest = IN_DTBS) -> Selection:
    return select(MemoryFs(files), request, tree(live_board()))


def test_the_entrys_own_dtb_comes_first() -> None:
    request = TreeRequest(devicetree="/x.dtb", devicetree_dir="/dtbs")
    found = chosen({"/x.dtb": OTHER, "/dtbs/ours.dtb": OURS}, request)
    assert (found.path, found.by, found.blob) == ("/x.dtb", "entry", OTHER)


def test_a_dtb_that_is_named_and_missing_is_an_error() -> None:
    with pytest.raises(FdtError, match=r"/x\.dtb is not there"):
        chosen({}, TreeRequest(devicetree="/x.dtb"))


def test_a_dtb_that_is_named_and_too_large_is_an_error() -> None:
    with pytest.raises(FdtError, match="larger than 2 MiB"):
        chosen({"/x.dtb": bytes((2 << 20) + 1)}, TreeRequest(devicetree="/x.dtb"))


def test_the_board_is_recognised_by_the_first_compatible_and_not_the_name() -> None:
    found = chosen({"/dtbs/acme/wrong-name.dtb": OURS, "/dtbs/acme/board.dtb": OTHER})
    assert (found.path, found.by) == ("/dtbs/acme/wrong-name.dtb", "first-compatible")


def test_a_dtb_of_the_same_soc_is_only_suggested() -> None:
    found = chosen({"/dtbs/other.dtb": OTHER})
    assert found.path is None
    assert found.suggestions == ("/dtbs/other.dtb",)
    assert found.why == "no DTB of /dtbs fits acme,board"


def test_several_hits_are_told_apart_by_the_whole_list() -> None:
    longer = blob(board(compatible=["acme,board", "acme,family", "acme,soc"]))
    found = chosen({"/dtbs/a.dtb": longer, "/dtbs/b.dtb": OURS})
    assert (found.path, found.by) == ("/dtbs/b.dtb", "compatible-list")


def test_several_equal_lists_are_told_apart_by_the_model() -> None:
    found = chosen({"/dtbs/a.dtb": blob(board(model="Rev 2")), "/dtbs/b.dtb": OURS})
    assert (found.path, found.by) == ("/dtbs/b.dtb", "model")


def test_a_tie_is_a_persons_choice() -> None:
    found = chosen({"/dtbs/a.dtb": blob(board(model="1")), "/dtbs/b.dtb": blob(board(model="2"))})
    assert found.path is None
    assert found.suggestions == ("/dtbs/a.dtb", "/dtbs/b.dtb")
    assert "2 DTBs of /dtbs fit acme,board equally well" in found.why


def test_copies_of_one_dtb_are_no_tie() -> None:
    assert chosen({"/dtbs/a.dtb": OURS, "/dtbs/v/a.dtb": OURS}).path == "/dtbs/a.dtb"


def test_a_broken_dtb_costs_a_note_and_nothing_else() -> None:
    found = chosen({"/dtbs/a.dtb": b"garbage", "/dtbs/b.dtb": OURS})
    assert found.path == "/dtbs/b.dtb"
    assert found.notes == (
        "/dtbs/a.dtb is no usable DTB: a device tree blob has at least 40 bytes, not 7",
    )


def test_a_folder_that_is_named_and_missing_is_said() -> None:
    assert chosen({}).why == "the folder /dtbs is not there"


def test_an_entry_that_names_nothing_gets_the_running_tree() -> None:
    assert chosen({"/dtbs/a.dtb": OURS}, TreeRequest()).why == "the boot option names no DTB"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_folders_of_distributions_are_looked_at_by_version(layout: str) -> None:
    path = f"{layout.format(version='6.12')}/acme/a.dtb"
    assert chosen({path: OURS}, TreeRequest(kernel_version="6.12")).path == path


def test_folders_with_dots_in_their_names_are_looked_into() -> None:
    path = "/dtbs/linux-image-6.1.0-56/acme/a.dtb"
    assert chosen({path: OURS}).path == path


def test_a_version_cannot_lead_out_of_the_layout() -> None:
    found = chosen({"/etc/a.dtb": OURS}, TreeRequest(kernel_version="../../etc"))
    assert found.path is None


def test_a_known_file_is_not_read_again() -> None:
    files: dict[str, str | bytes] = {"/dtbs/a.dtb": OTHER, "/dtbs/b.dtb": OURS}
    fs = MemoryFs(files)
    first = select(fs, IN_DTBS, tree(live_board()))
    read: list[str] = []
    original = fs.read

    def counted(path: str, limit: int = 1 << 20, /) -> bytes:
        read.append(path)
        return original(path, limit)

    fs.read = counted  # type: ignore[method-assign] # counts what the real one does
    again = select(fs, replace(IN_DTBS, indexed=first.indexed), tree(live_board()))
    assert (again.path, again.blob) == (first.path, first.blob)
    assert "/dtbs/a.dtb" not in read


def test_a_changed_file_is_looked_at_again() -> None:
    old = chosen({"/dtbs/a.dtb": OTHER})
    request = replace(IN_DTBS, indexed=old.indexed)
    assert old.path is None
    assert chosen({"/dtbs/a.dtb": OURS + b"\0"}, request).path == "/dtbs/a.dtb"


def test_strange_names_are_not_remembered() -> None:
    found = chosen({"/dtbs/a.dtb": blob(board(model="x" * 300)), "/dtbs/b.dtb": OTHER})
    assert [each.path for each in found.indexed] == ["/dtbs/b.dtb"]


@pytest.mark.parametrize("pin", ["/pinned/{version}.dtb", "b.dtb"])
def test_the_administrators_pin_comes_before_the_boards_name(pin: str) -> None:
    request = TreeRequest(
        devicetree_dir="/dtbs", kernel_version="6.1", profile=Profile(devicetree=pin)
    )
    files: dict[str, str | bytes] = {"/pinned/6.1.dtb": OURS, "/dtbs/a.dtb": OURS}
    found = chosen(files | {"/dtbs/b.dtb": OTHER}, request)
    assert found.by == "pin"
    assert found.path in {"/pinned/6.1.dtb", "/dtbs/b.dtb"}


def test_a_pin_that_leads_nowhere_is_an_error() -> None:
    request = TreeRequest(devicetree_dir="/dtbs", profile=Profile(devicetree="/gone.dtb"))
    with pytest.raises(FdtError, match="which the board profile names, is not there"):
        chosen({"/dtbs/a.dtb": OURS}, request)


def test_the_firmwares_fdtfile_comes_before_the_boards_name() -> None:
    env = "verbosity=1\nfdtfile=acme/b.dtb\n"
    files: dict[str, str | bytes] = {"/dtbs/a.dtb": OURS, "/dtbs/acme/b.dtb": OTHER}
    found = chosen({**files, "/boot/armbianEnv.txt": env})
    assert (found.path, found.by) == ("/dtbs/acme/b.dtb", "fdtfile")
    assert chosen({**files, "/boot/armbianEnv.txt": "fdtfile=gone.dtb"}).by == "first-compatible"


def test_of_equal_ones_those_most_like_the_running_tree_are_suggested_first() -> None:
    files: dict[str, str | bytes] = {
        "/dtbs/a.dtb": blob(board(model="1", extra={}, more={})),
        "/dtbs/b.dtb": blob(board(model="2")),
    }
    found = chosen(files)
    assert found.path is None
    assert found.suggestions == ("/dtbs/b.dtb", "/dtbs/a.dtb")


def test_another_name_of_the_board_is_looked_for_too() -> None:
    request = TreeRequest(devicetree_dir="/dtbs", profile=Profile(also=("acme,other",)))
    assert chosen({"/dtbs/other.dtb": OTHER}, request).path == "/dtbs/other.dtb"


def environment(fdtfile: str, flag: int | None = None) -> bytes:
    head = b"" if flag is None else bytes([flag])
    body = f"fdtfile={fdtfile}\0\0".encode().ljust(256, b"\0")
    return crc32(body).to_bytes(4, "little") + head + body


NAMED = {"/dtbs/a/x.dtb": OURS, "/dtbs/a/y.dtb": OURS}


def test_an_environment_that_u_boot_stored_on_the_medium_names_the_dtb() -> None:
    found = chosen({**NAMED, "/uboot.env": environment("a/y.dtb")})
    assert (found.path, found.by) == ("/dtbs/a/y.dtb", "fdtfile")


def test_of_two_stored_copies_the_newer_names_the_dtb() -> None:
    copies = {
        "/uboot.env": environment("a/x.dtb", 1),
        "/uboot-redund.env": environment("a/y.dtb", 2),
    }
    assert chosen({**NAMED, **copies}).path == "/dtbs/a/y.dtb"


def test_the_boards_own_environment_names_the_dtb() -> None:
    request = replace(IN_DTBS, fdtfile="a/y.dtb")
    assert chosen(dict(NAMED), request).path == "/dtbs/a/y.dtb"


@pytest.mark.parametrize("name", ["a/gone.dtb", "a/y.dtb;rm", "\x1b.dtb", "../y"])
def test_a_name_that_leads_nowhere_leaves_the_choice_to_the_root_nodes(name: str) -> None:
    request = replace(IN_DTBS, fdtfile=name)
    found = chosen({"/dtbs/a/x.dtb": OURS, "/uboot.env": b"damaged"}, request)
    assert (found.path, found.by) == ("/dtbs/a/x.dtb", "first-compatible")
