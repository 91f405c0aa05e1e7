# SPDX-License-Identifier: MIT
"""The callbacks through which native code works on a file object.

They are made once for the whole process: a stream adds an `Adapter` under an integer key, which
is the `context` that C passes back. Each callback stores its result as the last thing it does,
and whatever is raised in it ends in `_fail`.
"""

from __future__ import annotations

import ctypes
import io
import itertools
import sys
from contextlib import suppress
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any, Callable, Optional

from . import _ffi
from ._adapter import (
    Adapter,
    can,
    check_count,
    check_data,
    check_file,
    check_position,
    count_nothing,
    is_direct,
    reading_method,
    reads_by_readinto,
    refuse_nothing,
    would_block,
)
from ._errors import BadFileError, make, means_would_block
from ._failures import keep, keep_for_thread, native_error
from ._ffi import MEMORY, WORDS

adapters: dict[int, Adapter] = {}  # by key, for as long as their native streams live
keys = itertools.count(1)
_SCRATCH = 1 << 20  # bytes; at most so much is read at once into a buffer of our own


def _fail(context: int, result: int, exception: BaseException) -> None:
    """End a callback that raised `exception`: failure for C, the exception for Python."""
    WORDS[result >> 3] = -1  # first, so that it holds even if an interrupt ends this early
    if means_would_block(exception):
        exception = would_block()
    adapter = adapters[context]
    keep(adapter, adapter.handle, exception)


def _read_direct(context: int, address: int, length: int, result: int) -> None:
    """Read into the caller's memory, which the file object is known not to keep."""
    try:
        adapter = adapters[context]
        if adapter.exit is not None:
            adapter.check()
        count = adapter.read(MEMORY[address : address + length])
        if count is None:
            raise refuse_nothing(adapter.file, "readinto")
        if not 0 <= count <= length:
            check_count(count, length, "readinto")
        WORDS[result >> 3] = count
    except BaseException as exception:
        _fail(context, result, exception)


def _read_into(context: int, address: int, length: int, result: int) -> None:
    """Read into a buffer of our own: a reference that the file object keeps does no harm."""
    try:
        adapter = adapters[context]
        if adapter.exit is not None:
            adapter.check()
        buffer = memoryview(bytearray(min(length, _SCRATCH)))
        count = adapter.read(buffer)
        if count is None:
            raise refuse_nothing(adapter.file, "readinto")
        count = check_count(count, len(buffer), "readinto")
        MEMORY[address : address + count] = buffer[:count]
        WORDS[result >> 3] = count
    except BaseException as exception:
        _fail(context, result, exception)


def _read_copy(context: int, address: int, length: int, result: int) -> None:
    """Read from an object that has `read` alone."""
    try:
        adapter = adapters[context]
        if adapter.exit is not None:
            adapter.check()
        data = adapter.read(length)
        if data is None:
            raise refuse_nothing(adapter.file, "read")
        data = check_data(data, length)
        count = len(data)
        MEMORY[address : address + count] = data
        WORDS[result >> 3] = count
    except BaseException as exception:
        _fail(context, result, exception)


def _write_direct(context: int, address: int, length: int, result: int) -> None:
    """Write from the caller's memory, which the file object is known not to keep."""
    try:
        adapter = adapters[context]
        if adapter.exit is not None:
            adapter.check()
        # Released on all paths: a traceback keeps the frames below with their variables.
        with MEMORY[address : address + length] as data:
            count = _write(adapter, data)
        WORDS[result >> 3] = count
    except BaseException as exception:
        _fail(context, result, exception)


def _write_copy(context: int, address: int, length: int, result: int) -> None:
    """Write a copy, which the file object may keep."""
    try:
        adapter = adapters[context]
        if adapter.exit is not None:
            adapter.check()
        WORDS[result >> 3] = _write(adapter, MEMORY[address : address + length].tobytes())
    except BaseException as exception:
        _fail(context, result, exception)


def taken_before(error: BlockingIOError) -> int:
    """Return how much a full BufferedWriter took before it raised `error`.

    Raises:
        Refusal: nothing.
    """
    count: int = getattr(error, "characters_written", 0)
    if not count:
        raise would_block() from None
    return count


def _write(adapter: Adapter, data: Any) -> int:
    """Return how many bytes of `data` were written to the file."""
    length = len(data)
    try:
        count = adapter.write(data)
    except BlockingIOError as error:
        count = taken_before(error)
    if count is None:
        count = count_nothing(adapter.file, length)
    return check_count(count, length, "write")


def _seek(context: int, offset: int, mode: int, result: int) -> None:
    try:
        adapter = adapters[context]
        if adapter.exit is not None:
            adapter.check()
        position, name = adapter.file.seek(offset, mode), "seek"
        if position is None:  # mmap before 3.13, among others
            position, name = adapter.file.tell(), "tell"
        WORDS[result >> 3] = check_position(position, name)
    except BaseException as exception:
        _fail(context, result, exception)


def _flush(context: int, result: int) -> None:
    try:
        adapter = adapters[context]
        if adapter.exit is not None:
            adapter.check()
        if getattr(adapter.file, "closed", False) is not True:  # else it was flushed by that
            adapter.file.flush()
        WORDS[result >> 3] = 0
    except BaseException as exception:
        _fail(context, result, exception)


def _truncate(context: int, size: int, result: int) -> None:
    try:
        adapter = adapters[context]
        if adapter.exit is not None:
            adapter.check()
        adapter.file.truncate(size)  # which, as in tempfile before 3.11, may return None
        WORDS[result >> 3] = 0
    except BaseException as exception:
        _fail(context, result, exception)


def _destroy(context: int) -> None:
    """Let go of the file object: the native stream is gone."""
    adapter = adapters.pop(context, None)
    if adapter is not None and adapter.failures:
        adapter.end()


_C_FUNCTIONS: dict[Optional[Callable[..., None]], Any] = {
    None: None,
    _read_direct: _ffi.TransferCallback(_read_direct),
    _read_into: _ffi.TransferCallback(_read_into),
    _read_copy: _ffi.TransferCallback(_read_copy),
    _write_direct: _ffi.TransferCallback(_write_direct),
    _write_copy: _ffi.TransferCallback(_write_copy),
    _seek: _ffi.SeekCallback(_seek),
    _flush: _ffi.FlushCallback(_flush),
    _truncate: _ffi.TruncateCallback(_truncate),
    _destroy: _ffi.DestroyCallback(_destroy),
}


def _fail_late(frame: FrameType, exception: BaseException) -> None:
    """Do what `_fail` does, for what has escaped from the callback that `frame` belongs to."""
    _fail(frame.f_locals["context"], frame.f_locals["result"], exception)


def _destroy_late(frame: FrameType, exception: BaseException) -> None:
    _destroy(frame.f_locals["context"])
    keep_for_thread(exception)


# What is done with what escapes from a callback, by its code. The GObject face adds its own.
ESCAPES: dict[CodeType, Callable[[FrameType, BaseException], None]] = {
    function.__code__: _fail_late for function in _C_FUNCTIONS if function is not None
}
ESCAPES[_destroy.__code__] = _destroy_late


def _address(function: Optional[Callable[..., None]]) -> int:
    return ctypes.cast(_C_FUNCTIONS[function], ctypes.c_void_p).value or 0


_DESTROY = _address(_destroy)


@lru_cache(maxsize=None)  # for good: native streams may point to them
def _table(*functions: Optional[Callable[..., None]]) -> _ffi.CimplStreamCallbacks:
    """Return the callbacks for C: read, write, seek, flush and truncate, `None` for those not."""
    read, write, seek, flush, truncate = map(_address, functions)
    size = ctypes.sizeof(_ffi.CimplStreamCallbacks)
    return _ffi.CimplStreamCallbacks(size, read, write, seek, flush, 0, truncate)


_BYTESIO_TABLE = ctypes.addressof(_table(_read_direct, _write_direct, _seek, _flush, _truncate))


def _examine(file: Any) -> tuple[int, Any, Any]:
    """Return the address of the callbacks that serve `file`, and its methods to read and write.

    Raises:
        BadFileError: `file` is no open binary file.
    """
    check_file(file)
    direct = is_direct(file)
    read = write = seek = flush = truncate = method = None
    seekable = can(file, "seekable", "seek")
    if can(file, "readable", "read", "readinto"):
        by_readinto = direct or reads_by_readinto(file)
        method = reading_method(file, by_readinto, seekable)
        read = _read_direct if direct else _read_into if by_readinto else _read_copy
    if can(file, "writable", "write"):
        write = _write_direct if direct else _write_copy
        flush = _flush if callable(getattr(file, "flush", None)) else None
    if seekable:
        seek = _seek
    if can(file, "writable", "truncate") and can(file, "seekable", "truncate"):
        truncate = _truncate
    if read is None and write is None:
        raise make(BadFileError, f"{type(file).__name__} says it is neither readable nor writable")
    table = _table(read, write, seek, flush, truncate)
    return ctypes.addressof(table), method, file.write if write else None


def open_adapter(file: Any) -> Adapter:
    """Make a native stream of `file`; the adapter's `handle` owes one `free`.

    Raises:
        BadFileError: `file` is no open binary file.
    """
    if type(file) is io.BytesIO and not file.closed and not file.__dict__:
        # The most frequent file object, known without asking it.
        table, read, write = _BYTESIO_TABLE, file.readinto, file.write
    else:
        table, read, write = _examine(file)
    watch_signals()
    adapter = Adapter(file, read, write)
    key = next(keys)
    adapters[key] = adapter
    handle = _ffi.new_full(table, key, _DESTROY)
    if not handle:
        del adapters[key]
        raise native_error()
    adapter.handle = handle
    return adapter


def open_buffer(adapter: Adapter, size: int) -> int:
    """Put a native stream before that of `adapter`, whose reference it takes over.

    Returns:
        The handle of the new stream, which owes one `free`.
    """
    handle: int = _ffi.new_buffered(adapter.handle, size)
    if not handle:
        raise native_error()
    _ffi.holding.free(adapter.handle)
    adapter.buffer = handle
    return handle


class _UnraisableHook:
    """A `sys.unraisablehook` that keeps what was raised on entry to one of our callbacks.

    Since CPython 3.11 a signal can raise there, before the callback's `try`. ctypes reports it
    to the hook before C goes on, which so sees a failure. Everything else goes to the hook that
    was there before.
    """

    __slots__ = ("_previous",)

    def __init__(self) -> None:
        self._previous = sys.unraisablehook

    def __call__(self, unraisable: sys.UnraisableHookArgs, /) -> None:
        exception = unraisable.exc_value
        traceback = unraisable.exc_traceback
        frame = traceback.tb_frame if traceback is not None else None
        escape = None if frame is None else ESCAPES.get(frame.f_code)
        if exception is None or frame is None or escape is None:
            self._previous(unraisable)
        else:
            with suppress(RecursionError):  # see check_room()
                escape(frame, exception)


def watch_signals() -> None:
    """Install the hook, unless it is there; debuggers and test runners like to replace it."""
    if not isinstance(sys.unraisablehook, _UnraisableHook):
        sys.unraisablehook = _UnraisableHook()
