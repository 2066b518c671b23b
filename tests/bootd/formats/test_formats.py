"""What is seen to once for all formats: files that are not there, ids, limits."""

import json
from dataclasses import replace

import pytest

from bootd import formats
from bootd.formats import extlinux
from bootd.model.option import ScanResult
from bootd.probe.answer import scan_result
from bootd.protocol.codec import from_json, to_json
from tests.support.memoryfs import MemoryFs

EXTLINUX = "label a\nlinux /k\ninitrd /i\nfdtdir /dtbs\nfdtoverlays /o\n"


def test_files_that_are_not_there_are_listed_once_each() -> None:
    (option,) = formats.scan(MemoryFs({"/extlinux/extlinux.conf": EXTLINUX, "/k": ""})).options
    assert option.absent == ("/i", "/o", "/dtbs")


def test_nothing_is_absent_when_all_is_there() -> None:
    files = {"/extlinux/extlinux.conf": EXTLINUX, "/k": "", "/i": "", "/o": "", "/dtbs/x": ""}
    (option,) = formats.scan(MemoryFs(files)).options
    assert option.absent == ()


def test_a_folder_in_place_of_a_kernel_is_absent() -> None:
    fs = MemoryFs({"/extlinux/extlinux.conf": "label a\nlinux /k\n", "/k/x": ""})
    assert formats.scan(fs).options[0].absent == ("/k",)


def test_every_configuration_of_a_device_is_used() -> None:
    fs = MemoryFs(
        {
            "/extlinux/extlinux.conf": "label a\nlinux /k\n",
            "/syslinux/syslinux.cfg": "label b\nlinux /k\n",
            "/loader/entries/c.conf": "linux /k\n",
        }
    )
    assert [each.entry for each in formats.scan(fs).options] == ["c.conf", "a", "b"]


def test_an_entry_reached_by_two_ways_is_listed_once() -> None:
    fs = MemoryFs({"/loader/entries/c.conf": "linux /k\n"}, {"/boot": "."})
    assert len(formats.scan(fs).options) == 1


def test_entries_whose_long_names_differ_at_the_end_are_both_listed() -> None:
    names = ("a" * 200 + "1", "a" * 200 + "2")
    fs = MemoryFs({f"/loader/entries/{name}.conf": "linux /k\n" for name in names})
    assert len({each.entry for each in formats.scan(fs).options}) == 2


def test_equal_labels_get_ids_of_their_own() -> None:
    fs = MemoryFs(
        {
            "/extlinux/extlinux.conf": "label a\nlinux /1\nlabel a\nlinux /2\nlabel a\nlinux /3\n",
            "/syslinux/syslinux.cfg": "label a\nlinux /4\n",
        }
    )
    entries = [each.entry for each in formats.scan(fs).options]
    assert len(set(entries)) == 4
    assert (entries[0], entries[3]) == ("a", "a@/syslinux/syslinux.cfg")


def test_a_device_ends_at_its_limit_of_options_with_a_problem() -> None:
    labels = "".join(f"label a{i}\nlinux /{i}\n" for i in range(300))
    fs = MemoryFs({place: f"{labels}#{place}" for place in extlinux.PLACES})
    fs_distinct = MemoryFs(
        {place: labels.replace("label a", f"label {i}-") for i, place in enumerate(extlinux.PLACES)}
    )
    assert len(formats.scan(fs).options) <= formats.MAX_OPTIONS
    result = formats.scan(fs_distinct)
    assert len(result.options) == formats.MAX_OPTIONS
    assert "only the first 1024" in result.problems[0].message


def test_the_answer_of_a_hostile_device_fits_a_message() -> None:
    text = "".join(f"label {i}\nlinux /k\n" for i in range(256))
    fs = MemoryFs({"/extlinux/extlinux.conf": f"append {chr(0x1F600) * 4000}\n{text}"})
    result = formats.scan(fs)
    assert 0 < len(result.options) < 256
    assert len(json.dumps(to_json(result)).encode()) < 1 << 20


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/petitboot.conf", f"name a\nimage uuid={'x' * 5000}:/k\nname b\nimage /k\n"),
        (
            "/boot/grub/grub.cfg",
            (
                f"root={'x' * 5000}\nmenuentry a {{ linux /k\n}}\n"
                f"menuentry b {{ search -u --set=root {'y' * 5000}\nlinux /k\n}}\n"
                "menuentry c { root=hd0\nlinux /k\n}\n"
            ),
        ),
    ],
)
def test_a_name_longer_than_any_costs_only_its_entry(path: str, text: str) -> None:
    result = formats.scan(MemoryFs({path: text}))
    assert [option.title for option in result.options][-1:] in (["b"], ["c"])
    assert scan_result(to_json(result)) == result


def test_problems_end_at_their_limit() -> None:
    result = formats.scan(MemoryFs({"/extlinux/extlinux.conf": "nonsense\n" * 5000}))
    assert len(result.problems) == formats.MAX_PROBLEMS
    assert "more problems" in result.problems[-1].message


def test_a_result_travels_as_json() -> None:
    result = formats.scan(MemoryFs({"/extlinux/extlinux.conf": EXTLINUX}))
    assert from_json(ScanResult, to_json(result)) == result
    assert replace(result, options=()) != result
