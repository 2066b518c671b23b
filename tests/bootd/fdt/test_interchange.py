from hypothesis import given
from hypothesis import strategies as st

from bootd.fdt import Fdt, Node, read
from bootd.fdt.compare import differences
from bootd.fdt.interchange import from_pyfdt, to_pyfdt
from tests.support.trees import board, tree

NAMES = st.text("abc#,-", min_size=1, max_size=5)


def test_pyfdt_writes_the_same_tree() -> None:
    fdt = tree(board(mac=b"\xff\0\x80", same=1, node={"same": {}}), reservations=((1, 2),))
    fdt.boot_cpu = 3
    again = read(to_pyfdt(fdt).to_dtb())
    assert list(differences(fdt, again)) == []
    assert (again.reservations, again.boot_cpu) == ([(1, 2)], 3)


def test_a_pyfdt_tree_comes_back_in_its_order() -> None:
    fdt = tree(board(), reservations=((1, 2),))
    again = from_pyfdt(to_pyfdt(fdt))
    assert [(p, list(n.properties.items())) for p, n in again.walk()] == [
        (p, list(n.properties.items())) for p, n in fdt.walk()
    ]
    assert again.reservations == fdt.reservations


@given(st.dictionaries(NAMES, st.binary(max_size=12)), st.lists(NAMES, max_size=4))
def test_no_value_is_lost(values: dict[str, bytes], children: list[str]) -> None:
    root = Node("")
    root.properties.update(values)
    for name in children:
        root.add(name).properties.update(values)
    fdt = Fdt(root=root)
    assert list(differences(fdt, from_pyfdt(to_pyfdt(fdt)))) == []
    assert list(differences(fdt, read(to_pyfdt(fdt).to_dtb()))) == []
