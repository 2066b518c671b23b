"""A real file system is made read-only before a jump, and writable again when none comes of it."""

import os
import subprocess
from pathlib import Path

import pytest

from bootd.linux import quiesce
from bootd.model.board import Quiesce
from tests.support.loopdisk import attached, make_image

pytestmark = pytest.mark.root


def test_a_written_file_system_is_read_only_before_the_jump_and_comes_back(tmp_path: Path) -> None:
    place = tmp_path / "a place"
    place.mkdir()
    with attached(make_image(tmp_path / "disk", {}), read_only=False) as name:
        subprocess.run(["mount", "-o", "nosuid", f"/dev/{name}", place], check=True, timeout=30)
        try:
            lines = Path("/proc/self/mounts").read_text().splitlines(keepends=True)
            (line,) = (line for line in lines if line.startswith(f"/dev/{name} "))
            mounts = tmp_path / "mounts"
            mounts.write_text(line)  # no other file system of this machine may be touched
            (place / "before").touch()
            done = quiesce.quiesce(Quiesce(), mounts=str(mounts))
            assert done.failures == ()
            with pytest.raises(OSError, match="Read-only"):
                (place / "during").touch()
            assert quiesce.undo(done) == ()
            (place / "after").touch()
            assert os.statvfs(place).f_flag & os.ST_NOSUID
        finally:
            subprocess.run(["umount", place], check=True, timeout=30)
