# SPDX-License-Identifier: MIT
"""The overrides: what is dropped while an exception is on its way leaves that alone."""

import ctypes
import gc
import io

import gi
import pytest

import cimpl_stream

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream, Gio, GLib  # noqa: E402

DATA = bytes(100_000)


class File(io.RawIOBase):
    """Takes 8 KiB, and then says that it is full; cannot be read."""

    def __init__(self):
        self.data = b""

    def readable(self):
        return True

    def writable(self):
        return True

    def readinto(self, buffer):
        raise OSError(13, "not for you")

    def write(self, data):
        if len(self.data) + len(data) > 8192:
            raise OSError(28, "full")
        self.data += data
        return len(data)


class FileStream(CimplStream.Stream):
    """The same as a class of streams."""

    def __init__(self, file):
        super().__init__()
        self.file = file

    def do_read(self, view):
        return self.file.readinto(view)

    def do_write(self, view):
        return self.file.write(view)


def wrap_without_attributes(file):
    """Return a stream over a file object whose wrapper may go before the stream does."""
    pointer = cimpl_stream.Stream(file)._as_parameter_
    return CimplStream.Stream.from_handle(ctypes.c_void_p.from_buffer_copy(pointer))


FACES = pytest.mark.parametrize(
    "face", [CimplStream.wrap_file, wrap_without_attributes, FileStream]
)
CLOSE_BASE = pytest.mark.parametrize("close_base", [False, True])


def new_source():
    return Gio.MemoryInputStream.new_from_bytes(GLib.Bytes.new(DATA))


def check(error, code):
    assert error.matches(Gio.io_error_quark(), code)
    assert error.__context__ is None


@FACES
@CLOSE_BASE
@pytest.mark.parametrize(
    "call",
    [
        lambda output: Gio.OutputStream.splice(output(), new_source(), 0, None),
        lambda output: output().splice(new_source(), 0, None),
        lambda output: Gio.DataOutputStream.new(output()).splice(new_source(), 0, None),
        lambda output: Gio.BufferedOutputStream.new(output()).write_all(DATA, None),
    ],
    ids=["function", "method", "data", "buffered"],
)
def test_output(face, close_base, call):
    """The error of GIO comes out of a call whose argument was a temporary adapter."""
    file = File()

    def output():
        return CimplStream.OutputStream(base=face(file), close_base=close_base)

    with pytest.raises(GLib.Error, match="full") as caught:
        call(output)
    check(caught.value, Gio.IOErrorEnum.NO_SPACE)


@FACES
@CLOSE_BASE
@pytest.mark.parametrize(
    "call",
    [
        lambda input: Gio.InputStream.read_bytes(input(), 10, None),
        lambda input: Gio.BufferedInputStream.new(input()).fill(10, None),
        lambda input: Gio.DataInputStream.new(input()).read_line(None),
        lambda input: Gio.MemoryOutputStream.new_resizable().splice(input(), 0, None),
    ],
    ids=["bytes", "buffered", "data", "splice"],
)
def test_input(face, close_base, call):
    """Likewise, of one that reads."""

    def input():
        return CimplStream.InputStream(base=face(File()), close_base=close_base)

    with pytest.raises(GLib.Error, match="not for you") as caught:
        call(input)
    check(caught.value, Gio.IOErrorEnum.PERMISSION_DENIED)


def written(stream):
    """Write to a stream of GIO, and return it."""
    stream.write_all(b"abc", None)
    return stream


def deflating(output):
    return Gio.ConverterOutputStream.new(
        output, Gio.ZlibCompressor.new(Gio.ZlibCompressorFormat.RAW, 6)
    )


def new_io_stream(output):
    return Gio.SimpleIOStream.new(Gio.MemoryInputStream.new(), output)


@FACES
@CLOSE_BASE
@pytest.mark.parametrize(
    "wrap",
    [
        lambda output: output,
        Gio.BufferedOutputStream.new,
        lambda output: Gio.BufferedOutputStream.new(Gio.DataOutputStream.new(output)),
        deflating,
        lambda output: new_io_stream(Gio.BufferedOutputStream.new(written(output))),
        lambda output: CimplStream.GioStream(output_stream=written(output), close_base=True),
        lambda output: CimplStream.GioStream.new(None, Gio.BufferedOutputStream.new(output)),
    ],
    ids=["none", "buffered", "two", "converter", "io", "gio", "gio-buffered"],
)
def test_written(face, close_base, wrap):
    """What was written behind arrives, and the exception that was on its way goes on."""
    file = File()

    def make():
        stream = wrap(CimplStream.OutputStream(base=face(file), close_base=close_base))
        if isinstance(stream, CimplStream.GioStream):
            stream.write(b"abc")
        return written(stream) if isinstance(stream, Gio.OutputStream) else stream

    with pytest.raises(ZeroDivisionError) as caught:
        make(), 1 / 0
    assert caught.value.__context__ is None
    gc.collect()
    assert len(file.data) >= 3


@FACES
def test_filters(face):
    """The same for streams of ours over a temporary one."""
    file = File()

    def make():
        stream = CimplStream.FaultStream.new(CimplStream.BufferedStream.new(face(file), 0))
        stream.write(b"abc")
        return stream

    for wrap in (lambda stream: stream, CimplStream.OutputStream.new, CimplStream.IOStream.new):
        with pytest.raises(ZeroDivisionError):
            wrap(make()), 1 / 0
    with pytest.raises(CimplStream.IoError, match="not for you") as caught:
        CimplStream.BufferedStream.new(face(File()), 0).read(1)
    assert isinstance(caught.value.__cause__, OSError)
    assert file.data == b"abcabcabc"


@FACES
def test_halves(face):
    """An IOStream closes what it has made, and so it may be a temporary one."""
    file = File()

    def make():
        stream = CimplStream.IOStream.new(face(file))
        written(stream.get_output_stream())
        return stream

    with pytest.raises(ZeroDivisionError):
        make(), 1 / 0
    assert file.data == b"abc"


@FACES
def test_held_by_c(face):
    """A wrapper that is dropped closes nothing that C still holds."""
    file = File()
    buffered = Gio.BufferedOutputStream.new(CimplStream.OutputStream.new(face(file)))
    gc.collect()
    written(buffered)
    assert buffered.flush(None)
    assert file.data == b"abc"
    half = CimplStream.IOStream.new(face(file)).get_output_stream
    with pytest.raises(ZeroDivisionError):
        half(), 1 / 0
    written(half())
    assert file.data == b"abcabc"


@pytest.mark.parametrize("wrap", [CimplStream.wrap_file, wrap_without_attributes])
@pytest.mark.parametrize(
    "make",
    [CimplStream.InputStream.new, CimplStream.OutputStream.new, CimplStream.IOStream.new],
    ids=["input", "output", "io"],
)
def test_file_object_goes(make, wrap):
    """The end of the file object, which is that of the adapter, may be Python code."""
    ends = []

    class Ending(File):
        def close(self):
            ends.append(len(ends))

    def make_written():
        stream = make(wrap(Ending()))
        if isinstance(stream, Gio.IOStream):
            stream.get_input_stream(), written(stream.get_output_stream())
        return stream

    with pytest.raises(ZeroDivisionError):
        make_written(), 1 / 0
    gc.collect()
    assert ends == [0]


def test_other_streams_of_gio():
    """What has no stream of ours below it ends as ever."""
    memory = Gio.MemoryOutputStream.new_resizable()
    with pytest.raises(ZeroDivisionError):
        written(Gio.BufferedOutputStream.new(memory)), 1 / 0
    assert memory.is_closed()
    assert memory.steal_as_bytes().get_data() == b"abc"


def test_exit(run_python):
    """Streams that live until the end of the interpreter end quietly."""
    script = """
import gi
gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream, Gio
class File(io.BytesIO):
    def write(self, data):
        print("written", bytes(data))
        return len(data)
def make(file):
    return Gio.BufferedOutputStream.new(CimplStream.OutputStream.new(CimplStream.wrap_file(file)))
outputs = [make(File()), make(File())]
outputs[0].write(b"abc", None)
outputs[0].flush(None)
stream = CimplStream.wrap_file(File())
gio_stream = CimplStream.GioStream.new(None, outputs[1])
"""
    assert run_python(script) == "written b'abc'\n"
