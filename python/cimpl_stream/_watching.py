# SPDX-License-Identifier: MIT
"""Watching over what native code makes of a stream: `errors()`, `errcheck` and `checked`.

They ask the streams what has failed since a mark, whoever was told of it.
"""

from __future__ import annotations

import ctypes
import operator
import sys
from _thread import get_ident  # threading's, without the import
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Callable, Iterator, NoReturn, Optional, Union

from ._errors import CimplStreamError
from ._failures import Failure, blocks, exits, find, look, mark, native_error, raise_exit

if TYPE_CHECKING:
    from ._file import NativeFile

_Data: Any = ctypes.Structure.__base__  # what all objects of ctypes derive from
_POINTERS = (ctypes._Pointer, ctypes._CFuncPtr)  # type: ignore[attr-defined]

_MAX_WINDOWS = 32  # calls of a stream whose conversion is known, see `open_window`


class _First:
    """The first failure of a stream after a mark."""

    __slots__ = ("_error", "_failure")

    def __init__(self, stream: NativeFile, since: int, serial: int) -> None:
        """Read it from the thread's native error, as `look` leaves it."""
        self._error = native_error(stream._cimpl_complete)
        self._failure = find(self._error, serial, lambda failure: failure.serial > since)

    def throw(self) -> NoReturn:
        try:
            if self._failure is None:
                raise self._error
            self._failure.throw(self._error)
        finally:
            del self  # or the traceback would lead back to it

    def is_exit(self) -> bool:
        return self._failure is not None and self._failure.is_exit

    def is_in(self, exception: BaseException) -> bool:
        """Return whether `exception` is about it."""
        seen = set()  # of their addresses; they are all alive
        links: list[Optional[BaseException]] = [exception]
        while links:
            link = links.pop()
            if link is None or id(link) in seen:
                continue
            if self._failure is not None:
                if link is self._failure.exception:
                    return True
            elif isinstance(link, CimplStreamError) and str(link) == str(self._error):
                return True
            seen.add(id(link))
            links += link.__context__, link.__cause__
        return False

    def hang_on(self, exception: BaseException) -> None:
        """Make it the cause of an exception; of one of ours that has a cause, the context."""
        has_cause = exception.__cause__ is not None
        has_room = not has_cause or isinstance(exception, CimplStreamError)
        if has_room and not self.is_in(exception):
            link = _find_context(exception) if has_cause else exception
            error = self._error if self._failure is None else self._failure.get_raisable(self._error)
            # Not the method of its own class, which may forbid that.
            BaseException.__setattr__(link, "__context__" if has_cause else "__cause__", error)
        if self._failure is not None and self.is_in(exception):
            self._failure.set_raised()


def _find_context(exception: BaseException) -> BaseException:
    """Return the exception that was there before all others, up to `exception`."""
    seen = set()  # of addresses; there may be a circle
    while exception.__context__ is not None and id(exception) not in seen:
        seen.add(id(exception))
        exception = exception.__context__
    return exception


def _find_first(stream: NativeFile, since: int) -> Optional[_First]:
    serial = look(stream._cimpl_handle, since)
    return _First(stream, since, serial) if serial else None


def _raise_exits(stream: NativeFile) -> None:
    """Raise an exit of this thread, or what blocks `stream`, wherever it was raised."""
    if exits:
        raise_exit()
        keeper = stream._cimpl_keeper
        if keeper is not None and keeper.exit is not None and not keeper.exit.is_raised:
            keeper.exit.throw_exit()


class ErrorsBlock:
    """What `NativeFile.errors` returns."""

    def __init__(self, stream: NativeFile) -> None:
        self._stream = stream
        self._marks: list[int] = []  # it may be entered again inside

    def __enter__(self) -> None:
        self._stream._watch_signals()
        self._marks.append(mark())
        blocks.append(self)

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        blocks.remove(self)
        since = self._marks.pop()
        first = None
        try:
            if exception is None or isinstance(exception, Exception):
                _raise_exits(self._stream)
            first = _find_first(self._stream, since)
            if first is not None:
                if exception is None or (isinstance(exception, Exception) and first.is_exit()):
                    first.throw()
                first.hang_on(exception)
        finally:
            del first, exception, traceback  # which lead back to this frame

    def wants(self, failure: Failure) -> bool:
        """Return whether `failure` is what the block is going to raise."""
        return any(self._is_first(failure, since) for since in list(self._marks))

    def _is_first(self, failure: Failure, since: int) -> bool:
        if failure.serial <= since:
            return False
        serial = look(self._stream._cimpl_handle, since)
        if not serial:
            return False
        found = find(native_error(), serial, lambda other: other.serial > since)
        return found is failure


def _get_place(frame: FrameType) -> tuple[int, int, int]:
    """Return what tells the call that `frame` is in from others, before and after it."""
    # Another frame may get its address; and who converts a stream need not call `errcheck`.
    return id(frame), id(frame.f_code), frame.f_lasti


def open_window(stream: NativeFile, frame: FrameType) -> None:
    """Note that code in `frame` converts `stream` for a native call that follows."""
    windows = stream._cimpl_windows
    if windows is None:
        windows = stream._cimpl_windows = {}
    key = _get_place(frame)
    windows.pop(key, None)
    windows[key] = mark(), get_ident()
    if len(windows) > _MAX_WINDOWS:
        windows.pop(next(iter(windows)), None)


def _close_window(stream: NativeFile, frame: Optional[FrameType]) -> int:
    """Return the mark of the conversion for the call that has ended in `frame`."""
    windows = stream._cimpl_windows or {}
    for caller in (frame, frame and frame.f_back):  # the latter if an `errcheck` calls ours
        window = None if caller is None else windows.pop(_get_place(caller), None)
        if window is not None:
            return window[0]
    # It was converted by a function in between, such as a from_param() of the user's.
    mine = [key for key, (_, thread) in list(windows.items()) if thread == get_ident()]
    return windows.pop(mine[-1])[0] if mine else mark()


_Failed = Union[str, Callable[[Any], Any]]


def _is_negative(result: Any) -> bool:
    if isinstance(result, _POINTERS):
        return not result  # NULL
    value = result.value if isinstance(result, ctypes._SimpleCData) else result
    return value is None or (isinstance(value, (int, float)) and value < 0)


_CONVENTIONS: dict[str, Callable[[Any], Any]] = {
    "negative": _is_negative,
    "nonzero": bool,
    "zero": operator.not_,
}


def errcheck(result: Any, function: Any, arguments: tuple[Any, ...]) -> Any:
    """Raise what went wrong in the streams that a native function was called with.

    For ``function.errcheck``, of functions that return a negative number or NULL on failure; for
    others there is `checked`. Raises the first failure during the call, in any thread. If
    the function says that it succeeded, that is only one after which no operation of the same
    kind has succeeded. A function that failed for a reason of its own returns its result.

    The streams are those among the arguments themselves. For a pointer that was made by
    `cast`, the call counts from that on, or from the last call with this function.
    """
    return _check(result, function, arguments, _is_negative, sys._getframe(1))


def checked(function: Any, failed: _Failed = "negative") -> Any:
    """Let a native function raise what went wrong in its streams; return the function.

    Args:
        function: a function of ctypes, whose ``errcheck`` is set: to `errcheck` for the results
            that mean failure here.
        failed: which those are: ``"negative"``, which includes NULL, ``"nonzero"``, ``"zero"``,
            or a function that returns whether the result it is given does, such as
            ``lambda result: result != 1``.

    Raises:
        ValueError: `failed` is another string.
        TypeError: `failed` is neither a string nor callable, or `function` is none of ctypes.
    """
    if isinstance(failed, str):
        if failed not in _CONVENTIONS:
            names = ", ".join(map(repr, _CONVENTIONS))
            raise ValueError(f"failed is {failed!r}, not one of {names}, or a function")
        is_failed = _CONVENTIONS[failed]
    elif callable(failed):
        is_failed = failed
    else:
        raise TypeError(f"failed is {type(failed).__name__}, neither a string nor a function")
    if not hasattr(function, "errcheck"):
        raise TypeError(f"{type(function).__name__} is no function of ctypes")

    def check(result: Any, function: Any, arguments: tuple[Any, ...]) -> Any:
        return _check(result, function, arguments, is_failed, sys._getframe(1))

    function.errcheck = check
    return function


def _check(
    result: Any,
    function: Any,
    arguments: tuple[Any, ...],
    is_failed: Callable[[Any], Any],
    frame: FrameType,
) -> Any:
    calls = list(_get_calls(arguments, frame))
    if not calls:
        return result
    for stream, _ in calls:
        _raise_exits(stream)
    has_failed = function.restype is not None and bool(is_failed(result))
    serials = [look(stream._cimpl_handle, since, not has_failed) for stream, since in calls]
    first = min(filter(None, serials), default=0)
    if first:
        stream, since = calls[serials.index(first)]
        look(stream._cimpl_handle, since, not has_failed)
        _First(stream, since, first).throw()
    return result


def _get_calls(arguments: tuple[Any, ...], frame: FrameType) -> Iterator[tuple[NativeFile, int]]:
    """Yield each stream among `arguments`, and when the call in `frame` began for it."""
    for argument in {id(argument): argument for argument in arguments}.values():
        if hasattr(type(argument), "_cimpl_windows"):  # not of itself, which might refuse to say
            yield argument, _close_window(argument, frame)
        elif isinstance(argument, _Data) and hasattr(argument, "_cimpl_since"):  # by cast()
            stream = argument._cimpl_stream
            yield stream, max(argument._cimpl_since, stream._cimpl_raised)
            argument._cimpl_since = mark()  # the next call is not to blame for what comes out of this one
