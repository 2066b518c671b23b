"""LVM's own tools write metadata for tests/root/test_stacks.py; these are written by hand."""

import pytest

from bootd.disk import lvm
from bootd.model.stack import Member, Piece, Place
from tests.support.stacks import Disk, group, pv, segment, uuid, volume

ROOT = volume("root", "r", segment(1, 0, 2, ["pv0", 0]))


def read(text: str, letter: str = "a", at: int = 1024) -> Member:
    data = pv(text, letter, at=at)
    found = lvm.read(Disk(data), len(data))
    assert found is not None
    return found


def plain(letter: str) -> str:
    return uuid(letter).replace("-", "")


def test_a_volume_lies_where_its_segments_say() -> None:
    text = group(volume("root", "r", segment(1, 0, 2, ["pv0", 3]), segment(2, 2, 1, ["pv1", 0])))
    member = read(text, "b")
    assert (member.uuid, member.group, member.name) == (plain("b"), plain("g"), "vg-0")
    assert member.sequence == 4
    (root,) = member.volumes
    assert (root.name, root.uuid, root.reason) == ("root", plain("r"), "")
    assert root.pieces == (
        Piece(length=16384, places=(Place(member=plain("a"), start=2048 + 3 * 8192),)),
        Piece(length=8192, places=(Place(member=plain("b"), start=2048),)),
    )


def test_stripes_take_turns() -> None:
    (piece,) = (
        read(group(volume("s", "s", segment(1, 0, 2, ["pv0", 0, "pv1", 1])))).volumes[0].pieces
    )
    assert piece.stripe == 128
    assert [place.start for place in piece.places] == [2048, 2048 + 8192]


def test_a_description_that_goes_around_the_end_of_its_ring_is_read() -> None:
    at = (1 << 20) - 4096 - 700
    assert read(group(ROOT), at=at) == read(group(ROOT))


def test_volumes_that_are_a_part_of_others_are_left_out() -> None:
    hidden = volume("pool_tdata", "h", segment(1, 0, 1, ["pv0", 0]), status='"READ", "WRITE"')
    assert [each.name for each in read(group(ROOT + hidden)).volumes] == ["root"]


def test_a_thin_volume_says_what_can_put_it_together() -> None:
    thin = volume("thin", "t", segment(1, 0, 1, ["pv0", 0], 'type = "thin"\n'))
    root, found = read(group(ROOT + thin)).volumes
    assert root.pieces
    assert found.pieces == ()
    assert found.reason == "it is of the kind thin, which only lvm can put together"


def test_other_disks_are_no_members() -> None:
    assert lvm.read(Disk(bytes(8192)), 8192) is None
    assert lvm.read(Disk(b""), 0) is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"pv0", 0', '"pv7", 0', "a disk that is not in the group"),
        ("segment_count = 1", "segment_count = 2", "lack a part of a volume"),
        ("start_extent = 0", "start_extent = 1", "leave a gap"),
        ("extent_count = 2", "extent_count = 0", "lack the place"),
        ("extent_size = 8192", "extent_size = big", "no sound extent_size"),
        ("seqno = 4", "seqno = 99999999999999999", "no sound seqno"),
        (uuid("r"), "short", "a UUID that is none"),
        ("logical_volumes {", "logical_volumes { { { { { { { {", "nested too deeply"),
        ("physical_volumes {", "}", "nested too deeply, or not at all"),
        ("contents", "@", "something that is no value"),
        ('id = "gggggg', 'it = "gggggg', "name no volume group"),
        ("pe_start = 2048", "pe_start = [1]", "no sound pe_start"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(old: str, new: str, words: str) -> None:
    text = group(ROOT)
    assert old in text
    with pytest.raises(OSError, match=words):
        read(text.replace(old, new))


@pytest.mark.parametrize("at", [512 + 40, 4096 + 8, 4096 + 1024 + 5, 4096 + 44])
def test_one_flipped_bit_anywhere_is_noticed(at: int) -> None:
    data = bytearray(pv(group(ROOT)))
    data[at] ^= 4
    with pytest.raises(OSError, match="damaged"):
        lvm.read(Disk(bytes(data)), len(data))


def test_a_million_volumes_are_not_read() -> None:
    many = "".join(volume(f"v{number}", "r", segment(1, 0, 1, ["pv0", 0])) for number in range(400))
    assert len(read(group(many)).volumes) == 256


def test_values_without_end_are_not_read() -> None:
    text = group(ROOT).replace("flags = []", f"flags = [{'1,' * 150_000}1]", 1)
    data = pv(text)
    with pytest.raises(OSError, match="more words than bootd reads"):
        lvm.read(Disk(data), len(data))
