"""Leaving through systemd: it stops everything, the board's last steps are taken, and it jumps."""

from pathlib import Path

import pytest

from image.build import Products
from tests.support.board import booted
from tests.support.patched import option

pytestmark = [pytest.mark.boards, pytest.mark.timeout(900)]

SCRIPT = Path(__file__).parents[2] / "units/bootd.shutdown"
PROFILE = """[match]
compatible = ["linux,dummy-virt"]
[quiesce]
offline-cpus = true
delay-ms = 10
"""
SAY = 'echo "<2>processors before the jump: $(/test/busybox cat /sys/devices/system/cpu/online)"'


def test_systemd_stops_everything_and_the_last_steps_come_before_the_jump(
    products: Products, tmp_path: Path
) -> None:
    words = "bootd.execute=systemd bootd.timeout=600"
    with booted(products, tmp_path, words=words) as board:
        chosen = board.wait("the option", lambda: option(board), 120)
        folder = "/usr/lib/systemd/system-shutdown"
        # The board image has no shell of its own, and leaves directly.
        script = SCRIPT.read_text().replace("#!/bin/sh", "#!/test/busybox sh")
        board.check(f"mkdir -p {folder} /etc/bootd/boards.d")
        board.check(f"cat > {folder}/bootd <<'END'\n{script}\n{SAY} > /dev/kmsg\nEND")
        board.check(f"chmod 755 {folder}/bootd")
        board.check(f"cat > /etc/bootd/boards.d/quiet.toml <<'END'\n{PROFILE}END")
        board.check("bootdctl status")
        board.run(f"bootdctl boot {chosen} >/dev/null", 90)
        board.wait_log("processors before the jump: 0\n", 120)
        second = board.second(120)
        assert second.tree["/chosen/bootd,loader"] == b"kexec_load\0"
        assert second.processors == 2
