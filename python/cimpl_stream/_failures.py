# SPDX-License-Identifier: MIT
"""Exceptions on their way through native code.

An exception cannot cross C. A callback keeps it as a `Failure` and tells C that it failed; C gives
that a serial number, which stays with the error through filters, adapters and threads, and by
which the Python above finds the exception again. C also records the failures of each stream, which
is what `errors()` and `errcheck` look at.

A failure belongs to the `Keeper` of the stream whose file object raised it, and ends with that.
What is no `Exception` (KeyboardInterrupt, SystemExit) is an *exit*: until somebody has raised it,
it blocks its stream, and comes out of the next call of this package in a thread that met it.

A traceback leads to the frames of all callers, and their variables to anything. So what nobody has
raised keeps its traceback only while it is the newest of its thread, or the first one of a caller
that still runs, or of an `errors()` block.
"""

from __future__ import annotations

import contextlib
import operator
import sys
from ctypes import byref, c_uint64, string_at
from types import FrameType
from typing import TYPE_CHECKING, Callable, Iterator, NoReturn, Optional, Sequence
from weakref import WeakSet, WeakValueDictionary, ref

from . import _ffi
from ._errors import (
    CANCELLED,
    OTHER,
    WOULD_BLOCK,
    CimplStreamError,
    caused_by,
    check_room,
    describe,
    error_for,
)

if TYPE_CHECKING:
    from threading import local as _local

    from ._watching import ErrorsBlock
else:
    from _thread import _local  # the same

_Complete = Callable[[CimplStreamError], CimplStreamError]

_MAX_KEPT = 16  # failures of a stream
# How C's message for a callback ends that did not say why it failed.
_HIDDEN = (" callback returned error", " failed without an error")

completers: list[Callable[[CimplStreamError], None]] = []  # of what `native_error` returns
# Exits that nobody has raised yet, oldest first; all but always empty, which is quick to see.
exits: list[ref[Failure]] = []
_by_serial: WeakValueDictionary[int, Failure] = WeakValueDictionary()
_untold: WeakSet[Failure] = WeakSet()  # whose serial number C does not know, see `keep_untold`
last_mark = [0]
blocks: list[ErrorsBlock] = []  # those that are open, in any thread


class Refusal(Exception):
    """Raised by our own checks in a callback; never seen by anybody."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Failure:
    """What a callback failed with."""

    __slots__ = (
        "__weakref__",
        "code",
        "errno",
        "exception",
        "is_exit",
        "is_raised",
        "message",
        "raised",
        "reference",
        "serial",
        "threads",
    )

    def __init__(self, exception: BaseException) -> None:
        self.exception: Optional[BaseException] = exception
        self.is_exit = not isinstance(exception, Exception)
        self.is_raised = False
        # The latest error that it is a cause of.
        self.raised: Optional[ref[CimplStreamError]] = None
        if isinstance(exception, Refusal):
            self.code, self.errno, self.message = exception.code, 0, exception.message
        else:
            self.code, self.errno, self.message = describe(exception)
        self.serial = 0
        self.threads: WeakSet[_Thread] = WeakSet()  # that must raise an exit
        self.reference = ref(self, _forget_exit)

    def tell(self, handle: int, code: int) -> None:
        """Tell C, from inside the callback of the stream at `handle`, why it is going to fail."""
        self.serial = tell(handle, code, self.errno, self.message)
        _by_serial[self.serial] = self

    def add_thread(self) -> None:
        """Let this thread raise it, an exit."""
        self.threads.add(_this.thread)
        if self.reference not in exits:
            exits.append(self.reference)

    def throw(self, error: CimplStreamError) -> NoReturn:
        """Raise the exception, or the error it is the cause of."""
        try:
            raise self.get_raisable(error)
        finally:
            # Only now: an interrupt that arrives before the `raise` must not lose it. And the
            # names must go, or they would tie the exception into a cycle with its traceback.
            self.set_raised()
            del error, self

    def throw_exit(self) -> NoReturn:
        """Raise the exception itself."""
        try:
            assert self.exception is not None
            raise self.exception
        finally:
            self.set_raised()
            del self

    def get_raisable(self, reported: CimplStreamError) -> BaseException:
        """Return what is raised for it where C has `reported` it."""
        exception = self._get_exception()
        if self.is_exit and exception is not None:
            return exception
        error = self._make_error(reported)
        if exception is None or isinstance(exception, Refusal):
            error.__cause__ = None
            return error
        error = caused_by(error, exception)
        error.__cause__ = exception
        self.raised = ref(error)
        return error

    def _get_exception(self) -> Optional[BaseException]:
        """Return the exception, also if it was raised in Python code that C has called.

        That keeps it if it failed because of it, such as a filter.
        """
        if self.exception is not None or self.raised is None:
            return self.exception
        error = self.raised()
        return None if error is None else error.__cause__

    def _make_error(self, reported: CimplStreamError) -> CimplStreamError:
        """Return `reported`, or what that should have said."""
        if _printable(self.message) not in reported.message:
            reported = error_for(self.code, self.message, self.errno)
        # The library knows the better code for an errno, and other domains.
        reported.errno = reported.errno or self.errno or None
        return reported

    def set_raised(self) -> None:
        """Let go of the exception, which somebody has now, unless it is to be raised again."""
        self.is_raised = True
        _forget_exit(self.reference)
        if not any(block.wants(self) for block in blocks):
            self.exception = None

    def strip(self) -> None:
        """Let go of the frames of whoever called, if nobody can miss them."""
        exception = self.exception
        if exception is None or self.is_raised or any(block.wants(self) for block in blocks):
            return
        _strip(exception, set(_callers(exception)))

    def was_kept_inside(self, frame: FrameType) -> bool:
        """Return whether `frame` was among the callers."""
        return self.exception is not None and frame in _callers(self.exception)

    def has_caller_of(self, newer: Failure) -> bool:
        """Return whether the caller still runs that `newer` has come to."""
        caller = None if self.exception is None else next(_callers(self.exception), None)
        return caller is None or newer.was_kept_inside(caller)


def _forget_exit(reference: ref[Failure]) -> None:
    with contextlib.suppress(ValueError):  # it is none, or raised
        exits.remove(reference)


def _callers(exception: BaseException) -> Iterator[FrameType]:
    """Yield the frames above the callback that caught `exception`, the innermost one first."""
    traceback = exception.__traceback__
    frame = None if traceback is None else traceback.tb_frame.f_back
    while frame is not None:
        yield frame
        frame = frame.f_back


def _strip(exception: BaseException, callers: set[FrameType]) -> None:
    """Take the tracebacks from an exception and from those that led to it."""
    found = [exception]  # no recursion: a chain may be longer than there is room for
    while found:
        exception = found.pop()
        traceback, context = exception.__traceback__, exception.__context__
        if traceback is None:
            continue  # as after a circle
        # By the methods of the built-in class: that of the exception may forbid to set anything.
        BaseException.with_traceback(exception, None)
        if exception.__cause__ is not None:
            found.append(exception.__cause__)
        if context is not None and context.__traceback__ is not None:
            if context.__traceback__.tb_frame in callers:
                # A caller handles it, whose traceback is its own.
                BaseException.__setattr__(exception, "__context__", None)
            else:
                found.append(context)


class Keeper:
    """What keeps the failures of a stream: the first ones, and the latest."""

    __slots__ = ("__weakref__", "exit", "failures")

    def __init__(self) -> None:
        self.exit: Optional[Failure] = None  # what blocks the stream
        self.failures: Sequence[Failure] = ()  # oldest first

    def add(self, failure: Failure) -> None:
        failures = [kept for kept in self.failures if kept.exception is not None]
        if len(failures) >= _MAX_KEPT:
            # Whoever marks gets the first one after that. The others are those of retries.
            is_flood = failures[_MAX_KEPT // 2].serial > last_mark[0]
            del failures[-1 if is_flood else _MAX_KEPT // 4]
        failures.append(failure)
        self.failures = failures
        if failure.is_exit:
            self.exit = failure

    def check(self) -> None:
        """Refuse to go on while an exit blocks the stream."""
        failure = self.exit
        if failure is not None:
            if failure.is_raised:
                self.exit = None
            else:
                failure.add_thread()  # for whoever called from this thread
                raise Refusal(CANCELLED, failure.message)

    def strip(self) -> None:
        for failure in self.failures:
            failure.strip()

    def end(self) -> None:
        """Let go of everything: the stream is gone."""
        failure, self.exit = self.exit, None
        self.failures = ()
        if failure is not None and not failure.is_raised and failure.exception is not None:
            exception = failure.exception
            failure.set_raised()
            report(exception)


class OwnKeeper(Keeper):
    """One that says itself when it ends; the other's owner does that for it."""

    __slots__ = ()

    __del__ = Keeper.end


class _Thread:
    """What there is for a thread, or for a callback in a native one; it ends with that."""

    __slots__ = ("__weakref__", "keeper", "recent")

    def __init__(self) -> None:
        self.keeper = OwnKeeper()  # of what belongs to no stream
        self.recent: list[ref[Failure]] = []  # which have their tracebacks, oldest first

    def add(self, failure: Failure) -> None:
        """Note that `failure` is the newest; most others lose their tracebacks."""
        recent = [other for other in self.get_recent() if not other.is_raised]
        running = [other for other in recent if other.has_caller_of(failure)]
        # The first one may be what the caller's call is going to raise, and of those in calls
        # inside of that call the first one since the last mark.
        wanted = running[:1]
        wanted += [other for other in running[1:] if other.serial > last_mark[0]][:1]
        for other in recent:
            if other not in wanted:
                other.strip()
        self.recent = [other.reference for other in (*wanted, failure)]

    def get_recent(self) -> list[Failure]:
        failures = [reference() for reference in self.recent]
        return [failure for failure in failures if failure is not None]

    def __del__(self) -> None:
        for failure in self.get_recent():
            failure.strip()


class _This(_local):
    """The `thread` that asks."""

    def __init__(self) -> None:
        self.thread = _Thread()


_this = _This()
_native_threads = _Thread()  # for all callbacks without a caller in Python


# For callbacks.


def _printable(message: str) -> str:
    """Return what arrives of `message` in C: no zero bytes, and nothing that is not Unicode."""
    return message.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def tell(handle: int, code: int, errno: int, message: str) -> int:
    """Tell C what went wrong in the running callback of a stream; return the serial number."""
    text = _printable(message).encode()
    return _ffi.fail(handle, code, errno, text, len(text))  # type: ignore[no-any-return]


def keep(keeper: Keeper, handle: int, exception: BaseException) -> None:
    """Keep the `exception` of a callback of the stream at `handle`, and tell C about it."""
    if isinstance(exception, Refusal) and exception.code in (WOULD_BLOCK, CANCELLED):
        # No failure, or one that is kept already.
        serial = tell(handle, exception.code, 0, exception.message)
        if exception.code == CANCELLED and keeper.exit is not None:
            _by_serial[serial] = keeper.exit
        return
    failure = Failure(exception)
    _add(keeper, failure)
    # Of an errno, the library knows the better code.
    failure.tell(handle, 0 if failure.errno and isinstance(exception, OSError) else failure.code)


def keep_untold(keeper: Keeper, handle: int, exception: BaseException, message: str) -> None:
    """Keep an `exception` of a callback that somebody else tells C about, with that `message`."""
    failure = Failure(exception)
    failure.message = message
    _add(keeper, failure)
    failure.tell(handle, OTHER)  # for the number: what C is told otherwise counts more
    _untold.add(failure)


def keep_for_thread(exception: BaseException) -> None:
    """Keep the `exception` of a callback that belongs to no stream, and cannot fail."""
    _add(_this.thread.keeper, Failure(exception))


def _add(keeper: Keeper, failure: Failure) -> None:
    keeper.add(failure)
    if failure.is_exit:
        failure.add_thread()
    assert failure.exception is not None
    has_caller = next(_callers(failure.exception), None) is not None
    (_this.thread if has_caller else _native_threads).add(failure)


class _Unraised:
    """Raises an exception where nobody can catch it."""

    def __init__(self, exception: BaseException) -> None:
        self._exception = exception

    def __del__(self) -> None:
        raise self._exception


def report(exception: BaseException) -> None:
    """Hand what nobody can raise any more to `sys.unraisablehook`."""
    _Unraised(exception)  # the one way to call the hook with arguments of its own type


# For who has called native code.


def settle(result: int) -> int:
    """Return the result of a native call of the calling method, or raise.

    Raises:
        BaseException: what is no `Exception` and was kept on this thread, even if the call
            succeeded.
        CimplStreamError: the result is negative. Its cause is what the call failed with.
    """
    if exits:
        raise_exit()
    if result < 0:
        raise_native(sys._getframe(1))
    return result


def raise_exit() -> None:
    """Raise the oldest exit of this thread, if there is one."""
    thread = _this.thread
    for reference in list(exits):
        failure = reference()
        if failure is not None and thread in failure.threads:
            failure.throw_exit()


def raise_native(frame: FrameType, complete: Optional[_Complete] = None) -> NoReturn:
    """Raise the thread's native error, which a call inside `frame` ended with."""
    serial = _ffi.error_serial()
    raise_error(native_error(complete), serial, frame)


def raise_error(error: CimplStreamError, serial: int, frame: FrameType) -> NoReturn:
    """Raise an error that a call inside `frame` ended with, from what it comes from."""
    failure = find(error, serial, lambda failure: failure.was_kept_inside(frame))
    try:
        if failure is None:
            raise error
        failure.throw(error)
    finally:
        del error, failure, frame  # or its traceback would lead back to it


def get_raisable(complete: _Complete) -> CimplStreamError:
    """Return what stands for the thread's native error, with its cause, and clear that."""
    serial: int = _ffi.error_serial()
    error = native_error(complete)
    failure = find(error, serial, lambda failure: failure.serial == serial)
    raisable = error if failure is None else failure.get_raisable(error)
    return raisable if isinstance(raisable, CimplStreamError) else error


def native_error(complete: Optional[_Complete] = None) -> CimplStreamError:
    """Return the thread's native error as an exception, and clear it."""
    check_room()
    error = error_for(_ffi.error_code(), _native_message(), _ffi.error_errno())
    for completer in completers:
        completer(error)
    _ffi.clear_error()
    return error if complete is None else complete(error)


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


def is_kept(serial: int) -> bool:
    """Return whether a callback has kept an exception under that number."""
    return serial in _by_serial


def find(
    error: CimplStreamError, serial: int, is_possible: Callable[[Failure], bool]
) -> Optional[Failure]:
    """Return what `error`, with that serial number, comes from; `None` if it is C's own.

    Args:
        is_possible: whether a failure of this thread can be it. That decides where C lost the
            number: behind a callback in C that did not say why it failed, and in PyGObject.
    """
    failure = _by_serial.get(serial)
    if failure is not None:
        return failure
    # C may put before a message what it was about.
    told = [
        other
        for other in list(_untold)
        if other.serial < serial and other.message and error.message.endswith(other.message)
    ]
    if told:
        return max(told, key=operator.attrgetter("serial"))
    for other in _this.thread.get_recent():
        text = _printable(other.message)
        if text and error.message.endswith((*_HIDDEN, text)) and is_possible(other):
            return other
    return None


# What has failed in a stream.


def mark() -> int:
    """Begin to watch; return the time by which `look` knows what fails from now on."""
    now: int = _ffi.mark()
    last_mark[0] = now
    return now


def look(handle: int, since: int, unrecovered_only: bool = False) -> int:
    """Return the serial number of the first failure of a stream, 0 if there is none.

    It is the thread's native error then.
    """
    serial = c_uint64()
    _ffi.failed_since(handle, since, unrecovered_only, byref(serial))
    return serial.value
