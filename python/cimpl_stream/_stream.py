# SPDX-License-Identifier: MIT
"""The streams, as Python files."""

from __future__ import annotations

import contextlib
import ctypes
import io
from _thread import get_ident
from operator import index
from typing import Any, Callable, Iterator, Optional, TypeVar, Union

from . import _ffi
from ._adapter import MAX_OFFSET, Adapter
from ._callbacks import open_adapter, watch_signals
from ._errors import (
    CLOSED,
    WOULD_BLOCK,
    ClosedError,
    InvalidArgumentError,
    NullParameterError,
    OffsetOverflowError,
)
from ._failures import (
    clock,
    latest,
    native_error,
    settle,
    starts,
    throw_fatal,
    throw_since,
)

_Self = TypeVar("_Self", bound="RawStream")
_Buffered = Union[io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.BufferedRWPair]
_Function = Callable[..., Any]

_DEFAULT_SIZE = 8192  # bytes; what Stream.read() reads without a size
_CHUNK = 65536  # bytes; readall() starts with it ...
_MAX_CHUNK = 1 << 20  # ... and goes up to this
# The types of small buffers, by size. They are powers of two, since each type costs time and
# memory; a table, since one look-up tells None and -1 from a small size as well.
_TYPES = [ctypes.c_char * (1 << bits) for bits in range(11)]
_ARRAYS: dict[Optional[int], Any] = {
    size: _TYPES[(size - 1).bit_length()] for size in range(1025)
}


class RawStream(io.RawIOBase):
    """A native stream as a raw file, with the standard meaning of everything.

    Args:
        file_obj: an open binary file, or any object with its methods `read` or `readinto`,
            `write`, `seek`, `flush`, `truncate`, as far as it has them. It is not closed
            when the stream is, and lives as long as native code holds the stream.

    Raises:
        BadFileError: `file_obj` is a text file, closed, or no file.

    Pass it to a native function as it is; `_as_parameter_` is a ``POINTER(CimplStream)``.
    A method raises `ClosedError` after `close`, `BusyError` while another operation runs,
    `NotSupportedError` for what the file object cannot do. An exception of the file object is
    the `__cause__` of the `CimplStreamError`; KeyboardInterrupt and the like come as themselves.
    """

    _handle = 0
    _native = _ffi.holding
    _adapter: Optional[Adapter] = None  # None: not made from a file object here
    _is_closed = False

    def __init__(self, file_obj: Any) -> None:
        self._adapter = adapter = open_adapter(file_obj)
        self._handle = adapter.handle

    @classmethod
    def from_handle(cls: type[_Self], pointer: Any, *, take: bool) -> _Self:
        """Wrap a stream that a native library returned.

        Args:
            pointer: a pointer to a `CimplStream`, a `c_void_p`, an address or a stream.
            take: whether the reference of the caller is taken over; otherwise one is added.

        Raises:
            NullParameterError: `pointer` is NULL.
            InvalidHandleError: there is no stream at `pointer`.
        """
        address = _address_of(pointer)
        if not address:
            raise NullParameterError("the pointer to a stream is NULL")
        if take:
            if _ffi.get_flags(address) < 0 and _ffi.error_code() != CLOSED:
                raise native_error()
        elif not _ffi.ref(address):
            raise native_error()
        self = cls.__new__(cls)
        self._handle = address
        self._native = _ffi.releasing
        return self

    @property
    def _as_parameter_(self) -> Any:
        """The ``POINTER(CimplStream)``; it keeps the stream alive for as long as it is used."""
        return self.cast(_ffi.StreamPointer)

    def cast(self, pointer_type: Any) -> Any:
        """Return the stream as a `pointer_type`, for a library with a pointer type of its own."""
        watch_signals()
        if latest:
            starts[get_ident()] = clock[0]
        pointer = ctypes.cast(self._handle, pointer_type)  # of the address: a cast of a pointer
        pointer.stream = self  # ties that into a cycle with itself
        return pointer

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Raise, at the end of the block, what this stream's file object raised in it.

        For native functions called in the block, whether they report the failure or not. An
        exception that the block itself raises goes on, with what was kept as its cause.
        """
        watch_signals()
        start = clock[0]
        try:
            yield
        except Exception as exception:
            kept = self._kept_since(start)
            try:
                if exception.__cause__ is None:
                    exception.__cause__ = kept
                raise
            finally:
                del kept  # whose traceback leads back to this frame
        self._throw_kept(start)

    def _throw_kept(self, start: int) -> None:
        """Raise what was kept for this stream or this thread since the clock was at `start`."""
        throw_fatal()
        throw_since(start)
        failure = self._adapter.failure if self._adapter is not None else None
        if failure is not None and failure.exception is not None and failure.serial > start:
            failure.throw()  # kept by a native thread

    def _kept_since(self, start: int) -> Optional[BaseException]:
        """Return what `_throw_kept` raises, if it is an `Exception`."""
        try:
            self._throw_kept(start)
        except Exception as error:
            error.__context__ = None  # or it and the exception of the block would be a cycle
            return error.with_traceback(None)  # which leads back to whoever keeps it
        return None

    # Reading and writing: None is would-block, as in io.

    def read(self, size: Optional[int] = -1) -> Optional[bytes]:
        """Read up to `size` bytes; without a size, or with a negative one, all that is left."""
        array = _ARRAYS.get(size) if type(size) is int else None
        if array is None:
            return self._read_other(size)
        buffer = array()
        start = clock[0]
        count = self._native.read(self._handle, buffer, size)
        if count < 0 or latest:
            count = _transferred(count, start)
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
        start = clock[0]
        count = _read_into(self._native.read, self._handle, buffer)
        if count < 0 or latest:
            return _transferred(count, start)
        return count

    def write(self, data: Any, /) -> Optional[int]:
        """Write the bytes of any buffer; return how many were taken, which may be fewer."""
        start = clock[0]
        count = _write(self._native.write, self._handle, data)
        if count < 0 or latest:
            return _transferred(count, start)
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
            raise InvalidArgumentError(f"invalid whence ({whence}, should be 0, 1 or 2)")
        start = clock[0]
        return self._settle(self._native.seek(self._handle, offset, whence), start)

    def tell(self) -> int:
        """Return the position."""
        start = clock[0]
        return self._settle(self._native.tell(self._handle), start)

    def truncate(self, size: Optional[int] = None, /) -> int:
        """Set the size, by default to the position, which stays; return the new size."""
        size = self.tell() if size is None else _check_offset(size)
        start = clock[0]
        self._settle(self._native.truncate(self._handle, size), start)
        return size

    def flush(self) -> None:
        """Pass on what was written to the file object, and flush that."""
        start = clock[0]
        self._settle(self._native.flush(self._handle), start)

    def _settle(self, result: int, start: int) -> int:
        if result < 0 or latest:
            return _settle(result, start)
        return result

    # What it can do, and its end.

    def readable(self) -> bool:
        return self._has(_ffi.READABLE)

    def writable(self) -> bool:
        return self._has(_ffi.WRITABLE)

    def seekable(self) -> bool:
        return self._has(_ffi.SEEKABLE)

    def _has(self, flag: int) -> bool:
        flags: int = _ffi.get_flags(self._handle)
        if flags < 0:
            raise _error()
        return bool(flags & flag)

    @property
    def closed(self) -> bool:
        """Whether the stream is closed, no matter by whom."""
        if not self._is_closed and _ffi.get_flags(self._handle) < 0:
            self._is_closed = _ffi.error_code() == CLOSED
            _ffi.clear_error()
        return self._is_closed

    def close(self) -> None:
        """Flush and close the stream for every holder, native ones too; not the file object.

        It is closed even if that raises, unless the error is `BusyError`.
        """
        if not self._is_closed:
            start = clock[0]
            result = self._native.close(self._handle)
            if result < 0 or latest:
                _settle(result, start)
            self._is_closed = True
            failure = self._adapter.failure if self._adapter is not None else None
            if failure is not None and not failure.fatal:
                failure.drop()  # nobody asked, and its traceback keeps whole frames

    def __del__(self) -> None:
        # Not the inherited one, which closes: native code may still hold the stream.
        handle, self._handle = self._handle, 0
        self._is_closed = True  # for a buffered file that is collected after this
        if handle:
            self._native.free(handle)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"cannot pickle or copy {type(self).__name__!r} object")

    def __repr__(self) -> str:
        name = f"{type(self).__module__.partition('.')[0]}.{type(self).__qualname__}"
        if self._adapter is None:
            return f"<{name} at {self._handle:#x}>"
        return f"<{name} of {self._adapter.file!r}>"

    def buffered(self, buffer_size: int = io.DEFAULT_BUFFER_SIZE) -> _Buffered:
        """Return a buffered file over this stream, which it closes when it is closed.

        As with any file of `io`, that is also when nobody holds it any more: keep it, or
        `detach()` it, while the stream is needed.

        A BufferedReader, BufferedWriter or BufferedRandom, by what the stream can do; a
        BufferedRWPair where both directions exist but no position.
        """
        raw = self._raw()
        if not raw.writable():
            return io.BufferedReader(raw, buffer_size)
        if not raw.readable():
            return io.BufferedWriter(raw, buffer_size)
        if raw.seekable():
            return io.BufferedRandom(raw, buffer_size)
        return io.BufferedRWPair(raw, raw, buffer_size)

    def _raw(self) -> RawStream:
        """Return this stream with the standard meaning of `read()`."""
        return self


class Stream(RawStream):
    """A native stream whose `read()` without a size reads once, up to 8192 bytes.

    That is all that differs from `RawStream`. Since the standard library takes `read()` for
    "everything", hand it `raw` or `buffered()` instead.
    """

    def _read_unsized(self) -> Optional[bytes]:
        return self.read(_DEFAULT_SIZE)

    @property
    def raw(self) -> RawStream:
        """The same stream as a `RawStream`: one position, closed together."""
        return self._raw()

    def _raw(self) -> RawStream:
        raw = RawStream.from_handle(self._handle, take=False)
        raw._adapter, raw._native = self._adapter, self._native
        return raw


def wrap_file(file_obj: Any) -> Stream:
    """Return a `Stream` over a file object."""
    return Stream(file_obj)


# The memory that C works on is released here, on all paths: the traceback of an exception in the
# callback keeps the frames below it with their variables, and a locked bytearray cannot grow.


def _memory(view: memoryview) -> Any:
    """Return the address of a writable buffer, for as long as the result lives."""
    return ctypes.byref(ctypes.c_char.from_buffer(view))


def _read_into(read: _Function, handle: int, buffer: Any) -> int:
    """Call C with the memory of `buffer`."""
    with memoryview(buffer) as view:
        if not view.nbytes:
            return read(handle, None, 0)  # type: ignore[no-any-return]
        return read(handle, _memory(view), view.nbytes)  # type: ignore[no-any-return]


def _write(write: _Function, handle: int, data: Any) -> int:
    """Call C with the memory of `data`, or with a copy if ctypes cannot get at it."""
    if type(data) is not bytes:  # nor a subclass, whose __len__ may lie
        with memoryview(data) as view:
            if view.nbytes and view.c_contiguous and not view.readonly:
                return write(handle, _memory(view), view.nbytes)  # type: ignore[no-any-return]
            data = view.tobytes()
    return write(handle, data, len(data))  # type: ignore[no-any-return]


def _transferred(count: int, start: int) -> Optional[int]:
    """Settle a read or write; `None` if it would block."""
    if count < 0 and _ffi.error_code() == WOULD_BLOCK:
        throw_fatal()
        throw_since(start)  # EAGAIN of a class of its own
        _ffi.clear_error()
        return None
    return _settle(count, start)


def _settle(result: int, start: int) -> int:
    """Settle any call; what failed because the stream is closed is worded as in io."""
    if result < 0 and _ffi.error_code() == CLOSED:
        throw_fatal()
        throw_since(start)  # a ClosedError of the file object
        raise _error()
    return settle(result, start)


def _error() -> Exception:
    """Return the thread's native error."""
    error = native_error()
    if isinstance(error, ClosedError):
        return ClosedError("I/O operation on closed file")
    return error


def _check_offset(offset: int) -> int:
    offset = index(offset)
    if not -MAX_OFFSET - 1 <= offset <= MAX_OFFSET:
        raise OffsetOverflowError(f"{offset} does not fit into 64 bits")
    return offset


def _address_of(pointer: Any) -> int:
    """Return the address that any kind of pointer holds; 0 for NULL."""
    if isinstance(pointer, RawStream):
        return pointer._handle
    if isinstance(pointer, int):
        return pointer
    if isinstance(pointer, (ctypes._Pointer, ctypes._SimpleCData)):
        # Not cast(), which ties its argument into a cycle.
        return ctypes.c_void_p.from_buffer_copy(pointer).value or 0
    return ctypes.cast(pointer, ctypes.c_void_p).value or 0
