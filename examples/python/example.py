#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Python file objects as native streams: files, buffers in memory, seeking, and errors."""

import errno
import io
import os
import sys
import tempfile
from pathlib import Path

# So that the example runs from a source tree; an installed package is found without.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from cimpl_stream import (  # noqa: E402
    CimplStreamError,
    IoError,
    NullParameterError,
    Stream,
    wrap_file,
)


def file_io(path):
    """Write a file and read it back through native streams."""
    with open(path, "wb") as file, Stream(file) as stream:
        written = stream.write(b"Hello from Python, by way of C!")
        print(f"wrote {written} bytes to {path.name}")

    with open(path, "rb") as file, Stream(file) as stream:
        data = stream.read(100)  # up to 100 bytes
        print(f"read {data!r}")
        assert data == b"Hello from Python, by way of C!"
        assert stream.read(100) == b""  # the end

    with open(path, "ab") as file, wrap_file(file) as stream:  # the same, as a function
        stream.write(b" And back.")
    assert path.read_bytes().endswith(b"by way of C! And back.")


def buffers_in_memory():
    """A BytesIO is a file object like any other."""
    buffer = io.BytesIO()
    stream = Stream(buffer)
    stream.write(b"spam, ")
    stream.write(memoryview(b"eggs"))
    stream.flush()
    print(f"the buffer holds {buffer.getvalue()!r}")
    assert buffer.getvalue() == b"spam, eggs"

    stream.close()  # the stream; the buffer is its owner's
    assert not buffer.closed


def seeking(path):
    """Seek from the start, from the current position and from the end."""
    with open(path, "w+b") as file, Stream(file) as stream:
        stream.write(b"0123456789ABCDEF")

        assert stream.seek(10) == 10
        assert stream.read(2) == b"AB"
        assert stream.seek(-5, os.SEEK_CUR) == 7
        assert stream.read(2) == b"78"
        assert stream.seek(-10, os.SEEK_END) == 6
        assert stream.tell() == 6
        print(f"ten bytes from the end: {stream.read(10)!r}")


class UnpluggedDevice(io.RawIOBase):
    """A file object whose read fails."""

    def readable(self):
        return True

    def readinto(self, buffer):
        raise OSError(errno.ENODEV, "somebody pulled the plug")


def errors(path):
    """What goes wrong is raised, with its cause."""
    # The exception of the file object comes out as the cause of the error.
    try:
        Stream(UnpluggedDevice()).read(10)
    except IoError as error:
        print(f"a failing read: {error}")
        print(f"  because of {error.__cause__!r}")
        assert error.errno == errno.ENODEV
    else:
        raise AssertionError("the read should have failed")

    # A native library that could not make a stream returns NULL, and no stream comes of it.
    try:
        Stream.from_handle(None, take=True)
    except NullParameterError as error:
        print(f"no stream: {error}")
    else:
        raise AssertionError("NULL should have been refused")

    # All errors are CimplStreamErrors, and have a code.
    with open(path, "rb") as file, Stream(file) as stream:
        try:
            stream.write(b"no")
        except CimplStreamError as error:
            print(f"a write to a file opened for reading: {error} (code {error.code})")
        else:
            raise AssertionError("the write should have failed")

    # They are the built-in exceptions that a Python programmer expects, too.
    try:
        stream.read(1)
    except ValueError as error:
        print(f"a closed stream: {error}")
    else:
        raise AssertionError("the read should have failed")


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "example.bin"
        file_io(path)
        buffers_in_memory()
        seeking(path)
        errors(path)
    print("All as expected.")


if __name__ == "__main__":
    main()
