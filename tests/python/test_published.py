# SPDX-License-Identifier: MIT
"""A binding of the kind written for the published library, on top of ours.

It declares everything by itself and shares nothing with the package `cimpl_stream`: plain
callbacks that take typed pointers, an opaque context, a copy of each message that it frees.
"""

import ctypes
import io
import os
from ctypes import CFUNCTYPE, POINTER, c_int32, c_int64, c_size_t, c_ssize_t, c_uint8, c_void_p

import pytest

NO_ERROR, NULL_PARAMETER, INVALID_HANDLE, IO_OPERATION = 0, 1, 3, 100


class Opaque(ctypes.Structure):
    """What lies behind a handle or a context."""


Handle = POINTER(Opaque)
Bytes = POINTER(c_uint8)
Reader = CFUNCTYPE(c_ssize_t, Handle, Bytes, c_size_t)
Seeker = CFUNCTYPE(c_int64, Handle, c_int64, c_int32)
Writer = CFUNCTYPE(c_ssize_t, Handle, Bytes, c_size_t)
Flusher = CFUNCTYPE(c_int32, Handle)

FUNCTIONS = {
    "cimpl_stream_new": (Handle, [Handle, Reader, Seeker, Writer, Flusher]),
    "cimpl_stream_read": (c_ssize_t, [Handle, Bytes, c_size_t]),
    "cimpl_stream_write": (c_ssize_t, [Handle, Bytes, c_size_t]),
    "cimpl_stream_seek": (c_int64, [Handle, c_int64, c_int32]),
    "cimpl_stream_flush": (c_int32, [Handle]),
    "cimpl_stream_last_error": (c_void_p, []),
    "cimpl_stream_error_code": (c_int32, []),
    "cimpl_stream_clear_error": (None, []),
    "cimpl_free": (c_int32, [c_void_p]),
}


def load(path):
    """Load the library and declare its functions."""
    library = ctypes.CDLL(path)
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


lib = load(os.environ["CIMPL_STREAM_LIBRARY"])


class StreamError(Exception):
    """A call that failed; `code` is the library's."""

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


def take_message():
    """Return the last error's message, or None; the library's copy of it is freed."""
    pointer = lib.cimpl_stream_last_error()
    if not pointer:
        return None
    message = ctypes.string_at(pointer).decode()
    assert lib.cimpl_free(pointer) == 0
    return message


def check(result):
    """Return the result of a call, or raise what it announces."""
    if result < 0:
        raise StreamError(take_message(), lib.cimpl_stream_error_code())
    return result


class Stream:
    """A file object as a native stream."""

    def __init__(self, file):
        self.file = file
        self.callbacks = (
            Reader(self.on_read),
            Seeker(self.on_seek),
            Writer(self.on_write),
            Flusher(self.on_flush),
        )
        context = ctypes.cast(id(self), Handle)
        self.handle = lib.cimpl_stream_new(context, *self.callbacks)
        if not self.handle:
            check(-1)

    def on_read(self, _context, data, length):
        try:
            chunk = self.file.read(length)
            ctypes.memmove(data, chunk, len(chunk))
            return len(chunk)
        except Exception:
            return -1

    def on_seek(self, _context, offset, mode):
        try:
            return self.file.seek(offset, mode)
        except Exception:
            return -1

    def on_write(self, _context, data, length):
        try:
            return self.file.write(ctypes.string_at(data, length))
        except Exception:
            return -1

    def on_flush(self, _context):
        try:
            self.file.flush()
            return 0
        except Exception:
            return -1

    def read(self, size):
        buffer = (c_uint8 * size)()
        return bytes(buffer[: check(lib.cimpl_stream_read(self.handle, buffer, size))])

    def write(self, data):
        buffer = (c_uint8 * len(data)).from_buffer_copy(data)
        return check(lib.cimpl_stream_write(self.handle, buffer, len(data)))

    def seek(self, offset, whence=os.SEEK_SET):
        return check(lib.cimpl_stream_seek(self.handle, offset, whence))

    def flush(self):
        check(lib.cimpl_stream_flush(self.handle))

    def close(self):
        handle, self.handle = self.handle, None
        return lib.cimpl_free(handle)


class BrokenFile:
    """A file of which every operation fails."""

    def fail(self, *_arguments):
        raise OSError("broken")

    read = write = seek = flush = fail


@pytest.fixture(autouse=True)
def no_error():
    """No test finds the error of the one before."""
    lib.cimpl_stream_clear_error()


@pytest.fixture
def file():
    return io.BytesIO(b"0123456789")


@pytest.fixture
def stream(file):
    stream = Stream(file)
    yield stream
    stream.close()


def test_read(stream):
    """Reads go on where the last one ended, and return nothing at the end only."""
    assert [stream.read(4) for _ in range(4)] == [b"0123", b"4567", b"89", b""]


def test_write(stream, file):
    """What is written is in the file, which grows."""
    stream.seek(8)
    assert stream.write(b"abcd") == 4
    assert file.getvalue() == b"01234567abcd"


@pytest.mark.parametrize(
    "offset, whence, position",
    [
        (3, os.SEEK_SET, 3),
        (2, os.SEEK_CUR, 7),
        (-2, os.SEEK_CUR, 3),
        (-4, os.SEEK_END, 6),
        (5, os.SEEK_END, 15),
    ],
)
def test_seek(stream, file, offset, whence, position):
    """The modes are those of the os module, and the result is the new position."""
    stream.seek(5)
    assert stream.seek(offset, whence) == position
    assert file.tell() == position


def test_flush():
    """A flush makes a buffering file pass on what was written."""
    raw = io.BytesIO()
    stream = Stream(io.BufferedWriter(raw))
    stream.write(b"data")
    assert raw.getvalue() == b""
    stream.flush()
    assert raw.getvalue() == b"data"
    assert stream.close() == 0


def test_no_error(stream):
    """As long as nothing fails there is no error."""
    stream.read(4)
    assert lib.cimpl_stream_error_code() == NO_ERROR
    assert take_message() is None


@pytest.mark.parametrize(
    "name, use",
    [
        ("Read", lambda stream: stream.read(4)),
        ("Write", lambda stream: stream.write(b"data")),
        ("Seek", lambda stream: stream.seek(0)),
        ("Flush", lambda stream: stream.flush()),
    ],
)
def test_callback_fails(name, use):
    """A callback that returns -1 makes the call fail, with the published code and message."""
    stream = Stream(BrokenFile())
    with pytest.raises(StreamError) as failure:
        use(stream)
    assert str(failure.value).startswith(f"IoError: {name} callback returned error")
    assert failure.value.code == IO_OPERATION
    assert stream.close() == 0


def test_null_stream():
    """A missing stream is an error, not a crash."""
    with pytest.raises(StreamError, match="^NullParameter: stream") as failure:
        check(lib.cimpl_stream_flush(None))
    assert failure.value.code == NULL_PARAMETER


def test_null_context(file):
    """A stream needs a context."""
    assert not lib.cimpl_stream_new(None, *Stream(file).callbacks)
    assert take_message().startswith("NullParameter: context")


def test_double_free(file):
    """The second free of a stream fails, and does nothing."""
    stream = Stream(file)
    handle = stream.handle
    assert stream.close() == 0
    assert lib.cimpl_free(handle) == -1
    assert lib.cimpl_stream_error_code() == INVALID_HANDLE
    assert take_message().startswith("InvalidHandle: ")


def test_free_of_a_copied_message():
    """With `last_error` taken as `c_char_p`, what is freed is Python's memory: refused."""
    prototype = ctypes.CFUNCTYPE(ctypes.c_char_p)
    last_error = prototype(("cimpl_stream_last_error", lib))
    lib.cimpl_stream_flush(None)
    message = last_error()
    assert message.startswith(b"NullParameter: stream")
    assert lib.cimpl_free(message) == -1
    assert message.startswith(b"NullParameter: stream")
