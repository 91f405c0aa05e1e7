# SPDX-License-Identifier: MIT
"""The overrides: Python classes as native streams, and what their methods are given and return."""

import array
import ctypes
import functools
import io
from unittest import mock

import gi
import pytest

import cimpl_stream

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream, Gio, GLib, GObject  # noqa: E402

from gobject_streams import Memory, read_one  # noqa: E402

IO_ERROR = Gio.io_error_quark()


@pytest.fixture
def native_class(native):
    """The C class of native-stream.c: the alphabet, for ever."""
    native.native_stream_get_type.restype = ctypes.c_size_t
    native.native_stream_get_type()
    return GObject.type_from_name("NativeStream").pytype or type(GObject.new("NativeStream"))


# Classes


class Upper:
    """A mixin that does not know what it is mixed into."""

    def do_read(self, view):
        count = super().do_read(view)
        view[:count] = bytes(view[:count]).upper()
        return count


def test_levels_and_super(native_class):
    """`super()` leads through Python classes and mixins to the class in C."""

    class Doubled(native_class):
        def do_read(self, view):
            count = super().do_read(view[: len(view) // 2])
            view[count : 2 * count] = bytes(view[:count])
            return 2 * count

    class Loud(Upper, Doubled):
        pass

    class Louder(Loud):
        def do_seek(self, offset, whence):
            return super().do_seek(2 * offset, whence)

    stream = Louder()
    assert stream.read(6) == b"ABCABC"
    assert stream.seek(2) == 4
    assert stream.read(2) == b"EE"
    assert stream.write(b"ab") == 2  # the C class alone


def test_mixin_alone():
    """A mixin may be all that implements an operation."""

    class Zeros:
        def do_read(self, view):
            view[:] = bytes(len(view))
            return len(view)

    class Stream(Zeros, CimplStream.Stream):
        pass

    assert Stream().read(3) == bytes(3)
    assert Stream().readable() and not Stream().writable()


def test_every_default_chains_up(native_class):
    """What a class does not override, and what it chains up to, is what the C class does."""

    class Polite(native_class):
        def do_read(self, view):
            return super().do_read(view)

        def do_write(self, view):
            return super().do_write(view)

        def do_seek(self, offset, whence):
            return super().do_seek(offset, whence)

        def do_flush(self):
            super().do_flush()

        def do_truncate(self, size):
            super().do_truncate(size)

        def do_close(self):
            super().do_close()

        def do_query_flags(self):
            return super().do_query_flags()

    stream = Polite()
    assert stream.read(3) == b"abc"
    assert stream.write(b"abc") == 3
    assert stream.write(bytes(101)) is None  # the C class would block
    assert stream.seek(5) == stream.tell() == 5
    stream.flush()
    with pytest.raises(CimplStream.NotSupportedError):
        stream.truncate(3)
    with pytest.raises(GLib.Error, match="no end") as caught:
        stream.seek(0, io.SEEK_END)
    assert caught.value.matches(IO_ERROR, Gio.IOErrorEnum.NOT_FOUND)
    assert stream.seekable()
    stream.close()


def test_close_chains_up(native, native_class):
    """The C class is closed, once, also when the stream is dropped."""
    count_closed = native.native_stream_count_closed
    count_closed.argtypes = [ctypes.c_void_p]

    class Polite(native_class):
        def do_close(self):
            super().do_close()

    stream = Polite()
    stream.close()
    stream.close()
    assert count_closed(stream._cimpl_handle) == 1


def test_the_other_read_slot(native_class):
    """A class may read into a view or return bytes, whatever its parent does; neither recurses."""

    class Bytes(native_class):
        def do_read_bytes(self, size):
            return super().do_read_bytes(size).upper()

    class View(Bytes):
        def do_read(self, view):
            return super().do_read(view[:2])

    class Lost(CimplStream.Stream):
        def do_read(self, view):
            return super().do_read(view)

    class LostBytes(CimplStream.Stream):
        def do_read_bytes(self, size):
            return super().do_read_bytes(size)

    assert Bytes().read(3) == b"ABC"
    assert Bytes().read_bytes(3).get_data() == b"ABC"
    assert View().read_bytes(3).get_data() == View().read(3) == b"ab"
    for cls in Lost, LostBytes:
        with pytest.raises(CimplStream.NotSupportedError):
            cls().read(1)


def test_descriptors():
    """Whatever makes a method of a class makes one here."""

    class Stream(CimplStream.Stream):
        def fill(self, view, *, byte):
            view[:] = byte * len(view)
            return len(view)

        do_read = functools.partialmethod(fill, byte=b"x")

        @staticmethod
        def do_write(view):
            return len(view)

    stream = Stream()
    assert stream.read(2) == b"xx"
    assert stream.write(b"abc") == 3
    with mock.patch.object(stream, "do_read", lambda view: 0):
        assert stream.read(2) == b""
    with mock.patch.object(Stream, "do_read", lambda self, view: stream.fill(view, byte=b"y")):
        assert stream.read(2) == b"yy"
    assert stream.read(2) == b"xx"


def test_too_late():
    """What C would never call cannot be defined."""

    class Empty(CimplStream.Stream):
        pass

    with pytest.raises(TypeError, match="do_read"):
        Empty.do_read = lambda self, view: 0
    Empty.other = 1


def test_class_keywords_and_hooks():
    """Classes are made as Python makes them."""
    seen = []

    class Base(CimplStream.Stream):
        def __init_subclass__(cls, *, name="", **kwargs):
            super().__init_subclass__(**kwargs)
            seen.append((name, cls.do_read(None, None)))

    class Stream(Base, name="n"):
        def do_read(self, view):
            return 7

    assert seen == [("n", 7)]
    assert Stream.do_read(None, None) == 7


def test_properties():
    """Properties of GObject, and arguments of the constructor, are those of any class."""

    class Stream(CimplStream.Stream):
        base = GObject.Property(type=CimplStream.Stream)

        def do_read(self, view):
            return self.base.readinto(view)

    assert Stream(base=Memory()).read(4) == b"0123"


def test_flags():
    """What a class overrides is what it can do, unless it says so itself."""

    class ReadOnly(Memory):
        def do_query_flags(self):
            return CimplStream.StreamFlags.READABLE

    class Wrong(Memory):
        def do_query_flags(self):
            return 1 << 20

    assert Memory().get_flags() == cimpl_stream._ffi.READABLE | 2 | 4 | 8
    assert ReadOnly().readable() and not ReadOnly().writable() and not ReadOnly().seekable()
    with pytest.raises(CimplStream.CallbackContractError):
        Wrong().readable()


# What is written


def test_written_view_may_be_kept():
    """What is written is a copy."""
    kept = []

    class Writer(CimplStream.Stream):
        def do_write(self, view):
            assert view.readonly
            kept.append(view)
            return len(view)

    data = bytearray(b"abc")
    assert Writer().write(data) == 3
    data[:] = b"xyz"
    assert kept[0] == b"abc"


@pytest.mark.parametrize(
    "data", [b"abcd", bytearray(b"abcd"), array.array("H", [1, 2]), memoryview(b"abcd").cast("i")]
)
def test_write_all_of_any_buffer(data):
    """All bytes of a buffer are written, not its items."""
    stream = Memory(b"")
    assert stream.write_all(data) == 4
    assert stream.file.getvalue() == bytes(memoryview(data))
    with pytest.raises(TypeError):
        stream.write_all([1, 2])


# What methods return


@pytest.mark.parametrize(
    "method, result",
    [
        ("do_read", b"abc"),
        ("do_read", 5),
        ("do_read", -1),
        ("do_read", True),
        ("do_read", 1.0),
        ("do_write", "abc"),
        ("do_write", 4),
        ("do_write", -1),
        ("do_seek", None),
        ("do_seek", -1),
        ("do_seek", 1 << 64),
        ("do_truncate", False),
        ("do_flush", False),
        ("do_close", False),
        ("do_query_flags", "rw"),
        ("do_read_bytes", "abc"),
        ("do_read_bytes", b"abcde"),
        ("do_read_bytes", 3),
    ],
)
def test_wrong_result(method, result):
    """A result that means nothing is an error, in Python as in C."""
    cls = type("Broken", (CimplStream.Stream,), {method: lambda self, *arguments: result})
    stream = cls()
    calls = {
        "do_read": lambda: stream.read(4),
        "do_read_bytes": lambda: stream.read(4),
        "do_write": lambda: stream.write(b"abc"),
        "do_seek": lambda: stream.seek(3),
        "do_truncate": lambda: stream.truncate(3),
        "do_flush": stream.flush,
        "do_close": stream.close,
        "do_query_flags": stream.readable,
    }
    with pytest.raises(CimplStream.CallbackContractError) as caught:
        calls[method]()
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("method", ["do_read", "do_read_bytes", "do_write"])
def test_nothing_is_would_block(method):
    """As in io, None from a raw file means that it would block; in C it is an error."""
    cls = type("Slow", (CimplStream.Stream,), {method: lambda self, argument: None})
    if method == "do_write":
        assert cls().write(b"abc") is None
        return
    assert cls().read(4) is None
    assert read_one(cls()) == -1
    with pytest.raises(CimplStream.WouldBlockError):
        cls().read_bytes(4)


def test_index_results():
    """Numbers of other types are numbers, such as those of NumPy."""

    class Number(int):
        pass

    class Stream(Memory):
        def do_read(self, view):
            return Number(super().do_read(view))

    assert Stream().read(4) == b"0123"
