import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.errors import ProtocolError
from bootd.protocol import varlink
from bootd.protocol.varlink import Call, Reply, decode_call, decode_reply, encode_call, encode_reply


def test_a_call_survives_the_way_over_the_wire() -> None:
    call = Call(method="org.bootd.Boot.Boot", parameters={"id": "bls:x:y"}, more=True, oneway=True)
    assert decode_call(encode_call(call)) == call


def test_a_reply_survives_the_way_over_the_wire() -> None:
    reply = Reply(parameters={"a": [1, None]}, continues=True, error="org.bootd.Boot.Busy")
    assert decode_reply(encode_reply(reply)) == reply


def test_a_message_ends_with_one_nul_and_has_no_other() -> None:
    frame = encode_call(Call(method="a.B", parameters={"text": "x\0y"}))
    assert frame.count(b"\0") == 1
    assert frame.endswith(b"\0")


def test_a_file_name_that_is_not_utf8_is_sent_as_valid_unicode() -> None:
    path = b"/\xff".decode("utf-8", "surrogateescape")
    frame = encode_reply(Reply(parameters={"files": [{"path": path}], "title": "\U0001f600"}))
    assert decode_reply(frame).parameters == {
        "files": [{"path": "/\\udcff"}],
        "title": "\U0001f600",
    }


def test_parameters_may_be_absent_or_null() -> None:
    assert decode_call(b'{"method":"a.B"}\0').parameters == {}
    assert decode_call(b'{"method":"a.B","parameters":null}\0').parameters == {}


@pytest.mark.parametrize(
    "frame",
    [
        b"\0",
        b"{}\0",
        b"[]\0",
        b"nonsense\0",
        b'{"method":1}\0',
        b'{"method":"a.B","parameters":[]}\0',
        b'{"method":"a.B","more":"yes"}\0',
        b'{"method":"a.B","upgrade":true}\0',
        b'{"method":"\xff"}\0',
        b"[" * 100_000 + b"\0",
        b'{"a":' * 100_000 + b"\0",
    ],
)
def test_what_is_no_call_is_refused(frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_call(frame)


def test_a_message_may_be_nested_up_to_the_limit_and_no_deeper() -> None:
    def nested(depth: int) -> bytes:
        lists = "[" * (depth - 2) + "]" * (depth - 2)
        return f'{{"method":"a.B","parameters":{{"x":{lists}}}}}'.encode()

    assert decode_call(nested(varlink.MAX_DEPTH)).method == "a.B"
    with pytest.raises(ProtocolError, match="nested deeper"):
        decode_call(nested(varlink.MAX_DEPTH + 1))


def test_a_message_of_more_than_a_mebibyte_is_neither_read_nor_sent() -> None:
    big = "x" * varlink.MAX_MESSAGE_BYTES
    with pytest.raises(ProtocolError, match="more than 1048576 bytes"):
        decode_call(json.dumps({"method": big}).encode())
    with pytest.raises(ProtocolError, match="too long to send"):
        encode_reply(Reply(parameters={"text": big}))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_call_or_a_protocol_error(frame: bytes) -> None:
    try:
        decode_call(frame)
    except ProtocolError as error:
        assert str(error)  # noqa: PT017 - either outcome is right, a sentence is needed in one
