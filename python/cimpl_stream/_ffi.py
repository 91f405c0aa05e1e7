# SPDX-License-Identifier: MIT
"""The plain C API as ctypes sees it: types and prototypes, no behaviour.

Handles are passed around as plain integers, the cheapest form ctypes knows. The library tells
a stale handle from a live one without touching the memory behind it.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import (
    CFUNCTYPE,
    POINTER,
    ArgumentError,
    c_char_p,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_ssize_t,
    c_uint64,
    c_void_p,
)
from typing import Any, Callable

from . import _library

if ctypes.sizeof(c_void_p) < 8:
    raise ImportError("cimpl_stream needs a 64-bit Python")  # for MEMORY, below


def _is_main_interpreter() -> bool:
    current, main = (
        ctypes.PYFUNCTYPE(c_void_p)((f"PyInterpreterState_{name}", ctypes.pythonapi))()
        for name in ("Get", "Main")
    )
    return bool(current == main)


if not _is_main_interpreter():
    # Its PyGILState_Ensure() waits for ever before 3.12, and later takes the wrong GIL in threads
    # that Python does not know.
    raise ImportError(
        "cimpl_stream does not work in a sub-interpreter, since ctypes runs callbacks in the main one"
    )

READABLE, WRITABLE, SEEKABLE, TRUNCATABLE = 1, 2, 4, 8


class CimplStream(ctypes.Structure):
    """The opaque C type; ``POINTER(CimplStream)`` is what native functions take."""


class CimplStreamCallbacks(ctypes.Structure):
    """The checked callbacks of a stream. All members are addresses, 0 for "cannot do that"."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("read", c_void_p),
        ("write", c_void_p),
        ("seek", c_void_p),
        ("flush", c_void_p),
        ("close", c_void_p),
        ("truncate", c_void_p),
    ]


# The callbacks. `context` is a key of ours; the last argument is where the result goes.
TransferCallback = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t, c_void_p)  # read, write
SeekCallback = CFUNCTYPE(None, c_void_p, c_int64, c_int, c_void_p)
FlushCallback = CFUNCTYPE(None, c_void_p, c_void_p)
TruncateCallback = CFUNCTYPE(None, c_void_p, c_int64, c_void_p)
DestroyCallback = CFUNCTYPE(None, c_void_p)
ProgressCallback = CFUNCTYPE(c_int32, c_void_p, c_int64, c_int64)

# All memory, as bytes and as 64-bit integers: a slice is made in a quarter of the time that
# ctypes needs for an object at an address. Whoever uses them must know the address is good.
MEMORY = memoryview((ctypes.c_ubyte * sys.maxsize).from_address(0)).cast("B")
WORDS = MEMORY[: sys.maxsize & ~7].cast("q")

native_library = _library.load()  # or the name that the system knows it by
_releasing = ctypes.CDLL(native_library)  # its functions give up the GIL
_holding = ctypes.PyDLL(native_library)  # and these keep it


def _function(
    library: ctypes.CDLL, name: str, restype: Any, *argtypes: Any
) -> Callable[..., Any]:
    """Return the C function `name` of `library` with its prototype set.

    A call with arguments may raise `ArgumentError`; see `as_raised`.
    """
    function = library[name]  # by index: a function object of our own, not a shared one
    function.restype = restype
    function.argtypes = argtypes
    return function


def as_raised(error: ArgumentError) -> Exception:
    """Return what ctypes made an `ArgumentError` of: up to Python 3.11, a `RecursionError`.

    It converts arguments one level deeper than the call itself.
    """
    text = str(error)
    # With "???" where it had no room to say more.
    return RecursionError(text) if "RecursionError" in text or "???" in text else error


def _guarded(library: ctypes.CDLL, name: str, restype: Any, *argtypes: Any) -> Callable[..., Any]:
    """Return a C function as `_function` does, which raises `RecursionError` as itself."""
    function = _function(library, name, restype, *argtypes)

    def guarded(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except ArgumentError as error:
            raise as_raised(error) from None

    return guarded


class Operations:
    """The functions that run callbacks, from one of the two libraries."""

    __slots__ = (
        "close",
        "end_reservation",
        "flush",
        "free",
        "get_flags",
        "read",
        "reserve",
        "seek",
        "tell",
        "truncate",
        "write",
    )

    def __init__(self, library: ctypes.CDLL) -> None:
        # Their last argument is how many milliseconds to wait for another thread.
        def declare(name: str, restype: Any, *argtypes: Any) -> Callable[..., Any]:
            name = f"cimpl_stream_{name}_wait"
            return _function(library, name, restype, c_void_p, *argtypes, c_int32)

        self.read = declare("read", c_ssize_t, c_void_p, c_size_t)
        self.write = declare("write", c_ssize_t, c_void_p, c_size_t)
        self.seek = declare("seek", c_int64, c_int64, c_int)
        self.tell = declare("tell", c_int64)
        self.truncate = declare("truncate", c_int32, c_int64)
        self.flush = declare("flush", c_int32)
        self.close = declare("close", c_int32)
        self.get_flags = _function(library, "cimpl_stream_get_flags", c_int32, c_void_p)
        # What comes next waits for other threads, see _waiting.py.
        self.reserve = _guarded(
            library, "cimpl_stream_reserve", c_int32, c_void_p, c_void_p, c_int32
        )
        self.end_reservation = _function(library, "cimpl_stream_end_reservation", None)
        self.free = _function(library, "cimpl_free", c_int32, c_void_p)


# For streams of unknown make, which may wait in C.
releasing = Operations(_releasing)
# For streams whose callbacks are ours: between here and the callback nothing ever waits, and the
# GIL given up and taken back twice costs more than all else; 5 ms a time, if a thread is busy.
holding = Operations(_holding)

# Lives and references.
new_full = _guarded(
    _holding, "cimpl_stream_new_full", c_void_p, c_void_p, c_void_p, c_void_p
)
new_buffered = _guarded(
    _holding, "cimpl_stream_new_buffered", c_void_p, c_void_p, c_size_t
)
# Not with the GIL held: who takes a reference at the same time may wait for it, in a toggle notify.
ref = _guarded(_releasing, "cimpl_stream_ref", c_void_p, c_void_p)
copy = _guarded(
    _releasing,
    "cimpl_stream_copy",
    c_int32,
    c_void_p,
    c_void_p,
    c_int64,
    c_void_p,
    c_void_p,
    POINTER(c_int64),
)
# Of a stream that is alive. Not through `get_flags`, which may ask Python. It takes a c_void_p and
# nothing else: ctypes calls a declared type to convert it, and hides a RecursionError of that.
is_closed = _function(_holding, "cimpl_stream_is_closed", bool)
detach = _guarded(_releasing, "cimpl_stream_detach", c_int32, c_void_p, c_int32)

# The thread's last error. restype c_char_p would lose the pointer that must be freed.
last_error = _function(_holding, "cimpl_stream_last_error", c_void_p)
error_code = _function(_holding, "cimpl_stream_error_code", c_int32)
error_errno = _function(_holding, "cimpl_stream_error_errno", c_int32)
clear_error = _function(_holding, "cimpl_stream_clear_error", None)
error_serial = _function(_holding, "cimpl_stream_error_serial", c_uint64)
fail = _guarded(
    _holding, "cimpl_stream_fail", c_uint64, c_void_p, c_int32, c_int32, c_char_p, c_size_t
)

# What has failed in a stream; the latter two take a reference, see there.
mark = _function(_holding, "cimpl_stream_mark", c_uint64)
failed = _guarded(_releasing, "cimpl_stream_failed", c_int32, c_void_p)
failed_since = _guarded(
    _releasing,
    "cimpl_stream_failed_since",
    c_int32,
    c_void_p,
    c_uint64,
    c_int32,
    POINTER(c_uint64),
)

free_string = holding.free
free = releasing.free

StreamPointer = POINTER(CimplStream)
