# SPDX-License-Identifier: MIT
"""The faces that a stream has in Python, for the tests that each of them must pass.

Whoever imports this gets the GObject face, and with it the exceptions which are a `GLib.Error`.
"""

import io

import gi

gi.require_version("CimplStream", "1.0")

import cimpl_stream  # noqa: E402
from gi.repository import CimplStream  # noqa: E402


class OverFile(CimplStream.Stream):
    """A stream implemented in Python, which can do what its file object can."""

    def __init__(self, file):
        super().__init__()
        self.file = file

    def do_read(self, view):
        return self.file.readinto(view)

    def do_write(self, view):
        return self.file.write(view)

    def do_seek(self, offset, whence):
        return self.file.seek(offset, whence)

    def do_truncate(self, size):
        return self.file.truncate(size)

    def do_flush(self):
        return self.file.flush()

    def do_query_flags(self):
        flags = CimplStream.StreamFlags(0)
        if self.file.readable():
            flags |= CimplStream.StreamFlags.READABLE
        if self.file.writable():
            flags |= CimplStream.StreamFlags.WRITABLE
        if self.file.seekable():
            flags |= CimplStream.StreamFlags.SEEKABLE
        if self.file.seekable() and self.file.writable():
            flags |= CimplStream.StreamFlags.TRUNCATABLE
        return flags


# What makes a stream of a file object of io, or of anything with all of its methods.
FACES = {
    "ctypes": cimpl_stream.Stream,
    "wrap_file": CimplStream.wrap_file,
    "subclass": OverFile,
}


class File(io.BytesIO):
    """A file that counts its flushes, and at whose methods something can be made to happen."""

    def __init__(self, happen=None):
        super().__init__(b"data")
        self.flushes = 0
        self.happen = happen  # called by the next method, once

    def _enter(self):
        happen, self.happen = self.happen, None
        if happen is not None:
            happen()

    def readinto(self, buffer):
        self._enter()
        return super().readinto(buffer)

    def write(self, data):
        self._enter()
        return super().write(data)

    def seek(self, *arguments):
        self._enter()
        return super().seek(*arguments)

    def flush(self):
        self.flushes += 1
        self._enter()

    def truncate(self, size):
        self._enter()
        return super().truncate(size)


def raising(exception):
    """Return what makes a `File` raise `exception`, once."""

    def happen():
        raise exception

    return happen


OPERATIONS = {
    "read": lambda stream: stream.read(4),
    "read large": lambda stream: stream.read(1 << 17),
    "readinto": lambda stream: stream.readinto(bytearray(4)),
    "readall": lambda stream: stream.readall(),
    "readline": lambda stream: stream.readline(),
    "write": lambda stream: stream.write(b"data"),
    "seek": lambda stream: stream.seek(0),
    "tell": lambda stream: stream.tell(),
    "flush": lambda stream: stream.flush(),
    "truncate": lambda stream: stream.truncate(1),
}
