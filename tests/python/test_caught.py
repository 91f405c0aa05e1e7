# SPDX-License-Identifier: MIT
"""What a file object raises is caught as what it was: by its class, with its attributes."""

import copy
import ctypes
import errno
import gzip
import http.client
import io
import pickle
import shutil
import socket
import ssl
import sys
import urllib.error
import zipfile
import zlib

import pytest

import cimpl_stream
from cimpl_stream import (
    CancelledError,
    CimplStreamError,
    ClosedError,
    InvalidArgumentError,
    IoError,
    NoSpaceError,
    NotSupportedError,
    RawStream,
    Stream,
    UnexpectedEofError,
    _errors,
)


class Failing(io.RawIOBase):
    """A file whose every operation raises `error`."""

    def __init__(self, error):
        self.error = error

    def fail(self, *_arguments):
        raise self.error

    def able(self):
        return True

    readinto = write = seek = fail
    readable = writable = seekable = able


def raised_by(error, layers=1):
    """Return what a read raises whose file, below so many streams, raises `error`."""
    stream = Failing(error)
    for _ in range(layers):
        stream = Stream(stream)
    with pytest.raises(CimplStreamError) as caught:
        stream.read(4)
    return caught.value


class Plain(OSError):
    """An error that somebody has defined."""


class Missing(FileNotFoundError):
    """One with arguments, an attribute and a property of its own."""

    def __init__(self, key, *, store):
        super().__init__(errno.ENOENT, "no such key", key)
        self.store = store

    @property
    def filename(self):
        return f"{self.store}/{self.args[1]}"

    def __repr__(self):
        raise RuntimeError("not for this one")


class Registered(ConnectionError):
    """One that knows its subclasses."""

    known = []

    def __init_subclass__(cls, **keywords):
        cls.known.append(cls)


class RegisteredReset(Registered, ConnectionResetError):
    pass


class Frozen(LookupError):
    """One that nobody may change."""

    def __setattr__(self, name, value):
        raise AttributeError(name)


class OwnIoError(IoError):
    """One derived from the package's."""

    def __init__(self, message, *, attempts):
        super().__init__(message)
        self.attempts = attempts


AS_THEMSELVES = [
    OSError(errno.EBADF, "by number", "name", None, "other"),
    OSError(errno.ENOSPC, "full"),
    OSError(errno.EINVAL, "invalid"),
    OSError(errno.ECANCELED, "cancelled"),
    BrokenPipeError(errno.EPIPE, "nobody reads"),
    BrokenPipeError(errno.ESHUTDOWN, "nobody reads"),
    TimeoutError("timed out"),
    ConnectionRefusedError(),
    socket.timeout("timed out"),
    socket.gaierror(socket.EAI_NONAME, "unknown"),
    socket.herror(1, "unknown"),
    ssl.SSLError(ssl.SSL_ERROR_SSL, "alert"),
    ssl.SSLZeroReturnError(ssl.SSL_ERROR_ZERO_RETURN, "closed"),
    ssl.SSLSyscallError(ssl.SSL_ERROR_SYSCALL, "broken"),
    ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "cut off"),
    ssl.SSLCertVerificationError(1, "expired"),
    urllib.error.URLError("unknown url type"),
    urllib.error.HTTPError("http://localhost", 404, "not found", {}, None),
    http.client.RemoteDisconnected("closed"),
    http.client.IncompleteRead(b"da", 2),
    shutil.Error(["many"]),
    gzip.BadGzipFile("no gzip"),
    zipfile.BadZipFile("no zip"),
    zlib.error("no zlib"),
    Plain(errno.EINVAL, "invalid"),
    Plain("no number"),
    Missing("key", store="store"),
    OwnIoError("ours", attempts=3),
    io.UnsupportedOperation("seek"),
    ClosedError("ours"),
    ValueError("negative seek value -1"),
    EOFError("ended early"),
    KeyError("key"),
    MemoryError(),
    RecursionError("too deep"),
]


@pytest.mark.parametrize("error", AS_THEMSELVES, ids=lambda error: type(error).__name__)
def test_class(error):
    """It is caught by its own class, and by IoError, below other streams, too."""
    for layers in (1, 2):
        caught = raised_by(error, layers)
        assert isinstance(caught, type(error)) and isinstance(caught, IoError)
        assert caught.args == error.args
        if isinstance(error, OSError):
            for name in ("filename", "filename2", "strerror"):
                assert getattr(caught, name) == getattr(error, name)
        for _ in range(layers):
            caught = caught.__cause__
        assert caught is error


@pytest.mark.parametrize("error", AS_THEMSELVES, ids=lambda error: type(error).__name__)
def test_copies(error):
    """Pickled and copied, it is the same still; its name is that of the class for its code."""
    caught = raised_by(error)
    expected = type(_errors.error_for(caught.code, ""))
    assert type(caught).__module__ == expected.__module__
    assert type(caught).__name__ == expected.__name__
    copies = [copy.copy(caught)]
    if not isinstance(error, urllib.error.HTTPError):  # which has a file
        copies += [pickle.loads(pickle.dumps(caught)), copy.deepcopy(caught)]
    for each in copies:
        assert type(each) is type(caught) or type(each).__mro__[1:] == type(caught).__mro__[1:]
        assert (str(each), repr(each)) == (str(caught), repr(caught))
        assert (each.code, each.errno) == (caught.code, caught.errno)
        assert vars(each) == vars(caught)
        for name in ("args", "filename", "filename2", "strerror"):
            assert getattr(each, name, None) == getattr(caught, name, None)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UnicodeDecodeError("ascii", b"\xff", 0, 1, "bad"), ValueError),
        (StopIteration("end"), Exception),
        (RegisteredReset(errno.ECONNRESET, "reset"), ConnectionResetError),
        (Frozen("frozen"), LookupError),
    ],
)
def test_nearest_class(error, kind):
    """What no other class can derive from is caught by what it derives from itself."""
    known = list(Registered.known)
    assert isinstance(raised_by(error), kind)
    assert isinstance(raised_by(error, 2), kind)
    assert Registered.known == known


def test_attributes():
    """It has the attributes of what was raised, for the methods of that, but its own repr."""
    caught = raised_by(Missing("key", store="store"))
    assert (caught.store, caught.filename) == ("store", "store/no such key")
    assert repr(caught) == "IoError(2, 'no such key')"
    assert raised_by(OwnIoError("ours", attempts=3)).attempts == 3


def test_remarks_stay_with_the_cause():
    """What is said of the cause alone is not said again of the error."""
    error = IoError("ours")
    error.__notes__ = ["a note"]
    error.copied = 3
    caught = raised_by(error)
    assert not hasattr(caught, "__notes__") and caught.copied is None


def test_unknown_class_elsewhere():
    """Where its class is unknown it is unpickled as what that derives from, or less."""

    class Local(TimeoutError):
        pass

    caught = raised_by(Local("timed out"))
    assert isinstance(caught, Local)
    again = pickle.loads(pickle.dumps(caught))
    assert type(again).__name__ == "IoError" and isinstance(again, IoError)
    assert (again.errno, again.args) == (errno.ETIMEDOUT, ("timed out",))


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (TimeoutError("timed out"), errno.ETIMEDOUT),
        (socket.timeout("timed out"), errno.ETIMEDOUT),
        (ConnectionRefusedError(), errno.ECONNREFUSED),
        (http.client.RemoteDisconnected("closed"), errno.ECONNRESET),
        (ConnectionAbortedError(), errno.ECONNABORTED),
        (BrokenPipeError(), errno.EPIPE),
        (IsADirectoryError("a folder"), errno.EISDIR),
        (PermissionError(errno.EPERM, "no"), errno.EPERM),
        (PermissionError("no"), errno.EACCES),
        (Plain(errno.EIO, "broken"), errno.EIO),
        (ConnectionError("some"), None),
        (Plain("no number"), None),
        (ssl.SSLError(ssl.SSL_ERROR_SSL, "alert"), None),
        (ssl.SSLSyscallError(ssl.SSL_ERROR_SYSCALL, "broken"), None),
        (ssl.SSLCertVerificationError(1, "expired"), None),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), None),
        (socket.herror(1, "unknown"), None),
        (shutil.Error(1), None),
    ],
)
def test_errno(native, error, number):
    """C is told the errno that it has or stands for; a number of something else is none."""
    caught = raised_by(error)
    assert caught.errno == number
    assert native.native_retry(Stream(Failing(error)), 1) == -1
    assert native.cimpl_stream_error_errno() == (number or 0)


def test_errno_when_unprintable():
    """An error that cannot be printed has its errno still."""

    class Unprintable(OSError):
        def __str__(self):
            raise RuntimeError

    caught = raised_by(Unprintable(errno.EISDIR, "a folder"))
    assert caught.errno == errno.EISDIR and isinstance(caught, IsADirectoryError)


@pytest.mark.parametrize("kind", [ssl.SSLWantReadError, ssl.SSLWantWriteError])
def test_want(kind):
    """A TLS socket that must wait is one that would block."""
    stream = Stream(Failing(kind(2, "did not complete")))
    assert stream.read(4) is None
    assert stream.readinto(bytearray(4)) is None
    assert stream.write(b"data") is None


def test_ssl_is_not_imported(run_python):
    """What belongs to `ssl` and `socket` is recognised without importing them."""
    run_python(
        "class File(io.RawIOBase):\n"
        "    def readable(self): return True\n"
        "    def readinto(self, buffer): raise TimeoutError('timed out')\n"
        "try: Stream(File()).read(4)\n"
        "except TimeoutError: pass\n"
        "assert not {'ssl', 'socket', '_ssl', '_socket'} & set(sys.modules)\n"
    )


def test_codes_as_in_the_library():
    """Where native code has hidden the error, the code for an errno is the library's all the same."""
    library = ctypes.CDLL(cimpl_stream.native_library)
    for number in errno.errorcode:
        library.cimpl_stream_set_errno(number, b"")
        code, _, _ = _errors.describe(Plain(number, "by number"))
        assert code == library.cimpl_stream_error_code()
    library.cimpl_stream_clear_error()


def test_error_of_c():
    """An error of C with an errno is the OSError of that number."""
    for number in errno.errorcode:
        error = _errors.error_for(100, "in C", number)
        assert isinstance(error, type(OSError(number, ""))) and isinstance(error, IoError)
        assert (error.errno, error.strerror) == (number, "in C")


def test_published_io_errors():
    """What the published binding reports as IoError is one, and also what it is besides."""
    kinds = {
        OSError(errno.ENOSPC, "full"): NoSpaceError,
        OSError(errno.EINVAL, "invalid"): InvalidArgumentError,
        OSError(errno.ECANCELED, "cancelled"): CancelledError,
        io.UnsupportedOperation("no"): NotSupportedError,
        EOFError("early"): UnexpectedEofError,
        ClosedError("below"): ClosedError,
    }
    for error, kind in kinds.items():
        assert isinstance(raised_by(error), kind) and isinstance(raised_by(error), IoError)


def test_own_refusals_are_no_io_errors():
    """What the package refuses before it asks the file is none, as in `io`."""
    stream = Stream(io.BytesIO())
    stream.close()
    for refused in (stream.tell, lambda: Stream(None), lambda: RawStream(stream, buffer_size=-1)):
        with pytest.raises(ValueError) as caught:
            refused()
        assert not isinstance(caught.value, OSError)


@pytest.mark.parametrize("buffer_size", [None, 0])
@pytest.mark.parametrize(
    "arguments", [(-1,), (-22, io.SEEK_END), (0, 7), (1 << 63,), (-(1 << 70), io.SEEK_CUR)]
)
def test_seek(tmp_path, buffer_size, arguments):
    """Whoever refuses a seek, it is an OSError and a ValueError, with a buffer and without."""
    path = tmp_path / "four"
    path.write_bytes(b"abcd")
    with open(path, "rb") as file:
        stream = RawStream(file, buffer_size=buffer_size)
        with pytest.raises(InvalidArgumentError) as caught:
            stream.seek(*arguments)
        assert isinstance(caught.value, IoError) and isinstance(caught.value, ValueError)
        assert not zipfile.is_zipfile(stream)
        assert not zipfile.is_zipfile(Stream(file).buffered())


def test_seek_in_memory():
    """A file in memory raises ValueError, which it stays."""
    with pytest.raises(ValueError) as caught:
        Stream(io.BytesIO(b"abcd")).seek(-1)
    assert isinstance(caught.value, IoError)


# Too deep a recursion.


class InPython(io.BytesIO):
    """A file whose methods need room themselves."""

    def readinto(self, buffer):
        return super().readinto(buffer)

    def write(self, data):
        return super().write(data)

    def seek(self, *arguments):
        return super().seek(*arguments)


DIVES = {
    "read": lambda stream: stream.read(1),
    "readinto": lambda stream: stream.readinto(bytearray(4)),
    "write": lambda stream: stream.write(b"x"),
    "write memory": lambda stream: stream.write(bytearray(b"x")),
    "seek": lambda stream: stream.seek(4),
    "tell": lambda stream: stream.tell(),
    "flush": lambda stream: stream.flush(),
    "truncate": lambda stream: stream.truncate(100),
    "readable": lambda stream: stream.readable(),
    "Stream": lambda stream: Stream(io.BytesIO()),
    "from_handle": lambda stream: Stream.from_handle(stream),
    "copyfileobj": lambda stream: cimpl_stream.copyfileobj(stream, io.BytesIO()),
}


@pytest.fixture
def low_limit(monkeypatch, capfd, reports):
    """Make recursions short; what cannot even be reported at their end is nobody's fault."""
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 200)
    yield
    sys.setrecursionlimit(limit)
    capfd.readouterr()


@pytest.mark.parametrize("file", [io.BytesIO, InPython])
@pytest.mark.parametrize("name", DIVES)
def test_recursion(low_limit, file, name):
    """It is a RecursionError wherever it ends, and the stream works again."""

    def dive(stream, frames):
        if frames == 0:
            DIVES[name](stream)
        dive(stream, max(frames - 1, 0))

    for frames in range(20):  # the limit is met in another place each time
        stream = Stream(file(b"data" * 100))
        with pytest.raises(RecursionError):
            dive(stream, frames)
        stream.seek(4)
        assert stream.read(1) in (b"d", b"x")
        del stream
