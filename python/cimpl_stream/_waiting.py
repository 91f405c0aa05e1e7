# SPDX-License-Identifier: MIT
"""Waiting for other threads, before native functions that do not wait by themselves."""

from __future__ import annotations

from typing import Any, Callable, Optional

from . import _ffi
from ._file import REFUSED, NativeFile


def in_turn(
    stream: NativeFile,
    other: Optional[NativeFile],
    function: Callable[..., Any],
    *arguments: Any,
    **keywords: Any,
) -> Any:
    """Call what does a native operation on `stream`, and on `other`, which need not be one.

    Before that, waits until no other thread uses them; signals are handled in between.
    """
    address = stream._cimpl_handle
    other_address = None if other is None else other._cimpl_handle
    # Leaving may end what keeps the stream, and run the code of anybody.
    end = stream._cimpl_native.end_reservation
    try:
        result = _ffi.holding.reserve(address, other_address, 0)
        while result == REFUSED and stream._cimpl_turn_ms:
            # It may need the GIL to end.
            result = _ffi.releasing.reserve(address, other_address, stream._cimpl_turn_ms)
        return function(*arguments, **keywords)
    finally:
        end()
