# SPDX-License-Identifier: MIT
"""Python file objects in what was written for GIO: image loaders, decoders, files, main loops."""

import errno
import gzip
import io
import struct
import threading
import zipfile
import zlib

import gi
import pytest

gi.require_version("CimplStream", "1.0")
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import CimplStream, GdkPixbuf, Gio, GLib  # noqa: E402

LINES = b"".join(b"line %d\n" % number for number in range(20_000))
CLOSE_BOTH = Gio.OutputStreamSpliceFlags.CLOSE_SOURCE | Gio.OutputStreamSpliceFlags.CLOSE_TARGET


class Failing(io.RawIOBase):
    """Gives 100 bytes, and then an exception."""

    def __init__(self, exception):
        self.exception = exception
        self.is_first = True

    def readable(self):
        return True

    def writable(self):
        return True

    def readinto(self, buffer):
        if not self.is_first:
            raise self.exception
        self.is_first = False
        buffer[:100] = bytes(100)
        return 100

    def write(self, data):
        raise self.exception


def make_png(width, height):
    """Return a PNG whose red channel counts the columns, and the green one the rows."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(
            ">I", zlib.crc32(name + data)
        )

    rows = b"".join(
        b"\0" + b"".join(bytes([column, row, 0]) for column in range(width))
        for row in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    )


def new_input(file):
    """Return a file object as a `Gio.InputStream`, and the stream between."""
    stream = CimplStream.wrap_file(file)
    return CimplStream.InputStream.new(stream), stream


def run_async(start):
    """Call `start` with a callback; run a main loop until that was called with a result."""
    loop = GLib.MainLoop()
    results = []

    def callback(source, result):
        results.append(result)
        loop.quit()

    start(callback)
    loop.run()
    return results[0]


# Consumers


def test_pixbuf_from_zip_member():
    """GdkPixbuf loads an image from the middle of an archive."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("other", b"x" * 1000)
        writer.writestr("image.png", make_png(40, 30))
    with zipfile.ZipFile(archive) as reader, reader.open("image.png") as member:
        pixbuf = GdkPixbuf.Pixbuf.new_from_stream(new_input(member)[0], None)
    assert (pixbuf.get_width(), pixbuf.get_height()) == (40, 30)
    offset = 29 * pixbuf.get_rowstride() + 39 * pixbuf.get_n_channels()
    assert pixbuf.get_pixels()[offset : offset + 3] == bytes([39, 29, 0])


def test_pixbuf_of_failing_file():
    """An image that cannot be read is the error of its file, and not a broken image."""
    error = OSError(5, "the card was pulled")
    input, stream = new_input(Failing(error))
    with pytest.raises(GLib.Error) as caught, stream.errors():
        GdkPixbuf.Pixbuf.new_from_stream(input, None)
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.FAILED)
    assert caught.value.__cause__.__cause__ is error


def test_lines():
    """GDataInputStream finds the lines."""
    reader = Gio.DataInputStream.new(new_input(io.BytesIO(LINES))[0])
    lines = []
    while True:
        line, length = reader.read_line_utf8(None)
        if line is None:
            break
        lines.append(line)
    assert lines == LINES.decode().splitlines()


def test_gunzip():
    """GConverterInputStream unpacks what Python has packed."""
    unpacker = Gio.ConverterInputStream.new(
        new_input(io.BytesIO(gzip.compress(LINES)))[0],
        Gio.ZlibDecompressor.new(Gio.ZlibCompressorFormat.GZIP),
    )
    data = io.BytesIO()
    while chunk := unpacker.read_bytes(65536, None).get_data():
        data.write(chunk)
    assert data.getvalue() == LINES


def test_gzip():
    """And Python unpacks what GConverterOutputStream has packed into its file."""
    file = io.BytesIO()
    output = CimplStream.OutputStream.new(CimplStream.wrap_file(file))
    packer = Gio.ConverterOutputStream.new(
        output, Gio.ZlibCompressor.new(Gio.ZlibCompressorFormat.GZIP, 6)
    )
    assert packer.write_all(LINES, None)
    assert packer.close(None)
    assert gzip.decompress(file.getvalue()) == LINES


def test_splice_into_file(tmp_path):
    """A file object is the new content of a GFile, as with replace_contents()."""
    target = Gio.File.new_for_path(str(tmp_path / "target"))
    target.replace_contents(b"old", None, False, Gio.FileCreateFlags.NONE, None)
    output = target.replace(None, False, Gio.FileCreateFlags.NONE, None)
    file = io.BytesIO(LINES)
    assert output.splice(new_input(file)[0], CLOSE_BOTH, None) == len(LINES)
    assert target.load_contents(None)[1] == LINES
    assert not file.closed


def test_failed_splice_keeps_file(tmp_path):
    """A file object that fails half-way ends the copy with its error."""
    error = OSError(28, "no space")
    target = Gio.File.new_for_path(str(tmp_path / "target"))
    output = target.replace(None, False, Gio.FileCreateFlags.NONE, None)
    input, stream = new_input(Failing(error))
    with pytest.raises(GLib.Error) as caught, stream.errors():
        output.splice(input, CLOSE_BOTH, None)
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NO_SPACE)
    assert caught.value.__cause__.__cause__ is error


def test_splice_from_file(tmp_path):
    """And a GFile is copied into a file object, which is flushed and stays open."""
    source = tmp_path / "source"
    source.write_bytes(LINES)
    with open(tmp_path / "target", "wb") as file:
        output = CimplStream.OutputStream.new(CimplStream.wrap_file(file))
        input = Gio.File.new_for_path(str(source)).read(None)
        assert output.splice(input, CLOSE_BOTH, None) == len(LINES)
        assert (tmp_path / "target").read_bytes() == LINES
        assert not file.closed


def test_io_stream(tmp_path):
    """The halves and the whole have the position of the file object."""
    with open(tmp_path / "file", "w+b", buffering=0) as file:
        stream = CimplStream.IOStream.new(CimplStream.wrap_file(file))
        stream.get_output_stream().write(b"0123456789", None)
        assert stream.tell() == file.tell() == 10
        assert stream.seek(-4, GLib.SeekType.END, None)
        assert stream.get_input_stream().skip(1, None) == 1
        assert stream.get_input_stream().read_bytes(10, None).get_data() == b"789"
        assert stream.truncate(5, None)
        assert stream.close(None)
        assert (tmp_path / "file").read_bytes() == b"01234"


def test_python_class():
    """A stream that is a Python class will do as well, and is closed if that is wanted."""

    class Memory(CimplStream.Stream):
        closes = 0

        def do_read(self, view):
            return io.BytesIO(b"data").readinto(view)

        def do_close(self):
            self.closes += 1

    base = Memory()
    input = CimplStream.InputStream(base=base, close_base=True)
    assert input.read_bytes(10, None).get_data() == b"data"
    assert input.close(None)
    assert base.closes == 1 and base.closed


# Asynchronous


def test_async():
    """A file object is read in a thread of GIO, while the main loop runs."""
    threads = set()

    class Noting(io.BytesIO):
        def readinto(self, buffer):
            threads.add(threading.get_ident())
            return super().readinto(buffer)

    input = new_input(Noting(LINES))[0]
    result = run_async(lambda callback: input.read_bytes_async(1000, 0, None, callback))
    assert input.read_bytes_finish(result).get_data() == LINES[:1000]

    memory = Gio.MemoryOutputStream.new_resizable()
    result = run_async(
        lambda callback: memory.splice_async(input, CLOSE_BOTH, 0, None, callback)
    )
    assert memory.splice_finish(result) == len(LINES) - 1000
    assert memory.steal_as_bytes().get_data() == LINES[1000:]
    assert threads and threading.get_ident() not in threads


def test_async_exception():
    """What the file object raises in the thread arrives as an error of GIO, and as its cause."""
    error = OSError(13, "not for you")
    file = Failing(error)
    file.is_first = False
    input, stream = new_input(file)
    result = run_async(lambda callback: input.read_bytes_async(1000, 0, None, callback))
    with pytest.raises(GLib.Error) as caught:
        input.read_bytes_finish(result)
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.PERMISSION_DENIED)
    assert "not for you" in caught.value.message

    with pytest.raises(GLib.Error) as caught, stream.errors():
        result = run_async(lambda callback: input.read_bytes_async(1000, 0, None, callback))
        input.read_bytes_finish(result)
    assert caught.value.__cause__.__cause__ is error


class Raising(CimplStream.Stream):
    """A stream class that raises in all that it does."""

    def __init__(self, make_error):
        super().__init__()
        self.make_error = make_error

    def fail(self, *arguments):
        raise self.make_error()

    do_read = do_write = do_flush = fail


def disk_is_full():
    return OSError(errno.ENOSPC, "full")


def not_mounted():
    return GLib.Error.new_literal(Gio.io_error_quark(), "pull", Gio.IOErrorEnum.NOT_MOUNTED)


def not_a_key():
    return GLib.Error.new_literal(
        GLib.quark_from_string("g-key-file-error-quark"), "key", GLib.KeyFileError.KEY_NOT_FOUND
    )


ASYNC_ERRORS = {
    "OSError": (disk_is_full, Gio.IOErrorEnum.NO_SPACE, "full"),
    "GLib.Error of GIO": (not_mounted, Gio.IOErrorEnum.NOT_MOUNTED, "pull"),
    "GLib.Error": (not_a_key, Gio.IOErrorEnum.FAILED, "key"),
    "Exception": (lambda: KeyError("key"), Gio.IOErrorEnum.FAILED, "key"),
    "EOFError": (EOFError, Gio.IOErrorEnum.PARTIAL_INPUT, "EOFError"),
}


@pytest.mark.parametrize("make_error, code, text", ASYNC_ERRORS.values(), ids=ASYNC_ERRORS)
def test_async_errors(make_error, code, text):
    """A stream class that raises in a thread of GIO is an error with the right code there."""
    input = CimplStream.InputStream.new(Raising(make_error))
    output = CimplStream.OutputStream.new(Raising(make_error))
    memory = Gio.MemoryOutputStream.new_resizable()
    source = Gio.MemoryInputStream.new_from_bytes(GLib.Bytes.new(b"data"))
    no_flags = Gio.OutputStreamSpliceFlags.NONE
    for start, finish in (
        (lambda *end: input.read_bytes_async(10, 0, *end), input.read_bytes_finish),
        (lambda *end: input.skip_async(10, 0, *end), input.skip_finish),
        (lambda *end: output.write_all_async(b"data", 0, *end), output.write_all_finish),
        (lambda *end: memory.splice_async(input, no_flags, 0, *end), memory.splice_finish),
        (lambda *end: output.splice_async(source, no_flags, 0, *end), output.splice_finish),
    ):
        result = run_async(lambda callback: start(None, callback))
        with pytest.raises(GLib.Error, match=text) as caught:
            finish(result)
        assert caught.value.matches(Gio.io_error_quark(), code)


def test_domain_behind_an_adapter():
    """The exception with its own domain is the cause of what errors() raises."""
    stream = Raising(not_a_key)
    with pytest.raises(GLib.Error) as caught, stream.errors():
        try:
            CimplStream.InputStream.new(stream).read_bytes(1, None)
        except GLib.Error:
            pass
    assert caught.value.__cause__.matches(
        GLib.quark_from_string("g-key-file-error-quark"), GLib.KeyFileError.KEY_NOT_FOUND
    )


def test_async_cancelled_before():
    """What was cancelled before it began never reaches the file object."""
    file = io.BytesIO(LINES)
    input = new_input(file)[0]
    cancellable = Gio.Cancellable()
    cancellable.cancel()
    result = run_async(lambda callback: input.read_bytes_async(10, 0, cancellable, callback))
    with pytest.raises(GLib.Error) as caught:
        input.read_bytes_finish(result)
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)
    assert file.tell() == 0


def test_async_cancelled_inside():
    """A file object that gives up because it was asked to ends the read as cancelled."""
    is_inside, is_cancelled = threading.Event(), threading.Event()

    class Patient(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            is_inside.set()
            is_cancelled.wait()
            raise OSError(errno.ECANCELED, "given up")

    input = new_input(Patient())[0]
    cancellable = Gio.Cancellable()

    def start(callback):
        input.read_bytes_async(10, 0, cancellable, callback)
        is_inside.wait()
        cancellable.cancel()
        is_cancelled.set()

    result = run_async(start)
    with pytest.raises(GLib.Error) as caught:
        input.read_bytes_finish(result)
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)


# Errors


def test_errors():
    """`errors()` finds the exception behind an error of GIO, also behind several layers."""
    error = ZeroDivisionError("of all things")
    input, stream = new_input(Failing(error))
    reader = Gio.DataInputStream.new(input)
    with pytest.raises(GLib.Error) as caught, stream.errors():
        reader.read_line_utf8(None)
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.FAILED)
    assert "of all things" in caught.value.message
    assert caught.value.__cause__.__cause__ is error


def test_swallowed_error():
    """It also finds one that whoever used the stream has kept to himself."""
    error = OSError(5, "gone")
    output = CimplStream.OutputStream.new(stream := CimplStream.wrap_file(Failing(error)))
    with pytest.raises(CimplStream.IoError) as caught, stream.errors():
        try:
            output.write(b"x", None)
        except GLib.Error:
            pass
    assert caught.value.__cause__ is error


def test_would_block():
    """What would block is no end of the data, and nothing is kept."""

    class Empty(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            return None

    input, stream = new_input(Empty())
    with pytest.raises(GLib.Error) as caught, stream.errors():
        input.read_bytes(1, None)
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.WOULD_BLOCK)
    assert caught.value.__cause__ is None
