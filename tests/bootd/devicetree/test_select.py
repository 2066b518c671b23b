import pytest

from bootd.devicetree.select import LAYOUTS, Selection, select
from bootd.errors import FdtError
from bootd.model.tree import TreeRequest
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
