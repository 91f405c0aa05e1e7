# SPDX-License-Identifier: MIT
"""The file protocol of streams on every Python face, by itself and below the standard library."""

import array
import ctypes
import gzip
import io
import json
import pickle
import shutil
import tarfile
import zipfile

import pytest

from cimpl_stream import (
    BadFileError,
    ClosedError,
    InvalidArgumentError,
    NotSupportedError,
    OffsetOverflowError,
    RawStream,
)
from faces import FACES, CimplStream

SIZES = (0, 1, 16, 1024, 1025, 65536, (1 << 20) + 3)
DATA = b"0123456789"
BIG = bytes(range(256)) * 1000


class Unseekable(io.BytesIO):
    """A file without a position, as a pipe is."""

    def seekable(self):
        return False

    def seek(self, offset, whence=0):
        raise io.UnsupportedOperation("seek")


class Silent(io.RawIOBase):
    """A file that neither has nor takes anything for now; `None` is the way of `io` to say so."""

    def readable(self):
        return True

    writable = seekable = readable

    def readinto(self, buffer):
        return None

    def write(self, data):
        return None

    def seek(self, offset, whence=0):
        return 0


class Blocking(Silent):
    """And `BlockingIOError` is the other one."""

    def readinto(self, buffer):
        raise BlockingIOError

    write = readinto


def pattern(size):
    """Return bytes of which no two neighbours are alike."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


# Reading.


@pytest.mark.parametrize("size", SIZES)
def test_read(wrap, size):
    """`read` with a size returns as much as there is, and moves behind it."""
    stream = wrap(io.BytesIO(b"." + pattern(size + 1)))
    assert stream.read(1) == b"."
    assert stream.read(size) == pattern(size)
    assert stream.tell() == size + 1
    assert len(stream.read(size + 2)) == 1
    assert stream.read(size) == b""


@pytest.mark.parametrize("arguments", [(), (-1,), (-7,), (None,)])
def test_read_without_size(wrap, arguments):
    """Without a size, `read` reads 8192 bytes, and everything from the raw file."""
    stream = wrap(io.BytesIO(BIG))
    assert stream.read(*arguments) == BIG[:8192]
    assert stream.raw.read(*arguments) == BIG[8192:]
    assert stream.raw.read(*arguments) == b""


@pytest.mark.parametrize("size", SIZES)
def test_readall(wrap, size):
    """`readall` reads to the end, however far that is."""
    stream = wrap(io.BytesIO(pattern(size)))
    assert stream.readall() == pattern(size)
    assert stream.readall() == b""


@pytest.mark.parametrize("make", [bytearray, lambda size: array.array("B", bytes(size))])
@pytest.mark.parametrize("size", SIZES)
def test_readinto(wrap, size, make):
    """`readinto` fills any writable buffer, and lets go of it."""
    stream = wrap(io.BytesIO(pattern(size)))
    buffer = make(size)
    assert stream.readinto(buffer) == size
    assert bytes(buffer) == pattern(size)
    buffer.append(1)  # a BufferError as long as anybody exports it


@pytest.mark.parametrize(
    "buffer", [(ctypes.c_int32 * 3)(), array.array("d", [0, 0]), memoryview(bytearray(12))[1:]]
)
def test_readinto_buffers(wrap, buffer):
    """What counts are the bytes of a buffer, not its items; and only those that were read."""
    assert wrap(io.BytesIO(DATA)).readinto(buffer) == len(DATA)
    size = memoryview(buffer).nbytes
    assert memoryview(buffer).tobytes() == DATA + bytes(size - len(DATA))


@pytest.mark.parametrize("buffer", [b"read-only", memoryview(bytearray(8))[::2], 7, None])
def test_readinto_bad_buffer(wrap, buffer):
    """`readinto` refuses what it cannot fill, and reads nothing."""
    stream = wrap(io.BytesIO(DATA))
    with pytest.raises((TypeError, BufferError)):
        stream.readinto(buffer)
    assert stream.tell() == 0


@pytest.mark.parametrize("size", [1.5, "1", [1]])
def test_read_wrong_type(wrap, size):
    """A size is an integer."""
    with pytest.raises(TypeError):
        wrap(io.BytesIO(DATA)).read(size)


# Writing.


@pytest.mark.parametrize(
    "kind", [bytes, bytearray, memoryview, lambda data: array.array("B", data)]
)
@pytest.mark.parametrize("size", SIZES)
def test_write(wrap, size, kind):
    """`write` takes bytes of any kind and length."""
    file = io.BytesIO(b".")
    stream = wrap(file)
    stream.seek(1)
    assert stream.write(kind(pattern(size))) == size
    assert stream.tell() == size + 1
    assert file.getvalue() == b"." + pattern(size)


@pytest.mark.parametrize(
    "buffer",
    [
        array.array("d", [1.5, 2.5]),
        (ctypes.c_int32 * 3)(1, 2, 3),
        memoryview(bytearray(DATA)),
        memoryview(DATA)[::3],
        memoryview(bytearray(DATA))[::-1],
        memoryview(DATA).cast("B", (2, 5)),
        memoryview(array.array("d"))[:0],
    ],
)
def test_write_buffers(wrap, buffer):
    """`write` takes any other buffer and counts its bytes."""
    file = io.BytesIO()
    expected = memoryview(buffer).tobytes()
    assert wrap(file).write(buffer) == len(expected)
    assert file.getvalue() == expected


@pytest.mark.parametrize("data", ["text", 7, None, [1]])
def test_write_no_buffer(wrap, data):
    """`write` refuses what is no buffer."""
    file = io.BytesIO()
    with pytest.raises(TypeError):
        wrap(file).write(data)
    assert file.getvalue() == b""


def test_write_lets_go(wrap):
    """No reference to the buffer remains, so that it can be resized."""
    data = bytearray(DATA)
    wrap(io.BytesIO()).write(data)
    data.append(1)


# Position and size.


@pytest.mark.parametrize(
    ("arguments", "position"),
    [((4,), 4), ((2, 1), 5), ((-3, io.SEEK_CUR), 0), ((-2, 2), 8), ((0, 2), 10), ((99,), 99)],
)
def test_seek(wrap, arguments, position):
    """`seek` returns the position, which `tell` tells, and from where is read."""
    stream = wrap(io.BytesIO(DATA))
    stream.read(3)
    assert stream.seek(*arguments) == position
    assert stream.tell() == position
    assert stream.read(3) == DATA[position : position + 3]


@pytest.mark.parametrize(
    ("method", "arguments", "kind"),
    [
        ("seek", (-1,), InvalidArgumentError),
        ("seek", (0, 3), InvalidArgumentError),
        ("seek", (0, -1), InvalidArgumentError),
        ("seek", (0, 1 << 32), InvalidArgumentError),
        ("seek", (1 << 63,), OffsetOverflowError),
        ("seek", (-(1 << 63) - 1, 1), OffsetOverflowError),
        ("seek", (1.0,), TypeError),
        ("seek", ("1",), TypeError),
        ("seek", (None,), TypeError),
        ("seek", (0, 1.0), TypeError),
        ("seek", (), TypeError),
        ("truncate", (-1,), InvalidArgumentError),
        ("truncate", (1 << 63,), OffsetOverflowError),
        ("truncate", (1.0,), TypeError),
        ("truncate", ("1",), TypeError),
    ],
)
def test_bad_number(wrap, method, arguments, kind):
    """A number out of range is a ValueError, another type a TypeError; and nothing moves."""
    file = io.BytesIO(DATA)
    stream = wrap(file)
    stream.read(3)
    with pytest.raises(kind) as caught:
        getattr(stream, method)(*arguments)
    assert isinstance(caught.value, (ValueError, TypeError))
    assert stream.tell() == 3
    assert file.getvalue() == DATA


def test_numbers_are_indices(wrap):
    """A number is what `operator.index` takes, as in io."""

    class Four:
        def __index__(self):
            return 4

    stream = wrap(io.BytesIO(DATA))
    assert stream.read(Four()) == b"0123"
    assert stream.seek(Four(), whence=True) == 8
    assert stream.truncate(Four()) == 4
    assert stream.seek(0, 2) == 4


@pytest.mark.parametrize("arguments", [(), (None,), (0,), (5,), (30,)])
def test_truncate(wrap, arguments):
    """`truncate` sets the size, by default to the position, which stays."""
    file = io.BytesIO(DATA)
    stream = wrap(file)
    stream.seek(8)
    size = 8 if arguments in ((), (None,)) else arguments[0]
    assert stream.truncate(*arguments) == size
    assert stream.tell() == 8
    assert file.getvalue() == DATA[:size]  # BytesIO does not grow


# What it can do, and its end.


@pytest.mark.parametrize("mode", ["rb", "wb", "r+b", "ab"])
def test_abilities(wrap, mode, tmp_path):
    """The stream can do what its file can, and refuses the rest."""
    path = tmp_path / "file"
    path.write_bytes(DATA)
    with open(path, mode, buffering=0) as file:
        stream = wrap(file)
        assert stream.readable() is file.readable()
        assert stream.writable() is file.writable()
        assert stream.seekable() is True
        if not file.readable():
            with pytest.raises(NotSupportedError):
                stream.read(1)
        if not file.writable():
            with pytest.raises(io.UnsupportedOperation):
                stream.write(b"x")


def test_unseekable(wrap):
    """A file that cannot be seeked makes a stream that cannot."""
    stream = wrap(Unseekable(DATA))
    assert stream.seekable() is False
    with pytest.raises(io.UnsupportedOperation):
        stream.tell()
    with pytest.raises(io.UnsupportedOperation):
        stream.seek(0)
    assert stream.read(4) == b"0123"


def test_no_terminal(wrap):
    """A stream has no descriptor, is no terminal, and is a raw file."""
    stream = wrap(io.BytesIO())
    assert stream.isatty() is False
    with pytest.raises(io.UnsupportedOperation):
        stream.fileno()
    assert isinstance(stream, io.RawIOBase)
    assert type(stream.raw) is RawStream


CLOSED_OPERATIONS = {
    "read": lambda stream: stream.read(1),
    "read nothing": lambda stream: stream.read(0),
    "read much": lambda stream: stream.read(1 << 20),
    "read without size": lambda stream: stream.read(),
    "readall": lambda stream: stream.readall(),
    "readinto": lambda stream: stream.readinto(bytearray(4)),
    "readinto nothing": lambda stream: stream.readinto(bytearray()),
    "readline": lambda stream: stream.readline(),
    "readlines": lambda stream: stream.readlines(),
    "next": lambda stream: next(stream),
    "iter": lambda stream: iter(stream),
    "write": lambda stream: stream.write(b"x"),
    "write nothing": lambda stream: stream.write(b""),
    "writelines": lambda stream: stream.writelines([b"x"]),
    "seek": lambda stream: stream.seek(0),
    "tell": lambda stream: stream.tell(),
    "truncate": lambda stream: stream.truncate(),
    "truncate to": lambda stream: stream.truncate(1),
    "flush": lambda stream: stream.flush(),
    "readable": lambda stream: stream.readable(),
    "writable": lambda stream: stream.writable(),
    "seekable": lambda stream: stream.seekable(),
    "isatty": lambda stream: stream.isatty(),
    "with": lambda stream: stream.__enter__(),
    "buffered": lambda stream: stream.buffered(),
}


@pytest.mark.parametrize("name", CLOSED_OPERATIONS)
def test_use_after_close(wrap, name):
    """Everything but `close` is a ValueError afterwards, worded as with any file."""
    stream = wrap(io.BytesIO(DATA))
    stream.close()
    with pytest.raises(ValueError, match="^I/O operation on closed file") as caught:
        CLOSED_OPERATIONS[name](stream)
    assert caught.value.__cause__ is None
    assert stream.closed


def test_with(wrap):
    """`with` gives the stream itself and closes it; the file stays open."""
    file = io.BytesIO(DATA)
    stream = wrap(file)
    with stream as entered:
        assert entered is stream
        assert not stream.closed
    assert stream.closed
    stream.close()
    assert not file.closed


def test_with_an_exception(wrap):
    """An exception of the block goes on, and the stream is closed."""
    stream = wrap(io.BytesIO(DATA))
    with pytest.raises(LookupError), stream:
        raise LookupError
    assert stream.closed


def test_closed_by_another(wrap):
    """Whatever stands for the same stream is closed together with it."""
    stream = wrap(io.BytesIO(DATA))
    raw, gobject = stream.raw, CimplStream.Stream.from_handle(stream)
    raw.close()
    assert stream.closed
    assert gobject.closed
    with pytest.raises(ClosedError):
        stream.read(1)


def test_one_position(wrap):
    """Whatever stands for the same stream has the same position."""
    stream = wrap(io.BytesIO(DATA))
    assert stream.read(2) == b"01"
    assert stream.raw.read(2) == b"23"
    assert CimplStream.Stream.from_handle(stream).read(2) == b"45"
    assert stream.tell() == 6


@pytest.mark.parametrize(
    "thing", [None, 7, object(), io.StringIO(), io.TextIOWrapper(io.BytesIO()), "path"]
)
@pytest.mark.parametrize("name", ["ctypes", "wrap_file"])
def test_no_binary_file(name, thing):
    """What is no binary file is refused at once."""
    with pytest.raises(BadFileError):
        FACES[name](thing)


# Lines.


def test_lines(wrap):
    """Lines are those of any raw file."""
    stream = wrap(io.BytesIO(b"one\ntwo\n\nthree\nfour\nend"))
    assert stream.readline() == b"one\n"
    assert stream.readline(2) == b"tw"
    assert stream.readline(-1) == b"o\n"
    assert stream.readlines(3) == [b"\n", b"three\n"]
    assert next(stream) == b"four\n"
    assert list(stream) == [b"end"]
    assert stream.readlines() == []
    with pytest.raises(StopIteration):
        next(stream)


def test_writelines(wrap):
    """`writelines` writes bytes of any kind, and adds no line ends."""
    file = io.BytesIO()
    wrap(file).writelines([b"one\n", bytearray(b"two"), memoryview(b"three"), b""])
    assert file.getvalue() == b"one\ntwothree"


# Would-block.


@pytest.mark.parametrize("kind", [Silent, Blocking])
def test_would_block(wrap, kind):
    """What would block is `None`, and neither an end nor an error."""
    stream = wrap(kind())
    for _ in range(2):
        assert stream.read(4) is None
        assert stream.read(4000) is None
        assert stream.read() is None
        assert stream.readall() is None
        assert stream.readinto(bytearray(4)) is None
        assert stream.write(b"data") is None
        assert stream.raw.read() is None
    assert stream.read(0) == b""
    assert stream.write(b"") == 0


def test_would_block_later(wrap):
    """What was read before is not lost."""

    class Now(io.BytesIO):
        def readinto(self, buffer):
            return super().readinto(buffer) or None

    stream = wrap(Now(DATA))
    assert stream.readall() == DATA
    assert stream.readall() is None


# Below the standard library.


def test_buffered_reader(wrap):
    """`io.BufferedReader` reads through a stream, and closes it."""
    stream = wrap(io.BytesIO(BIG))
    with io.BufferedReader(stream, 100) as reader:
        assert reader.peek(1)[:1] == BIG[:1]
        assert reader.read(1000) == BIG[:1000]
        assert reader.seek(-10, io.SEEK_END) == len(BIG) - 10
        assert reader.read() == BIG[-10:]
    assert stream.closed


def test_buffered_writer(wrap):
    """`io.BufferedWriter` writes through a stream."""
    file = io.BytesIO()
    with io.BufferedWriter(wrap(file), 100) as writer:
        for start in range(0, len(BIG), 77):
            writer.write(BIG[start : start + 77])
    assert file.getvalue() == BIG


@pytest.mark.parametrize("make", [io.BufferedRandom, lambda stream: stream.buffered()])
def test_buffered_random(wrap, make):
    """`io.BufferedRandom` does both."""
    file = io.BytesIO(BIG)
    with make(wrap(file)) as both:
        assert both.read(10) == BIG[:10]
        both.write(b"new")
        assert both.read(10) == BIG[13:23]
        both.seek(-1, io.SEEK_END)
        both.write(b"end")
    assert file.getvalue() == BIG[:10] + b"new" + BIG[13:-1] + b"end"


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("rb", io.BufferedReader), ("wb", io.BufferedWriter), ("r+b", io.BufferedRandom)],
)
def test_kind_of_buffer(wrap, mode, kind, tmp_path):
    """`buffered` returns what `open` would."""
    path = tmp_path / "file"
    path.write_bytes(DATA)
    with open(path, mode, buffering=0) as file, wrap(file).buffered() as buffered:
        assert type(buffered) is kind


def test_buffer_keeps_the_stream(wrap):
    """A buffer made of a temporary stream works on."""
    assert wrap(io.BytesIO(DATA)).buffered().read() == DATA


@pytest.mark.parametrize("below", [lambda stream: stream.raw, lambda stream: stream.buffered()])
def test_text(wrap, below):
    """A text file on top reads and writes beyond 8 KiB."""
    text = "Zeile äöü\n" * 5000
    file = io.BytesIO()
    with io.TextIOWrapper(below(wrap(file)), encoding="utf-8") as writer:
        writer.write(text)
    file.seek(0)
    with io.TextIOWrapper(below(wrap(file)), encoding="utf-8") as reader:
        assert reader.read() == text


def test_zip(wrap):
    """A zip file is written to what cannot be seeked, and read back."""
    file = Unseekable()
    with zipfile.ZipFile(wrap(file), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", BIG)
        archive.comment = b"a comment " * 1000
    with zipfile.ZipFile(wrap(io.BytesIO(file.getvalue())).raw) as archive:
        assert archive.testzip() is None
        assert archive.comment == b"a comment " * 1000
        assert archive.read("member") == BIG


@pytest.mark.parametrize("mode", ["", "|"])
def test_tar(wrap, mode):
    """A tar file is written and read, also without a position."""
    file = io.BytesIO()
    member = tarfile.TarInfo("member")
    member.size = len(BIG)
    with tarfile.open(fileobj=wrap(file), mode=f"w{mode or ':'}") as archive:
        archive.addfile(member, io.BytesIO(BIG))
    file.seek(0)
    with tarfile.open(fileobj=wrap(file), mode=f"r{mode or ':'}") as archive:
        assert archive.extractfile(archive.next()).read() == BIG


def test_gzip(wrap):
    """A gzip file is written and read."""
    file = io.BytesIO()
    with gzip.open(wrap(file), "wb") as writer:
        writer.write(BIG)
    file.seek(0)
    with gzip.open(wrap(file)) as reader:
        assert reader.read() == BIG


def test_pickle(wrap):
    """A pickle is written and read."""
    file = io.BytesIO()
    pickle.dump([BIG, "more"], wrap(file))
    file.seek(0)
    assert pickle.load(wrap(file).raw) == [BIG, "more"]


def test_json(wrap):
    """`json.load` reads everything from the raw file."""
    data = list(range(10000))
    assert json.load(wrap(io.BytesIO(json.dumps(data).encode())).raw) == data


def test_copyfileobj(wrap):
    """`shutil.copyfileobj` copies from a stream to a stream."""
    target = io.BytesIO()
    shutil.copyfileobj(wrap(io.BytesIO(BIG)), wrap(target), 1000)
    assert target.getvalue() == BIG
