"""Three trees: the firmware's own changes are told from drift between releases."""

from bootd.devicetree.merge import Merged, merge
from bootd.devicetree.scene import Known
from bootd.model.tree import FactAction
from tests.support.trees import Content, board, live_board, tree

GPU: Content = {"compatible": "acme,gpu", "reg": [0, 0x5000, 0, 0x100]}


def merged(shipped: Content, original: Content, live: Content) -> Merged:
    known = Known(original=tree(board(**original)))
    return merge(tree(board(**shipped)), tree(live_board(**live)), "", known=known)


def gpu(**more: object) -> Content:
    return {"gpu@5000": {**GPU, **more}}


def test_a_block_that_the_firmware_switched_off_is_switched_off() -> None:
    result = merged(gpu(), gpu(status="okay"), gpu(status="disabled"))
    assert result.fdt.get("/gpu@5000", "status") == b"disabled\0"
    (fact,) = [f for f in result.facts if f.path == "/gpu@5000"]
    assert fact.rule == "firmware-change"


def test_a_block_that_the_firmware_took_out_is_switched_off_and_not_deleted() -> None:
    result = merged(gpu(phandle=9), gpu(below={"compatible": "acme,x"}), {})
    assert result.fdt.get("/gpu@5000", "status") == b"disabled\0"
    assert result.fdt.get("/gpu@5000", "phandle") is not None
    (fact,) = [f for f in result.facts if f.path == "/gpu@5000"]
    assert (fact.rule, fact.property) == ("firmware-change", "status")


def test_a_node_of_another_device_at_the_same_path_stays() -> None:
    other: Content = {"gpu@5000": {"compatible": "acme,other", "reg": [0, 0x5000, 0, 0x100]}}
    assert merged(other, gpu(), {}).fdt.get("/gpu@5000", "status") is None


def test_a_block_that_was_off_from_the_beginning_stays_as_shipped() -> None:
    result = merged(gpu(), gpu(status="disabled"), gpu(status="disabled"))
    assert result.fdt.get("/gpu@5000", "status") is None


def test_a_dma_window_follows_when_both_trees_start_from_the_same() -> None:
    a, b = {"dma-ranges": [1, 2]}, {"dma-ranges": [1, 3]}
    assert merged(gpu(**a), gpu(**a), gpu(**b)).fdt.get("/gpu@5000", "dma-ranges") == (
        b"\0\0\0\1\0\0\0\3"
    )


def test_a_dtb_that_starts_from_another_value_keeps_its_own_and_it_is_told() -> None:
    values: list[Content] = [{"clock-frequency": n} for n in (7, 1, 2)]
    result = merged(*(gpu(**value) for value in values))
    assert result.fdt.get("/gpu@5000", "clock-frequency") == b"\0\0\0\7"
    (fact,) = [f for f in result.facts if f.path == "/gpu@5000"]
    assert fact.action is FactAction.REFUSE


def test_a_placeholder_map_gets_the_live_value_with_the_dtbs_phandle() -> None:
    def trees(phandle: int, size: int) -> Content:
        smmu = {"compatible": "acme,smmu", "reg": [0, 0x6000, 0, 1], "phandle": phandle}
        return {"smmu@6000": smmu, **gpu(**{"iommu-map": [0, phandle, 0, size]})}

    result = merged(trees(9, 0), trees(2, 0), trees(2, 16))
    assert result.fdt.get("/gpu@5000", "iommu-map") == bytes(
        [0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 16]
    )


def test_a_node_that_the_firmware_added_is_told_once_and_not_brought_over() -> None:
    result = merged({}, {}, {"hat": {"compatible": "acme,hat", "below": {"a": 1}}})
    assert result.fdt.find("/hat") is None
    assert [f.path for f in result.facts if f.rule == "firmware-change"] == ["/hat"]
