"""A daemon on a real unix socket whose state and answers a test decides; for clients under test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from bootd.protocol import methods
from bootd.protocol.codec import Json, from_json, to_json
from bootd.protocol.events import event_to_json
from bootd.protocol.machine import LinkView, LookView, MachineView, SettingView
from bootd.protocol.messages import (
    BootReply,
    Event,
    Explanation,
    OptionView,
    Snapshot,
    Status,
    TreePageView,
    TreeRowView,
    TreeView,
)
from bootd.protocol.varlink import END, Call, Reply, decode_call, encode_reply
from bootmenu.edits import BY_HAND, by_hand

MACHINE = MachineView(
    board="Radxa ROCK 3A",
    compatible=("radxa,rock3a",),
    serial="42",
    architecture="aarch64",
    kernel="6.12.9",
    firmware="U-Boot 2024.01",
    memory_bytes=4 << 30,
    memory_available_bytes=3 << 30,
    lockdown="none",
    kexec=("kexec_load",),
    kexec_refusal="",
    network=(LinkView(name="eth0", state="up", address="02:00:00:00:00:01"),),
    settings=(SettingView(name="Timeout", value="3", place="/etc/bootd.conf:2"),),
    actions=("reboot", "powerOff"),
)


LOOKS = (
    LookView(format="bls", path="/loader", found=True),
    LookView(format="bls", path="/boot/loader", found=False),
    LookView(format="grub", path="/boot/grub/grub.cfg", found=True),
    LookView(format="extlinux", path="/extlinux/extlinux.conf", found=False),
)


@dataclass(slots=True)
class ScriptedDaemon:
    """Answers every call; `calls` has their names and parameters in order.

    Attributes:
        snapshot: What a new subscription begins with.
        refusal: Sentence with which Boot and Explain fail, or "".
        slow_s: How long Explain takes.
    """

    path: str
    snapshot: Snapshot
    refusal: str = ""
    slow_s: float = 0.0
    calls: list[tuple[str, dict[str, Json]]] = field(default_factory=list)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _streams: list[tuple[asyncio.StreamWriter, list[int]]] = field(default_factory=list)

    def send(self, event: Event) -> None:
        """Send an event to every subscriber."""
        for writer, sequence in self._streams:
            sequence[0] += 1
            self._write(writer, event, sequence[0])

    def names(self) -> list[str]:
        """Return the names of the calls so far, Subscribe left out."""
        return [name for name, _ in self.calls if name != "Subscribe"]

    def hang_up(self) -> None:
        """Close every subscription, as a daemon that ends does."""
        for writer, _ in self._streams:
            writer.close()
        self._streams.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        self._open.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                call = decode_call(await reader.readuntil(END))
                name = call.method.rpartition(".")[2]
                self.calls.append((name, call.parameters))
                if name == "Subscribe":
                    self._streams.append((writer, [0]))
                    self._write(writer, self.snapshot, 0)
                    continue
                writer.write(encode_reply(await self._answer(name, call)))
                await writer.drain()
        writer.close()
        self._open.discard(writer)

    async def end(self) -> None:
        """Close every connection, and wait until nobody serves one."""
        for writer in self._open:
            writer.close()
        while self._open:  # noqa: ASYNC110 - the tasks are the server's own
            await asyncio.sleep(0)

    def _write(self, writer: asyncio.StreamWriter, event: Event, sequence: int) -> None:
        record = event_to_json(event, sequence)
        writer.write(encode_reply(Reply(parameters={"event": record}, continues=True)))

    async def _answer(self, name: str, call: Call) -> Reply:
        match name:
            case "Boot" | "Explain" if self.refusal:
                failure: dict[str, Json] = {"id": call.parameters["id"], "message": self.refusal}
                return Reply(parameters=failure, error="org.bootd.Boot.BootFailed")
            case "Explain":
                await asyncio.sleep(self.slow_s)
                return self._explained(str(call.parameters["id"]))
            case "SaveOverrides":
                return _reply(methods.Saved(id=f"{call.parameters['id']}+saved"))
            case "InspectDevice":
                return self._inspected()
            case "DescribeMachine":
                return _reply(methods.DescribingMachine(machine=MACHINE))
            case "BrowseTree":
                return _reply(methods.Browsed(page=self._page(call)))
            case "Boot":
                return _reply(
                    methods.Booted(
                        reply=BootReply(
                            loader="dry_run",
                            tree="merged",
                            summary="merged: board.dtb + 14 live facts",
                            why="it is the only one",
                            executed=False,
                        )
                    )
                )
            case _:
                return Reply()

    def _inspected(self) -> Reply:
        if not self.refusal:
            return _reply(methods.Inspected(looks=LOOKS))
        why: dict[str, Json] = {"parameter": "device", "message": self.refusal}
        return Reply(parameters=why, error="org.varlink.service.InvalidParameter")

    def _page(self, call: Call) -> TreePageView:
        asked = from_json(methods.Browsing, call.parameters)
        return TreePageView(
            path=asked.path,
            rows=(
                TreeRowView(path=asked.path, property="compatible", value='"acme,board"'),
                TreeRowView(
                    path=asked.path,
                    property="serial-number",
                    value='"42"',
                    live='"42"',
                    source="live",
                    rule="serial",
                    reason="only the firmware knows it",
                ),
                TreeRowView(path=f"{asked.path.rstrip('/')}/cpus", value=""),
            ),
            total=3,
            summary="merged: board.dtb + 14 live facts",
            sha256="",
        )

    def _explained(self, option_id: str) -> Reply:
        made = by_hand(option_id.removeprefix(BY_HAND))
        option = next((each for each in self.snapshot.options if each.id == option_id), made)
        tree = TreeView(origin="merged", summary="merged: board.dtb + 14 live facts")
        return _reply(
            methods.Explained(explanation=Explanation(option=option, tree=tree, loader="dry_run"))
        )


@asynccontextmanager
async def scripted_daemon(
    path: str,
    *,
    options: tuple[OptionView, ...] = (),
    snapshot: Snapshot | None = None,
) -> AsyncIterator[ScriptedDaemon]:
    """Listen on `path` until the block ends."""
    state = snapshot or Snapshot(devices=(), options=options, status=Status())
    daemon = ScriptedDaemon(path=path, snapshot=state)
    server = await asyncio.start_unix_server(daemon.serve, path, limit=1 << 20)
    try:
        yield daemon
    finally:
        daemon.hang_up()
        await daemon.end()
        server.close()
        await server.wait_closed()


def _reply(record: object) -> Reply:
    parameters = to_json(record)
    assert isinstance(parameters, dict)
    return Reply(parameters=parameters)
