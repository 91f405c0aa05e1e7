# SPDX-License-Identifier: MIT
"""Streams of Python classes that the tests of the overrides share."""

import ctypes
import io

import gi

import cimpl_stream

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream  # noqa: E402


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


class Failing(CimplStream.Stream):
    """Raises in every operation what it was made with."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def fail(self, *arguments):
        raise self.error()

    do_read = do_write = do_seek = do_truncate = do_flush = fail


def read_one(stream):
    """Read a byte in C; return the result of the plain call."""
    library = ctypes.CDLL(cimpl_stream.native_library)
    return library.cimpl_stream_read(stream, ctypes.create_string_buffer(1), ctypes.c_size_t(1))


def innermost(exception):
    """Return the exception that all began with."""
    while exception.__cause__ is not None:
        exception = exception.__cause__
    return exception
