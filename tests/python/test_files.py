# SPDX-License-Identifier: MIT
"""The calls of the published binding, on files of every mode and in memory."""

import io
import os

import pytest

from cimpl_stream import (
    CimplStreamError,
    IoError,
    NotSupportedError,
    NullParameterError,
    RawStream,
    Stream,
    wrap_file,
)

DATA = b"0123456789abcdefghij"


@pytest.fixture
def path(tmp_path):
    """A file that holds DATA."""
    path = tmp_path / "file"
    path.write_bytes(DATA)
    return path


@pytest.fixture(params=["rb", "r+b", "BytesIO"])
def readable(request, path):
    """A readable file that holds DATA."""
    with io.BytesIO(DATA) if request.param == "BytesIO" else open(path, request.param) as file:
        yield file


@pytest.mark.parametrize("make", [Stream, RawStream, wrap_file])
def test_construct(make, readable):
    """Every constructor takes an open file."""
    with make(readable) as stream:
        assert stream.read(3) == b"012"


def test_wrap_file_makes_a_stream(readable):
    """`wrap_file` returns a Stream."""
    assert type(wrap_file(readable)) is Stream


def test_published_names():
    """The names that programs for the published binding import are related as there."""
    assert issubclass(IoError, CimplStreamError)
    assert issubclass(NullParameterError, CimplStreamError)


def test_read_with_size(readable):
    """`read` returns up to as many bytes as asked for, and nothing at the end."""
    stream = Stream(readable)
    assert stream.read(5) == b"01234"
    assert stream.read(100) == b"56789abcdefghij"
    assert stream.read(100) == b""


@pytest.mark.parametrize("arguments", [(), (-1,), (-7,), (None,)])
def test_read_without_size(arguments):
    """Without a size, `Stream` reads 8192 bytes."""
    assert len(Stream(io.BytesIO(bytes(20000))).read(*arguments)) == 8192


@pytest.mark.parametrize("arguments", [(), (-1,), (None,)])
def test_read_without_size_raw(arguments):
    """Without a size, `RawStream` reads everything."""
    assert len(RawStream(io.BytesIO(bytes(300000))).read(*arguments)) == 300000


@pytest.mark.parametrize("size", [0, 1, 2, 1023, 1024, 1025, 8192, 65536, 1 << 20])
@pytest.mark.parametrize("unbuffered", [False, True])
def test_read_sizes(tmp_path, size, unbuffered):
    """What is read is what was there, for every size, at an offset that is not even."""
    data = os.urandom(size + 7)
    (tmp_path / "random").write_bytes(data)
    with open(tmp_path / "random", "rb", buffering=0 if unbuffered else -1) as file:
        stream = Stream(file)
        stream.read(7)
        assert stream.read(size) == data[7:]


@pytest.mark.parametrize(
    ("arguments", "position"),
    [
        ((10,), 10),
        ((-5, os.SEEK_CUR), 3),
        ((-10, os.SEEK_END), 10),
        ((0, os.SEEK_END), 20),
        ((25, os.SEEK_SET), 25),
    ],
)
def test_seek(readable, arguments, position):
    """`seek` moves from the start, the position and the end, and returns where it got."""
    stream = Stream(readable)
    stream.read(8)
    assert stream.seek(*arguments) == position
    assert stream.tell() == position
    assert stream.read(3) == DATA[position : position + 3]


@pytest.mark.parametrize("mode", ["wb", "r+b", "ab", "BytesIO"])
def test_write(path, mode):
    """What is written and flushed is in the file."""
    file = io.BytesIO() if mode == "BytesIO" else open(path, mode)
    with file:
        stream = Stream(file)
        assert stream.write(b"new") == 3
        stream.flush()
        written = file.getvalue() if mode == "BytesIO" else path.read_bytes()
    expected = {"r+b": b"new" + DATA[3:], "ab": DATA + b"new"}
    assert written == expected.get(mode, b"new")


def test_mixed(path):
    """Reads, writes and seeks on one file share one position."""
    with open(path, "r+b") as file, Stream(file) as stream:
        assert stream.read(2) == b"01"
        assert stream.write(b"XX") == 2
        assert stream.read(2) == b"45"
        stream.seek(0)
        assert stream.read(5) == b"01XX4"


def test_close_flushes_and_leaves_the_file_open(path):
    """`close` flushes what was written; the file object stays its owner's."""
    with open(path, "wb") as file:
        stream = Stream(file)
        stream.write(b"new")
        stream.close()
        assert path.read_bytes() == b"new"
        assert not file.closed


@pytest.mark.parametrize(
    ("mode", "able"),
    [
        ("rb", (True, False, True)),
        ("wb", (False, True, True)),
        ("r+b", (True, True, True)),
        ("ab", (False, True, True)),
    ],
)
def test_abilities(path, mode, able):
    """The stream can do what its file can do."""
    with open(path, mode) as file:
        stream = Stream(file)
        assert (stream.readable(), stream.writable(), stream.seekable()) == able


def test_abilities_of_a_pipe():
    """A pipe cannot seek."""
    reading, writing = os.pipe()
    with open(reading, "rb") as reader, open(writing, "wb") as writer:
        with Stream(writer) as stream:
            assert not stream.seekable()
            stream.write(b"through")
        with Stream(reader) as stream:
            assert stream.read(7) == b"through"


@pytest.mark.parametrize(
    ("mode", "operation"),
    [
        ("rb", lambda stream: stream.write(b"x")),
        ("rb", lambda stream: stream.truncate(1)),
        ("wb", lambda stream: stream.read(1)),
        ("wb", lambda stream: stream.readinto(bytearray(1))),
    ],
)
def test_not_supported(path, mode, operation):
    """What the file cannot do is an `io.UnsupportedOperation`."""
    with open(path, mode) as file, pytest.raises(NotSupportedError) as caught:
        operation(Stream(file))
    assert isinstance(caught.value, io.UnsupportedOperation)


@pytest.mark.parametrize("size", [None, 0, 5, 30])
def test_truncate(path, size):
    """`truncate` sets the size, by default to the position, and does not move."""
    with open(path, "r+b") as file, Stream(file) as stream:
        stream.seek(8)
        expected = 8 if size is None else size
        assert stream.truncate(size) == expected
        assert stream.tell() == 8
    assert path.read_bytes() == DATA[:expected].ljust(expected, b"\0")


def test_lines(readable):
    """Lines and iteration are those of any raw file."""
    stream = Stream(io.BytesIO(b"one\ntwo\n\nend"))
    assert stream.readline() == b"one\n"
    assert list(stream) == [b"two\n", b"\n", b"end"]


def test_closed_while_wrapped(path):
    """A file that is closed below the stream is an error, not the end of the data."""
    with open(path, "rb") as file:
        stream = Stream(file)
    with pytest.raises(CimplStreamError) as caught:
        stream.read(1)
    assert isinstance(caught.value.__cause__, ValueError)


def test_repr(readable):
    """The repr says what is wrapped."""
    assert repr(Stream(readable)) == f"<cimpl_stream.Stream of {readable!r}>"
