# SPDX-License-Identifier: MIT
"""The overrides: what the methods of a Python class raise."""

import ctypes
import io
import pickle
import signal
import threading

import gi
import pytest

import cimpl_stream

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream, Gio, GLib  # noqa: E402

from gobject_streams import Failing, Memory, innermost, read_one  # noqa: E402

IO_ERROR = Gio.io_error_quark()


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


@pytest.mark.parametrize("name", ["readable", "writable", "seekable", "buffered"])
def test_flags_that_raise(name):
    """What is raised by the question what a stream can do is not lost either."""

    class Unsure(Failing):
        def do_query_flags(self):
            self.fail()

    with pytest.raises(CimplStream.IoError) as caught:
        getattr(Unsure(lambda: KeyError("key")), name)()
    assert caught.value.__cause__.args == ("key",)
    with pytest.raises(CimplStream.IoError) as caught:
        getattr(Unsure(not_found), name)()
    assert caught.value.__cause__.message == "not there"
    with pytest.raises(KeyboardInterrupt):
        getattr(Unsure(KeyboardInterrupt), name)()


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


def test_domain_of_the_library():
    """An error that was made with the library's own domain keeps its code."""

    def full():
        quark = CimplStream.StreamError.quark()
        return GLib.Error.new_literal(quark, "full", CimplStream.StreamError.NO_SPACE)

    stream = Failing(full)
    for call in (lambda: stream.read(1), lambda: stream.read_to_end(1)):
        with pytest.raises(CimplStream.NoSpaceError, match="full") as caught:
            call()
        assert (caught.value.domain, caught.value.code) == ("CimplStreamError", 109)
        assert type(caught.value.__cause__) is GLib.Error
    assert read_one(stream) == -1
    assert CimplStream.StreamError.dup_last().code == CimplStream.StreamError.NO_SPACE


def test_domain_of_a_block():
    """What is raised at the end of a block has its domain, too."""
    stream = Failing(not_found)
    with pytest.raises(CimplStream.IoError) as caught, stream.errors():
        read_one(stream)
    assert caught.value.matches(IO_ERROR, Gio.IOErrorEnum.NOT_FOUND)
    assert caught.value.__cause__.message == "not there"


@pytest.mark.parametrize("error", [KeyboardInterrupt, KeyError])
def test_context(error):
    """Nothing is shown beside what was raised: not the GLib.Error on the way."""
    for call in (lambda stream: stream.read(1), lambda stream: stream.read_to_end(1)):
        with pytest.raises(BaseException) as caught:
            call(Failing(error))
        assert innermost(caught.value).__class__ is error
        assert caught.value.__context__ in (None, caught.value.__cause__)


def test_kept_interrupt_is_found_from_both_faces():
    """An interrupt that nobody has raised yet still blocks a stream that got another name."""
    stream = Failing(KeyboardInterrupt)
    other = cimpl_stream.Stream.from_handle(stream)
    thread = threading.Thread(target=read_one, args=(stream,))
    thread.start()
    thread.join()
    assert CimplStream.Stream.from_handle(other) is stream
    stream.error = lambda: KeyError("key")
    with pytest.raises(KeyboardInterrupt):
        stream.read(1)


def test_foreign_would_block():
    """WOULD_BLOCK of another domain is None in Python, too."""

    def would_block():
        return GLib.Error.new_literal(IO_ERROR, "later", Gio.IOErrorEnum.WOULD_BLOCK)

    assert Failing(would_block).read(1) is None
    assert read_one(Failing(would_block)) == -1
    error = CimplStream.StreamError.dup_last()
    assert error.matches(IO_ERROR, Gio.IOErrorEnum.WOULD_BLOCK)


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
