# SPDX-License-Identifier: MIT
"""What C calls when it calls a stream that is implemented in Python.

PyGObject takes for a slot the function that it finds under the slot's name in the class itself,
and calls it with arguments of C; it prints what that raises, and C sees zeros. So it is given a
thunk, which calls the method of the stream, so that mixins, `super()` and everything else work as
in any Python class; and which sees to it that nothing is lost of what the method raises, and
nothing believed that it should not return.

Needs PyGObject; loaded by its overrides, gi/overrides/CimplStream.py, and by nothing else.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress
from sys import getrefcount
from types import FrameType, TracebackType
from typing import Any, Callable, Optional

from ._adapter import (
    check_count,
    check_data,
    check_integer,
    check_position,
    would_block,
)
from ._callbacks import ESCAPES, taken_before
from ._callbacks import watch_signals as watch_callbacks
from ._errors import CALLBACK_CONTRACT, WOULD_BLOCK, means_would_block
from ._failures import Keeper, OwnKeeper, Refusal, keep, keep_untold
from ._gobject_errors import GLib, get_code, introspected, is_for_pygobject

_Function = Callable[..., Any]


class _ArrayTypes(dict[int, Any]):
    """The ctypes array type of each length that was asked for lately."""

    def __missing__(self, length: int) -> Any:
        if len(self) == 256:
            self.clear()
        self[length] = array_type = ctypes.c_ubyte * length
        return array_type


_array_types = _ArrayTypes()
_CData: Any = ctypes.Array.__base__  # of all that ctypes makes


def _count_references(address: int, count: int) -> int:
    """Return the reference count of an array that nobody else refers to."""
    array = _array_types[count].from_address(address)
    return getrefcount(array)


_UNSHARED = _count_references(ctypes.addressof(ctypes.c_ubyte()), 1)


def _read(stream: Any, address: int, count: int, cancellable: Any) -> Any:
    array: Any = None
    view: Any = None
    try:
        is_private = False
        if stream._cimpl_keeper is not None:
            stream._cimpl_keeper.check()
            is_private = stream._cimpl_keeps_views
        # Not a slice of all memory: an array of its own tells by its references whether the
        # method has kept a part of the view.
        array_type = _array_types[count]
        array = array_type() if is_private else array_type.from_address(address)
        view = memoryview(array).cast("B")
        if cancellable is None:
            result = stream.do_read(view)
        else:
            result = _call_with(cancellable, stream.do_read, view)
        try:
            view.release()
        except BufferError:  # exported, such as to an array of NumPy
            raise _kept_view(stream) from None
        if getrefcount(array) > _UNSHARED and _find_buffers(array):
            raise _kept_view(stream)
        if result.__class__ is not int or not 0 <= result <= count:
            result = check_count(_transferred(result), count, "do_read")
        if is_private:
            ctypes.memmove(address, array, result)
        return True, result
    except BaseException as exception:
        if view is not None:
            # The memory is the caller's: nothing that the traceback leads to may lead to it, the
            # variables of this frame included.
            with suppress(BufferError):
                view.release()
            if getrefcount(array) > _UNSHARED and not _take_back(array, exception):
                stream._cimpl_keeps_views = True
            array = view = None
        if _fail(stream, exception):
            raise
        return False, 0


def _thunk(failed: Any, always: bool = False) -> Callable[[_Function], _Function]:
    """Make a thunk of a function that calls the method and checks what comes back.

    The thunk returns `failed` for a failure. It refuses to call while an interrupt that nobody
    has raised yet blocks the stream, except `always`.
    """

    def decorate(call: _Function) -> _Function:
        def thunk(stream: Any, *arguments: Any) -> Any:
            try:
                if stream._cimpl_keeper is not None and not always:
                    stream._cimpl_keeper.check()
                cancellable = arguments[-1]
                if cancellable is None:
                    return call(stream, *arguments[:-1])
                return _call_with(cancellable, call, stream, *arguments[:-1])
            except BaseException as exception:
                if _fail(stream, exception):
                    raise
                return failed

        return thunk

    return decorate


@_thunk(failed=None)
def _read_bytes(stream: Any, count: int) -> Any:
    data = _transferred(stream.do_read_bytes(count))
    return GLib.Bytes.new(bytes(check_data(data, count, "do_read_bytes")))


@_thunk(failed=(False, 0))
def _write(stream: Any, data: bytes, *length: int) -> Any:
    # PyGObject passes the length, too, and may stop doing so.
    try:
        count = stream.do_write(memoryview(data))
    except BlockingIOError as error:
        count = taken_before(error)
    return True, check_count(_transferred(count), len(data), "do_write")


@_thunk(failed=(False, 0))
def _seek(stream: Any, offset: int, mode: int) -> Any:
    return True, check_position(stream.do_seek(offset, int(mode)), "do_seek")


@_thunk(failed=False)
def _flush(stream: Any) -> Any:
    return _check_done(stream.do_flush(), "do_flush")


@_thunk(failed=False, always=True)
def _close(stream: Any) -> Any:
    return _check_done(stream.do_close(), "do_close")


@_thunk(failed=False)
def _truncate(stream: Any, size: int) -> Any:
    return _check_done(stream.do_truncate(size), "do_truncate")


def _query_flags(stream: Any) -> Any:  # without a cancellable, and at any time
    try:
        flags = check_integer(stream.do_query_flags(), "do_query_flags")
        return True, introspected.StreamFlags(flags)
    except BaseException as exception:
        if _fail(stream, exception):
            raise
        return False, 0


THUNKS: dict[str, _Function] = {
    "do_read": _read,
    "do_read_bytes": _read_bytes,
    "do_write": _write,
    "do_seek": _seek,
    "do_flush": _flush,
    "do_close": _close,
    "do_truncate": _truncate,
    "do_query_flags": _query_flags,
}


def _call_with(cancellable: Any, function: _Function, *arguments: Any) -> Any:
    """Call `function` while `cancellable` is that of `Gio.Cancellable.get_current`."""
    try:
        cancellable.push_current()  # in here: an interrupt may come as soon as it returns
        return function(*arguments)
    finally:
        cancellable.pop_current()


def _find_buffers(array: Any) -> list[Any]:
    """Return what views share that lead to `array`.

    Others may refer to it as well, such as the result of `gc.get_objects()`.
    """
    referrers = gc.get_referrers(array)
    return [referrer for referrer in referrers if type(referrer).__name__ == "managedbuffer"]


def _is_held_by_ctypes(view: memoryview) -> bool:
    """Return whether an object of ctypes works on the memory of `view`, which is no export."""
    holders = gc.get_referrers(view)
    holders += gc.get_referrers(*(holder for holder in holders if type(holder) is dict))
    return any(isinstance(holder, _CData) for holder in holders)


def _release_views(array: Any) -> bool:
    """Release the views that lead to `array`; return whether none is left."""
    for view in gc.get_referrers(*_find_buffers(array)):
        if type(view) is memoryview and not _is_held_by_ctypes(view):
            with suppress(BufferError):  # if it is exported
                view.release()
    return not _find_buffers(array)


def _take_back(array: Any, exception: BaseException) -> bool:
    """Release the views of `array` that a method has left behind which raised `exception`.

    What works on the memory itself goes with the variables of the method, or stays, if it is kept
    elsewhere. Returns whether nothing stays.
    """
    if _release_views(array):
        return True
    _clear_frames(exception)
    return _release_views(array)


def _clear_frames(exception: Optional[BaseException]) -> None:
    """Forget the variables of the frames that an exception has come through."""
    seen = set()
    while exception is not None and id(exception) not in seen:
        seen.add(id(exception))
        traceback = exception.__traceback__
        while traceback is not None:
            with suppress(RuntimeError):  # it still runs
                traceback.tb_frame.clear()
            traceback = traceback.tb_next
        cause = exception.__cause__
        exception = exception.__context__ if cause is None else cause


def _kept_view(stream: Any) -> Refusal:
    stream._cimpl_keeps_views = True
    return Refusal(CALLBACK_CONTRACT, "do_read() kept a part of the view it was given")


def _transferred(result: Any) -> Any:
    """Return the result of a method that reads or writes, unless that would block."""
    if result is None:
        raise would_block()
    return result


def _check_done(result: Any, name: str) -> bool:
    """Return True for any result but False; files return nothing, or like truncate() a size."""
    if result is False:
        raise Refusal(CALLBACK_CONTRACT, f"{name}() returned False; it should raise")
    return True


def _get_keeper(stream: Any) -> Keeper:
    if stream._cimpl_keeper is None:
        stream._cimpl_keeper = OwnKeeper()
    return stream._cimpl_keeper  # type: ignore[no-any-return]


def _fail(stream: Any, exception: BaseException) -> bool:
    """Keep the `exception` that a thunk ends with, and tell C about it.

    Returns whether it is for PyGObject to tell C.
    """
    if means_would_block(exception):
        exception = would_block()
    keeper = _get_keeper(stream)
    if not is_for_pygobject(exception):
        keep(keeper, stream._cimpl_handle, exception)
        return False
    if get_code(exception) != WOULD_BLOCK:
        message = exception.message  # type: ignore[attr-defined]
        keep_untold(keeper, stream._cimpl_handle, exception, message)
    return True


def _fail_late(frame: FrameType, exception: BaseException) -> None:
    """Do what `_fail` does, for what has escaped from the thunk that `frame` belongs to."""
    stream = frame.f_locals["stream"]
    keep(_get_keeper(stream), stream._cimpl_handle, exception)


ESCAPES.update((thunk.__code__, _fail_late) for thunk in THUNKS.values())


class _ExceptHook:
    """A `sys.excepthook` that keeps what was raised on entry to one of our callbacks.

    As the one for `sys.unraisablehook` in _callbacks.py: PyGObject prints, as if nobody could
    catch it, what a signal raises there.
    """

    __slots__ = ("_previous",)

    def __init__(self) -> None:
        self._previous = sys.excepthook

    def __call__(
        self,
        kind: type[BaseException],
        exception: BaseException,
        traceback: Optional[TracebackType],
        /,
    ) -> None:
        frame = traceback.tb_frame if traceback is not None else None
        escape = None if frame is None else ESCAPES.get(frame.f_code)
        if frame is None or escape is None:
            self._previous(kind, exception, traceback)
        else:
            escape(frame, exception)


def watch_signals() -> None:
    """Install the hooks for what is raised on entry to Python code that C calls."""
    watch_callbacks()
    if not isinstance(sys.excepthook, _ExceptHook):
        sys.excepthook = _ExceptHook()
