# SPDX-License-Identifier: MIT
"""Exceptions on their way through native code.

An exception cannot cross C. A callback keeps it as a `Failure`, tells C that it failed, and the
first Python above the native code raises it: a method of a stream, `errcheck` or `errors()`.

A failure is kept in two places: with the stream whose file object raised it, and as the latest
one of its thread, so that it is found below any number of native layers. What is no `Exception`
(KeyboardInterrupt, SystemExit) is *fatal*: it stays until somebody raises it.
"""

from __future__ import annotations

import itertools
from _thread import get_ident  # threading's, without the import
from ctypes import string_at
from typing import Any, Callable, NoReturn, Optional
from weakref import ref

from . import _ffi
from ._errors import (
    CANCELLED,
    WOULD_BLOCK,
    CimplStreamError,
    caused_by,
    check_room,
    describe,
    error_for,
)

latest: dict[int, Failure] = {}  # by thread; all but always empty, which is quick to see
_serials = itertools.count(1)
starts: dict[int, int] = {}  # by thread: the clock when a stream was last passed to C, see errcheck
# What nobody has raised yet, oldest first; not fatal ones. Only to count them: with a reference of
# its own to a failure, a stream that the traceback leads to would be kept as well.
_pending: dict[ref[Failure], None] = {}
_MAX_PENDING = 64
completers: list[Callable[[CimplStreamError], None]] = []  # of what `native_error` returns
clock = [0]  # the serial number of the newest failure; a list, so that importers share it


class Refusal(Exception):
    """Raised by our own checks in a callback; never seen by anybody."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Failure:
    """One exception that a callback kept."""

    __slots__ = (
        "__weakref__",
        "_reference",
        "code",
        "errno",
        "exception",
        "fatal",
        "message",
        "serial",
        "thread",
    )

    def __init__(self, exception: BaseException, message: Optional[str] = None) -> None:
        """Keep `exception`; `message` is what C is told, if that is not for `tell` to do."""
        self.exception: Optional[BaseException] = exception
        self.thread = -1
        self.fatal = not isinstance(exception, Exception)
        if isinstance(exception, Refusal):
            self.code, self.errno, self.message = exception.code, 0, exception.message
        else:
            self.code, self.errno, self.message = describe(exception)
        if message is not None:
            self.message = message
        self._reference = ref(self, _discard)
        self.enter()
        if not self.fatal:
            # A traceback leads to the frames of whoever called, and their variables to the stream
            # itself: what is swallowed for good must not be kept for good.
            _pending[self._reference] = None
            if len(_pending) > _MAX_PENDING:
                for reference in list(_pending)[:1]:  # a list, since other threads add and drop
                    oldest = reference()
                    if oldest is not None:
                        oldest.drop()

    def enter(self) -> None:
        """Make this the latest failure of the thread; only a fatal one replaces a fatal one."""
        if latest.get(self.thread) is self:
            del latest[self.thread]  # it moves to the thread that meets it now
        self.thread = get_ident()
        clock[0] = self.serial = next(_serials)
        other = latest.get(self.thread)
        if other is None or self.fatal or not other.fatal:
            latest[self.thread] = self

    def tell(self) -> None:
        """Tell C, from inside the callback, why it is going to fail."""
        tell(self.code, self.errno, self.message)

    def drop(self) -> None:
        """Forget the exception, wherever it is kept."""
        self.exception = None
        _discard(self._reference)
        if latest.get(self.thread) is self:
            del latest[self.thread]

    def throw(self, error: Optional[CimplStreamError] = None) -> NoReturn:
        """Raise the exception, or the error it is the cause of; it is no longer kept then.

        `error` is what the native code reported; if `None`, that is in the thread's native error.
        """
        exception = self.exception
        try:
            if self.fatal and exception is not None:
                raise exception
            if exception is None or isinstance(exception, Refusal):
                raise self._error(error) from None
            raise self._error(error) from exception
        finally:
            # Only now: an interrupt that arrives before the `raise` must not lose it. And the
            # names must go, or they would tie the exception into a cycle with its traceback.
            self.drop()
            del error, exception, self

    def _error(self, reported: Optional[CimplStreamError]) -> CimplStreamError:
        error = native_error() if reported is None else reported
        if _printable(self.message) not in error.message:
            error = error_for(self.code, self.message, self.errno)
        # The library knows the better code for an errno, and other domains.
        error.errno = error.errno or self.errno or None
        if self.exception is None or isinstance(self.exception, Refusal):
            return error
        return caused_by(error, self.exception)


def _discard(reference: ref[Failure]) -> None:
    _pending.pop(reference, None)


class Keeper:
    """What keeps the failure of a stream."""

    __slots__ = ("failure",)

    def __init__(self) -> None:
        self.failure: Optional[Failure] = None


def _printable(message: str) -> str:
    """Return what arrives of `message` in C: no zero bytes, and nothing that is not Unicode."""
    return message.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def tell(code: int, errno: int, message: str) -> None:
    """Tell C what went wrong in the running callback."""
    text = _printable(message).encode()
    if errno:
        _ffi.set_errno(errno, text)
    else:
        _ffi.set_error(code, text)


def keep(keeper: Optional[Keeper], exception: BaseException) -> None:
    """Keep the `exception` of a callback and tell C about it."""
    if isinstance(exception, Refusal) and exception.code in (WOULD_BLOCK, CANCELLED):
        tell(exception.code, 0, exception.message)  # no failure, or one that is kept already
        return
    failure = Failure(exception)
    if keeper is not None:
        keeper.failure = failure
    failure.tell()


def revisit(keeper: Keeper) -> None:
    """Settle an older failure before a new callback: block the stream by a fatal one."""
    failure = keeper.failure
    if failure is None or failure.exception is None:
        keeper.failure = None
    elif failure.fatal:
        failure.enter()  # for whoever called from this thread
        raise Refusal(CANCELLED, failure.message)
    else:
        keeper.failure = None
        if failure.thread == get_ident():
            failure.drop()  # that of another thread is still to be raised there


class _Unraised:
    """Raises an exception where nobody can catch it."""

    def __init__(self, exception: BaseException) -> None:
        self._exception = exception

    def __del__(self) -> None:
        raise self._exception


def report(exception: BaseException) -> None:
    """Hand what nobody can raise any more to `sys.unraisablehook`."""
    _Unraised(exception)  # the one way to call the hook with arguments of its own type


def settle(result: int, start: int) -> int:
    """Return the result of a native call that began when the clock was at `start`, or raise.

    Raises:
        BaseException: what is no `Exception` and was kept on this thread, even if the call
            succeeded.
        CimplStreamError: the result is negative. Its cause is what was kept during the call.
    """
    throw_fatal()
    if result < 0:
        throw_since(start)
        raise native_error()
    return result


def throw_fatal() -> None:
    """Raise a kept exception of this thread that must not wait for a failed call."""
    failure = latest.get(get_ident())
    if failure is not None and failure.fatal:
        failure.throw()


def throw_since(start: int, error: Optional[CimplStreamError] = None) -> None:
    """Raise what was kept on this thread since the clock was at `start`; see `Failure.throw`."""
    failure = latest.get(get_ident())
    if failure is not None and failure.serial > start:
        try:
            failure.throw(error)
        finally:
            del error  # or its traceback would lead back to it


def native_error() -> CimplStreamError:
    """Return the thread's native error as an exception, and clear it."""
    check_room()
    error = error_for(_ffi.error_code(), _native_message(), _ffi.error_errno())
    for complete in completers:
        complete(error)
    _ffi.clear_error()
    return error


def _native_message() -> str:
    """Return the message of the thread's native error without the name of its code."""
    address = _ffi.last_error()
    if not address:
        return "unknown error"
    try:
        text = string_at(address).decode("utf-8", "replace")
    finally:
        _ffi.free_string(address)
    return text.partition(": ")[2] or text


def errcheck(result: Any, function: Any, arguments: tuple[Any, ...]) -> Any:
    """Raise what went wrong in the streams that a native function was called with.

    For ``function.errcheck``. Raises an exception that a file object raised during the call
    even if the function swallowed the failure; and the library's error if the function says
    that it failed, by a negative number or NULL.
    """
    throw_fatal()
    throw_since(starts.get(get_ident(), -1))
    if _says_failed(result, function) and _ffi.error_code() != 0:
        raise native_error()
    return result


def _says_failed(result: Any, function: Any) -> bool:
    if isinstance(result, int):
        return result < 0
    if result is None:  # NULL, or a function without a result
        return function.restype is not None
    return hasattr(type(result), "contents") and not result  # a NULL pointer
