# SPDX-License-Identifier: MIT
"""File objects of every kind: half of one, broken ones, and none."""

import codecs
import gzip
import io
import mmap
import os
import tempfile

import pytest

from cimpl_stream import BadFileError, CallbackContractError, RawStream, Stream
from cimpl_stream._adapter import is_direct


class Reads:
    """The least that can be read: no `readinto`, no `seek`, no `flush`."""

    def __init__(self, *results):
        self.results = list(results)
        self.sizes = []

    def read(self, size):
        self.sizes.append(size)
        return self.results.pop(0)


class ReadsInto:
    """Has `readinto` alone; keeps every buffer it is given."""

    def __init__(self, *results):
        self.results = list(results)
        self.kept = []

    def readinto(self, buffer):
        self.kept.append(buffer)
        self.kept.append(memoryview(buffer)[1:])
        buffer[:3] = b"abc"
        return self.results.pop(0)


class Writes:
    """The least that can be written."""

    def __init__(self, *results):
        self.results = list(results)
        self.data = []

    def write(self, data):
        self.data.append(data)
        return self.results.pop(0)


class Seeks(Reads):
    """Seeks to wherever it is told."""

    def seek(self, offset, whence):
        return self.results.pop(0)

    def tell(self):
        return self.results.pop(0)


class Raw(io.RawIOBase):
    """A raw file whose methods return `result`."""

    def __init__(self, result):
        self.result = result

    def readable(self):
        return True

    writable = seekable = readable

    def readinto(self, buffer):
        return self.result

    def write(self, data):
        return self.result

    def seek(self, offset, whence=0):
        return self.result


@pytest.mark.parametrize(
    "make",
    [
        lambda path: open(path, "r", encoding="utf-8"),
        lambda path: io.StringIO("text"),
        lambda path: codecs.open(path, "r", encoding="utf-8"),
        lambda path: tempfile.NamedTemporaryFile("w+", dir=path.parent),
    ],
)
def test_text_file(tmp_path, make):
    """A text file is refused at once, and the message says what to do."""
    path = tmp_path / "text"
    path.write_text("text", encoding="utf-8")
    with make(path) as file, pytest.raises(BadFileError, match="binary mode") as caught:
        Stream(file)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("thing", [None, 7, b"data", "path", object()])
def test_no_file(thing):
    """What has neither `read` nor `write` is refused at once."""
    with pytest.raises(BadFileError, match="neither read.. nor write"):
        Stream(thing)


def test_closed_file():
    """A closed file is refused at once."""
    file = io.BytesIO()
    file.close()
    with pytest.raises(ValueError, match="closed file"):
        Stream(file)


def test_neither_readable_nor_writable():
    """An object that says it can do nothing is refused."""
    file = Reads()
    file.readable = lambda: False
    with pytest.raises(BadFileError, match="neither readable nor writable"):
        Stream(file)


def test_without_readinto():
    """`read` alone is enough, and is asked for what the caller has room for."""
    file = Reads(b"spam", b"")
    stream = RawStream(file)
    assert stream.read(10) == b"spam"
    assert stream.read(7) == b""
    assert file.sizes == [10, 7]


def test_without_read():
    """`readinto` alone is enough."""
    assert RawStream(ReadsInto(3)).read(10) == b"abc"


def test_without_seek():
    """An object without `seek` is not seekable."""
    assert not RawStream(Reads()).seekable()
    with pytest.raises(io.UnsupportedOperation):
        RawStream(Reads()).tell()


def test_without_flush():
    """Flushing and closing work on an object without `flush`."""
    file = Writes(1)
    with RawStream(file) as stream:
        stream.write(b"x")
        stream.flush()
    assert file.data == [b"x"]


def test_says_no():
    """A method that exists counts for nothing if the object says it cannot."""
    file = Seeks()
    file.seekable = lambda: False
    assert not RawStream(file).seekable()


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_read_returns_a_buffer(kind):
    """`read` may return any kind of bytes."""
    assert RawStream(Reads(kind(b"data"))).read(10) == b"data"


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "None"),
        ("text", "str, not bytes; is the file open in text mode"),
        (7, "int, not bytes"),
        ([1], "list, not bytes"),
        (bytes(17), "17 bytes for 16"),
        (bytes(1 << 20), "1048576 bytes for 16"),
    ],
)
def test_bad_read(result, message):
    """What `read` must not return is an error, and not a byte of it is passed on."""
    file = Reads(result, b"good")
    stream = RawStream(file)
    buffer = bytearray(b"." * 16)
    with pytest.raises(CallbackContractError, match=message):
        stream.readinto(buffer)
    assert buffer == b"." * 16
    assert stream.read(16) == b"good"


BAD_COUNTS = [
    (None, "returned None"),
    ("3", "returned str, not an integer"),
    (3.0, "returned float, not an integer"),
    (True, "returned bool, not an integer"),
    (-1, "returned -1 for 16 bytes"),
    (17, "returned 17 for 16 bytes"),
    (1 << 70, "for 16 bytes"),
]


@pytest.mark.parametrize(("result", "message"), BAD_COUNTS)
def test_bad_readinto(result, message):
    """What `readinto` must not return is an error."""
    stream = RawStream(ReadsInto(result, 3))
    with pytest.raises(CallbackContractError, match=message):
        stream.read(16)
    assert stream.read(16) == b"abc"


@pytest.mark.parametrize(("result", "message"), BAD_COUNTS[1:])
def test_bad_write(result, message):
    """What `write` must not return is an error."""
    stream = RawStream(Writes(result, 3))
    with pytest.raises(CallbackContractError, match=message):
        stream.write(bytes(16))
    assert stream.write(bytes(16)) == 3


@pytest.mark.parametrize("result", ["3", 3.0, True, -1, 1 << 63])
def test_bad_seek(result):
    """What `seek` must not return is an error."""
    stream = RawStream(Seeks(result, 3))
    with pytest.raises(CallbackContractError, match=r"seek\(\) returned"):
        stream.seek(3)
    assert stream.seek(3) == 3


def test_bad_tell():
    """Nor must `tell`, where it is asked."""
    with pytest.raises(CallbackContractError, match=r"tell\(\) returned NoneType"):
        RawStream(Seeks(None, None)).seek(3)


def test_seek_none():
    """A `seek` that returns nothing is followed by a `tell`."""
    assert RawStream(Seeks(None, 5)).seek(3) == 5


def test_write_none():
    """A `write` that returns nothing has written everything."""
    assert RawStream(Writes(None)).write(b"12345") == 5


@pytest.mark.parametrize(
    "operation",
    [
        lambda stream: stream.read(4),
        lambda stream: stream.read(),
        lambda stream: stream.readinto(bytearray(4)),
        lambda stream: stream.write(b"data"),
    ],
)
def test_raw_none_would_block(operation):
    """From a raw file, `None` means that it would block, and stays `None`."""
    assert operation(RawStream(Raw(None))) is None


@pytest.mark.parametrize("buffering", [0, -1])
def test_nonblocking_pipe(buffering):
    """An empty pipe that does not block is not at its end."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with open(reading, "rb", buffering=buffering) as file, RawStream(file) as stream:
        assert stream.read(4) is None
        os.write(writing, b"data")
        assert stream.read(4) == b"data"
        os.close(writing)
        assert stream.read(4) == b""


@pytest.mark.parametrize(
    ("file", "operation"),
    [
        (Writes(None), lambda stream: stream.write(b"12345")),
        (Reads(None), lambda stream: stream.read(5)),
        (ReadsInto(None), lambda stream: stream.read(5)),
    ],
)
def test_none_of_a_nonblocking_object(file, operation):
    """From an object whose descriptor does not block, `None` means that it would."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    file.fileno = lambda: writing
    assert operation(RawStream(file)) is None
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("buffering", [0, -1])
def test_full_pipe(buffering):
    """A full pipe takes what it can, then would block; the count is true."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    total = 0
    with open(writing, "wb", buffering=buffering) as file, RawStream(file) as stream:
        while (count := stream.write(bytes(10007))) is not None:
            total += count
        os.set_blocking(reading, False)
        drained = len(os.read(reading, 1 << 20))
        stream.flush()
        drained += len(os.read(reading, 1 << 20)) if drained < total else 0
    assert drained == total > 0
    os.close(reading)


def test_retained_buffer():
    """A buffer that the file object keeps is not the caller's memory."""
    file = ReadsInto(3)
    target = bytearray(b"." * 16)
    assert RawStream(file).readinto(target) == 3
    for buffer in file.kept:
        buffer[:] = b"X" * len(buffer)
    assert target == b"abc" + b"." * 13


def test_retained_data():
    """Data that the file object keeps stays what it was."""
    file = Writes(4)
    data = bytearray(b"data")
    RawStream(file).write(data)
    data[:] = b"XXXX"
    assert bytes(file.data[0]) == b"data"


@pytest.mark.parametrize("make", [lambda path: io.BytesIO(), lambda path: io.FileIO(path, "w+")])
def test_replaced_method(tmp_path, make):
    """A method replaced on an instance makes even a well-known type an unknown one."""
    keeper = ReadsInto(3)
    with make(tmp_path / "file") as file:
        file.readinto = keeper.readinto
        target = bytearray(b"." * 16)
        assert RawStream(file).readinto(target) == 3
        for buffer in keeper.kept:
            buffer[:] = b"X" * len(buffer)
    assert target == b"abc" + b"." * 13


def test_direct_types(tmp_path):
    """Native memory itself is only for well-known types, down to the last layer."""
    with open(tmp_path / "file", "w+b") as file:
        assert is_direct(file)
        assert is_direct(file.raw)
        assert is_direct(io.BytesIO())
    assert not is_direct(io.BufferedReader(Raw(None)))
    assert not is_direct(type("Derived", (io.BytesIO,), {})())


def test_replaced_method_later():
    """What is replaced after the stream was made, and could keep native memory, is not called."""
    file = io.BytesIO(b"real")
    stream = RawStream(file)
    kept = []
    file.readinto = file.write = kept.append
    assert stream.read(16) == b"real"
    assert stream.write(b"more") == 4
    assert not kept


def test_overridden_read():
    """A subclass that overrides `read` alone is read by it, not past it."""

    class Upper(io.BytesIO):
        def read(self, size=-1):
            return super().read(size).upper()

    assert RawStream(Upper(b"data")).read(16) == b"DATA"
    file = io.BytesIO(b"data")
    file.read = lambda size: b"other"
    assert RawStream(file).read(16) == b"other"


def test_pipe_reads_once(native):
    """Data that is in a pipe arrives without waiting for more, as it does from the file itself."""
    reader, writer = os.pipe()
    os.write(writer, b"line\n")
    with open(reader, "rb") as file, open(writer, "wb"):
        assert Stream(file).buffered().readline() == b"line\n"


def test_detached_file():
    """A buffered file that was detached is refused."""
    file = io.BufferedReader(io.BytesIO(b"data"))
    file.detach()
    with pytest.raises(BadFileError, match="detached"):
        Stream(file)


def test_truncate_returns_nothing():
    """Some objects truncate and say nothing, tempfile's before 3.11 among them."""

    class Silent(io.BytesIO):
        def truncate(self, size=None):
            super().truncate(size)

    file = Silent(b"data")
    assert RawStream(file).truncate(2) == 2
    assert file.getvalue() == b"da"


def test_mmap(tmp_path):
    """A mapped file can be read, written and seeked."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        stream = RawStream(mapped)
        assert stream.seek(4) == 4
        assert stream.write(b"XY") == 2
        assert stream.read(2) == b"67"
        stream.close()
    assert path.read_bytes() == b"0123XY6789"


def test_gzip(tmp_path):
    """A compressed file is a file object, too."""
    with gzip.open(tmp_path / "file.gz", "wb") as file, Stream(file) as stream:
        stream.write(b"packed")
    with gzip.open(tmp_path / "file.gz", "rb") as file, Stream(file) as stream:
        assert stream.read(100) == b"packed"


def test_nested():
    """A stream is a file object, too."""
    with Stream(Stream(Stream(io.BytesIO(b"deep")))) as stream:
        assert stream.read(10) == b"deep"


def test_long_read_of_unknown_type():
    """A read of many megabytes costs an unknown object one of at most a megabyte."""

    class Endless(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            return len(buffer)

    assert len(RawStream(Endless()).read(1 << 24)) == 1 << 20
