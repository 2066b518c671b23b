"""What must never be found in a log: secrets of command lines."""

from pathlib import Path

from bootd.client import Client
from bootd.errors import CallError
from bootd.protocol.messages import Overrides
from tests.support.daemon import running_daemon, write_tree
from tests.support.waiting import eventually

SECRETS = ("swordfish", "opensesame", "hunter2")
"""Of the entry, of a person's own command line, and of an entry that cannot boot."""


async def test_no_secret_of_a_command_line_reaches_the_log_or_a_status(tmp_path: Path) -> None:
    entry = "title T\nlinux /k\noptions luks.key={} password={}\n"
    write_tree(
        tmp_path / "machine/vda1",
        {
            "loader/entries/a.conf": entry.format(SECRETS[0], SECRETS[0]),
            "loader/entries/b.conf": entry.format(SECRETS[2], SECRETS[2]).replace("/k", "/none"),
            "k": b"no kernel at all",
        },
    )
    with running_daemon(tmp_path / "machine") as daemon:
        async with await Client.connect(daemon.socket) as client:
            options = await eventually(client.list_options)
            overrides = Overrides(options=f"console=ttyS0 rd.luks.key={SECRETS[1]}")
            for option in options:
                for asked in (Overrides(), overrides):
                    assert await fails(client, option.id, asked)
            snapshot = await client.snapshot()
        log = daemon.output()
    assert "cannot boot" in log
    assert not [secret for secret in SECRETS if secret in log]
    assert not [secret for secret in SECRETS if secret in repr(snapshot.status)]


async def fails(client: Client, option: str, overrides: Overrides) -> bool:
    """Boot an option whose file is no kernel, and wait until the menu is back."""
    try:
        await client.boot(option, overrides, by="a test")
    except CallError:
        return True

    async def is_over() -> bool:
        return "cannot boot" in (await client.describe()).message

    return await eventually(is_over)
