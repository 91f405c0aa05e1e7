#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A subclass of CimplStream.Stream: a filter that hides letters from who looks at the other side.

The class is to be copied for any filter. The rest puts it over a file object, writes and reads
through it, and gives it to a native library that knows nothing of Python, examples/c/checksum.c.

Usage: gi_subclass.py [path of libchecksum.so]; without one, it is looked for in the build tree.
"""

import ctypes
import io
import os
import string
import sys
import zlib
from pathlib import Path
from typing import Any, Optional, Union

# So that the example runs from a source tree: what is installed is found without all of this.
ROOT = Path(__file__).resolve().parents[2]
paths = list(map(Path, sys.argv[1:])) or sorted(ROOT.glob("build*/examples/c/libchecksum.so"))
if not paths:
    sys.exit(f"There is no {ROOT}/build*/examples/c/libchecksum.so; examples/run builds it")
library = ctypes.CDLL(str(paths[0]))  # brings libcimpl_stream with it
folder = paths[0].resolve().parent
search_path = os.environ.get("GI_TYPELIB_PATH", "")
os.environ["GI_TYPELIB_PATH"] = f"{folder}:{folder.parents[1] / 'src'}:{search_path}"
sys.path.insert(0, str(ROOT / "python"))

import cimpl_stream  # noqa: E402
import gi  # noqa: E402

gi.require_version("CimplStream", "1.0")
gi.require_version("Checksum", "1.0")
from gi.repository import Checksum, CimplStream  # noqa: E402

LETTERS = string.ascii_lowercase + string.ascii_uppercase
ROTATED = LETTERS[13:26] + LETTERS[:13] + LETTERS[39:] + LETTERS[26:39]
ROT13 = bytes.maketrans(LETTERS.encode(), ROTATED.encode())


class Rot13Stream(CimplStream.Stream):
    """A filter: letters that are read from or written to `base` are rotated by 13 places.

    Position and size are those of `base`, which it does not close.
    """

    def __init__(self, base: CimplStream.Stream) -> None:
        super().__init__()
        self.base = base

    def do_read(self, view: memoryview) -> Optional[int]:
        count = self.base.readinto(view)  # into the memory of the reader, without a copy
        if count:
            with view[:count] as part:  # which must be gone when this returns, like any slice
                part[:] = part.tobytes().translate(ROT13)
        return count

    def do_write(self, view: memoryview) -> Optional[int]:
        return self.base.write(view.tobytes().translate(ROT13))

    def do_seek(self, offset: int, whence: int) -> int:
        return self.base.seek(offset, whence)

    def do_truncate(self, size: int) -> None:
        self.base.truncate(size)

    def do_flush(self) -> None:  # also before it is closed, if something was written
        self.base.flush()

    def do_query_flags(self) -> CimplStream.StreamFlags:  # or it could do all of the above
        return self.base.get_flags()


def crc32(stream: Union[CimplStream.Stream, cimpl_stream.Stream]) -> int:
    """Call the native function by ctypes, which takes the streams of both Python faces."""
    function: Any = library.checksum_crc32
    function.argtypes = [ctypes.POINTER(cimpl_stream.CimplStream), ctypes.POINTER(ctypes.c_uint32)]
    function.restype = ctypes.c_int32
    function.errcheck = cimpl_stream.errcheck  # turns a -1 into the exception that caused it
    result = ctypes.c_uint32()
    function(stream, ctypes.byref(result))
    return result.value


def use_filter() -> None:
    """Write and read through the filter, and let the native function read."""
    data = b"Hello, streams!"
    file = io.BytesIO()
    base = CimplStream.wrap_file(file)
    with Rot13Stream(base) as stream:
        stream.write(data)
        stream.flush()
        print(f"written {data!r}, in the file {file.getvalue()!r}")
        assert file.getvalue() == b"Uryyb, fgernzf!"

        assert stream.seek(7) == 7
        assert stream.read() == b"streams!"

        stream.seek(0)
        assert Checksum.crc32(stream) == zlib.crc32(data)  # by introspection
        stream.seek(0)
        assert crc32(stream) == zlib.crc32(data)
    assert not base.closed

    # A stream of the ctypes package is taken by the same function.
    assert crc32(cimpl_stream.Stream(io.BytesIO(data))) == zlib.crc32(data)
    print(f"the checksum of all three: {zlib.crc32(data):08x}")


class Download(CimplStream.Stream):
    """What a stream over a network might be: it breaks off."""

    def do_read(self, view: memoryview) -> Optional[int]:
        raise ConnectionResetError("the connection was lost")


def meet_error() -> None:
    """An exception goes through the native function and comes out here."""
    assert not Rot13Stream(Download()).writable()
    try:
        crc32(Download())
    except CimplStream.IoError as error:
        print(f"a broken download: {error}")
        print(f"  because of {error.__cause__!r}")
        assert isinstance(error.__cause__, ConnectionResetError)
    else:
        raise AssertionError("the native function took a broken download for a whole one")


def main() -> None:
    use_filter()
    meet_error()
    print("All as expected.")


if __name__ == "__main__":
    main()
