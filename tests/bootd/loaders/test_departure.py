"""What helpers do right before the jump, as they are asked."""

import os

import pytest

from bootd.errors import ProtocolError
from bootd.loaders import departure
from bootd.protocol.codec import Json


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("rename", {"node": "/dev/null", "fstype": "ext4", "path": "/a"}),
        ("rename", None),
        ("arm", {"seconds": "60"}),
        ("disarm", {}),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(name: str, params: Json) -> None:
    with pytest.raises(ProtocolError):
        departure.HELPERS[name](None, params, [])


def test_files_that_come_along_are_closed() -> None:
    fd = os.memfd_create("test")
    with pytest.raises(ProtocolError):
        departure.disarm(None, None, [fd])
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_a_file_system_that_is_never_written_is_refused_in_words() -> None:
    params: Json = {"node": "/dev/null", "fstype": "btrfs", "path": "/a+1.conf", "name": "a.conf"}
    with pytest.raises(OSError, match="never written"):
        departure.rename(None, params, [])
