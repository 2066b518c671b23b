"""Plays a board's firmware: from a real DTB it makes the tree that a running kernel would show.

What it does it also writes down, so that what a merge must come to is known without asking the code
that merges: `Expected` holds the shipped tree's values that must be different afterwards, and what
must be true of memory and reservations. Everything else must be as it was shipped.
"""

from dataclasses import dataclass, field
from typing import Self

from bootd.fdt import Fdt, Node, read
from bootd.fdt.address import Layout, decode, encode, layout
from bootd.fdt.cells import cells, from_cells, from_string, phandle, string
from bootd.fdt.references import positions
from bootd.fdt.tree import copy_fdt, resolve

Ranges = set[tuple[int, int]]


@dataclass(slots=True)
class Expected:
    """What a merge must come to.

    Attributes:
        values: Bytes by (path in the shipped tree, property).
        memory: The RAM, exactly.
        reserved: Ranges that must be kept from the kernel.
        entries: The reservation block, exactly.
        refused: (path, rule) of facts that must be told as not brought over.
    """

    values: dict[tuple[str, str], bytes] = field(default_factory=dict)
    memory: Ranges = field(default_factory=set)
    reserved: Ranges = field(default_factory=set)
    entries: Ranges = field(default_factory=set)
    refused: set[tuple[str, str]] = field(default_factory=set)


class Firmware:
    """One board being started; every method does one thing that real firmware does."""

    def __init__(self, dtb: bytes) -> None:
        self.shipped = read(dtb)
        self.live = copy_fdt(self.shipped)
        self.expected = Expected(entries=set(self.shipped.reservations))

    def memory(self, *ranges: tuple[int, int], padding: int = 0) -> Self:
        """Put RAM into the tree; `padding` empty ranges follow, as Rockchip's U-Boot has them."""
        root = self.live.root
        for name in [n for n in root.children if n.partition("@")[0] == "memory"]:
            del root.children[name]
        node = root.add(f"memory@{ranges[0][0]:x}")
        node.properties["device_type"] = b"memory\0"
        node.properties["reg"] = encode([*ranges, *[(0, 0)] * padding], layout(root))
        self.expected.memory = set(ranges)
        return self

    def reserve(self, start: int, size: int) -> Self:
        """Add to the reservation block (a spin table, a secure monitor)."""
        self.live.reservations.append((start, size))
        self.expected.entries.add((start, size))
        return self

    def secure_range(self, name: str, start: int, size: int) -> Self:
        """Reserve a range as a node, as U-Boot does for OP-TEE and TF-A."""
        root = self.live.root
        holder = root.children.get("reserved-memory")
        if holder is None:
            holder = root.add("reserved-memory")
            holder.properties = {key: root.properties[key] for key in ("#address-cells",)}
            holder.properties["#size-cells"] = root.properties["#size-cells"]
            holder.properties["ranges"] = b""
        node = holder.add(f"{name}@{start:x}")
        node.properties["reg"] = encode([(start, size)], layout(holder))
        node.properties["no-map"] = b""
        self.expected.reserved.add((start, size))
        return self

    def mac(self, path: str, address: str, name: str = "local-mac-address") -> Self:
        """Give an interface its address; `path` is the shipped tree's."""
        value = bytes.fromhex(address.replace(":", ""))
        self._live(path).properties[name] = value
        self.expected.values[path, name] = value
        return self

    def identity(self, serial: str) -> Self:
        """Write the serial number that U-Boot reads from fuses."""
        self.live.root.properties["serial-number"] = from_string(serial)
        self.expected.values["/", "serial-number"] = from_string(serial)
        return self

    def psci(self, path: str, method: str) -> Self:
        """Say how the installed secure monitor is called."""
        new = self.shipped.find(path) is None
        node = self.live.root
        for part in path[1:].split("/"):
            node = node.add(part)
        values = {"method": from_string(method)}
        if new:
            values["compatible"] = from_string("arm,psci-1.0")
        node.properties |= values
        self.expected.values |= {(path, key): value for key, value in values.items()}
        return self

    def spin_table(self, address: int) -> Self:
        """Let the secondary CPUs wait in a spin table (Raspberry Pi 3 and 4, Apple)."""
        for node in self._cpus(self.live):
            values = {
                "enable-method": from_string("spin-table"),
                "cpu-release-addr": address.to_bytes(8, "big"),
            }
            node.properties |= values
            self.expected.values |= {
                (f"/cpus/{node.name}", key): value for key, value in values.items()
            }
        return self.reserve(address & ~0xFFF, 0x1000)

    def fuse_off(self, *numbers: int) -> Self:
        """Take CPUs away that this chip does not have."""
        holder = self.live.root.children["cpus"]
        for node in self._cpus(self.live):
            if cells(node.properties["reg"])[-1] in numbers:
                del holder.children[node.name]
                self.expected.values[f"/cpus/{node.name}", "status"] = b"disabled\0"
        return self

    def optee(self) -> Self:
        """Add the node of a resident OP-TEE."""
        values = {"compatible": from_string("linaro,optee-tz"), "method": from_string("smc")}
        self.live.root.add("firmware").add("optee").properties |= values
        self.expected.values |= {("/firmware/optee", key): v for key, v in values.items()}
        return self

    def chosen(self, **more: bytes) -> Self:
        """Fill /chosen as U-Boot and a kernel that was itself started by kexec leave it."""
        node = self.live.root.add("chosen")
        node.properties |= {
            "bootargs": from_string("root=UUID=of-another-system quiet"),
            "linux,initrd-start": (0x4A000000).to_bytes(8, "big"),
            "linux,initrd-end": (0x4A123456).to_bytes(8, "big"),
            "kaslr-seed": bytes(range(8)),
            "rng-seed": bytes(range(64)),
            "u-boot,version": from_string("2025.01"),
            "linux,ima-kexec-buffer": encode([(0x4B000000, 0x1000)], layout(self.live.root)),
        }
        node.properties |= {key.replace("_", "-"): value for key, value in more.items()}
        # The initrd and the buffer are reserved for the running kernel only.
        self.live.reservations += [(0x4A000000, 0x123456), (0x4B000000, 0x1000)]
        return self

    def framebuffer(self) -> Self:
        """Leave a picture on the screen; the next kernel must not be told of it."""
        node = self.live.root.add("chosen").add("framebuffer@3e000000")
        node.properties = {"compatible": from_string("simple-framebuffer"), "reg": bytes(16)}
        return self

    def console(self, path: str, options: str) -> Self:
        """Use the console of a shipped path, named by an alias of the live tree only."""
        self.live.root.add("aliases").properties["serial77"] = from_string(self._path(path))
        chosen = self.live.root.add("chosen")
        chosen.properties["stdout-path"] = from_string(f"serial77:{options}")
        self.expected.values["/chosen", "stdout-path"] = from_string(f"{path}:{options}")
        return self

    def drift_aliases(self) -> Self:
        """Number the Ethernet, MMC and serial aliases in another order, as releases do."""
        aliases = self.live.root.children["aliases"].properties
        chosen = self.live.root.children["chosen"].properties
        # The console is still the same one; its name would now mean another.
        name, colon, options = string(chosen["stdout-path"]).partition(":")
        path = resolve(self.live, name)
        chosen["stdout-path"] = from_string(f"{path}{colon}{options}")
        for base in ("ethernet", "mmc", "serial"):
            names = sorted(n for n in aliases if n.startswith(base) and n[len(base) :].isdigit())
            values = [aliases[n] for n in names]
            aliases |= dict(zip(names, values[1:] + values[:1], strict=True))
        return self

    def rename(self, path: str, name: str) -> Self:
        """Call a node of the live tree by another name, as other kernel releases do."""
        parent, _, old = path.rpartition("/")
        holder = self.live.find(parent or "/")
        assert holder is not None
        node = holder.children.pop(old)
        node.name = name
        holder.children[name] = node
        aliases = self.live.root.children.get("aliases", Node("")).properties
        for key, value in list(aliases.items()):
            text = string(value)
            if text == path or text.startswith(f"{path}/"):
                aliases[key] = from_string(f"{parent}/{name}{text[len(path) :]}")
        self._renamed = {**self._renamed, path: f"{parent}/{name}"}
        return self

    _renamed: dict[str, str] = {}  # noqa: RUF012 - replaced, never changed

    def renumber(self, step: int) -> Self:
        """Shift every phandle of the live tree, references included: another dtc run does that."""
        nodes = {p: n for _, n in self.live.walk() if (p := phandle(n)) is not None}
        places = [
            (node, name, positions(node, name, nodes.get) or ())
            for _, node in self.live.walk()
            for name in node.properties
        ]
        for node, name, offsets in places:
            for at in offsets:
                _shift(node, name, at, step)
        for node in nodes.values():
            _shift(node, "phandle", 0, step)
        return self

    def root_cells(self, address: int, size: int) -> Self:
        """Count the root's addresses in other cells (Raspberry Pi 5: 2 and 1)."""
        root, old, new = self.live.root, layout(self.live.root), Layout(address=address, size=size)
        for node in root.children.values():
            if "reg" in node.properties and len(node.properties["reg"]) % 4 == 0:
                node.properties["reg"] = encode(decode(node.properties["reg"], old), new)
        root.properties["#address-cells"] = from_cells([address])
        root.properties["#size-cells"] = from_cells([size])
        return self

    def disable(self, path: str) -> Self:
        """Switch a block off; with two trees nobody can tell this from drift."""
        self._live(path).properties["status"] = b"disabled\0"
        return self

    def _path(self, path: str) -> str:
        for old, new in self._renamed.items():
            if path == old or path.startswith(f"{old}/"):
                return new + path[len(old) :]
        return path

    def _live(self, path: str) -> Node:
        node = self.live.find(self._path(path))
        assert node is not None, path
        return node

    @staticmethod
    def _cpus(fdt: Fdt) -> list[Node]:
        holder = fdt.root.children["cpus"]
        return [n for n in holder.children.values() if n.properties.get("device_type") == b"cpu\0"]


def _shift(node: Node, name: str, at: int, step: int) -> None:
    value = node.properties[name]
    moved = int.from_bytes(value[at : at + 4], "big") + step
    node.properties[name] = value[:at] + moved.to_bytes(4, "big") + value[at + 4 :]
