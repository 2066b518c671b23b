"""Parts of containers: found, checked, and refused with a reason."""

import struct
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootd.container import chunks, find, fit, legacy, read_part
from bootd.container.part import MAX_PART_BYTES, Part
from bootd.errors import ConfigLimitError, ImageError
from bootd.fdt import Fdt, Node, write
from bootd.fdt.cells import from_cells
from tests.support.containers import Configuration, Image, multi, script, uimage
from tests.support.containers import fit as make_fit
from tests.support.memoryfs import MemoryFs

MIB = 1 << 20


def part_of(data: bytes, part: str, limit: int = 8 * MIB) -> bytes:
    return read_part(MemoryFs({"/c": data}), "/c", part, limit)


def fit_of(data: bytes, hash_algorithm: str = "sha256") -> bytes:
    image = Image(data=data, hash_algorithm=hash_algorithm)
    return make_fit({"kernel-1": image}, {"conf-1": Configuration()}, "conf-1")


def test_no_part_is_the_file_itself() -> None:
    assert part_of(b"whatever", "") == b"whatever"


def test_a_file_that_is_no_container_has_no_parts() -> None:
    with pytest.raises(ImageError, match="no container"):
        part_of(b"whatever", "0")


def test_part_0_of_a_uimage_is_what_follows_its_header() -> None:
    assert part_of(uimage(b"kernel"), "0") == b"kernel"


@pytest.mark.parametrize("part", ["1", "x", "-1", "٣", "/images/kernel-1", "00000000000"])
def test_a_uimage_has_no_other_part(part: str) -> None:
    with pytest.raises(ImageError, match="no file number"):
        part_of(uimage(b"kernel"), part)


def test_a_multi_file_image_has_numbered_parts() -> None:
    image = multi([b"kernel", b"initrd!!", b"dtb"])
    assert [part_of(image, n) for n in "012"] == [b"kernel", b"initrd!!", b"dtb"]


def test_a_script_image_has_its_script_as_part_0() -> None:
    assert part_of(script("echo hello\n"), "0") == b"echo hello\n"


def test_a_damaged_uimage_is_refused() -> None:
    image = bytearray(uimage(b"kernel"))
    image[-1] ^= 1
    with pytest.raises(ImageError, match="damaged: its crc32"):
        part_of(bytes(image), "0")


def test_a_damaged_header_of_a_uimage_is_refused() -> None:
    image = bytearray(uimage(b"kernel"))
    image[40] ^= 1
    with pytest.raises(ImageError, match="header of the U-Boot image is damaged"):
        part_of(bytes(image), "0")


def test_a_uimage_that_is_cut_off_is_refused() -> None:
    with pytest.raises(ImageError, match="ends 2 bytes before"):
        part_of(uimage(b"kernel")[:-2], "0")


def test_a_uimage_cut_off_within_its_header_is_refused() -> None:
    with pytest.raises(ImageError, match="within its header"):
        part_of(uimage(b"kernel")[:63], "0")


def test_a_table_of_lengths_longer_than_the_data_is_refused() -> None:
    table = struct.pack(">II", 1000, 0)
    with pytest.raises(ImageError, match="longer than its data"):
        part_of(uimage(table + b"short", legacy.MULTI), "0")


def test_a_table_of_lengths_that_does_not_end_is_refused() -> None:
    with pytest.raises(ImageError, match="does not end"):
        part_of(uimage(struct.pack(">I", 1) * 40, legacy.MULTI), "0")


@pytest.mark.parametrize("algorithm", ["crc32", "md5", "sha1", "sha256", "sha384", "sha512"])
def test_an_image_of_a_fit_is_checked_by_its_hash(algorithm: str) -> None:
    good = fit_of(b"a kernel", hash_algorithm=algorithm)
    assert part_of(good, "/images/kernel-1") == b"a kernel"
    with pytest.raises(ImageError, match=f"its {algorithm} does not match"):
        part_of(good.replace(b"a kernel", b"A kernel"), "/images/kernel-1")


def test_a_hash_of_an_unknown_kind_is_refused() -> None:
    blob = fit_of(b"k", hash_algorithm="sha1").replace(b"sha1\0", b"shaX\0")
    with pytest.raises(ImageError, match="unknown kind 'shaX'"):
        part_of(blob, "/images/kernel-1")


def test_external_data_lies_behind_the_tree() -> None:
    images = {"kernel-1": Image(data=b"kernel"), "fdt-1": Image(data=b"a tree", kind="flat_dt")}
    blob = make_fit(images, {"conf-1": Configuration(fdt=["fdt-1"])}, external=True)
    assert part_of(blob, "/images/kernel-1") == b"kernel"
    assert part_of(blob, "/images/fdt-1") == b"a tree"


def test_data_at_a_position_lies_there() -> None:
    root = Node("")
    image = root.add("images").add("kernel-1")
    image.properties = {"data-position": from_cells([1000]), "data-size": from_cells([6])}
    blob = write(Fdt(root=root))
    assert part_of(blob + bytes(1000 - len(blob)) + b"kernel", "/images/kernel-1") == b"kernel"


def test_a_fit_is_read_without_its_data() -> None:
    data = bytes(MIB + 12345)
    blob = fit_of(data)
    taken: list[int] = []

    def read(offset: int, size: int) -> bytes:
        taken.append(size)
        return blob[offset : offset + size]

    assert find(read, "/images/kernel-1").size == len(data)
    assert sum(taken) < 64 << 10


def test_pieces_of_a_large_part_have_a_bounded_size() -> None:
    blob = fit_of(bytes(MIB + 9))
    read = partial(MemoryFs({"/c": blob}).read_range, "/c")
    sizes = [len(piece) for piece in chunks(read, find(read, "/images/kernel-1"))]
    assert sizes == [MIB, 9]


def test_an_encrypted_image_is_refused() -> None:
    root = Node("")
    image = root.add("images").add("kernel-1")
    image.properties["data"] = b"secret"
    image.add("cipher")
    with pytest.raises(ImageError, match="encrypted"):
        part_of(write(Fdt(root=root)), "/images/kernel-1")


def test_an_image_without_data_is_refused() -> None:
    root = Node("")
    root.add("images").add("kernel-1")
    with pytest.raises(ImageError, match="has no data"):
        part_of(write(Fdt(root=root)), "/images/kernel-1")


@pytest.mark.parametrize(
    "part", ["/images/x", "/configurations/conf-1", "0", "/images/", "kernel-1"]
)
def test_a_fit_has_no_other_part(part: str) -> None:
    with pytest.raises(ImageError, match="part"):
        part_of(fit_of(b"k"), part)


def test_a_device_tree_is_no_fit() -> None:
    with pytest.raises(ImageError, match="not a FIT image"):
        part_of(write(Fdt(root=Node(""))), "/images/kernel-1")


def test_a_part_of_absurd_size_is_refused() -> None:
    root = Node("")
    image = root.add("images").add("kernel-1")
    image.properties = {
        "data-offset": from_cells([0]),
        "data-size": from_cells([1, 0]),
    }
    with pytest.raises(ImageError, match="claims 4294967296 bytes"):
        part_of(write(Fdt(root=root)), "/images/kernel-1")
    assert MAX_PART_BYTES < 1 << 32


def test_a_part_larger_than_what_is_wanted_is_refused() -> None:
    with pytest.raises(ImageError, match="more than 5"):
        part_of(uimage(b"kernel"), "0", 5)
    with pytest.raises(ConfigLimitError):
        part_of(b"kernel", "", 5)


def test_a_fit_that_describes_too_much_is_refused() -> None:
    root = Node("")
    images = root.add("images")
    for i in range(30):
        images.add(f"k{i}").properties["description"] = bytes(60_000)
    with pytest.raises(ImageError, match="describes more than"):
        fit.load(partial(MemoryFs({"/c": write(Fdt(root=root))}).read_range, "/c"))


@pytest.mark.parametrize("cut", [4, 40, 60, 100, 200])
def test_a_fit_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(ImageError):
        part_of(fit_of(b"kernel")[:cut], "/images/kernel-1")


@settings(max_examples=300)
@given(
    blob=st.sampled_from([fit_of(b"kernel"), uimage(b"kernel"), multi([b"one", b"two"])]),
    at=st.integers(0, 1000),
    value=st.binary(min_size=1, max_size=8),
)
def test_a_changed_container_gives_a_part_or_an_image_error(
    blob: bytes, at: int, value: bytes
) -> None:
    at %= len(blob)
    changed = blob[:at] + value + blob[at + len(value) :]
    for part in ("0", "1", "/images/kernel-1"):
        with suppress(ImageError):
            part_of(changed, part)


@given(st.binary(max_size=200))
def test_any_bytes_behind_a_magic_number_are_a_part_or_an_image_error(tail: bytes) -> None:
    for magic in (legacy.MAGIC, fit.MAGIC):
        with suppress(ImageError):
            part_of(magic + tail, "/images/kernel-1")


MKIMAGE_SOURCE = """/dts-v1/;
/ {
    description = "kernel and tree";
    #address-cells = <1>;
    images {
        kernel-1 { data = /incbin/("kernel"); type = "kernel"; arch = "arm64"; os = "linux";
                   compression = "none"; load = <0x80000>; entry = <0x80000>;
                   hash-1 { algo = "sha256"; }; hash-2 { algo = "crc32"; }; };
        fdt-1 { data = /incbin/("tree"); type = "flat_dt"; arch = "arm64"; compression = "none";
                hash-1 { algo = "sha1"; }; };
    };
    configurations { default = "conf-1"; conf-1 { kernel = "kernel-1"; fdt = "fdt-1"; }; };
};
"""


@pytest.mark.parametrize("more", [[], ["-E"], ["-E", "-p", "0x2000"]], ids=" ".join)
def test_fits_of_mkimage_are_read(more: list[str], tmp_path: Path) -> None:
    (tmp_path / "fit.its").write_text(MKIMAGE_SOURCE)
    (tmp_path / "kernel").write_bytes(b"k" * 3001)
    (tmp_path / "tree").write_bytes(write(Fdt(root=Node(""))))
    run_mkimage([*more, "-f", "fit.its", "fit.itb"], tmp_path)
    blob = (tmp_path / "fit.itb").read_bytes()
    assert part_of(blob, "/images/kernel-1") == b"k" * 3001
    assert part_of(blob, "/images/fdt-1") == (tmp_path / "tree").read_bytes()


def test_legacy_images_of_mkimage_are_read(tmp_path: Path) -> None:
    (tmp_path / "boot.cmd").write_text("echo hello\n")
    (tmp_path / "initrd").write_bytes(b"initrd")
    run_mkimage(["-A", "arm", "-T", "script", "-C", "none", "-d", "boot.cmd", "scr"], tmp_path)
    run_mkimage(["-A", "arm", "-T", "multi", "-d", "boot.cmd:initrd", "multi"], tmp_path)
    assert part_of((tmp_path / "scr").read_bytes(), "0") == b"echo hello\n"
    assert part_of((tmp_path / "multi").read_bytes(), "1") == b"initrd"


def run_mkimage(arguments: list[str], folder: Path) -> None:
    subprocess.run(["mkimage", *arguments], cwd=folder, capture_output=True, check=True, timeout=30)


def test_an_empty_part_is_empty() -> None:
    assert list(chunks(lambda _at, _size: b"", Part(offset=0, size=0))) == []
