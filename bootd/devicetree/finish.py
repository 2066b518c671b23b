"""A checked blob made ready for one load: initrd addresses, reservations and fresh seeds.

Done by loaders, after they know where things go; nothing else in the blob changes.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from bootd.fdt import read, write
from bootd.record import dataclass

_NOTHING: Final[Mapping[str, bytes]] = MappingProxyType({})

RNG_SEED_BYTES: Final = 128
"""As the kernel's own kexec gives (drivers/of/kexec.c)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeds:
    """Entropy for the next kernel, from the running one, used once.

    Attributes:
        kaslr: 8 bytes: where the next kernel puts itself.
        rng: RNG_SEED_BYTES that its random number generator starts from; b"" for none.
    """

    kaslr: bytes
    rng: bytes = b""

    def __post_init__(self) -> None:
        if len(self.kaslr) != 8:
            msg = f"a KASLR seed has 8 bytes, not {len(self.kaslr)}"
            raise ValueError(msg)


def finish(
    blob: bytes,
    initrd_range: tuple[int, int] | None = None,
    reservations: Iterable[tuple[int, int]] = (),
    seeds: Seeds | None = None,
    chosen: Mapping[str, bytes] = _NOTHING,
) -> bytes:
    """Return the blob with what only the loader knows.

    Args:
        blob: As `prepare` returned it.
        initrd_range: Physical (start, end) of the initrd, end exclusive.
        reservations: Physical (start, size) ranges that the next kernel must leave alone.
        seeds: None leaves the kernel without KASLR and early entropy.
        chosen: More properties of /chosen, raw; they win over the others.

    Raises:
        FdtError: The blob is invalid, or too large afterwards.
    """
    fdt = read(blob)
    node = fdt.root.add("chosen").properties
    if initrd_range is not None:
        start, end = initrd_range
        node["linux,initrd-start"] = start.to_bytes(8, "big")
        node["linux,initrd-end"] = end.to_bytes(8, "big")
    if seeds is not None:
        node["kaslr-seed"] = seeds.kaslr
        if seeds.rng:
            node["rng-seed"] = seeds.rng
    node.update(chosen)
    known = set(fdt.reservations)
    fdt.reservations += [entry for entry in dict.fromkeys(reservations) if entry not in known]
    fdt.reservations.sort()
    return write(fdt)
