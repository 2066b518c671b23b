"""A call of the menu against what daemons, and what is none, send."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bootd.errors import UnreachableError
from bootd.protocol.varlink import MAX_MESSAGE_BYTES, Call, Reply
from bootmenu.loop import SelectLoop
from bootmenu.wire import Wire

ASK = Call(method="org.bootd.Boot.Describe")


def answers(path: Path, *pieces: bytes, timeout_s: float | None = 5.0) -> list[Reply | str]:
    """Serve one connection with pieces of bytes, and return what a wire tells of them."""
    told: list[Reply | str] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        loop = SelectLoop()

        def serve() -> None:
            with server.accept()[0] as connection:
                connection.recv(1000)
                for piece in pieces:
                    connection.sendall(piece)
                while timeout_s != 5.0 and connection.recv(1):
                    pass  # keeps silent until the wire gives up

        def end(what: Reply | str) -> None:
            told.append(what)
            if isinstance(what, str) or not what.continues:
                loop.stop()

        thread = threading.Thread(target=_tolerant(serve))
        thread.start()
        wire = Wire(loop, str(path), ASK, on_reply=end, on_failure=end, timeout_s=timeout_s)
        loop.run()
        assert not wire.open
        thread.join(5)
    return told


def _tolerant(serve: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        with suppress(ConnectionError):  # the wire hangs up on what it cannot understand
            serve()

    return run


def test_replies_come_in_any_pieces(tmp_path: Path) -> None:
    text = b'{"parameters":{"a":1},"continues":true}\0{"parameters":{"a":2}}\0'
    told = answers(tmp_path / "s", text[:10], text[10:45], text[45:])
    assert told == [
        Reply(parameters={"a": 1}, continues=True),
        Reply(parameters={"a": 2}),
    ]


@pytest.mark.parametrize(
    ("pieces", "sentence"),
    [
        ((b'{"parameters":',), "bootd closed the connection."),
        ((), "bootd closed the connection."),
        ((b"HTTP/1.1 400\0",), "bootd cannot be understood: a message is not JSON"),
        ((b"[]\0",), "bootd cannot be understood: $: a message must be an object"),
        ((b"x" * (MAX_MESSAGE_BYTES + 70_000),), "bootd cannot be understood: bootd sent a"),
        (
            (b'{"error":"org.bootd.Boot.Busy","parameters":{"message":"Loading."}}\0',),
            "Loading.",
        ),
        (
            (b'{"error":"org.varlink.service.PermissionDenied","parameters":{}}\0',),
            "You may not do this: changing needs root",
        ),
    ],
)
def test_every_other_answer_is_a_sentence(
    tmp_path: Path, pieces: tuple[bytes, ...], sentence: str
) -> None:
    (told,) = answers(tmp_path / "s", *pieces)
    assert isinstance(told, str)
    assert told.startswith(sentence)


def test_a_silent_daemon_is_given_up(tmp_path: Path) -> None:
    (told,) = answers(tmp_path / "s", timeout_s=0.1)
    assert told == "bootd has not answered Describe for 0 s."


def test_where_nobody_listens_says_how_to_start_bootd(tmp_path: Path) -> None:
    def never(what: object) -> None:
        raise AssertionError(what)

    with pytest.raises(UnreachableError, match="start it with `systemctl start bootd`"):
        Wire(
            SelectLoop(),
            str(tmp_path / "none"),
            ASK,
            on_reply=never,
            on_failure=never,
            timeout_s=None,
        )
