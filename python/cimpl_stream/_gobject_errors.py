# SPDX-License-Identifier: MIT
"""The exceptions of the GObject face: those of the package, and each a GLib.Error as well.

Needs PyGObject; loaded by its overrides, gi/overrides/CimplStream.py, and by nothing else.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Callable, Optional

from . import _errors, _failures

# By these names they are untyped to a type checker, whatever stubs are installed.
GLib: Any = import_module("gi.repository.GLib")
introspected: Any = import_module("gi.module").get_introspection_module("CimplStream")

DOMAIN: str = GLib.quark_to_string(introspected.StreamError.quark())
_MODULE = "gi.repository.CimplStream"  # where they are found, also by pickle


class CimplStreamError(_errors.CimplStreamError, GLib.Error):  # type: ignore[misc]
    """An operation of a stream failed.

    Attributes:
        message: what happened, also the `str` of the exception.
        domain: the GError domain; another than `StreamError.quark()` if the error comes from
            elsewhere, such as GIO.
        code: the code in that domain.
        errno: the operating system's error number, `None` when there is none.
    """

    __module__ = _MODULE
    _origin: Optional[tuple[str, int]] = None

    def __init__(
        self, message: str = "", code: Optional[int] = None, errno: Optional[int] = None
    ) -> None:
        super().__init__(message, code, errno)
        self.domain = DOMAIN

    def _restore_origin(self) -> None:
        """Become an error of the domain that it had in C."""
        if self._origin is not None:
            self.domain, self.code = self._origin


def _derive(base: type[_errors.CimplStreamError]) -> Any:
    """Return the class of this face that corresponds to `base`."""
    parents = (_errors.variants[parent] for parent in base.__bases__ if parent in _errors.variants)
    contents = {"__doc__": base.__doc__, "__module__": _MODULE}
    return type(base.__name__, (base, *parents), contents)


_errors.variants[_errors.CimplStreamError] = CimplStreamError
for _base in _errors.ALL[1:]:
    _errors.variants[_base] = _derive(_base)


def _note_origin(error: Any) -> None:
    """Note, in what stands for the thread's plain error, which domain that has in C.

    Only a stream of this face shows it; for the other one, `code` is the library's.
    """
    origin = introspected.StreamError.dup_last()
    if origin is not None and origin.domain != DOMAIN:
        error._origin = origin.domain, origin.code


_failures.completers.append(_note_origin)


def is_for_pygobject(exception: BaseException) -> bool:
    """Return whether PyGObject should tell C about `exception`, with its domain and code.

    It would lose the errno of one of our own.
    """
    is_ours = isinstance(exception, CimplStreamError) and exception.domain == DOMAIN
    return isinstance(exception, GLib.Error) and not is_ours


def get_code(error: Any) -> int:
    """Return the library's code for a GLib.Error of any domain."""
    code: int = introspected.StreamError.get_code(error)
    return code


def _convert(error: Any) -> _errors.CimplStreamError:
    """Return the exception that stands for what PyGObject raised."""
    _errors.check_room()
    # PyGObject has taken the error to pieces, and knows nothing of an errno.
    errno = introspected.StreamError.get_errno(error)
    converted: Any = _errors.error_for(get_code(error), error.message, errno)
    converted.domain, converted.code = error.domain, error.code
    return converted  # type: ignore[no-any-return]


def call(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call an introspected function; what it raises is raised as by the methods of a file."""
    converted, serial, result = None, 0, None
    try:
        result = function(*arguments, **keywords)
    except GLib.Error as error:
        converted, serial = _convert(error), introspected.StreamError.get_serial(error)
    try:
        if _failures.exits:
            _failures.raise_exit()
        if converted is not None:
            _failures.raise_error(converted, serial, sys._getframe())
        return result
    finally:
        del converted  # whose traceback leads back to this frame
