# SPDX-License-Identifier: MIT
"""Exceptions of the file, on their way through native code, on every Python face."""

import ctypes
import errno
import io
import pickle
import socket
import ssl
import traceback
import weakref

import pytest
from gi.repository import Gio, GLib

import cimpl_stream
from cimpl_stream import (
    CimplStreamError,
    ClosedError,
    IoError,
    NoSpaceError,
    NotSupportedError,
    UnexpectedEofError,
    errcheck,
)
from cimpl_stream._errors import ALL
from faces import FACES, OPERATIONS, CimplStream, File, raising


class Own(OSError):
    """An exception that somebody has defined."""


class Unprintable(Exception):
    """An exception that fails when it is printed."""

    def __str__(self):
        raise RuntimeError


# Exceptions of the file.


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(
    ("raised", "arguments", "kind", "number"),
    [
        (OSError, (errno.EIO, "broken"), IoError, errno.EIO),
        (FileNotFoundError, (errno.ENOENT, "gone"), CimplStreamError, errno.ENOENT),
        (OSError, (errno.ENOSPC, "full"), NoSpaceError, errno.ENOSPC),
        (OSError, ("no number",), IoError, None),
        (ValueError, ("nul \0 and \ud800",), IoError, None),
        (StopIteration, ("end",), IoError, None),
        (EOFError, ("short",), UnexpectedEofError, None),
        (NotImplementedError, (), NotSupportedError, None),
        (io.UnsupportedOperation, ("seek",), NotSupportedError, None),
        (CimplStreamError, ("ours", 109, errno.EPIPE), CimplStreamError, errno.EPIPE),
        (Unprintable, (), IoError, None),
        (GLib.Error, ("theirs", "some-domain", 7), CimplStreamError, None),
    ],
)
def test_exception(wrap, name, raised, arguments, kind, number):
    """What the file raises is the cause of an error of the class that fits; then all goes on."""
    exception = raised(*arguments)
    stream = wrap(File(raising(exception)))
    with pytest.raises(kind) as caught:
        OPERATIONS[name](stream)
    assert isinstance(caught.value, CimplStreamError)
    assert caught.value.__cause__ is exception
    assert caught.value.errno == number
    frames = [frame.name for frame in traceback.extract_tb(exception.__traceback__)]
    assert frames[-1] == "happen"
    assert not stream.closed
    OPERATIONS[name](stream)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_not_an_exception(wrap, name, kind):
    """What is no `Exception` comes out as itself; then all goes on."""
    exception = kind("stop")
    stream = wrap(File(raising(exception)))
    with pytest.raises(kind) as caught:
        OPERATIONS[name](stream)
    assert caught.value is exception
    OPERATIONS[name](stream)


@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_close(wrap, kind):
    """An exception while closing comes out, and the stream is closed all the same."""
    exception = kind(errno.EIO, "broken")
    file = File()
    stream = wrap(file)
    stream.write(b"x")
    file.happen = raising(exception)
    with pytest.raises((IoError, KeyboardInterrupt)) as caught:
        stream.close()
    assert exception in (caught.value, caught.value.__cause__)
    assert stream.closed
    stream.close()
    assert file.flushes == 1


def attempt(stream, operation):
    """Return what `operation` raises, or its result."""
    try:
        return operation(stream)
    except Exception as error:
        return error


@pytest.mark.parametrize("name", [*OPERATIONS, "close"])
def test_any_errno(wrap, name):
    """An OSError is caught as one, and as the one of its number, whatever code C gives it."""
    cls_by_code = {cls._code: cls for cls in reversed(ALL)}
    operation = {"close": lambda stream: stream.close(), **OPERATIONS}[name]
    for number in errno.errorcode:
        exception = OSError(number, "by number", "name")
        file = File()
        stream = wrap(file)
        if name == "close":
            stream.write(b"x")  # which is to be flushed
        file.happen = raising(exception)
        caught = attempt(stream, operation)
        if isinstance(exception, BlockingIOError):
            assert caught is None or isinstance(caught, OSError)
            continue
        if caught == b"data":  # io tries again
            assert (name, number) == ("readline", errno.EINTR)
            continue
        assert isinstance(caught, type(exception)) and isinstance(caught, IoError)
        assert isinstance(caught, GLib.Error)
        assert (caught.errno, caught.filename, caught.args) == (number, "name", exception.args)
        assert caught.__cause__ is exception
        assert caught.matches(CimplStream.StreamError.quark(), caught.code)
        assert isinstance(caught, cls_by_code[caught.code])


@pytest.mark.parametrize(
    ("raised", "arguments"),
    [
        (FileNotFoundError, (errno.ENOENT, "gone", "name")),
        (TimeoutError, ("timed out",)),
        (ConnectionRefusedError, ()),
        (socket.gaierror, (socket.EAI_NONAME, "unknown")),
        (ssl.SSLError, (1, "alert")),
        (Own, (errno.ENODEV, "own")),
        (ValueError, ("negative seek value -1",)),
        (EOFError, ("early",)),
        (MemoryError, ()),
        (RecursionError, ("too deep",)),
        (KeyError, ("key",)),
        (GLib.Error, ("theirs", "some-domain", 7)),
    ],
)
@pytest.mark.parametrize("name", ["read", "write", "seek", "flush"])
def test_caught_as_raised(wrap, name, raised, arguments):
    """What the file raises is caught by its own class, pickled and unpickled, too."""
    exception = raised(*arguments)
    with pytest.raises(raised) as caught:
        OPERATIONS[name](wrap(File(raising(exception))))
    again = pickle.loads(pickle.dumps(caught.value))
    for error in (caught.value, again):
        assert isinstance(error, raised)
        assert isinstance(error, IoError) and isinstance(error, GLib.Error)
        assert error.args == exception.args
        assert (error.domain, error.code) == (caught.value.domain, caught.value.code)


@pytest.mark.parametrize(
    ("exception", "io_code"),
    [
        (TimeoutError("timed out"), Gio.IOErrorEnum.TIMED_OUT),
        (ConnectionRefusedError(), Gio.IOErrorEnum.CONNECTION_REFUSED),
        (ConnectionAbortedError(), Gio.IOErrorEnum.CONNECTION_CLOSED),
        (IsADirectoryError("a folder"), Gio.IOErrorEnum.IS_DIRECTORY),
        (OSError(errno.EADDRINUSE, "in use"), Gio.IOErrorEnum.ADDRESS_IN_USE),
        (ssl.SSLError(1, "alert"), Gio.IOErrorEnum.FAILED),
        (socket.gaierror(1, "unknown"), Gio.IOErrorEnum.FAILED),
        (ssl.SSLWantReadError(2, "wait"), Gio.IOErrorEnum.WOULD_BLOCK),
        (ssl.SSLWantWriteError(3, "wait"), Gio.IOErrorEnum.WOULD_BLOCK),
    ],
)
def test_in_gio(wrap, exception, io_code):
    """GIO sees the errno that the exception has or stands for, and no other number."""
    stream = wrap(File(raising(exception)))
    adapter = CimplStream.InputStream.new(CimplStream.Stream.from_handle(stream))
    with pytest.raises(GLib.Error) as caught:
        adapter.read_bytes(4, None)
    assert caught.value.matches(Gio.io_error_quark(), io_code)


def test_error_is_a_glib_error(wrap):
    """An error is a GLib.Error, too, of the library's domain."""
    stream = wrap(File(raising(OSError(errno.EIO, "broken"))))
    with pytest.raises(GLib.Error) as caught:
        stream.read(4)
    code = CimplStream.StreamError.IO_OPERATION
    assert caught.value.matches(CimplStream.StreamError.quark(), code)
    assert "broken" in caught.value.message


def test_no_stale_cause(wrap):
    """A failure without an exception does not get the cause of an earlier one."""
    stream = wrap(File(raising(OSError("old"))))
    with pytest.raises(IoError):
        stream.read(4)
    stream.close()
    with pytest.raises(ClosedError) as caught:
        stream.read(4)
    assert caught.value.__cause__ is None


def test_failure_lets_go(wrap):
    """An error that somebody keeps does not keep the buffer locked."""
    for operation in ("readinto", "write"):
        buffer = bytearray(8)
        with pytest.raises(IoError) as caught:
            getattr(wrap(File(raising(OSError("broken")))), operation)(buffer)
        buffer.append(1)
        assert caught.value.__traceback__ is not None


# Through native code.


@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["native_swallow", "native_pointer"])
def test_errcheck(wrap, native, name, kind):
    """`errcheck` raises what happened, whatever the native function makes of it; but once."""
    exception = kind(errno.EIO, "broken")
    function = getattr(native, name)
    function.errcheck = errcheck
    stream = wrap(File(raising(exception)))
    with pytest.raises((IoError, KeyboardInterrupt)) as caught:
        function(stream)
    assert exception in (caught.value, caught.value.__cause__)
    assert function(stream) is not None


def test_drain(wrap, native):
    """Native code gets every byte, and then the end."""
    total = ctypes.c_int64()
    native.native_drain.errcheck = errcheck
    assert native.native_drain(wrap(File()), 3, ctypes.byref(total)) == 0
    assert total.value == 4


def test_errors_block(wrap, native):
    """`errors()` raises at the end of the block what was swallowed in it."""
    stream = wrap(File(raising(OSError(errno.EIO, "broken"))))
    with pytest.raises(IoError, match="broken") as caught, stream.errors():
        assert native.native_swallow(stream) == 0
    assert caught.value.errno == errno.EIO
    with stream.errors():
        assert native.native_swallow(stream) == 0


def test_dropped_at_success(wrap, native):
    """An exception is dropped when the next callback succeeds: native code tried again."""
    native.native_retry.errcheck = errcheck
    assert native.native_retry(wrap(File(raising(OSError("once")))), 2) == 4


def test_blocked_until_raised(wrap, native):
    """A KeyboardInterrupt blocks its stream; native code that tries again gets nowhere."""
    file = File(raising(KeyboardInterrupt()))
    stream = wrap(file)
    assert native.native_retry(stream, 3) == -1
    assert native.cimpl_stream_error_code() == CimplStream.StreamError.CANCELLED
    assert file.tell() == 0
    with pytest.raises(KeyboardInterrupt):
        stream.flush()
    assert stream.read(4) == b"data"


@pytest.mark.parametrize("outermost", [cimpl_stream.Stream, CimplStream.Stream])
@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_below_native_layers(wrap, native, kind, outermost):
    """The exception of a stream below others comes out of the outermost call."""
    exception = kind(errno.EIO, "broken")
    base = wrap(File(raising(exception)))
    middle = outermost.from_handle(native.native_layer(base), take=True)
    outer = outermost.from_handle(native.native_layer(middle), take=True)
    with pytest.raises((IoError, KeyboardInterrupt)) as caught:
        outer.read(4)
    assert exception in (caught.value, caught.value.__cause__)
    assert getattr(caught.value, "errno", errno.EIO) == errno.EIO
    assert outer.read(4) == b"data"


@pytest.mark.parametrize("upper", FACES)
def test_nested_streams(wrap, upper):
    """Each stream adds an error to the chain; the last one is the exception itself."""
    exception = OSError(errno.EIO, "broken")
    with pytest.raises(IoError) as caught:
        FACES[upper](wrap(File(raising(exception)))).read(4)
    assert isinstance(caught.value.__cause__, IoError)
    assert caught.value.__cause__.__cause__ is exception
    assert caught.value.errno == errno.EIO


# No reference cycles.


@pytest.mark.usefixtures("without_gc")
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("kind", [None, KeyError, OSError, KeyboardInterrupt])
def test_no_cycle(wrap, name, kind):
    """Stream and file go with the last reference, also after an exception came through."""

    def happen():
        raise kind("no")  # without a name, which would make a cycle of the exception alone

    file = File(None if kind is None else happen)
    stream = wrap(file)
    try:
        OPERATIONS[name](stream)
    except (CimplStreamError, KeyboardInterrupt):
        pass
    gone = weakref.ref(stream), weakref.ref(file)
    del stream, file
    assert [reference() for reference in gone] == [None, None]


@pytest.mark.usefixtures("without_gc")
@pytest.mark.parametrize("use", ["swallowed", "errcheck", "errors", "close", "raw", "with"])
def test_no_cycle_of(wrap, native, use):
    """Nor does anything else that one does with a stream leave a cycle behind."""

    def happen():
        raise KeyError("no")

    file = File()
    stream = wrap(file)
    stream.write(b"x")
    file.happen = happen
    try:
        if use == "swallowed":
            native.native_swallow(stream)
            stream.close()
        elif use == "errcheck":
            native.native_swallow.errcheck = errcheck
            native.native_swallow(stream)
        elif use == "errors":
            with stream.errors():
                native.native_swallow(stream)
        elif use == "close":
            stream.close()
        elif use == "raw":
            stream.raw.read(4)
        elif use == "with":
            with stream:
                pass
    except CimplStreamError:
        assert use != "swallowed"
    gone = weakref.ref(stream), weakref.ref(file)
    del stream, file
    assert [reference() for reference in gone] == [None, None]
