# SPDX-License-Identifier: MIT
"""The end of the interpreter."""

from __future__ import annotations

import atexit
import io
import time
import weakref
from typing import TypeVar

from . import _ffi
from ._callbacks import adapters
from ._failures import report

_Writer = TypeVar("_Writer", io.BufferedWriter, io.BufferedRandom, io.BufferedRWPair)

_EXIT_PATIENCE = 1.0  # seconds for all callbacks that still run; they may wait for ever
_writers: weakref.WeakSet[
    io.BufferedWriter | io.BufferedRandom | io.BufferedRWPair
] = weakref.WeakSet()


def flush_at_exit(writer: _Writer) -> _Writer:
    """Return `writer`, which is flushed before the streams are cut off, if it still exists.

    Otherwise what it holds would be lost, since at its own end the stream is closed already.
    """
    _writers.add(writer)
    return writer


@atexit.register
def _detach_all() -> None:
    """Cut the native streams off from Python; from now on native threads get CLOSED.

    A native thread that entered a callback while the interpreter ends would crash. That the
    GIL is released here lets those finish which are inside one.
    """
    for writer in list(_writers):
        try:
            if not writer.closed:
                writer.flush()
        except BaseException as exception:
            report(exception)
    busy = [
        adapter.handle
        for adapter in list(adapters.values())
        if adapter.handle and _ffi.detach(adapter.handle, 0) != 0
    ]
    deadline = time.monotonic() + _EXIT_PATIENCE
    for handle in busy:
        _ffi.detach(handle, max(0, int(1000 * (deadline - time.monotonic()))))
