# SPDX-License-Identifier: MIT
"""Buffers and numbers as arguments."""

import array
import io

import pytest

from cimpl_stream import InvalidArgumentError, OffsetOverflowError, Stream

SOME = bytes(range(200))
BUFFERS = {
    "bytes": SOME,
    "bytearray": bytearray(SOME),
    "memoryview": memoryview(SOME),
    "writable memoryview": memoryview(bytearray(SOME)),
    "every third byte": memoryview(SOME)[::3],
    "backwards": memoryview(bytearray(SOME))[::-1],
    "two dimensions": memoryview(SOME).cast("B", (10, 20)),
    "array of bytes": array.array("B", SOME),
    "array of doubles": array.array("d", [1.5, 2.5]),
    "empty bytes": b"",
    "empty bytearray": bytearray(),
    "empty memoryview": memoryview(bytearray(SOME))[5:5],
    "empty array": array.array("d"),
}


@pytest.mark.parametrize("name", BUFFERS)
def test_write(name):
    """`write` takes any buffer and counts its bytes."""
    file = io.BytesIO()
    expected = memoryview(BUFFERS[name]).tobytes()
    assert Stream(file).write(BUFFERS[name]) == len(expected)
    assert file.getvalue() == expected


@pytest.mark.parametrize("name", BUFFERS)
def test_write_lets_go(name):
    """No reference to the buffer remains, so that it can be resized."""
    Stream(io.BytesIO()).write(BUFFERS[name])
    if isinstance(BUFFERS[name], (bytearray, array.array)):
        BUFFERS[name].extend(BUFFERS[name][:0])


@pytest.mark.parametrize("data", ["text", 7, None, [1]])
def test_write_no_buffer(data):
    """`write` refuses what is no buffer."""
    with pytest.raises(TypeError, match="bytes-like"):
        Stream(io.BytesIO()).write(data)


def test_write_empty_reaches_nobody():
    """Writing nothing does not bother the file object."""

    class Deaf(io.BytesIO):
        def write(self, data):
            raise AssertionError

    assert Stream(Deaf()).write(b"") == 0


@pytest.mark.parametrize("make", [bytearray, lambda size: array.array("d", bytes(size))])
def test_readinto(make):
    """`readinto` fills any writable buffer and returns the number of bytes."""
    buffer = make(16)
    assert Stream(io.BytesIO(SOME)).readinto(buffer) == 16
    assert bytes(buffer) == SOME[:16]


def test_readinto_part():
    """`readinto` leaves alone what it does not fill, and what lies around a slice."""
    buffer = bytearray(b"." * 8)
    assert Stream(io.BytesIO(b"abc")).readinto(memoryview(buffer)[2:7]) == 3
    assert buffer == b"..abc..."


def test_readinto_empty():
    """Reading nothing is no error and reads nothing."""
    stream = Stream(io.BytesIO(SOME))
    assert stream.readinto(bytearray()) == 0
    assert stream.read(0) == b""
    assert stream.tell() == 0


@pytest.mark.parametrize("buffer", [b"read-only", memoryview(bytearray(8))[::2], 7])
def test_readinto_bad_buffer(buffer):
    """`readinto` refuses what it cannot fill."""
    with pytest.raises(TypeError):
        Stream(io.BytesIO(SOME)).readinto(buffer)


def test_readinto_failure_lets_go():
    """An error that somebody keeps does not keep the buffer locked."""

    class Broken(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            raise OSError("broken")

    buffer = bytearray(8)
    with pytest.raises(OSError) as caught:
        Stream(Broken()).readinto(buffer)
    buffer.append(1)  # a BufferError as long as anybody exports it
    assert caught.value.__traceback__ is not None


@pytest.mark.parametrize("offset", [1 << 63, -(1 << 63) - 1, 1 << 70, 10**30])
@pytest.mark.parametrize("method", ["seek", "truncate"])
def test_beyond_64_bits(method, offset):
    """An offset that C has no room for is refused, never cut."""
    stream = Stream(io.BytesIO(SOME))
    stream.seek(3)
    with pytest.raises(OffsetOverflowError, match="64 bits") as caught:
        getattr(stream, method)(offset)
    assert isinstance(caught.value, OverflowError)
    assert isinstance(caught.value, InvalidArgumentError)
    assert stream.tell() == 3


@pytest.mark.parametrize("arguments", [(-1,), (0, 3), (0, -1), (0, 1 << 32)])
def test_bad_seek(arguments):
    """A negative position and an unknown origin are refused, and nothing moves."""
    stream = Stream(io.BytesIO(SOME))
    stream.seek(3)
    with pytest.raises(InvalidArgumentError) as caught:
        stream.seek(*arguments)
    assert isinstance(caught.value, ValueError)
    assert stream.tell() == 3


@pytest.mark.parametrize("offset", [1.0, "1", None])
def test_seek_wrong_type(offset):
    """An offset is an integer."""
    with pytest.raises(TypeError):
        Stream(io.BytesIO(SOME)).seek(offset)


@pytest.mark.parametrize("size", [1.5, "1", 2000.5, [1]])
def test_read_wrong_type(size):
    """A size is an integer."""
    with pytest.raises(TypeError):
        Stream(io.BytesIO(SOME)).read(size)


def test_offset_of_62_bits():
    """Large offsets arrive whole."""
    positions = []

    class Far(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            return 0

        def seekable(self):
            return True

        def seek(self, offset, whence=0):
            positions.append(offset)
            return offset

    assert Stream(Far()).seek((1 << 62) + 1) == (1 << 62) + 1
    assert positions == [(1 << 62) + 1]


def test_bytes_that_lie():
    """The length of a subclass of bytes is that of its data, whatever it says."""

    class Lying(bytes):
        def __len__(self):
            return 100

    file = io.BytesIO()
    assert Stream(file).write(Lying(b"abc")) == 3
    assert file.getvalue() == b"abc"


def test_sizes_are_indices():
    """A size or an offset is what `operator.index` takes, as in io."""

    class Four:
        def __index__(self):
            return 4

    stream = Stream(io.BytesIO(b"0123456789"))
    assert stream.read(Four()) == b"0123"
    assert stream.seek(Four(), whence=io.SEEK_SET) == 4
    for call in (lambda: stream.read(2.0), lambda: stream.seek(1.0)):
        with pytest.raises(TypeError):
            call()
