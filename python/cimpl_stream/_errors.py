# SPDX-License-Identifier: MIT
"""The exceptions of the package, one class per error code of the library.

Each derives from `CimplStreamError` and, where Python has one, from the built-in exception
that code written for ordinary files expects. One that stands for what a file object raised is
caught as that, too: it is made of a class that derives from both, and goes by our name.
"""

from __future__ import annotations

import errno as _errno
import io
import sys
from functools import lru_cache
from typing import Any, ClassVar, Optional, Tuple, Type

INVALID_HANDLE = 3
OTHER = 5
IO_OPERATION = 100
CLOSED = 103
BUSY = 104
CANCELLED = 105
WOULD_BLOCK = 106
CALLBACK_CONTRACT = 107
INVALID_ARGUMENT = 108


class CimplStreamError(Exception):
    """An operation of a stream failed.

    Attributes:
        message: what happened, also the `str` of the exception.
        code: the error code of the library, a ``CIMPL_STREAM_ERROR_*``.
        errno: the operating system's error number, `None` when there is none.
        copied: how many bytes had been copied, where `copyfileobj` raises it.
    """

    _code: ClassVar[int] = OTHER
    _errno: ClassVar[Optional[int]] = None

    message: str
    code: int
    copied: Optional[int] = None
    errno: Any  # Optional[int]; what OSError has may not be narrowed
    strerror: Any  # of those which are an OSError

    # Of a class that `_combine` made: the class of ours, and those that it was combined with.
    _parts: ClassVar[Optional[_Parts]] = None

    def __init__(
        self, message: str = "", code: Optional[int] = None, errno: Optional[int] = None
    ) -> None:
        # Not super(), which may be a class of the file object's with arguments of its own.
        BaseException.__init__(self, message)
        self.message = message
        self.code = self._code if code is None else code
        self.errno = errno or self._errno
        if isinstance(self, OSError):
            self.strerror = message

    def __str__(self) -> str:
        return self.message

    __repr__ = BaseException.__repr__  # by the name of its own class

    def __reduce__(self) -> tuple[Any, ...]:
        # Not the inherited one: OSError would pickle its own idea of the arguments.
        cls, kinds = _split(type(self))
        kinds = tuple(filter(_is_importable, kinds))
        members = [value for _, value in _members(self)]
        arguments = self.message, self.code, self.errno
        return _restore, (cls, kinds, members, *arguments), vars(self)


class NullParameterError(CimplStreamError):
    """A required pointer was NULL."""

    _code = 1


class StringTooLongError(CimplStreamError):
    """A string was longer than the library accepts."""

    _code = 2


class InvalidHandleError(CimplStreamError):
    """A pointer that is not, or no longer, a stream."""

    _code = INVALID_HANDLE


class WrongHandleTypeError(CimplStreamError):
    """A pointer of the library, but not to a stream."""

    _code = 4


class OtherError(CimplStreamError):
    """Anything without a class of its own."""

    _code = OTHER


class IoError(CimplStreamError, OSError):
    """Reading, writing, seeking or flushing failed; `__cause__` is what the file object raised.

    Whatever a file object raised is an `IoError`, one of a class for a special case or not.
    """

    _code = IO_OPERATION


class InvalidBufferError(CimplStreamError):
    """A buffer larger than the address space."""

    _code = 101


class NotSupportedError(IoError, io.UnsupportedOperation):
    """The stream cannot do that."""

    _code = 102


class ClosedError(CimplStreamError, ValueError):
    """The stream is closed."""

    _code = CLOSED


class BusyError(CimplStreamError):
    """Another operation of the same stream is running: in another thread, or around this one."""

    _code = BUSY


class CancelledError(CimplStreamError):
    """The operation was cancelled, or an interrupt that nobody has raised yet blocks the stream."""

    _code = CANCELLED


class WouldBlockError(IoError, BlockingIOError):
    """Nothing can be transferred now; `read`, `readinto` and `write` return `None` instead."""

    _code = WOULD_BLOCK
    _errno = _errno.EAGAIN


class CallbackContractError(IoError):
    """The file object returned what it must not: a wrong type, a negative or too large number."""

    _code = CALLBACK_CONTRACT


class InvalidArgumentError(CimplStreamError, ValueError):
    """An argument is out of its range; an `IoError` as well if it is that of a seek."""

    _code = INVALID_ARGUMENT


class OffsetOverflowError(InvalidArgumentError, IoError, OverflowError):
    """An offset or a size does not fit into 64 bits."""


class BadFileError(InvalidArgumentError, TypeError):
    """What was to be wrapped is no binary file."""


class NoSpaceError(IoError):
    """The device or the memory behind the stream is full."""

    _code = 109
    _errno = _errno.ENOSPC


class UnexpectedEofError(IoError, EOFError):
    """The stream ended before all data was there."""

    _code = 110


ALL: tuple[type[CimplStreamError], ...] = (  # bases first
    CimplStreamError,
    NullParameterError,
    StringTooLongError,
    InvalidHandleError,
    WrongHandleTypeError,
    OtherError,
    IoError,
    InvalidBufferError,
    NotSupportedError,
    ClosedError,
    BusyError,
    CancelledError,
    WouldBlockError,
    CallbackContractError,
    InvalidArgumentError,
    NoSpaceError,
    UnexpectedEofError,
    OffsetOverflowError,
    BadFileError,
)
_CLASSES = {cls._code: cls for cls in reversed(ALL)}  # the first of a code is what stands for it

# The classes that are raised instead of those above, which they derive from. The GObject face
# adds them: an exception of a stream is a GLib.Error in a program that knows those.
variants: dict[type[BaseException], type[CimplStreamError]] = {}


def make(
    cls: type[CimplStreamError],
    message: str,
    code: Optional[int] = None,
    errno: Optional[int] = None,
) -> CimplStreamError:
    """Return an exception of the class `cls`."""
    return variants.get(cls, cls)(message, code, errno)


def check_room(levels: int = 24) -> None:
    """Raise `RecursionError` where there is no room for so many levels of calls.

    By default, for what a callback needs to keep an exception: without it, a failure that comes
    without one may be that error itself.
    """
    if levels > 0:
        check_room(levels - 1)


def error_for(
    code: int, message: str, errno: Optional[int] = None
) -> CimplStreamError:
    """Return the exception for an error of the library.

    With an errno it is caught as the OSError of that number, such as a `BrokenPipeError`.
    """
    cls = _CLASSES.get(code, OtherError)
    kinds: tuple[type[BaseException], ...] = ()
    if errno:
        kinds = IoError, type(OSError(errno, message))
    elif code == INVALID_ARGUMENT:  # of an operation, as everything that C reports
        kinds = (IoError,)
    return _combine((variants.get(cls, cls), kinds))(message, code, errno or None)


# Exceptions that are caught as others, too.

# A class of ours, and what it is combined with.
_Parts = Tuple[Type[CimplStreamError], Tuple[Type[BaseException], ...]]


def caused_by(error: CimplStreamError, cause: BaseException) -> CimplStreamError:
    """Return `error` as one that is caught as its `cause` is, and has the attributes of that.

    It is an `IoError`, and whatever the cause is, as far as Python can derive a class from both;
    else what the cause derives from. `message`, `code` and `errno` stay those of `error`.
    """
    cls, kinds = _split(type(error))
    cause_cls, cause_kinds = _split(type(cause))
    combined = _combine((cls, (*kinds, IoError, cause_cls, *cause_kinds)))
    result = combined(error.message, error.code, error.errno)
    attributes = {**vars(cause), **vars(error)}
    vars(result).update((name, attributes[name]) for name in attributes.keys() - _NOT_COPIED)
    for member, value in _members(cause):
        member.__set__(result, value)
    return result


_NOT_COPIED = {"__notes__", "copied", "errno"}  # of the cause alone; or in C, in the result
# What an exception keeps in C, but for the errno: not every number in it is one.
_OSERROR_MEMBERS = ("strerror", "filename", "filename2", "winerror")


def _members(exception: BaseException) -> list[tuple[Any, Any]]:
    """Return what `exception` keeps in C, as attributes with their values."""
    # From the built-in class, since a property of another may hide them.
    members: list[Any] = [BaseException.args]
    if isinstance(exception, OSError):
        members += (getattr(OSError, name) for name in _OSERROR_MEMBERS if hasattr(OSError, name))
    return [(member, member.__get__(exception)) for member in members]


def _split(cls: Any) -> _Parts:
    """Return the class that `cls` was made of, and those that this was combined with."""
    return getattr(cls, "_parts", None) or (cls, ())


@lru_cache(maxsize=256)
def _combine(parts: _Parts) -> type[CimplStreamError]:
    """Return a class that derives from that of ours and, as far as that is possible, from all."""
    cls, kinds = parts
    combined = cls
    for kind in kinds:
        for base in variants.get(kind, kind).__mro__:
            if issubclass(base, Exception) and base not in combined.__mro__:
                combined = _derive(combined, base)
    if combined is not cls:
        combined._parts = parts
    return combined


# What a class of the file object must not change in those that derive from it.
_NOT_INHERITED = ("__doc__", "__init__", "__module__", "__new__", "__setattr__")


def _derive(cls: type[CimplStreamError], base: type[Exception]) -> type[CimplStreamError]:
    """Return a class that derives from `cls` and `base`; `cls` itself if that is not possible."""
    if any("__init_subclass__" in vars(parent) for parent in base.__mro__[:-1]):
        return cls  # which might make this one known to the whole program
    # Not issubclass(), which a metaclass may answer as it likes.
    bases = (base,) if cls in base.__mro__ else (cls, base)
    contents = {name: getattr(cls, name) for name in _NOT_INHERITED}
    try:
        derived: type[CimplStreamError] = type(cls.__name__, bases, contents)
        derived("")
    except Exception:  # their layouts conflict, or `base` forbids something
        return cls
    return derived


def _restore(
    cls: type[CimplStreamError],
    kinds: tuple[type[BaseException], ...],
    members: list[Any],
    *arguments: Any,
) -> CimplStreamError:
    """Return an exception that was pickled or is copied."""
    error = _combine((cls, kinds))(*arguments)
    for (member, _), value in zip(_members(error), members):
        member.__set__(error, value)
    return error


def _is_importable(cls: type) -> bool:
    """Return whether pickle can name `cls`; what it cannot is not caught as such elsewhere."""
    return getattr(sys.modules.get(cls.__module__), cls.__qualname__, None) is cls


# What C is told of an exception.


def describe(exception: BaseException) -> tuple[int, int, str]:
    """Return the code, the errno (0: none) and the message that tell C about `exception`."""
    # A property or a __str__ that fails must not hide the exception itself.
    try:
        number = _number(exception)
    except Exception:
        number = 0
    if isinstance(exception, CimplStreamError):
        return exception.code, number, exception.message
    try:
        text = str(exception)
    except Exception:
        text = "<no message>"
    name = type(exception).__name__
    message = f"{name}: {text}" if text else name
    if not isinstance(exception, Exception):
        return CANCELLED, 0, message
    return _CODES_BY_ERRNO.get(number) or _code_by_class(exception), number, message


def means_would_block(exception: BaseException) -> bool:
    """Return whether `exception` says that nothing can be transferred now."""
    return isinstance(exception, BlockingIOError) or any(
        name in ("ssl.SSLWantReadError", "ssl.SSLWantWriteError") for name in _names(exception)
    )


# Those with a number that is no errno, and those without a number that stand for one. By their
# names, since not every program has imported their modules.
_WITHOUT_ERRNO = {"io.UnsupportedOperation", "socket.gaierror", "socket.herror", "ssl.SSLError"}
_ERRNO_BY_NAME = {
    "builtins.BlockingIOError": _errno.EAGAIN,
    "builtins.BrokenPipeError": _errno.EPIPE,
    "builtins.ChildProcessError": _errno.ECHILD,
    "builtins.ConnectionAbortedError": _errno.ECONNABORTED,
    "builtins.ConnectionRefusedError": _errno.ECONNREFUSED,
    "builtins.ConnectionResetError": _errno.ECONNRESET,
    "builtins.FileExistsError": _errno.EEXIST,
    "builtins.FileNotFoundError": _errno.ENOENT,
    "builtins.InterruptedError": _errno.EINTR,
    "builtins.IsADirectoryError": _errno.EISDIR,
    "builtins.NotADirectoryError": _errno.ENOTDIR,
    "builtins.PermissionError": _errno.EACCES,
    "builtins.ProcessLookupError": _errno.ESRCH,
    "builtins.TimeoutError": _errno.ETIMEDOUT,
    "socket.timeout": _errno.ETIMEDOUT,  # before 3.10, since when it is the built-in one
}


def _names(exception: BaseException) -> list[str]:
    """Return the full names of all classes that `exception` is of, its own first."""
    return [f"{cls.__module__}.{cls.__qualname__}" for cls in type(exception).__mro__]


def _number(exception: BaseException) -> int:
    """Return the errno that `exception` has or stands for, 0 if it has none."""
    is_ours = isinstance(exception, CimplStreamError)
    if not is_ours and not isinstance(exception, OSError):
        return 0
    names = _names(exception)
    if not is_ours and any(name in _WITHOUT_ERRNO for name in names):
        return 0
    number = getattr(exception, "errno", None)
    if isinstance(number, int) and 0 < number < 1 << 31:
        return number
    return next((_ERRNO_BY_NAME[name] for name in names if name in _ERRNO_BY_NAME), 0)


# As in the table of the library, which decides wherever the exception comes through it.
_CODES_BY_ERRNO = {
    _errno.ENOTSUP: NotSupportedError._code,
    _errno.ENOSYS: NotSupportedError._code,
    _errno.ESPIPE: NotSupportedError._code,
    _errno.ECANCELED: CANCELLED,
    _errno.EAGAIN: WOULD_BLOCK,
    _errno.EINVAL: INVALID_ARGUMENT,
    _errno.ENOSPC: NoSpaceError._code,
    _errno.ENOMEM: NoSpaceError._code,
    _errno.EDQUOT: NoSpaceError._code,
    _errno.EFBIG: NoSpaceError._code,
    _errno.ENODATA: UnexpectedEofError._code,
}


def _code_by_class(exception: Exception) -> int:
    """Return the code for an exception without errno."""
    if isinstance(exception, EOFError):
        return UnexpectedEofError._code
    if isinstance(exception, (NotImplementedError, io.UnsupportedOperation)):
        return NotSupportedError._code
    return IO_OPERATION
