# SPDX-License-Identifier: MIT
"""The streams over file objects, as raw files of `io`."""

from __future__ import annotations

import io
import sys
from functools import partial
from operator import index
from typing import Any, Optional, TypeVar, Union

from . import _ffi
from ._adapter import Adapter
from ._callbacks import open_adapter, open_buffer
from ._errors import CLOSED, CimplStreamError, InvalidArgumentError, NullParameterError, make
from ._failures import native_error
from ._file import NO, YES, NativeFile, address_of

_Self = TypeVar("_Self", bound="RawStream")
_Buffered = Union[io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.BufferedRWPair]

_DEFAULT_SIZE = 8192  # bytes; what Stream.read() reads without a size


class BufferableFile(NativeFile):
    """A native stream that `_io` can buffer."""

    def buffered(self, buffer_size: int = io.DEFAULT_BUFFER_SIZE) -> _Buffered:
        """Return a buffered file over this stream, which it closes when it is closed.

        As with any file of `io`, that is also when nobody holds it any more: keep it, or
        `detach()` it, while the stream is needed.

        A BufferedReader, BufferedWriter or BufferedRandom, by what the stream can do; a
        BufferedRWPair where both directions exist but no position.
        """
        raw = RawStream.from_handle(self)
        if not raw.readable():
            # Asked before each small write, for nothing: that somebody else has closed the stream
            # shows when data is passed on; and what is lost then is not lost in silence.
            raw._cimpl_ask_closed = NO
        # What goes wrong in tell() is no obstacle to `_io`, be it an interrupt: it gets an answer
        # that runs no Python code.
        try:
            position = raw.tell() if raw.seekable() else 0
        except CimplStreamError:
            position = 0
        raw.__dict__["tell"] = partial(int, position)
        buffered = _open_buffered(raw, buffer_size)
        del raw.__dict__["tell"]
        return buffered


class RawStream(BufferableFile, io.RawIOBase):
    """A native stream as a raw file, with the standard meaning of everything.

    Args:
        file_obj: an open binary file, or any object with its methods `read` or `readinto`,
            `write`, `seek`, `flush`, `truncate`, as far as it has them. It is not closed
            when the stream is, and lives as long as native code holds the stream.
        buffer_size: how many bytes the native stream reads ahead and writes behind, 0 for
            65536; or `None` for each native operation to be one of `file_obj`. With a buffer,
            many small ones cost no more than in C. What was written reaches `file_obj` at the
            latest by `flush` and `close`; what goes wrong then is raised by the operation that
            meets it, and the data is kept to try again, until `close`.

    Raises:
        BadFileError: `file_obj` is a text file, closed, or no file.
        InvalidArgumentError: `buffer_size` is negative or above `sys.maxsize`.

    Pass it to a native function as it is; `_as_parameter_` is a ``POINTER(CimplStream)``.
    What its methods raise is said in `NativeFile`.
    """

    _cimpl_handle = 0
    _cimpl_native = _ffi.holding

    def __init__(self, file_obj: Any, *, buffer_size: Optional[int] = None) -> None:
        if buffer_size is not None:
            buffer_size = _check_buffer_size(buffer_size)
        self._cimpl_keeper = adapter = open_adapter(file_obj)
        self._cimpl_handle = adapter.handle
        if buffer_size is not None:
            self._cimpl_handle = open_buffer(adapter, buffer_size)

    @classmethod
    def from_handle(cls: type[_Self], pointer: Any, *, take: bool = False) -> _Self:
        """Wrap a stream that a native library returned, or one of another Python face.

        Args:
            pointer: a pointer to a `CimplStream`, a `c_void_p`, an address or a stream.
            take: whether the reference of the caller is taken over; otherwise one is added.

        Raises:
            NullParameterError: `pointer` is NULL.
            InvalidHandleError: there is no stream at `pointer`.
        """
        address = address_of(pointer)
        if not address:
            raise make(NullParameterError, "the pointer to a stream is NULL")
        if take:
            if _ffi.releasing.get_flags(address) < 0 and _ffi.error_code() != CLOSED:
                raise native_error()
        elif not _ffi.ref(address):
            raise native_error()
        self = cls.__new__(cls)
        self._cimpl_handle = address
        self._cimpl_native = _ffi.releasing
        if isinstance(pointer, NativeFile):
            self._cimpl_keeper, self._cimpl_native = pointer._cimpl_keeper, pointer._cimpl_native
        return self

    def __del__(self) -> None:
        # Not the inherited one, which closes: native code may still hold the stream.
        handle, self._cimpl_handle = self._cimpl_handle, 0
        self._cimpl_ask_closed = YES  # for a buffered file that is collected after this
        if handle:
            self._cimpl_native.free(handle)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"cannot pickle or copy {type(self).__name__!r} object")

    def __repr__(self) -> str:
        name = f"{type(self).__module__.partition('.')[0]}.{type(self).__qualname__}"
        if not isinstance(self._cimpl_keeper, Adapter):
            return f"<{name} at {self._cimpl_handle:#x}>"
        return f"<{name} of {self._cimpl_keeper.file!r}>"


class StreamFile(BufferableFile):
    """A native stream whose `read()` without a size reads once, up to 8192 bytes."""

    def _read_unsized(self) -> Optional[bytes]:
        return self.read(_DEFAULT_SIZE)

    @property
    def raw(self) -> RawStream:
        """The same stream as a `RawStream`: one position, closed together."""
        return RawStream.from_handle(self)


class Stream(StreamFile, RawStream):
    """A native stream over a file object, whose `read()` without a size reads up to 8192 bytes.

    That is all that differs from `RawStream`; see there for the arguments. Since the standard
    library takes `read()` for "everything", hand it `raw` or `buffered()` instead.
    """


def _open_buffered(raw: RawStream, buffer_size: int) -> _Buffered:
    if not raw.writable():
        return io.BufferedReader(raw, buffer_size)
    if not raw.readable():
        return io.BufferedWriter(raw, buffer_size)
    if raw.seekable():
        return io.BufferedRandom(raw, buffer_size)
    return io.BufferedRWPair(raw, raw, buffer_size)


def _check_buffer_size(size: int) -> int:
    size = index(size)
    if not 0 <= size <= sys.maxsize:
        raise make(InvalidArgumentError, f"a buffer cannot have {size} bytes")
    return size


def wrap_file(file_obj: Any) -> Stream:
    """Return a `Stream` over a file object."""
    return Stream(file_obj)
