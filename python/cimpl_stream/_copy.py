# SPDX-License-Identifier: MIT
"""Copying in native code."""

from __future__ import annotations

import ctypes
from types import FrameType
from typing import Any, Callable, Optional

from . import _ffi
from ._callbacks import ESCAPES, keys, watch_signals
from ._errors import CimplStreamError, InvalidArgumentError, make
from ._failures import settle
from ._file import NativeFile
from ._stream import Stream

_Progress = Callable[[int, Optional[int]], Any]


class Watcher:
    """A progress function, and what it raised."""

    __slots__ = ("_data", "_progress", "copied", "exception")

    def __init__(self, progress: Any, *data: Any) -> None:
        self._progress = progress
        self._data = data
        self.copied = 0  # bytes, when it was called last
        self.exception: Optional[BaseException] = None

    def report(self, done: int, total: int) -> bool:
        """Call the function; return whether to go on. A negative `total` is not known."""
        self.copied = done
        try:
            if self.exception is not None:  # raised by a signal on entry the last time
                return False
            self._progress(done, None if total < 0 else total, *self._data)
            return True
        except BaseException as exception:
            self.exception = exception
            return False
        finally:
            del self  # which leads back to this frame


# By key, while their copies run. Callbacks get the key: from the traceback of what is raised in
# one, all frames can be reached up to that of the copy.
watchers: dict[int, Any] = {}


def _report_progress(context: int, done: int, total: int) -> int:
    return 0 if watchers[context].report(done, total) else 1  # which ends the copy


_callback = _ffi.ProgressCallback(_report_progress)
_address = ctypes.cast(_callback, ctypes.c_void_p).value


def _keep(frame: FrameType, exception: BaseException) -> None:
    watchers[frame.f_locals["context"]].exception = exception


ESCAPES[_report_progress.__code__] = _keep


def copyfileobj(
    src: Any, dst: Any, *, limit: int = -1, progress: Optional[_Progress] = None
) -> int:
    """Copy from the position of `src` to that of `dst`; return how many bytes that were.

    Args:
        src: a stream, or any file object that `Stream` takes.
        dst: likewise. A file object is flushed at the end.
        limit: how many bytes to copy at most, -1 for all up to the end.
        progress: called after each block with the bytes copied so far and those to copy in
            total, `None` if that is not known. An exception that it raises ends the copy.

    Raises:
        CimplStreamError: reading or writing failed; its `copied` says how many bytes arrived.
            What was read and has not arrived is given back by a seek, if `src` can.
    """
    if src is dst:
        raise make(InvalidArgumentError, "A stream cannot be copied onto itself")
    source = src if isinstance(src, NativeFile) else Stream(src)
    target = dst if isinstance(dst, NativeFile) else Stream(dst)
    copied = ctypes.c_int64()
    key = next(keys)
    watcher = watchers[key] = Watcher(progress)
    watch_signals()
    try:
        address = None if progress is None else _address
        arguments = source._cimpl_handle, target._cimpl_handle, limit, address, key
        result = _ffi.copy(*arguments, ctypes.byref(copied))
        if watcher.exception is not None:
            raise watcher.exception
        settle(result)
        if target is not dst:
            target.close()
    except CimplStreamError as error:
        error.copied = copied.value
        raise
    finally:
        del watchers[key], watcher  # whose exception leads back to this frame
    return copied.value
