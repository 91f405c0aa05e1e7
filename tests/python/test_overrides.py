# SPDX-License-Identifier: MIT
"""The overrides: Python classes as native streams. What both Python faces share is elsewhere."""

import ctypes
import functools
import gc
import io
import pickle
import signal
import threading
from unittest import mock

import gi
import pytest

import cimpl_stream

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream, Gio, GLib, GObject  # noqa: E402

IO_ERROR = Gio.io_error_quark()


class Memory(CimplStream.Stream):
    """Ten bytes, in a stream of every kind of operation."""

    def __init__(self, data=b"0123456789"):
        super().__init__()
        self.file = io.BytesIO(data)
        self.n_closed = 0

    def do_read(self, view):
        return self.file.readinto(view)

    def do_write(self, view):
        return self.file.write(view)

    def do_seek(self, offset, whence):
        return self.file.seek(offset, whence)

    def do_truncate(self, size):
        return self.file.truncate(size)

    def do_close(self):
        self.n_closed += 1


@pytest.fixture
def native_class(native):
    """The C class of native-stream.c: the alphabet, for ever."""
    native.native_stream_get_type.restype = ctypes.c_size_t
    native.native_stream_get_type()
    return GObject.type_from_name("NativeStream").pytype or type(GObject.new("NativeStream"))


def read_one(stream):
    """Read a byte in C; return the result of the plain call."""
    library = ctypes.CDLL(cimpl_stream.native_library)
    return library.cimpl_stream_read(stream, ctypes.create_string_buffer(1), ctypes.c_size_t(1))


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
    assert count_closed(stream._handle) == 1


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

    assert Memory().get_flags()[1] == cimpl_stream._ffi.READABLE | 2 | 4 | 8
    assert ReadOnly().readable() and not ReadOnly().writable() and not ReadOnly().seekable()
    with pytest.raises(CimplStream.CallbackContractError):
        Wrong().readable()


# The view


class Viewer(CimplStream.Stream):
    """Does with the view what it was made with."""

    def __init__(self, act):
        super().__init__()
        self.act = act
        self.kept = None

    def do_read(self, view):
        self.kept = self.act(view)
        return 1


def test_view_is_the_callers_buffer():
    """The method writes into the memory that the native caller passed."""

    def act(view):
        assert (view.format, view.readonly, len(view), view.contiguous) == ("B", False, 5, True)
        view[0] = ord("x")
        return ctypes.addressof(ctypes.c_char.from_buffer(view))

    stream = Viewer(act)
    buffer = ctypes.create_string_buffer(5)
    library = ctypes.CDLL(cimpl_stream.native_library)
    assert library.cimpl_stream_read(stream, buffer, ctypes.c_size_t(5)) == 1
    assert stream.kept == ctypes.addressof(buffer)
    assert buffer.value == b"x"


def test_view_is_released():
    """The view itself can be kept, and is of no use afterwards."""
    stream = Viewer(lambda view: view)
    assert stream.read(5) == b"\0"
    with pytest.raises(ValueError, match="released"):
        stream.kept[0]


@pytest.mark.parametrize(
    "act",
    [
        lambda view: view[1:2],
        lambda view: view[:],
        memoryview,
        lambda view: view.cast("b"),
        lambda view: ctypes.c_char.from_buffer(view),
        lambda view: [view[:1], view[1:]],
    ],
    ids=["slice", "whole", "memoryview", "cast", "exported", "several"],
)
@pytest.mark.parametrize("size", [1, 16, 65536, 100_000])
def test_kept_part_is_detected(act, size):
    """A part of the view that the method keeps would lead to memory that is gone."""
    stream = Viewer(act)
    with pytest.raises(CimplStream.CallbackContractError, match="kept"):
        stream.read(size)
    stream.kept = None
    stream.act = len
    assert stream.read(size) == b"\0"


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


# Errors


class Failing(CimplStream.Stream):
    """Raises in every operation what it was made with."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def fail(self, *arguments):
        raise self.error()

    do_read = do_write = do_seek = do_truncate = do_flush = fail


def not_found():
    return GLib.Error.new_literal(IO_ERROR, "not there", Gio.IOErrorEnum.NOT_FOUND)


@pytest.mark.parametrize(
    "call",
    [
        lambda stream: stream.read(1),
        lambda stream: stream.write(b"a"),
        lambda stream: stream.seek(1),
        lambda stream: stream.truncate(1),
        lambda stream: stream.flush(),
        lambda stream: stream.read_bytes(1),
        lambda stream: stream.read_to_end(10),
        lambda stream: stream.write_all(b"abc"),
        lambda stream: stream.write_bytes(GLib.Bytes.new(b"abc")),
        lambda stream: stream.get_size(),
        lambda stream: stream.copy(Memory(), -1, None, None),
        lambda stream: Memory().copy(stream, -1, None, None),
    ],
)
def test_every_call(call):
    """Every method raises what was raised far below as the cause, and its class by the code."""
    with pytest.raises(CimplStream.IoError) as caught:
        call(Failing(lambda: OSError(5, "the cable is loose")))
    assert caught.value.errno == 5
    assert (caught.value.domain, caught.value.code) == ("CimplStreamError", 100)
    assert isinstance(caught.value.__cause__, OSError)

    with pytest.raises(CimplStream.IoError) as caught:
        call(Failing(not_found))
    assert caught.value.matches(IO_ERROR, Gio.IOErrorEnum.NOT_FOUND)
    assert (caught.value.domain, caught.value.code) == (
        GLib.quark_to_string(IO_ERROR),
        Gio.IOErrorEnum.NOT_FOUND,
    )
    assert caught.value.__cause__.message == "not there"

    with pytest.raises(KeyboardInterrupt):
        call(Failing(KeyboardInterrupt))
    with pytest.raises(CimplStream.NoSpaceError):
        call(Failing(lambda: cimpl_stream.NoSpaceError("full")))


def test_domain_in_c():
    """C gets the domain of the error; an exception of Python gets the library's."""
    assert read_one(Failing(not_found)) == -1
    error = CimplStream.StreamError.dup_last()
    assert error.matches(IO_ERROR, Gio.IOErrorEnum.NOT_FOUND)
    assert error.message == "not there"

    assert read_one(Failing(lambda: KeyError("key"))) == -1
    error = CimplStream.StreamError.dup_last()
    assert error.matches(CimplStream.StreamError.quark(), CimplStream.StreamError.IO_OPERATION)
    assert error.message == "KeyError: 'key'"


def test_foreign_would_block():
    """WOULD_BLOCK of another domain is None in Python, too."""

    def would_block():
        return GLib.Error.new_literal(IO_ERROR, "later", Gio.IOErrorEnum.WOULD_BLOCK)

    assert Failing(would_block).read(1) is None
    assert read_one(Failing(would_block)) == -1
    error = CimplStream.StreamError.dup_last()
    assert error.matches(IO_ERROR, Gio.IOErrorEnum.WOULD_BLOCK)


def innermost(exception):
    """Return the exception that all began with."""
    while exception.__cause__ is not None:
        exception = exception.__cause__
    return exception


def test_layers():
    """A stream over a stream over …: the cause is what was raised in the innermost one."""

    class Layer(CimplStream.Stream):
        def __init__(self, base):
            super().__init__()
            self.base = base

        def do_read(self, view):
            return self.base.readinto(view)

    stream = Layer(cimpl_stream.Stream(Layer(Failing(lambda: KeyError("key")))))
    with pytest.raises(CimplStream.IoError) as caught:
        stream.read(1)
    assert isinstance(innermost(caught.value), KeyError)
    with pytest.raises(KeyboardInterrupt):
        Layer(cimpl_stream.Stream(Layer(Failing(KeyboardInterrupt)))).read(1)


def test_exception_classes():
    """Each exception of the package has a counterpart that is a GLib.Error, too."""
    for name in cimpl_stream.__all__:
        base = getattr(cimpl_stream, name)
        if not (isinstance(base, type) and issubclass(base, Exception)):
            continue
        cls = getattr(CimplStream, name)
        assert issubclass(cls, base) and issubclass(cls, GLib.Error)
        assert issubclass(cls, CimplStream.CimplStreamError)
        error = cls("message")
        assert str(error) == "message" and repr(error) == f"{name}('message')"
        assert error.matches(CimplStream.StreamError.quark(), base("message").code)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is cls and (again.message, again.code) == ("message", error.code)


def test_both_faces_raise_both():
    """Where GLib is known, what the ctypes package raises is a GLib.Error as well."""
    with pytest.raises(CimplStream.ClosedError):
        stream = cimpl_stream.Stream(io.BytesIO())
        stream.close()
        stream.read(1)
    with pytest.raises(CimplStream.BadFileError):
        cimpl_stream.Stream(io.StringIO())


def test_cancellable():
    """A method can ask for the cancellable of its caller."""
    seen = []

    class Stream(Memory):
        def do_read(self, view):
            seen.append(Gio.Cancellable.get_current())
            return super().do_read(view)

    cancellable = Gio.Cancellable()
    Stream().read_bytes(1, cancellable)
    Stream().read_bytes(1)
    assert seen == [cancellable, None]
    assert Gio.Cancellable.get_current() is None
    cancellable.cancel()
    with pytest.raises(CimplStream.CancelledError):
        Stream().read_bytes(1, cancellable)
    assert len(seen) == 2


@pytest.mark.parametrize("make", [Memory, lambda: CimplStream.wrap_file(Memory())])
def test_interrupt_between_calls(native, make):
    """A signal that comes while native code works, on entry to a method, is not lost."""
    total = ctypes.c_int64()
    native.native_work.errcheck = cimpl_stream.errcheck
    for _ in range(30):
        stream = make()
        timer = threading.Timer(0.002, signal.pthread_kill, [threading.get_ident(), signal.SIGINT])
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            try:
                while True:
                    stream.seek(0)
                    native.native_work(stream, 100, ctypes.byref(total))
            finally:
                timer.join()
        stream.seek(0)
        assert stream.read(10) == b"0123456789"


# Between the faces


def test_ctypes_stream_becomes_one_of_gobject():
    """Two objects, one native stream."""
    file = io.BytesIO(b"0123456789")
    ours = cimpl_stream.Stream(file)
    theirs = CimplStream.Stream.from_handle(ours)
    assert isinstance(theirs, CimplStream.CallbackStream)
    assert (ours.read(2), theirs.read(2), ours.tell()) == (b"01", b"23", 4)
    del ours
    assert theirs.read(2) == b"45"
    theirs.close()
    assert not file.closed


def test_gobject_stream_becomes_one_of_ctypes():
    """And back, to the very object."""
    theirs = Memory()
    ours = cimpl_stream.Stream.from_handle(theirs)
    assert (theirs.read(2), ours.read(2), theirs.tell()) == (b"01", b"23", 4)
    assert CimplStream.Stream.from_handle(ours) is theirs
    del theirs
    gc.collect()
    assert ours.read(2) == b"45"
    ours.close()
    with pytest.raises(ValueError, match="closed"):
        ours.read(1)


def test_errors_pass_between_the_faces():
    """What is raised below one face is the cause above the other."""
    for stream in (
        cimpl_stream.Stream.from_handle(Failing(lambda: KeyError("key"))),
        Failing(lambda: KeyError("key")).raw,
        CimplStream.Stream.from_handle(cimpl_stream.Stream(Failing(lambda: KeyError("key")))),
    ):
        with pytest.raises(CimplStream.IoError) as caught:
            stream.read(1)
        assert "key" in str(caught.value)
        assert innermost(caught.value).args == ("key",)


def test_from_handle_takes_a_reference(native):
    """A pointer that C returned may be taken over."""
    native.native_layer.restype = ctypes.c_void_p
    base = Memory()
    stream = CimplStream.Stream.from_handle(native.native_layer(base), take=True)
    assert stream.read(3) == b"012"
    assert stream.__grefcount__ == 1


@pytest.mark.parametrize(
    "pointer, error",
    [
        (0, CimplStream.NullParameterError),
        (None, CimplStream.NullParameterError),
        (4096, CimplStream.InvalidHandleError),
        (ctypes.c_void_p(4096), CimplStream.InvalidHandleError),
    ],
)
def test_from_bad_handle(pointer, error):
    """What is no stream is not touched."""
    with pytest.raises(error):
        CimplStream.Stream.from_handle(pointer)


def test_passed_to_c(native):
    """A native function takes either."""
    total = ctypes.c_int64()
    for stream in Memory(), cimpl_stream.Stream(io.BytesIO(b"0123456789")):
        assert native.native_drain(stream, 4, ctypes.byref(total)) == 0
        assert total.value == 10


def test_raw_and_buffered():
    """The standard library is handed what it takes for a raw file."""
    assert Memory().raw.read() == b"0123456789"
    assert type(Memory().buffered()) is io.BufferedRandom
    assert isinstance(Memory(), io.RawIOBase)
    assert io.TextIOWrapper(Memory(b"a\nb\n").buffered()).readlines() == ["a\n", "b\n"]


# Life


def test_closed_with_its_attributes():
    """The last reference closes the stream while it is all there."""
    closed = []

    class Stream(Memory):
        def do_close(self):
            closed.append(self.file.getvalue())

    stream = Stream()
    stream.write(b"abc")
    del stream
    assert closed == [b"abc3456789"]


def test_c_keeps_it(native):
    """As long as C holds the stream it is neither closed nor without its attributes."""
    closed = []

    class Stream(Memory):
        def do_close(self):
            closed.append(self.file)

    stream = Stream()
    stream.note = "here"
    native.native_hold(stream)
    del stream
    gc.collect()
    buffer = ctypes.create_string_buffer(4)
    assert native.native_read_held(buffer, 4) == 4 and buffer.raw == b"0123"
    assert closed == []
    native.native_release()
    gc.collect()
    assert len(closed) == 1


def test_drop_on_a_foreign_thread(native):
    """The last reference may go in a thread that Python has never seen."""
    closed = []

    class Stream(Memory):
        def do_close(self):
            closed.append(self.file)

    stream = Stream()
    reader = native.native_start(stream, 16)
    del stream
    while native.native_count(reader) == 0:
        pass
    assert native.native_join(reader, 1) == 0
    gc.collect()
    assert len(closed) == 1


def test_failing_constructor():
    """A constructor that raises leaves nothing that makes trouble."""

    class Before(Memory):
        def __init__(self):
            raise KeyError

    class After(Memory):
        def __init__(self):
            super().__init__()
            raise KeyError

    for cls in Before, After:
        with pytest.raises(KeyError):
            cls()
        gc.collect()


def test_error_at_the_end(reports):
    """What goes wrong when nobody is there any more is reported, not lost."""

    class Stream(Memory):
        def do_close(self):
            raise KeyError("key")

    Stream()
    gc.collect()
    assert reports == [CimplStream.IoError]
    reports.clear()


def test_references_and_calls_from_two_threads():
    """A reference that C takes may need the GIL; who calls meanwhile must not hold it."""
    stream = Memory()
    library = ctypes.CDLL(cimpl_stream.native_library)
    done = threading.Event()

    def refer():
        while not done.is_set():
            library.cimpl_stream_ref(stream)
            library.cimpl_free(stream)

    thread = threading.Thread(target=refer, daemon=True)
    thread.start()
    for _ in range(20_000):
        assert stream.tell() == 0
    done.set()
    thread.join(10)
    assert not thread.is_alive()


PRELUDE = """
import gi
gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream

class Stream(CimplStream.Stream):
    def __init__(self):
        super().__init__()
        self.name = "stream"
    def do_read(self, view):
        return len(view)
    def do_write(self, view):
        print("write", bytes(view))
        return len(view)
    def do_close(self):
        print("close", self.name)
"""


def test_exit(run_python):
    """At the end of the program, what was written is flushed, and what is open closed."""
    script = PRELUDE + 'stream = Stream(); file = io.BufferedWriter(stream); file.write(b"data")'
    assert run_python(script) == "write b'data'\nclose stream\n"


def test_exit_while_native_thread_reads(run_python):
    """A native thread that reads for ever does not keep the program from ending, nor crash it."""
    script = PRELUDE + "native.native_start(Stream(), 16); time.sleep(0.05)"
    for _ in range(5):
        run_python(script, with_native=True)


def test_fork(run_python):
    """The child leaves alone what it has inherited, but may close it."""
    script = PRELUDE + """
stream, other = Stream(), Stream()
child = os.fork()
if child:
    os.waitpid(child, 0)
    stream.name = other.name = "parent"
else:
    del stream
    other.name = "child"
    other.close()
    sys.exit()
"""
    lines = run_python(script).splitlines()
    assert sorted(lines) == ["close child", "close parent", "close parent"]


@pytest.mark.parametrize(
    "make",
    [
        Memory,
        lambda: CimplStream.wrap_file(io.BytesIO()),
        lambda: CimplStream.Stream.from_handle(cimpl_stream.Stream(Memory())),
        lambda: cimpl_stream.Stream(CimplStream.wrap_file(io.BytesIO())),
    ],
)
def test_dropped_by_an_exception(make):
    """A stream that goes while an exception is on its way does not swallow that."""

    def written():
        stream = make()
        stream.write(b"abc")
        return stream

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            written(), 1 / 0
