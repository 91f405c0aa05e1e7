# SPDX-License-Identifier: MIT
"""A native stream as a Python file: what the streams of all Python faces have in common."""

from __future__ import annotations

import ctypes
import io
import sys
from functools import partial
from operator import index, methodcaller
from types import FrameType
from typing import TYPE_CHECKING, Any, Callable, Optional

from . import _ffi
from ._adapter import MAX_OFFSET
from ._callbacks import watch_signals
from ._errors import (
    CLOSED,
    INVALID_ARGUMENT,
    WOULD_BLOCK,
    CimplStreamError,
    ClosedError,
    OffsetOverflowError,
    error_for,
    make,
)
from ._failures import Keeper, exits, is_kept, mark, raise_exit, raise_native
from ._watching import ErrorsBlock, open_window

_Function = Callable[..., Any]

REFUSED = -2  # the result of an operation that another thread's has kept from beginning

# What `_cimpl_ask_closed` may be, both without a line of Python.
YES, NO = True.__bool__, False.__bool__

_CHUNK = 65536  # bytes; readall() starts with it ...
_MAX_CHUNK = 1 << 20  # ... and goes up to this
# The types of small buffers, by size. They are powers of two, since each type costs time and
# memory; a table, since one look-up tells None and -1 from a small size as well.
_TYPES = [ctypes.c_char * (1 << bits) for bits in range(11)]
_ARRAYS: dict[Optional[int], Any] = {
    size: _TYPES[(size - 1).bit_length()] for size in range(1025)
}


class NativeFile:
    """The methods of a file, over the native stream at `_cimpl_handle`.

    Each waits for the operation of another thread that runs. It raises `BusyError` inside a
    callback of the stream, or where threads would wait for each other, `ClosedError` after `close`,
    and `NotSupportedError` for what the stream cannot do. An exception raised in Python on the far
    side of the native code is the `__cause__` of the `CimplStreamError`; KeyboardInterrupt and the
    like come as themselves.
    """

    # Named so that subclasses may have what they want, such as a `_handle` or a `_raw`.
    _cimpl_handle: int  # the address of the native stream, which is kept alive
    _cimpl_native = _ffi.releasing
    _cimpl_keeper: Optional[Keeper] = None  # of what is raised in Python, if it is known
    _cimpl_turn_ms = 50  # how long to wait for another thread until signals are handled in between
    # See open_window().
    _cimpl_windows: Optional[dict[tuple[int, int, int], tuple[int, int]]] = None
    _cimpl_is_dropped = False  # while a buffered file over it is closed which nobody holds any more
    _cimpl_raised = 0  # the mark when a method raised last

    # `_io` asks a buffer's raw file for it before each operation, and takes an interrupt that is
    # raised then for a yes: no Python code may run in it, nor in what `_cimpl_ask_closed` is.
    if TYPE_CHECKING:

        @property
        def closed(self) -> bool: ...

    else:
        closed = property(
            methodcaller("_cimpl_ask_closed"), doc="Whether the stream is closed, no matter by whom."
        )

    def _cimpl_first_ask_closed(self) -> Any:
        """Return whether the stream is closed; what stands for this from now on is not Python."""
        handle = self._cimpl_handle
        ask: Any = partial(_ffi.is_closed, ctypes.c_void_p(handle)) if handle else YES
        self._cimpl_ask_closed = ask
        return ask()

    _cimpl_ask_closed: Any = _cimpl_first_ask_closed

    def _watch_signals(self) -> None:
        watch_signals()

    @property
    def _as_parameter_(self) -> Any:
        """The ``POINTER(CimplStream)``; it keeps the stream alive for as long as it is used."""
        open_window(self, sys._getframe(1))
        return self.cast(_ffi.StreamPointer)

    def cast(self, pointer_type: Any) -> Any:
        """Return the stream as a `pointer_type`, for a library with a pointer type of its own."""
        self._watch_signals()
        # Of the address: a cast of a pointer ties that into a cycle with itself.
        pointer = ctypes.cast(self._cimpl_handle, pointer_type)
        pointer._cimpl_stream = self
        pointer._cimpl_since = mark()  # see errcheck()
        return pointer

    def errors(self) -> ErrorsBlock:
        """Raise, at the end of a ``with`` block, the first failure of the stream in it.

        Of the stream or of what it filters, in any thread, and whether it was reported or not,
        also to the block itself: what a library has kept to itself comes out here. It makes no
        difference whether the stream is made of Python, or what has succeeded since.
        KeyboardInterrupt and the like are raised as themselves. An exception of the block goes
        on, with the failure as its cause unless it has one; then as the context, if it is one of
        this package, such as of the block of another stream.

        No failure is: would-block, a cancellation by the caller, an argument of the caller that
        is wrong, and that the stream cannot seek, tell, or truncate.
        """
        return ErrorsBlock(self)

    # Reading and writing: None is would-block, as in io.

    def read(self, size: Optional[int] = -1) -> Optional[bytes]:
        """Read up to `size` bytes; without a size, or with a negative one, all that is left."""
        array = _ARRAYS.get(size) if type(size) is int else None
        if array is None:
            return self._read_other(size)
        buffer = array()
        try:
            count = self._cimpl_native.read(self._cimpl_handle, buffer, size, 0)
        except ctypes.ArgumentError as error:
            raise _ffi.as_raised(error) from None
        if count < 0 or exits:
            if count == REFUSED:
                count = self._cimpl_wait("read", buffer, size)
            count = self._transferred(count)
            if count is None:
                return None
        return buffer[:count]  # type: ignore[no-any-return]

    def _read_other(self, size: Optional[int]) -> Optional[bytes]:
        """Read without a size, or more than a small array holds."""
        if size is None or (size := index(size)) < 0:
            return self._read_unsized()
        buffer = bytearray(size)
        count = self.readinto(buffer)
        return None if count is None else bytes(memoryview(buffer)[:count])

    def _read_unsized(self) -> Optional[bytes]:
        return self.readall()  # type: ignore[no-any-return]

    def readall(self) -> Any:  # Optional[bytes]
        """Read until the end; `None` if it would block before the first byte."""
        chunks = []
        size = _CHUNK
        while chunk := self.read(size):
            chunks.append(chunk)
            size = min(2 * size, _MAX_CHUNK)
        return b"".join(chunks) if chunks or chunk is not None else None

    def readinto(self, buffer: Any, /) -> Optional[int]:
        """Read into a writable, contiguous buffer; return the number of bytes."""
        count = _read_into(self._cimpl_native.read, self._cimpl_handle, buffer, 0)
        if count < 0 or exits:
            if count == REFUSED:
                count = self._cimpl_wait("read", buffer, call=_read_into)
            return self._transferred(count)
        return count

    def write(self, data: Any, /) -> Optional[int]:
        """Write the bytes of any buffer; return how many were taken, which may be fewer."""
        count = _write(self._cimpl_native.write, self._cimpl_handle, data, 0)
        if count < 0 or exits:
            if count == REFUSED:
                count = self._cimpl_wait("write", data, call=_write)
            return self._transferred(count)
        return count

    # Position and size, in bytes.

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; return the new one, from the start.

        Raises:
            InvalidArgumentError: a negative position, or an unknown `whence`.
            OffsetOverflowError: `offset` does not fit into 64 bits.
        """
        offset = _check_offset(offset)
        whence = index(whence)
        if whence not in (io.SEEK_SET, io.SEEK_CUR, io.SEEK_END):
            message = f"invalid whence ({whence}, should be 0, 1 or 2)"
            raise error_for(INVALID_ARGUMENT, message)
        try:
            position: int = self._cimpl_native.seek(self._cimpl_handle, offset, whence, 0)
        except ctypes.ArgumentError as error:
            raise _ffi.as_raised(error) from None
        if position < 0 or exits:
            return self._cimpl_end(position, "seek", offset, whence)
        return position

    def tell(self) -> int:
        """Return the position."""
        try:
            position: int = self._cimpl_native.tell(self._cimpl_handle, 0)
        except ctypes.ArgumentError as error:
            raise _ffi.as_raised(error) from None
        if position < 0 or exits:
            return self._cimpl_end(position, "tell")
        return position

    def truncate(self, size: Optional[int] = None, /) -> int:
        """Set the size, by default to the position, which stays; return the new size."""
        size = self.tell() if size is None else _check_offset(size)
        try:
            result = self._cimpl_native.truncate(self._cimpl_handle, size, 0)
        except ctypes.ArgumentError as error:
            raise _ffi.as_raised(error) from None
        if result < 0 or exits:
            self._cimpl_end(result, "truncate", size)
        return size

    def flush(self) -> None:
        """Pass on what was written to the file object, and flush that."""
        try:
            result = self._cimpl_native.flush(self._cimpl_handle, 0)
        except ctypes.ArgumentError as error:
            raise _ffi.as_raised(error) from None
        if result < 0 or exits:
            self._cimpl_end(result, "flush")

    def _cimpl_end(self, result: int, name: str, *arguments: int) -> int:
        """Settle what the native function `name` returned to the calling method."""
        if result == REFUSED:
            result = self._cimpl_wait(name, *arguments)
        return self._settle_in(sys._getframe(1), result)

    def _cimpl_wait(self, name: str, *arguments: Any, call: Optional[_Function] = None) -> int:
        """Do what was refused, as soon as the thread that uses the stream has left it.

        It may need the GIL for that; and signals are handled in between.
        """
        function = getattr(_ffi.releasing, name)
        result = REFUSED
        while result == REFUSED and self._cimpl_turn_ms:
            if call is None:
                result = function(self._cimpl_handle, *arguments, self._cimpl_turn_ms)
            else:
                result = call(function, self._cimpl_handle, *arguments, self._cimpl_turn_ms)
        return result

    def _settle(self, result: int) -> int:
        """Return the `result` of a native call of the calling method, or raise what went wrong."""
        if result >= 0 and not exits:
            return result
        return self._settle_in(sys._getframe(1), result)

    def _settle_in(self, frame: FrameType, result: int) -> int:
        """Return the `result` of a native call in `frame`, or raise what went wrong."""
        self._raise_exit()
        if result >= 0:
            return result
        if _ffi.error_code() == CLOSED and _ffi.is_closed(ctypes.c_void_p(self._cimpl_handle)):
            self._cimpl_ask_closed = YES  # and not only what it filters
        try:
            raise_native(frame, self._cimpl_complete)
        finally:
            self._cimpl_raised = mark()
            del frame

    def _raise_exit(self) -> None:
        if exits and not self._cimpl_is_dropped:  # else nobody could catch it
            raise_exit()

    def _dealloc_warn(self, source: Any) -> None:
        """Note that `_io` is going to close this file, because it ends a buffer over it."""
        self._cimpl_is_dropped = True

    def _cimpl_complete(self, error: CimplStreamError) -> CimplStreamError:
        """Return what is raised where `error` stands for the thread's native error."""
        if isinstance(error, ClosedError):  # is worded as in io
            return make(ClosedError, "I/O operation on closed file")
        return error

    def _transferred(self, count: int) -> Optional[int]:
        """Settle a read or write of the calling method; `None` if it would block."""
        self._raise_exit()
        if count < 0 and _ffi.error_code() == WOULD_BLOCK:
            if not is_kept(_ffi.error_serial()):  # else it is EAGAIN of a class of its own
                _ffi.clear_error()
                return None
        return self._settle_in(sys._getframe(1), count)

    # What it can do, and its end.

    def readable(self) -> bool:
        return self._has(_ffi.READABLE)

    def writable(self) -> bool:
        return self._has(_ffi.WRITABLE)

    def seekable(self) -> bool:
        return self._has(_ffi.SEEKABLE)

    def _has(self, flag: int) -> bool:
        if "_cimpl_ask_closed" not in self.__dict__:
            self._cimpl_ask_closed()  # before `_io` does, which asks for what it can do first
        try:
            flags = self._cimpl_native.get_flags(self._cimpl_handle)
        except ctypes.ArgumentError as error:
            raise _ffi.as_raised(error) from None
        return bool(self._settle(flags) & flag)

    def close(self) -> None:
        """Flush and close the stream for every holder, native ones too; not the file object.

        It is closed even if that raises, unless the error is `BusyError`.
        """
        if self._cimpl_ask_closed is not YES:
            result = self._cimpl_native.close(self._cimpl_handle, 0)
            if result < 0 or exits:
                self._cimpl_end(result, "close")
            self._cimpl_ask_closed = YES
            if self._cimpl_keeper is not None and self._cimpl_keeper.failures:
                self._cimpl_keeper.strip()  # nobody has asked so far, and it keeps whole frames


# The memory that C works on is released here, on all paths: the traceback of an exception in the
# callback keeps the frames below it with their variables, and a locked bytearray cannot grow.


def _memory(view: memoryview) -> Any:
    """Return the address of a writable buffer, for as long as the result lives."""
    return ctypes.byref(ctypes.c_char.from_buffer(view))


def _read_into(read: _Function, handle: int, buffer: Any, wait_ms: int) -> int:
    """Call C with the memory of `buffer`."""
    with memoryview(buffer) as view:
        try:
            if not view.nbytes:
                return read(handle, None, 0, wait_ms)  # type: ignore[no-any-return]
            return read(handle, _memory(view), view.nbytes, wait_ms)  # type: ignore[no-any-return]
        except ctypes.ArgumentError as error:
            raise _ffi.as_raised(error) from None


def _write(write: _Function, handle: int, data: Any, wait_ms: int) -> int:
    """Call C with the memory of `data`, or with a copy if ctypes cannot get at it."""
    try:
        if type(data) is not bytes:  # nor a subclass, whose __len__ may lie
            with memoryview(data) as view:
                if view.nbytes and view.c_contiguous and not view.readonly:
                    return write(handle, _memory(view), view.nbytes, wait_ms)  # type: ignore[no-any-return]
                data = view.tobytes()
        return write(handle, data, len(data), wait_ms)  # type: ignore[no-any-return]
    except ctypes.ArgumentError as error:
        raise _ffi.as_raised(error) from None


def _check_offset(offset: int) -> int:
    offset = index(offset)
    if not -MAX_OFFSET - 1 <= offset <= MAX_OFFSET:
        raise make(OffsetOverflowError, f"{offset} does not fit into 64 bits")
    return offset


def address_of(pointer: Any) -> int:
    """Return the address that any kind of pointer holds; 0 for NULL."""
    if isinstance(pointer, NativeFile):
        return pointer._cimpl_handle
    if isinstance(pointer, int):
        return pointer
    if isinstance(pointer, (ctypes._Pointer, ctypes._SimpleCData)):
        # Not cast(), which ties its argument into a cycle.
        return ctypes.c_void_p.from_buffer_copy(pointer).value or 0
    return ctypes.cast(pointer, ctypes.c_void_p).value or 0
