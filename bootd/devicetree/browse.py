"""Any part of the next kernel's tree for a person: each value with its origin and its neighbours.

The tree is made anew for each look, by the code of a boot: what is shown is what would be handed
over, and nothing is kept in between.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from bootd.container import read_part
from bootd.devicetree.overlays import read_named
from bootd.devicetree.prepare import prepare
from bootd.errors import ConfigLimitError, FdtError, ImageError
from bootd.fdt import MAX_BLOB_BYTES, Fdt, read
from bootd.fdt.compare import differences
from bootd.fdt.source import render_value
from bootd.fdt.tree import join
from bootd.fsview import FsView
from bootd.model.browsing import Against, TreePage, TreeQuery, TreeRow
from bootd.model.tree import Fact, FactAction, TreeOrigin, TreeReport, TreeRequest
from bootd.record import dataclass

PAGE_ROWS: Final = 64
MAX_VALUE: Final = 2_000
"""Characters of a value; the longest are calibration tables that nobody reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trees:
    """What is looked at; `shipped` is None when the running tree is used."""

    result: Fdt
    shipped: Fdt | None
    live: Fdt
    facts: dict[tuple[str, str], Fact]
    origin: TreeOrigin


def browse(
    fs: FsView | None,
    request: TreeRequest,
    live: bytes | None,
    query: TreeQuery,
    original: bytes | None = None,
) -> TreePage:
    """Make the tree of a request and return the rows that a query asks for.

    Raises:
        MergeRefusedError: There is no tree to look at, as for a boot.
        FdtError: A blob is damaged, this machine has no device tree, or there is no such node.
    """
    prepared = prepare(fs, request, live, original)
    if prepared.blob is None or live is None:
        raise FdtError(prepared.report.summary)
    trees = _Trees(
        result=read(prepared.blob),
        shipped=_shipped(fs, request, prepared.report),
        live=read_named(live, "the running device tree"),
        facts={(fact.path, fact.property): fact for fact in prepared.report.facts},
        origin=prepared.report.origin,
    )
    path, places = _places(trees, query)
    found = list(places)
    shown = islice(found, max(query.offset, 0), max(query.offset, 0) + PAGE_ROWS)
    return TreePage(
        path=path,
        rows=tuple(_row(trees, node, name) for node, name in shown),
        total=len(found),
        summary=prepared.report.summary,
        sha256=prepared.report.sha256,
    )


def _shipped(fs: FsView | None, request: TreeRequest, report: TreeReport) -> Fdt | None:
    """Read the DTB again that was used; None when it was none, or went away meanwhile."""
    if fs is None or report.shipped_path is None:
        return None
    part = request.devicetree_part if request.devicetree is not None else ""
    path = request.devicetree or report.shipped_path
    try:
        return read(read_part(fs, path, part, MAX_BLOB_BYTES))
    except (OSError, ConfigLimitError, ImageError, FdtError):
        return None


Place = tuple[str, str]
"""Path and property; "" is the node itself."""


def _places(trees: _Trees, query: TreeQuery) -> tuple[str, Iterator[Place]]:
    if query.find:
        return "/", _search(trees.result, query.find.lower())
    match query.against:
        case Against.SHIPPED:
            return "/", _changes(trees.shipped, trees.result)
        case Against.LIVE:
            return "/", _changes(trees.live, trees.result)
        case Against.NOTHING:
            return _node(trees.result, query.path)


def _node(tree: Fdt, path: str) -> tuple[str, Iterator[Place]]:
    located = tree.locate(path)
    if located is None:
        raise FdtError(f"there is no node {path:.200} in this device tree")
    whole, node = located
    properties = [(whole, name) for name in node.properties]
    children = [(join(whole, name), "") for name in node.children]
    return whole, iter(properties + children)


def _search(tree: Fdt, wanted: str) -> Iterator[Place]:
    for path, node in tree.walk():
        if wanted in node.name.lower():
            yield path, ""
        for name, value in node.properties.items():
            if wanted in name.lower() or wanted in render_value(value).lower():
                yield path, name


def _changes(other: Fdt | None, result: Fdt) -> Iterator[Place]:
    if other is None:
        raise FdtError("there is no shipped device tree to compare with")
    for difference in differences(other, result):
        yield difference.path, difference.property


def _row(trees: _Trees, path: str, name: str) -> TreeRow:
    fact = _fact(trees, path, name)
    untouched = "live" if trees.origin is TreeOrigin.RUNNING else "shipped"
    return TreeRow(
        path=_printable(path),
        property=_printable(name),
        value=_value(trees.result, path, name),
        shipped=None if trees.shipped is None else _value(trees.shipped, path, name),
        live=_value(trees.live, path, name),
        source=untouched if fact is None else fact.source.value,
        rule="" if fact is None else fact.rule,
        reason="" if fact is None else fact.reason,
    )


def _fact(trees: _Trees, path: str, name: str) -> Fact | None:
    """Return what decided a value: its own fact, or the one that brought a node around it."""
    if found := trees.facts.get((path, name)):
        return found
    while path:
        found = trees.facts.get((path, ""))
        if found is not None and found.action in {FactAction.ADD, FactAction.DELETE}:
            return found
        path = path.rpartition("/")[0]
    return None


def _value(tree: Fdt, path: str, name: str) -> str | None:
    node = tree.find(path)
    if node is None:
        return None
    if not name:
        return ""
    value = node.properties.get(name)
    if value is None:
        return None
    shown = render_value(value[:MAX_VALUE])
    return shown if len(shown) <= MAX_VALUE else f"{shown[:MAX_VALUE]}... ({len(value)} bytes)"


def _printable(text: str) -> str:
    return text if text.isascii() and text.isprintable() else ascii(text)[1:-1]
