# SPDX-License-Identifier: MIT
"""The end of the interpreter."""

from __future__ import annotations

import atexit
import gc
import io
import os
import signal
import time
from ctypes import c_void_p
from typing import Any, Callable

from . import _ffi
from ._callbacks import adapters
from ._errors import BUSY, INVALID_HANDLE, WOULD_BLOCK
from ._failures import report, settle
from ._file import NativeFile

_EXIT_PATIENCE = 1.0  # seconds for all callbacks that still run; they may wait for ever
_FLUSH_PATIENCE = 0.5  # the same for streams with a buffer, which may still be in use
_WRITERS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)  # the upper layer first


_handlers: dict[int, Any] = {}  # of the signals that are held back
_held: list[int] = []  # those that have come meanwhile


def at_exit(function: Callable[[], None]) -> Callable[[], None]:
    """Call `function` at the end of the interpreter, which no interrupt keeps from its work.

    The first signal of a kind is handled after it, lest a Ctrl-C lose data. The second is handled
    at once, so that a file which waits for ever can be given up.
    """
    atexit.register(_finish, function)
    atexit.register(_hold_signals)  # by itself, before: one that is interrupted leaves the other
    return function


def _finish(function: Callable[[], None]) -> None:
    NativeFile._cimpl_turn_ms = 0  # whoever uses a stream now may do so for ever
    try:
        function()
    finally:
        _release_signals()


def _hold_signals() -> None:
    for number in range(1, signal.NSIG):
        handler = signal.getsignal(number)
        if callable(handler):
            _handlers[number] = handler
            try:
                signal.signal(number, _hold)
            except ValueError:  # not in the main thread, where they are handled
                break


def _hold(number: int, frame: Any) -> None:
    if number in _held:
        _handlers[number](number, frame)
    else:
        _held.append(number)


def _release_signals() -> None:
    for number, handler in _handlers.items():
        if signal.getsignal(number) is _hold:  # and nobody has set another one meanwhile
            signal.signal(number, handler)
    while _held:
        number = _held.pop()
        try:
            _handlers[number](number, None)
        except BaseException as exception:
            report(exception)


@at_exit
def _end() -> None:
    """Cut the native streams off from Python; from now on native threads get CLOSED.

    A native thread that entered a callback while the interpreter ends would crash. That the
    GIL is released here lets those finish which are inside one.
    """
    if not adapters:
        return
    try:
        flush_files()
        _close_buffers()
    finally:
        _detach_all()


def _detach_all() -> None:
    deadline = time.monotonic() + _EXIT_PATIENCE
    handles = [
        handle
        for adapter in list(adapters.values())
        for handle in (adapter.buffer, adapter.handle)
        if handle
    ]
    going = detach(handles)
    while any(adapter.handle in going for adapter in list(adapters.values())):
        if time.monotonic() >= deadline:
            break
        time.sleep(0.001)


def detach(handles: list[int]) -> list[int]:
    """Let no callback of the streams at `handles` begin, and wait for those that run.

    Returns those that another thread is just letting go of, and which may still call.
    """
    deadline = time.monotonic() + _EXIT_PATIENCE
    failed = {handle: _ffi.error_code() for handle in handles if _ffi.detach(handle, 0) != 0}
    for handle, code in failed.items():
        if code == WOULD_BLOCK:
            _ffi.detach(handle, max(0, int(1000 * (deadline - time.monotonic()))))
    return [handle for handle, code in failed.items() if code != WOULD_BLOCK]


def _close_buffers() -> None:
    """Pass on what native streams have written behind; those which only read do nothing."""
    deadline = time.monotonic() + _FLUSH_PATIENCE
    for handle in [adapter.buffer for adapter in list(adapters.values()) if adapter.buffer]:
        _close(handle, deadline)


def _close(handle: int, deadline: float) -> None:
    while _ffi.releasing.close(handle, 0) < 0:
        code = _ffi.error_code()
        if code == BUSY and time.monotonic() < deadline:
            time.sleep(0.001)
            continue
        if code not in (BUSY, INVALID_HANDLE):  # it may wait for ever, or be gone
            try:
                settle(-1)
            except BaseException as exception:
                report(exception)
        break


def _disown_buffers() -> None:
    """In a child process: what the parent wrote behind is the parent's to pass on."""
    for adapter in adapters.values():
        adapter.buffer = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_buffers)


def flush_files() -> None:
    """Flush what still lies in files over a stream; at their own end it would be too late."""
    gc.unfreeze()  # or they would not be among the objects
    objects = gc.get_objects()
    for kind in _WRITERS:
        for file in [item for item in objects if issubclass(type(item), kind)]:
            try:
                if _is_over_stream(file):
                    file.flush()
            except BaseException as exception:
                report(exception)


def _is_over_stream(file: Any) -> bool:
    try:
        raw = getattr(file, "buffer", file).raw  # that of a text file lies one layer lower
        if not isinstance(raw, NativeFile) or _ffi.is_closed(c_void_p(raw._cimpl_handle)):
            return False
        return not file.closed
    except (AttributeError, ValueError):  # over something else, or detached
        return False
