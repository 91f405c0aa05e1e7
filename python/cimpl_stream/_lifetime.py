# SPDX-License-Identifier: MIT
"""The end of the interpreter."""

from __future__ import annotations

import atexit
import gc
import io
import os
import time
from typing import Any

from . import _ffi
from ._callbacks import adapters
from ._errors import BUSY, INVALID_HANDLE, WOULD_BLOCK
from ._failures import clock, report, settle
from ._file import NativeFile

_EXIT_PATIENCE = 1.0  # seconds for all callbacks that still run; they may wait for ever
_FLUSH_PATIENCE = 0.5  # the same for streams with a buffer, which may still be in use
_WRITERS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)  # the upper layer first


@atexit.register
def _end() -> None:
    """Cut the native streams off from Python; from now on native threads get CLOSED.

    A native thread that entered a callback while the interpreter ends would crash. That the
    GIL is released here lets those finish which are inside one.
    """
    if not adapters:
        return
    flush_files()
    buffers = _close_buffers()
    deadline = time.monotonic() + _EXIT_PATIENCE
    handles = [adapter.handle for adapter in list(adapters.values()) if adapter.handle]
    going = detach(buffers + handles)
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


def _close_buffers() -> list[int]:
    """Pass on what native streams have written behind; those which only read do nothing.

    Returns their handles.
    """
    deadline = time.monotonic() + _FLUSH_PATIENCE
    handles = [adapter.buffer for adapter in list(adapters.values()) if adapter.buffer]
    for handle in handles:
        _close(handle, deadline)
    return handles


def _close(handle: int, deadline: float) -> None:
    start = clock[0]
    while _ffi.releasing.close(handle) < 0:
        code = _ffi.error_code()
        if code == BUSY and time.monotonic() < deadline:
            time.sleep(0.001)
            continue
        if code not in (BUSY, INVALID_HANDLE):  # it may wait for ever, or be gone
            try:
                settle(-1, start)
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
        if not isinstance(raw, NativeFile) or _ffi.is_closed(raw._cimpl_handle):
            return False
        return not file.closed
    except (AttributeError, ValueError):  # over something else, or detached
        return False
