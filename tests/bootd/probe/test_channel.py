import os
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.errors import ProtocolError
from bootd.probe.channel import MAX_FDS, MAX_FRAME_BYTES, Frames, encode, receive, send


def test_a_message_arrives_with_its_open_files() -> None:
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()
    with ours, theirs:
        send(ours, {"task": "open"}, [writing])
        os.close(writing)
        got = receive(theirs, Frames())
    assert got is not None
    message, (passed,) = got
    os.write(passed, b"through")
    os.close(passed)
    assert message["task"] == "open"
    assert os.read(reading, 100) == b"through"
    os.close(reading)


def test_a_message_that_comes_in_pieces_is_put_together() -> None:
    frames = Frames()
    data = encode({"answer": "x" * 50})
    for offset in range(len(data) - 1):
        frames.feed(data[offset : offset + 1], [])
        assert frames.next() is None
    frames.feed(data[-1:], [])
    got = frames.next()
    assert got is not None
    assert got[0]["answer"] == "x" * 50


def test_two_messages_in_one_piece_are_taken_apart() -> None:
    frames = Frames()
    frames.feed(encode({"n": 1}) + encode({"n": 2}), [])
    first, second = frames.next(), frames.next()
    assert first is not None
    assert second is not None
    assert [first[0]["n"], second[0]["n"]] == [1, 2]


def test_the_end_of_the_stream_is_none() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        assert receive(theirs, Frames()) is None


def test_a_message_too_long_is_not_sent() -> None:
    with pytest.raises(ProtocolError, match="at most 1048576"):
        encode({"answer": "x" * MAX_FRAME_BYTES})


def test_too_many_open_files_are_not_sent() -> None:
    with pytest.raises(ProtocolError, match="open files"):
        encode({}, range(MAX_FDS + 1))


def test_a_length_past_the_limit_is_refused_before_the_text_comes() -> None:
    frames = Frames()
    frames.feed(struct.pack(">I", MAX_FRAME_BYTES + 1), [])
    with pytest.raises(ProtocolError, match="at most"):
        frames.next()


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{", b"\xff", b"nul", b'{"fds":1}', b'{"fds":-1}', b'{"fds":"0"}', b"{}"],
)
def test_nonsense_is_refused(text: bytes) -> None:
    frames = Frames()
    frames.feed(struct.pack(">I", len(text)) + text, [])
    with pytest.raises(ProtocolError):
        frames.next()


def test_deep_json_is_refused() -> None:
    text = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    frames = Frames()
    frames.feed(struct.pack(">I", len(text)) + text, [])
    with pytest.raises(ProtocolError, match="not JSON"):
        frames.next()


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_messages_or_a_protocol_error(pieces: list[bytes]) -> None:
    frames = Frames()
    for piece in pieces:
        frames.feed(piece, [])
        try:
            while frames.next() is not None:
                pass
        except ProtocolError:
            return


def test_closing_closes_open_files_that_nobody_took() -> None:
    reading, writing = os.pipe()
    frames = Frames()
    frames.feed(b"", [writing])
    frames.close()
    assert os.read(reading, 1) == b""
    os.close(reading)
