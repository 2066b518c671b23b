"""What is put together from which disks."""

from bootd.model.stack import Member, Piece, Place, Volume
from bootd.policy.stacks import Line, plan
from bootd.record import replace


def part(uuid: str, start: int = 2048, length: int = 100) -> Piece:
    return Piece(length=length, places=(Place(member=uuid, start=start),))


def lvm(
    uuid: str, *volumes: Volume, sequence: int = 3, group: str = "G", name: str = "vg"
) -> Member:
    return Member(uuid=uuid, group=group, name=name, sequence=sequence, volumes=volumes)


ROOT = Volume(name="root", uuid="R", pieces=(part("A"), part("B", 5)))
HOME = Volume(name="home", uuid="H", pieces=(part("A", 9),))


def half(uuid: str, sequence: int, reason: str = "") -> Member:
    volume = Volume(name="boot", uuid="M", pieces=(part(uuid),))
    return replace(lvm(uuid, volume, sequence=sequence, group="M", name="boot"), reason=reason)


def test_a_volume_is_made_when_all_of_its_disks_are_there() -> None:
    found = plan({"sda": lvm("A", ROOT, HOME), "sdb": lvm("B", ROOT, HOME)})
    root, home = found.assemblies
    assert (root.name, root.uuid) == ("bootd-vg-root", "bootd-G-R")
    assert root.lines == (
        Line(length=100, places=(("sda", 2048),)),
        Line(length=100, places=(("sdb", 5),)),
    )
    assert home.lines == (Line(length=100, places=(("sda", 9),)),)
    assert found.notes == {"sda": (), "sdb": ()}


def test_what_waits_for_a_disk_says_so_and_the_rest_is_made() -> None:
    found = plan({"sda": lvm("A", ROOT, HOME)})
    assert [each.name for each in found.assemblies] == ["bootd-vg-home"]
    assert found.notes == {"sda": ("root is not shown: a disk of vg is missing",)}


def test_the_latest_description_counts() -> None:
    old = lvm("A", replace(HOME, pieces=(part("A", 77),)), sequence=2)
    found = plan({"sda": old, "sdb": lvm("B", HOME)})
    assert found.assemblies[0].lines[0].places == (("sda", 9),)


def test_the_half_of_a_mirror_with_most_events_is_shown_alone() -> None:
    found = plan({"sda": half("A", 7), "sdb": half("B", 9)})
    (boot,) = found.assemblies
    assert boot.name == "bootd-boot"
    assert boot.lines == (Line(length=100, places=(("sdb", 2048),)),)


def test_a_half_that_failed_is_not_used_however_new_it_is() -> None:
    found = plan({"sda": half("A", 7), "sdb": half("B", 9, "it has failed")})
    assert found.assemblies[0].lines[0].places == (("sda", 2048),)
    assert found.notes["sdb"] == ("not used: it has failed",)
    assert plan({"sdb": half("B", 9, "it has failed")}).assemblies == ()


def test_two_copies_of_one_disk_are_told_and_left_alone() -> None:
    found = plan({"sda": lvm("A", HOME), "sdb": lvm("A", HOME)})
    assert found.assemblies == ()
    note = "sda and sdb claim to be the same disk of vg; take one of them out"
    assert found.notes == {"sda": (note,), "sdb": (note,)}


def test_two_groups_of_one_name_do_not_hide_each_other() -> None:
    other = replace(HOME, uuid="X", pieces=(part("C"),))
    found = plan({"sda": lvm("A", HOME), "sdc": lvm("C", other, group="K")})
    assert [each.uuid for each in found.assemblies] == ["bootd-G-H"]
    assert found.notes["sdc"] == ("another volume is called vg-home, too",)


def test_what_only_other_tools_can_put_together_is_said() -> None:
    thin = Volume(name="thin", uuid="T", reason="it is of the kind thin")
    found = plan({"sda": lvm("A", thin)})
    assert found.assemblies == ()
    assert found.notes["sda"] == ("thin is not shown: it is of the kind thin",)


def test_foreign_names_become_names_for_the_device_mapper() -> None:
    odd = Volume(name="a/../b c", uuid="R/1", pieces=(part("A"),))
    (made,) = plan({"sda": lvm("A", odd, name="x" * 300)}).assemblies
    assert len(made.name) == 100
    (made,) = plan({"sda": lvm("A", odd)}).assemblies
    assert (made.name, made.uuid) == ("bootd-vg-a_.._b_c", "bootd-G-R_1")
