"""Merges of trees that nobody wrote: what must hold for every pair."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootd.devicetree.prepare import combine
from bootd.errors import MergeRefusedError
from bootd.fdt import Fdt, Node, read, write
from bootd.fdt.cells import phandle
from bootd.fdt.compare import differences
from bootd.model.tree import FactAction
from tests.support.libfdt_oracle import is_valid
from tests.support.trees import board, fdtget, live_board, node, tree

WORDS = st.sampled_from(["a", "b1", "clock", "gpio,x", "led", "x+y", "soc"])
NAMES = st.tuples(WORDS, st.sampled_from(["", "@0", "@1000", "@40000000"])).map("".join)
PROPERTIES = st.dictionaries(
    st.sampled_from(["reg", "status", "local-mac-address", "clocks", "ranges", "x", "serial"]),
    st.binary(max_size=12),
    max_size=4,
)


@st.composite
def nodes(draw: st.DrawFn, depth: int = 3) -> dict[str, object]:
    content: dict[str, object] = dict(draw(PROPERTIES))
    content["compatible"] = draw(st.sampled_from(["acme,a", "acme,b", "acme,c"]))
    if depth:
        for name in draw(st.lists(NAMES, max_size=3, unique=True)):
            content[name] = draw(nodes(depth - 1))
    return content


def grow(content: dict[str, object], below: dict[str, object], start: int) -> Fdt:
    """Return a board with a random part, its nodes numbered from `start`."""
    fdt = tree(content)
    fdt.root.children["part"] = node("part", below)
    for number, (_, each) in enumerate(list(Fdt(root=fdt.root.children["part"]).walk()), start):
        each.properties["phandle"] = number.to_bytes(4, "big")
    return fdt


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ours=nodes(), theirs=nodes(), same=st.booleans(), start=st.integers(1, 40))
def test_phandles_stay_untold_bytes_stay_and_every_property_is_seen_by_libfdt(
    ours: dict[str, object],
    theirs: dict[str, object],
    same: bool,  # noqa: FBT001 - hypothesis gives it
    start: int,
) -> None:
    shipped = grow(board(), ours, 1)
    live = grow(live_board(), ours if same else theirs, start)
    before = write(shipped)
    try:
        blob, merged = combine(shipped, live, "quiet")
    except MergeRefusedError:
        return
    result = read(blob)
    assert write(shipped) == before, "the input is not changed"
    assert is_valid(blob)
    assert numbers(result) == numbers(shipped)
    told = {(f.path, f.property) for f in merged.facts if f.action is not FactAction.REFUSE}
    assert {(d.path, d.property) for d in differences(shipped, result)} <= told
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "merged.dtb")
        file.write_bytes(blob)
        for path, name in sorted(told)[:6]:
            value = result.get(path, name) if path.startswith("/") and name else None
            if value is not None:
                seen = fdtget(file, path, name)
                assert seen is not None, (path, name)
                assert bytes(int(word, 16) for word in seen.split()) == value


def numbers(fdt: Fdt) -> dict[str, int]:
    return {path: p for path, each in fdt.walk() if (p := phandle(each)) is not None}


@given(below=nodes())
def test_a_random_tree_is_written_as_it_was_read(below: dict[str, object]) -> None:
    fdt = grow(board(), below, 7)
    blob = write(fdt)
    assert is_valid(blob)
    back = read(blob)
    assert write(back) == blob
    assert not list(differences(fdt, back))
    assert isinstance(back.root, Node)
