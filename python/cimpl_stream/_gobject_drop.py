# SPDX-License-Identifier: MIT
"""The end of streams that nobody holds any more.

PyGObject lets go of a GObject while an exception is on its way, such as that of the method whose
arguments held it, and does not put the exception aside. If Python code runs then, since something
is closed, that exception is lost. CPython does put it aside around `__del__`, so that is where
streams are closed: ours, and those of GIO over ours.

What another kind of object holds, such as a `Gio.ListStore`, still goes with that. No Python code
can see that an exception is set where C calls it, nor set it again: that takes callbacks in C.

Needs PyGObject; loaded by its overrides, gi/overrides/CimplStream.py, and by nothing else.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from sys import is_finalizing
from typing import Any

from ._gobject_errors import introspected

Gio: Any = import_module("gi.repository.Gio")

_STREAMS = Gio.InputStream, Gio.OutputStream, Gio.IOStream
_ADAPTERS = introspected.InputStream, introspected.OutputStream, introspected.IOStream


@lru_cache(maxsize=64)
def _find_bases(cls: Any) -> tuple[str, ...]:
    """Return the names of the properties in which a class of streams has those it works on."""
    return tuple(
        property.name
        for property in cls.list_properties()
        if any(property.value_type.is_a(stream) for stream in _STREAMS)
    )


def _get_bases(stream: Any) -> list[Any]:
    """Return the streams of GIO that `stream` works on."""
    if is_finalizing():  # when it is too late to find out, as PyGObject imports for that
        return []
    bases = (stream.get_property(name) for name in _find_bases(stream.__class__))
    return [base for base in bases if base is not None]


def _is_over_adapter(stream: Any) -> bool:
    """Return whether what a stream of GIO does ends in a stream of ours."""
    return isinstance(stream, _ADAPTERS) or any(map(_is_over_adapter, _get_bases(stream)))


def end(stream: Any) -> None:
    """Do all that happens when the last reference goes, which is the caller's."""
    bases = _get_bases(stream)
    stream.run_dispose()
    for base in bases:
        if base.__grefcount__ == 2:  # beside the one here, only that which goes with `stream`
            end(base)


def _end_last(stream: Any) -> None:
    """End a stream of GIO over one of ours, if this is the last reference."""
    try:
        is_last = stream.__grefcount__ == 1
    except TypeError:  # its constructor failed
        return
    if is_last and _is_over_adapter(stream):
        end(stream)


def watch_gio() -> None:
    """Let the streams of GIO over one of ours end where no exception is lost."""
    for cls in _STREAMS:
        cls.__del__ = _end_last
