# SPDX-License-Identifier: MIT
"""Streams with a native buffer: `Stream(file, buffer_size=…)`."""

import ctypes
import gc
import io
import os
import random
import sys
import weakref

import pytest

from cimpl_stream import (
    BusyError,
    ClosedError,
    InvalidArgumentError,
    IoError,
    NoSpaceError,
    NotSupportedError,
    RawStream,
    Stream,
)


class Logging(io.BytesIO):
    """Logs what it is asked for, and raises what is in `failures`."""

    def __init__(self, data=b"0123456789"):
        super().__init__(data)
        self.log = []
        self.failures = {}

    def _enter(self, name, *arguments):
        self.log.append((name, *arguments))
        if name in self.failures:
            raise self.failures[name]

    def readinto(self, buffer):
        self._enter("readinto", len(buffer))
        return super().readinto(buffer)

    def write(self, data):
        self._enter("write", bytes(data))
        return super().write(data)

    def seek(self, *arguments):
        self._enter("seek")
        return super().seek(*arguments)

    def flush(self):
        self._enter("flush")


@pytest.mark.parametrize("cls", [Stream, RawStream])
def test_read_ahead(cls):
    """Many small reads are one of the file object."""
    file = Logging()
    stream = cls(file, buffer_size=100)
    assert [stream.read(1) for _ in range(10)] == [b"%d" % digit for digit in range(10)]
    assert file.log == [("seek",), ("readinto", 100)]


def test_native_reads(native):
    """Native code reads from the buffer."""
    file = Logging(bytes(1000))
    total = ctypes.c_int64()
    assert native.native_drain(Stream(file, buffer_size=600), 7, total) == 0
    assert total.value == 1000
    assert [entry for entry in file.log if entry[0] == "readinto"] == [("readinto", 600)] * 3


def test_write_behind():
    """Many small writes are one of the file object, when they are flushed."""
    file = Logging(b"")
    stream = Stream(file, buffer_size=100)
    for byte in b"data":
        assert stream.write(bytes([byte])) == 1
    assert file.log == [("seek",)]
    stream.flush()
    assert file.log == [("seek",), ("write", b"data"), ("flush",)]
    assert stream.tell() == 4


@pytest.mark.parametrize("buffer_size", [1, 7, 0])
def test_random_access(buffer_size):
    """Reading, writing and seeking mix as in a file without a buffer."""
    numbers = random.Random(buffer_size)
    expected = io.BytesIO(bytes(range(200)))
    file = io.BytesIO(expected.getvalue())
    with RawStream(file, buffer_size=buffer_size) as stream:
        for _ in range(2000):
            size = numbers.randrange(20)
            if numbers.randrange(3) == 0:
                position = numbers.randrange(210)
                assert stream.seek(position) == expected.seek(position)
            elif numbers.randrange(2) == 0:
                data = numbers.randbytes(size) if size else b""
                count = stream.write(data)
                assert expected.write(data[:count]) == count
            else:
                data = stream.read(size)
                assert expected.read(len(data)) == data
                assert data or not size or stream.tell() >= len(expected.getvalue())
            assert stream.tell() == expected.tell()
    assert file.getvalue() == expected.getvalue()


def test_default_size():
    """A size of 0 is the default one; without a size there is no buffer."""
    file = Logging()
    Stream(file, buffer_size=0).read(1)
    assert file.log[-1] == ("readinto", 65536)
    Stream(file, buffer_size=None).read(1)
    Stream(file).read(1)
    assert file.log[-2:] == [("readinto", 1)] * 2


@pytest.mark.parametrize("buffer_size", [-1, sys.maxsize + 1])
def test_bad_size(buffer_size):
    """A size that no buffer can have is refused."""
    with pytest.raises(InvalidArgumentError, match=f"{buffer_size} bytes"):
        Stream(io.BytesIO(), buffer_size=buffer_size)


@pytest.mark.parametrize("buffer_size", ["large", 4.0])
def test_no_size(buffer_size):
    """So is what is no size."""
    with pytest.raises(TypeError):
        Stream(io.BytesIO(), buffer_size=buffer_size)


def test_pipe():
    """The two directions of what cannot seek are buffered apart from each other."""

    class Socket(io.RawIOBase):
        def __init__(self):
            self.sent = []

        def readable(self):
            return True

        writable = readable

        def readinto(self, buffer):
            buffer[:4] = b"abcd"
            return 4

        def write(self, data):
            self.sent.append(bytes(data))
            return len(data)

    socket = Socket()
    with Stream(socket, buffer_size=100) as stream:
        assert stream.read(2) == b"ab"
        stream.write(b"12")
        assert stream.read(2) == b"cd"
        stream.write(b"34")
        assert not stream.seekable()
        with pytest.raises(NotSupportedError):
            stream.tell()
        assert socket.sent == []
    assert socket.sent == [b"1234"]


# Exceptions


def test_exception_of_reading(native):
    """An exception in the file object comes out of the read that needed it, with its cause."""
    file = Logging()
    file.failures["readinto"] = OSError(5, "gone")
    stream = Stream(file, buffer_size=100)
    with pytest.raises(IoError) as caught:
        stream.read(1)
    assert caught.value.__cause__ is file.failures.pop("readinto")
    assert caught.value.errno == 5
    assert stream.read(1) == b"0"


@pytest.mark.parametrize("operation", ["flush", "seek", "read", "write"])
def test_exception_of_writing_behind(operation):
    """One of writing comes out of whatever made it necessary; the data is kept to try again."""
    file = Logging()
    stream = Stream(file, buffer_size=100)
    stream.write(b"data")
    file.failures["write"] = OSError(28, "full")
    arguments = {"flush": (), "seek": (50,), "read": (1,), "write": (bytes(200),)}[operation]
    with pytest.raises(NoSpaceError, match="^4 bytes were not written: OSError.*full$") as caught:
        getattr(stream, operation)(*arguments)
    assert caught.value.__cause__ is file.failures.pop("write")
    assert stream.tell() == 4
    stream.flush()
    assert file.getvalue() == b"data456789"


def test_exception_of_closing():
    """A failed close raises, too; it gives the data up, and says how much that is."""
    file = Logging()
    stream = Stream(file, buffer_size=100)
    stream.write(b"data")
    file.failures["write"] = OSError(5, "gone")
    with pytest.raises(IoError, match="^4 bytes were not written: ") as caught:
        stream.close()
    assert caught.value.__cause__ is file.failures["write"]
    assert stream.closed
    with pytest.raises(ClosedError):
        stream.flush()
    assert file.getvalue() == b"0123456789"


def test_errors(native):
    """What native code swallows comes out of `errors()`."""
    file = Logging()
    file.failures["readinto"] = OSError(5, "gone")
    stream = Stream(file, buffer_size=100)
    with pytest.raises(IoError) as caught, stream.errors():
        native.native_swallow(stream)
    assert caught.value.__cause__ is file.failures["readinto"]


def test_interrupt():
    """An interrupt while the buffer is written comes out as itself; the data is kept."""
    file = Logging(b"")
    stream = Stream(file, buffer_size=100)
    stream.write(b"data")
    file.failures["write"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        stream.flush()
    del file.failures["write"]
    stream.flush()
    assert file.getvalue() == b"data"


def test_would_block():
    """A write that would block fills the buffer, and is None when that is full."""

    class Full(io.RawIOBase):
        accepted = None

        def writable(self):
            return True

        def write(self, data):
            return self.accepted and len(data)

    file = Full()
    stream = Stream(file, buffer_size=8)
    assert stream.write(b"123456") == 6
    assert stream.write(b"123456") == 2
    assert stream.write(b"123456") is None
    file.accepted = True
    assert stream.write(b"123456") == 6
    stream.close()


def test_busy():
    """The file object cannot use the stream that is using it."""

    class Curious(io.BytesIO):
        def readinto(self, buffer):
            with pytest.raises(BusyError):
                stream.read(1)
            return super().readinto(buffer)

    stream = Stream(Curious(b"data"), buffer_size=100)
    assert stream.read(4) == b"data"


# Lives


def test_repr():
    """The file object is shown, not the native stream in between."""
    file = io.BytesIO()
    assert repr(Stream(file, buffer_size=10)) == f"<cimpl_stream.Stream of {file!r}>"


def test_raw_shares_the_buffer():
    """Another view of the stream is one of the buffered stream."""
    file = Logging()
    stream = Stream(file, buffer_size=100)
    assert stream.read(2) == b"01"
    assert stream.raw.read() == b"23456789"
    assert stream.raw.tell() == 10


def test_drop():
    """A stream that is dropped passes on what it has written behind, and lets the file go."""
    file = Logging(b"")
    watched = weakref.ref(file)
    stream = Stream(file, buffer_size=100)
    stream.write(b"data")
    del stream
    assert file.getvalue() == b"data"
    del file
    assert watched() is None


def test_held_by_native_code(native):
    """The file object lives as long as native code holds the stream, and no longer."""
    file = Logging()
    watched = weakref.ref(file)
    stream = Stream(file, buffer_size=4)
    native.native_hold(stream)
    del stream, file
    gc.collect()
    buffer = ctypes.create_string_buffer(10)
    assert native.native_read_held(buffer, 10) == 10
    assert buffer.raw == b"0123456789"
    native.native_release()
    assert watched() is None


def test_closes_nothing_but_itself():
    """Closing leaves the file object open, where the stream was."""
    file = io.BytesIO(b"0123456789")
    with Stream(file, buffer_size=100) as stream:
        stream.read(2)
        stream.write(b"ab")
    assert file.read() == b"456789"


@pytest.mark.parametrize(
    "script",
    [
        "stream.write(b'data')",
        "stream.write(b'data'); native.native_hold(stream); del stream",
        "stream.write(b'data'); stream.me = stream",
        "out = stream.buffered(); out.write(b'data')",
    ],
)
def test_exit(tmp_path, run_python, script):
    """What was written behind is passed on at exit, whoever holds the stream."""
    path = tmp_path / "out"
    run_python(
        f"stream = Stream(open({str(path)!r}, 'wb'), buffer_size=100)\n{script}",
        with_native=True,
    )
    assert path.read_bytes() == b"data"


@pytest.mark.parametrize(
    "script",
    [
        "stream = Stream(file, buffer_size=100); stream.read(1)",
        "stream = Stream(file, buffer_size=100); stream.read(1); file.close()",
        "native.native_hold(Stream(file, buffer_size=100))",
        "class Late:\n  def __del__(self): Stream(io.BytesIO(), buffer_size=9).write(b'x')\nlate = Late()",
    ],
)
def test_exit_quietly(run_python, script):
    """A stream that has only read is nobody's concern at exit."""
    run_python(f"file = io.BytesIO(b'data')\n{script}", with_native=True)


def test_exit_with_failure(run_python):
    """What cannot be passed on at exit is reported."""
    script = """
sys.unraisablehook = lambda unraisable: print(unraisable.exc_value)
file = io.BytesIO()
stream = Stream(file, buffer_size=100)
stream.write(b'data')
file.close()
"""
    assert run_python(script).startswith("4 bytes were not written: ValueError: ")


def test_exit_while_another_thread_reads(run_python):
    """A thread that is inside the file object for ever is not waited for for ever."""
    script = """
inside = threading.Event()
class Waiting(io.RawIOBase):
    def readable(self):
        return True
    def readinto(self, buffer):
        inside.set()
        threading.Event().wait()
stream = Stream(Waiting(), buffer_size=100)
threading.Thread(target=stream.read, args=(1,), daemon=True).start()
inside.wait()
"""
    run_python(script)


@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)", "del stream; sys.exit(0)"])
def test_fork(tmp_path, run_python, end):
    """What was written behind before a fork is written once, by the parent."""
    path = tmp_path / "out"
    script = f"""
stream = Stream(open({str(path)!r}, 'ab', buffering=0), buffer_size=100)
stream.write(b'data')
child = os.fork()
if child == 0:
    {end}
assert os.waitpid(child, 0)[1] == 0
"""
    run_python(script)
    assert path.read_bytes() == b"data"


def test_fork_and_flush(tmp_path, run_python):
    """A child that flushes explicitly means it."""
    path = tmp_path / "out"
    script = f"""
stream = Stream(open({str(path)!r}, 'ab', buffering=0), buffer_size=100)
child = os.fork()
if child == 0:
    stream.write(b'child')
    stream.flush()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
stream.write(b'parent')
"""
    run_python(script)
    assert path.read_bytes() == b"childparent"


def test_gobject():
    """The GObject class can be used from Python, and over a stream of this package."""
    gi = pytest.importorskip("gi", reason="There is no PyGObject")
    try:
        gi.require_version("CimplStream", "1.0")
    except ValueError:
        pytest.skip("There is no introspection data")
    from gi.repository import CimplStream

    base = CimplStream.Stream.from_handle(Stream(io.BytesIO(b"0123456789")))
    stream = CimplStream.BufferedStream.new(base, 4)
    assert stream.peek(2, None).get_data() == b"01"
    assert stream.read(3) == b"012"
    assert stream.get_property("base") == base
    stream.write(b"ab")
    stream.flush()
    assert stream.tell() == 5


def test_file(tmp_path):
    """A file of the operating system is written and read."""
    path = tmp_path / "file"
    with open(path, "w+b", buffering=0) as file, Stream(file, buffer_size=1000) as stream:
        for i in range(1000):
            stream.write(b"%03d\n" % i)
        assert os.fstat(file.fileno()).st_size < 4000
        stream.seek(-8, io.SEEK_END)
        assert stream.raw.readlines() == [b"998\n", b"999\n"]
