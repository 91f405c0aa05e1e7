#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hand Python file objects to a native library that knows nothing of Python.

The library is libchecksum, examples/c/checksum.c: checksum_crc32() takes any stream, reads it to
the end and computes a CRC-32.

Usage: native_consumer.py [path of libchecksum.so]; without one, it is looked for in the build tree.
"""

import ctypes
import gzip
import io
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# So that the example runs from a source tree; an installed package is found without.
sys.path.insert(0, str(ROOT / "python"))

import cimpl_stream  # noqa: E402


def load_library():
    """Return libchecksum, with its function declared."""
    paths = sys.argv[1:] or sorted(ROOT.glob("build*/examples/c/libchecksum.so"))
    if not paths:
        sys.exit(f"There is no {ROOT}/build*/examples/c/libchecksum.so; examples/run builds it")

    library = ctypes.CDLL(str(paths[0]))
    library.checksum_crc32.argtypes = [
        ctypes.POINTER(cimpl_stream.CimplStream),
        ctypes.POINTER(ctypes.c_uint32),
    ]
    library.checksum_crc32.restype = ctypes.c_int32
    # Turns a -1 into the exception that caused it.
    library.checksum_crc32.errcheck = cimpl_stream.errcheck
    return library


def crc32(library, file):
    """Return the CRC-32 of what `file`, a Python file object, still has to give."""
    result = ctypes.c_uint32()
    with cimpl_stream.Stream(file) as stream:
        library.checksum_crc32(stream, ctypes.byref(result))
    return result.value


def check(library, name, file, data):
    """Compare the native result with that of Python's own zlib."""
    result = crc32(library, file)
    expected = zlib.crc32(data)
    print(f"{name + ':':16} {result:08x}, zlib says {expected:08x}")
    assert result == expected


def check_files(library, data, folder):
    """Let the native function read four kinds of file objects."""
    path = Path(folder) / "data.bin"
    path.write_bytes(data)
    with open(path, "rb") as file:
        check(library, "file", file, data)

    check(library, "BytesIO", io.BytesIO(data), data)

    path = Path(folder) / "data.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", data)
    with zipfile.ZipFile(path) as archive, archive.open("member") as member:
        check(library, "zip member", member, data)

    path = Path(folder) / "data.gz"
    with gzip.open(path, "wb") as member:
        member.write(data)
    with gzip.open(path, "rb") as member:
        check(library, "gzip member", member, data)


class LostConnectionError(Exception):
    """What a network file might raise halfway."""


class Download(io.RawIOBase):
    """A file object that breaks off after its first 100,000 bytes."""

    def __init__(self):
        self.left = 100_000

    def readable(self):
        return True

    def readinto(self, buffer):
        if self.left == 0:
            raise LostConnectionError("the connection was lost halfway")
        count = min(self.left, len(buffer))
        buffer[:count] = bytes(count)
        self.left -= count
        return count


def check_exception(library):
    """An exception goes through the native function and comes out here."""
    try:
        crc32(library, Download())
    except cimpl_stream.CimplStreamError as error:
        print(f"{'broken download:':16} {error}")
        print(f"{'':16} because of {error.__cause__!r}")
        assert isinstance(error.__cause__, LostConnectionError)
    else:
        raise AssertionError("the native function took a broken download for a whole one")


def main():
    library = load_library()
    data = bytes(range(256)) * 1000
    with tempfile.TemporaryDirectory() as folder:
        check_files(library, data, folder)
    check_exception(library)
    print("All as expected.")


if __name__ == "__main__":
    main()
