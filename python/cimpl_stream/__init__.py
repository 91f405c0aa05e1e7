# SPDX-License-Identifier: MIT
"""Python file objects for native code, and native streams as Python files.

    from cimpl_stream import Stream

    with open("data.bin", "rb") as file, Stream(file) as stream:
        parser.parse(stream)  # a function of a native library

Any native function that takes a ``CimplStream *`` reads, writes and seeks the file object.
What goes wrong in the file object is raised where the native function was called: by the
methods of the stream; by a ctypes function that is `checked`, or whose ``errcheck`` is `errcheck`;
and at the end of a ``with stream.errors():`` block, whatever the library has made of it.

`Stream` and `RawStream` are raw files as in `io`; see there for what they have in common.
"""

from . import _lifetime  # noqa: F401  (what it does at exit)
from ._copy import copyfileobj
from ._errors import (
    BadFileError,
    BusyError,
    CallbackContractError,
    CancelledError,
    CimplStreamError,
    ClosedError,
    InvalidArgumentError,
    InvalidBufferError,
    InvalidHandleError,
    IoError,
    NoSpaceError,
    NotSupportedError,
    NullParameterError,
    OffsetOverflowError,
    OtherError,
    StringTooLongError,
    UnexpectedEofError,
    WouldBlockError,
    WrongHandleTypeError,
)
from ._ffi import CimplStream, native_library
from ._stream import RawStream, Stream, wrap_file
from ._watching import checked, errcheck

__all__ = [
    "BadFileError",
    "BusyError",
    "CallbackContractError",
    "CancelledError",
    "CimplStream",
    "CimplStreamError",
    "ClosedError",
    "InvalidArgumentError",
    "InvalidBufferError",
    "InvalidHandleError",
    "IoError",
    "NoSpaceError",
    "NotSupportedError",
    "NullParameterError",
    "OffsetOverflowError",
    "OtherError",
    "RawStream",
    "Stream",
    "StringTooLongError",
    "UnexpectedEofError",
    "WouldBlockError",
    "WrongHandleTypeError",
    "checked",
    "copyfileobj",
    "errcheck",
    "native_library",
    "wrap_file",
]

for _name in __all__:  # an exception is shown, and pickled, under its public name
    if _name != "native_library":
        globals()[_name].__module__ = __name__
del _name
