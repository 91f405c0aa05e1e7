# SPDX-License-Identifier: MIT
"""What a file object can do, and what its methods may return."""

from __future__ import annotations

import io
import os
from operator import index
from typing import Any

from ._errors import CALLBACK_CONTRACT, WOULD_BLOCK, BadFileError, make
from ._failures import Keeper, Refusal

_WELL_KNOWN = {
    io.BytesIO,
    io.FileIO,
    io.BufferedReader,
    io.BufferedWriter,
    io.BufferedRandom,
}
MAX_OFFSET = (1 << 63) - 1


class Adapter(Keeper):
    """A wrapped file object, as the callbacks see it.

    It knows neither the Python streams around it nor any object that does, so there is no
    reference cycle; it lives until the native stream is destroyed.
    """

    __slots__ = ("buffer", "file", "handle", "read", "write")

    def __init__(self, file: Any, read: Any, write: Any) -> None:
        super().__init__()
        self.file = file
        # The methods of the file that transfer data, None where it cannot. What was examined is
        # what is called: one that is put in their place later is not.
        self.read = read
        self.write = write
        self.handle = 0
        self.buffer = 0  # the handle of the native stream that buffers this one, if there is one


def can(file: Any, question: str, *methods: str) -> bool:
    """Return whether `file` has one of `methods`, and says yes to `question` if it knows it."""
    if not any(callable(getattr(file, method, None)) for method in methods):
        return False
    ask = getattr(file, question, None)
    return bool(ask()) if callable(ask) else True


def check_file(file: Any) -> None:
    """Refuse what is no open binary file.

    Raises:
        BadFileError: a text file, a closed file, or no file at all.
    """
    kind = type(file).__name__
    if isinstance(file, io.TextIOBase):
        raise make(BadFileError, f"{kind} is a text file; open it in binary mode, or use its .buffer")
    # Text files outside of io, such as those of tempfile and codecs, give themselves away so.
    if isinstance(getattr(file, "encoding", None), str):
        raise make(BadFileError, f"{kind} is a text file; open it in binary mode")
    if not any(callable(getattr(file, name, None)) for name in ("read", "readinto", "write")):
        raise make(BadFileError, f"{kind} has neither read() nor write(): it is no binary file")
    try:
        closed = getattr(file, "closed", False) is True
    except ValueError as error:  # a buffered file that was detached
        raise make(BadFileError, f"{kind} cannot be wrapped any more: {error}") from error
    if closed:
        raise make(BadFileError, f"I/O operation on closed file: {kind} cannot be wrapped any more")


def is_direct(file: Any) -> bool:
    """Return whether `file` may work on native memory itself.

    True for those types of CPython that are known to keep no reference to a buffer they were
    given. A subclass, a replaced method or a Python object below could do so.
    """
    kind = type(file)
    if kind not in _WELL_KNOWN or not file.__dict__.keys().isdisjoint(("read", "readinto", "write")):
        return False
    return kind is io.BytesIO or kind is io.FileIO or is_direct(file.raw)


def reads_by_readinto(file: Any) -> bool:
    """Return whether `readinto` is the file's own way to read, and not made from `read`."""
    if not callable(getattr(file, "readinto", None)):
        return False
    if not callable(getattr(file, "read", None)):
        return True
    return _level(file, "readinto") <= _level(file, "read")


def reading_method(file: Any, by_readinto: bool, seekable: bool) -> Any:
    """Return what to read `file` with: its `readinto` or `read`.

    Where it may be a pipe, the variant that reads once: the other one would wait for more data
    than a peer that waits for an answer has sent.
    """
    name = "readinto" if by_readinto else "read"
    once = name + "1"
    if not seekable and callable(getattr(file, once, None)):
        if _level(file, once) <= _level(file, name):
            return getattr(file, once)
    return getattr(file, name)


def _level(file: Any, name: str) -> int:
    """Return how far from the object itself its attribute `name` is defined."""
    if name in getattr(file, "__dict__", ()):
        return -1
    mro = type(file).__mro__
    return next((i for i, kind in enumerate(mro) if name in kind.__dict__), len(mro))


def check_count(value: Any, limit: int, name: str) -> int:
    """Return `value` as a number of bytes, 0…`limit`; refuse anything else."""
    count = check_integer(value, name)
    if not 0 <= count <= limit:
        raise Refusal(CALLBACK_CONTRACT, f"{name}() returned {count} for {limit} bytes")
    return count


def check_position(value: Any, name: str) -> int:
    """Return `value` as a position in bytes; refuse anything else."""
    position = check_integer(value, name)
    if not 0 <= position <= MAX_OFFSET:
        raise Refusal(CALLBACK_CONTRACT, f"{name}() returned {position}, which is no position")
    return position


def check_integer(value: Any, name: str) -> int:
    """Return `value` as an integer; refuse anything else, `True` and `False` too."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return index(value)
    except TypeError:
        kind = type(value).__name__
        raise Refusal(CALLBACK_CONTRACT, f"{name}() returned {kind}, not an integer") from None


def check_data(value: Any, limit: int, name: str = "read") -> memoryview:
    """Return what the method `name` returned as bytes, at most `limit`; refuse anything else."""
    try:
        data = memoryview(value).cast("B")
    except (TypeError, ValueError):
        kind = type(value).__name__
        hint = "; is the file open in text mode?" if isinstance(value, str) else ""
        raise Refusal(CALLBACK_CONTRACT, f"{name}() returned {kind}, not bytes{hint}") from None
    if len(data) > limit:
        raise Refusal(CALLBACK_CONTRACT, f"{name}() returned {len(data)} bytes for {limit} bytes")
    return data


def would_block() -> Refusal:
    """Return what tells C to try again later."""
    return Refusal(WOULD_BLOCK, "the file object would block")


def refuse_nothing(file: Any, name: str) -> Refusal:
    """Return what `None` from `read` or `readinto` means: would-block, or a broken object."""
    if isinstance(file, io.IOBase) or _is_nonblocking(file):
        return would_block()
    return Refusal(CALLBACK_CONTRACT, f"{name}() returned None")


def count_nothing(file: Any, length: int) -> int:
    """Return how much was written when `write` returned `None`: nothing, or all `length` bytes.

    Raises:
        Refusal: nothing, since the file would block.
    """
    if isinstance(file, io.RawIOBase) or _is_nonblocking(file):
        raise would_block()
    return length  # what many an object means that just does not count


def _is_nonblocking(file: Any) -> bool:
    try:
        return not os.get_blocking(file.fileno())
    except Exception:  # no fileno(), or not one of the system
        return False
