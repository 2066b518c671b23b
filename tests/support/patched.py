"""Trees handed to the kernel of a running board, by bootd's own call."""

import json

from tests.support.board import Board

TITLE = "Larch Linux 6.1"

SCRIPT = """
import errno, os, struct, sys
from bootd.linux import kexec, proc_devicetree
from bootd import fdt

def memory(data):
    fd = os.memfd_create("file")
    os.write(fd, data)
    return fd

live = proc_devicetree.flatten()
def foreign():
    tree = fdt.read(live)
    tree.root.properties["compatible"] = b"acme,other\\\\0"
    return fdt.write(tree)
trees = {
    "garbage": b"no tree" * 100,
    "empty": b"",
    "truncated": live[:-4],
    "no-end": live[:64] + bytes(len(live) - 64),
    "foreign": foreign(),
    "oversize": live + bytes(2 << 20),
    "live": live,
}
def signed(name):
    path = f"/run/{name}.dtb"
    if os.path.exists(path + ".ima"):
        os.setxattr(path, "security.ima", open(path + ".ima", "rb").read())
    return os.open(path, os.O_RDONLY)

# An arm64 Image's header is all that is looked at before the tree.
image = struct.pack("<2I3Q3Q4sI", 0, 0, 0, 1 << 20, 0xA, 0, 0, 0, b"ARM\\\\x64", 0)
for name in sys.argv[1:]:
    try:
        tree = memory(trees[name]) if name in trees else signed(name)
        fds = memory(image + bytes(4032)), tree
        kexec.kexec_file_load(fds[0], None, b"", tree_fd=fds[1])
        print(name, "loaded")
        kexec.unload()
    except OSError as error:
        print(name, errno.errorcode[error.errno])
print("known", kexec.has_kexec_file_dtb(), "loaded", kexec.kexec_loaded())
"""


def load(board: Board, *names: str) -> dict[str, str]:
    """Hand trees to the kernel and return what came of each; what it takes is taken out again."""
    board.check(f"cat > /run/load.py <<'END'\n{SCRIPT.replace(chr(92) * 2, chr(92))}\nEND")
    output = board.check(f"python3 /run/load.py {' '.join(names)}", 60)
    said = dict(line.split(maxsplit=1) for line in output.splitlines())
    assert said.pop("known") == "True loaded False", "nothing may be left in memory"
    return said


def option(board: Board, title: str = TITLE) -> str | None:
    """The id of the option with that title, once it is listed."""
    status, output = board.run("bootdctl list --json")
    listed = json.loads(output) if status == 0 else []
    return next((str(one["id"]) for one in listed if one["title"] == title), None)
