"""Messages between two ends of a socket pair, one of which may be hostile."""

import json
import os
import socket
import struct
import threading
import time

import pytest

from autograde.kernel.wire import WITH_HANDLES, Bounds, Message, Wire, WireClosed, WireError, WireTimeout

TIGHT = Bounds(header_bytes=100, blobs=2, blob_bytes=50)


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    near, far = Wire(ours, TIGHT), Wire(theirs)
    yield near, far
    near.close()
    far.close()


def soon(seconds=5):
    return time.monotonic() + seconds


def frame(header, blobs=()):
    return struct.pack(f"!II{len(blobs)}Q", len(header), len(blobs), *map(len, blobs)) + header + b"".join(blobs)


def test_header_and_blobs_arrive(ends):
    near, far = ends
    far.send({"a": [1, None, "ä"]}, [b"one", b""])
    far.send({})
    assert near.receive(soon()) == Message({"a": [1, None, "ä"]}, (b"one", b""))
    assert near.receive(soon()) == Message({}, ())
    assert near.poll() is None


def test_large_messages_go_both_ways_at_once():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        near, far = Wire(ours), Wire(theirs)
        blob = bytes(3 << 20)
        sender = threading.Thread(target=far.send, args=({"n": 1}, [blob]))
        sender.start()
        assert near.receive(soon(20)).blobs == (blob,)
        sender.join()


def test_file_descriptors_come_along_where_they_are_asked_for():
    ours, theirs = socket.socketpair()
    near, far = Wire(ours, WITH_HANDLES), Wire(theirs)
    reading, writing = os.pipe()
    far.send({}, handles=[writing])
    os.close(writing)
    near.receive(soon())
    (copy,) = near.handles()
    os.write(copy, b"x")
    assert os.read(reading, 1) == b"x"
    os.close(copy)
    os.close(reading)
    assert near.handles() == []
    near.close()
    far.close()


def test_file_descriptors_that_nobody_asked_for_are_not_kept(ends):
    near, far = ends
    before = os.listdir("/dev/fd")
    for _ in range(20):
        far.send({}, handles=[0] * 10)
        near.receive(soon())
    assert near.handles() == []
    assert len(os.listdir("/dev/fd")) == len(before)


def test_a_header_of_very_many_parts_is_refused_before_it_is_read():
    ours, theirs = socket.socketpair()
    near = Wire(ours, Bounds(header_items=1000))
    theirs.sendall(frame(b'{"a": [' + b"[]," * 500 + b"0]}"))
    with pytest.raises(WireError, match="items"):
        near.receive(soon())
    near.close()
    theirs.close()


def test_an_end_is_told_from_a_time_out(ends):
    near, far = ends
    with pytest.raises(WireTimeout):
        near.receive(soon(0.01))
    far.close()
    with pytest.raises(WireClosed):
        near.receive(soon())
    with pytest.raises(WireClosed):
        near.send({})


def test_half_a_message_is_kept_over_a_time_out(ends):
    near, far = ends
    whole = frame(b'{"a":1}', [b"blob"])
    far.socket.sendall(whole[:15])
    with pytest.raises(WireTimeout):
        near.receive(soon(0.01))
    far.socket.sendall(whole[15:])
    assert near.receive(soon()) == Message({"a": 1}, (b"blob",))


def test_nobody_reads(ends):
    near, _ = ends
    near.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    with pytest.raises(WireTimeout):  # noqa: PT012
        for _ in range(10_000):
            near.send({}, [bytes(50)], deadline=soon(0.01))


@pytest.mark.parametrize(
    "hostile",
    [
        frame(b"[]"),
        frame(b"{"),
        frame(b"\xff\xfe{}"),
        frame(b'{"a":"\\ud800"}'),
        frame(b'{"a":' + b"[" * 40 + b"}"),
        frame(b'{"a":' + b"9" * 5000 + b"}"),
        struct.pack("!II", 101, 0),
        struct.pack("!II", 2, 3),
        struct.pack("!IIQ", 2, 1, 51),
        struct.pack("!IIQQ", 2, 2, 1 << 63, 1 << 63),
        b"\xff" * 64,
    ],
    ids=lambda hostile: repr(hostile[:16]),
)
def test_what_is_no_message_is_refused(ends, hostile):
    near, far = ends
    far.socket.sendall(hostile)
    with pytest.raises(WireError) as refused:
        near.receive(soon())
    assert type(refused.value) is WireError


def test_deep_json_is_refused():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        near = Wire(ours)
        text = b'{"a":' + b"[" * 60_000 + b"]" * 60_000 + b"}"
        sender = threading.Thread(target=theirs.sendall, args=(frame(text),))
        sender.start()
        with pytest.raises(WireError, match="RecursionError"):
            near.receive(soon())
        sender.join()


def test_what_is_too_large_is_not_sent(ends):
    near, _ = ends
    for header, blobs in (({"a": "x" * 200}, ()), ({}, [bytes(51)]), ({}, [b""] * 3)):
        with pytest.raises(ValueError, match="too much"):
            near.send(header, blobs)
    with pytest.raises(TypeError):
        near.send({"a": object()})


def test_an_escaped_pair_of_surrogates_is_fine(ends):
    near, far = ends
    text = json.dumps({"a": "\U0001f600"}).encode()
    assert b"\\ud83d" in text
    far.socket.sendall(frame(text))
    assert near.receive(soon()).header == {"a": "\U0001f600"}
