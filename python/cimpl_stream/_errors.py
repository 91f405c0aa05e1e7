# SPDX-License-Identifier: MIT
"""The exceptions of the package, one class per error code of the library.

Each derives from `CimplStreamError` and, where Python has one, from the built-in exception
that code written for ordinary files expects.
"""

from __future__ import annotations

import errno as _errno
import io
from typing import Any, ClassVar, Optional

INVALID_HANDLE = 3
OTHER = 5
IO_OPERATION = 100
CLOSED = 103
BUSY = 104
CANCELLED = 105
WOULD_BLOCK = 106
CALLBACK_CONTRACT = 107


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

    def __init__(
        self, message: str = "", code: Optional[int] = None, errno: Optional[int] = None
    ) -> None:
        # With one argument an OSError sets none of its own attributes.
        super().__init__(message)
        self.message = message
        self.code = self._code if code is None else code
        self.errno = errno or self._errno
        if isinstance(self, OSError):
            self.strerror = message

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Not the inherited one: OSError would pickle its own idea of the arguments.
        return (type(self), (self.message, self.code, self.errno), self.__dict__)


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
    """Reading, writing, seeking or flushing failed; `__cause__` is what the file object raised."""

    _code = IO_OPERATION


class InvalidBufferError(CimplStreamError):
    """A buffer larger than the address space."""

    _code = 101


class NotSupportedError(CimplStreamError, io.UnsupportedOperation):
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


class WouldBlockError(CimplStreamError, BlockingIOError):
    """Nothing can be transferred now; `read`, `readinto` and `write` return `None` instead."""

    _code = WOULD_BLOCK
    _errno = _errno.EAGAIN


class CallbackContractError(CimplStreamError):
    """The file object returned what it must not: a wrong type, a negative or too large number."""

    _code = CALLBACK_CONTRACT


class InvalidArgumentError(CimplStreamError, ValueError):
    """An argument is out of its range."""

    _code = 108


class OffsetOverflowError(InvalidArgumentError, OverflowError):
    """An offset or a size does not fit into 64 bits."""


class BadFileError(InvalidArgumentError, TypeError):
    """What was to be wrapped is no binary file."""


class NoSpaceError(CimplStreamError, OSError):
    """The device or the memory behind the stream is full."""

    _code = 109
    _errno = _errno.ENOSPC


class UnexpectedEofError(CimplStreamError, EOFError):
    """The stream ended before all data was there."""

    _code = 110


_CLASSES = {cls._code: cls for cls in CimplStreamError.__subclasses__()}


ALL = (CimplStreamError, *_CLASSES.values(), OffsetOverflowError, BadFileError)  # bases first

# The classes that are raised instead of those above, which they derive from. The GObject face
# adds them: an exception of a stream is a GLib.Error in a program that knows those.
variants: dict[type[CimplStreamError], type[CimplStreamError]] = {}


def make(
    cls: type[CimplStreamError],
    message: str,
    code: Optional[int] = None,
    errno: Optional[int] = None,
) -> CimplStreamError:
    """Return an exception of the class `cls`."""
    return variants.get(cls, cls)(message, code, errno)


def error_for(
    code: int, message: str, errno: Optional[int] = None
) -> CimplStreamError:
    """Return the exception for an error of the library."""
    return make(_CLASSES.get(code, OtherError), message, code, errno or None)


def describe(exception: BaseException) -> tuple[int, int, str]:
    """Return the code, the errno (0: none) and the message that tell C about `exception`."""
    try:
        number = getattr(exception, "errno", None)
        number = number if isinstance(number, int) and 0 < number < 1 << 31 else 0
        if isinstance(exception, CimplStreamError):
            return exception.code, number, exception.message
        text = str(exception)
    except Exception:  # a property or a __str__ that fails must not hide the exception itself
        number, text = 0, "<no message>"
    name = type(exception).__name__
    message = f"{name}: {text}" if text else name
    if not isinstance(exception, Exception):
        return CANCELLED, 0, message
    if isinstance(exception, OSError) and not isinstance(exception, io.UnsupportedOperation):
        return _CODES_BY_ERRNO.get(number, IO_OPERATION), number, message
    return _code_by_class(exception), 0, message


_CODES_BY_ERRNO = {_errno.ENOSPC: NoSpaceError._code, _errno.EAGAIN: WOULD_BLOCK}


def _code_by_class(exception: Exception) -> int:
    """Return the code for an exception without errno."""
    if isinstance(exception, EOFError):
        return UnexpectedEofError._code
    if isinstance(exception, (NotImplementedError, io.UnsupportedOperation)):
        return NotSupportedError._code
    return IO_OPERATION
