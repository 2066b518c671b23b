"""Flattened device trees: strict reading, writing, and trees of plain nodes with raw bytes.

Source: Devicetree Specification v0.4. Nothing here decides anything about boards; see
`bootd.devicetree` for that.
"""

from bootd.fdt.reader import read, read_root_properties
from bootd.fdt.tree import MAX_BLOB_BYTES, MAX_DEPTH, Fdt, Node
from bootd.fdt.writer import write

__all__ = ["MAX_BLOB_BYTES", "MAX_DEPTH", "Fdt", "Node", "read", "read_root_properties", "write"]
