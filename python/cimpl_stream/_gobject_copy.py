# SPDX-License-Identifier: MIT
"""Copying with the functions of GLib.

Needs PyGObject; loaded by its overrides, gi/overrides/CimplStream.py, and by nothing else.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import Any, Iterator

from ._callbacks import ESCAPES, keys
from ._copy import Watcher, watchers
from ._errors import CimplStreamError
from ._gobject_errors import call, introspected
from ._gobject_methods import get_value
from ._gobject_slots import watch_signals

Gio: Any = import_module("gi.repository.Gio")
GObject: Any = import_module("gi.repository.GObject")


class _Stopper(Watcher):
    """A progress function whose exception ends the copy, by what it can be cancelled with."""

    __slots__ = ("cancellable",)

    def __init__(self, cancellable: Any, progress: Any, *data: Any) -> None:
        super().__init__(progress, *data)
        self.cancellable = cancellable


def _report_progress(done: int, total: int, key: int) -> None:
    if not watchers[key].report(done, total):
        watchers[key].cancellable.cancel()


def _keep(frame: FrameType, exception: BaseException) -> None:
    watchers[frame.f_locals["key"]].exception = exception


ESCAPES[_report_progress.__code__] = _keep


@contextmanager
def _follow(cancellable: Any) -> Iterator[Any]:
    """Give a cancellable that is cancelled when `cancellable`, which may be `None`, is."""
    follower = Gio.Cancellable()
    if cancellable is None:
        yield follower
        return
    # Not connect() of Gio.Cancellable, whose disconnect() waits for a handler that still runs.
    handler = GObject.Object.connect(cancellable, "cancelled", lambda _: follower.cancel())
    try:
        if cancellable.is_cancelled():
            follower.cancel()
        yield follower
    finally:
        GObject.Object.disconnect(cancellable, handler)


def copy(
    source: Any, target: Any, limit: int, progress: Any, data: tuple[Any, ...], cancellable: Any
) -> int:
    """Do what `Stream.copy` says; `data` are the further arguments of `progress`."""
    if progress is None:
        return _call(source, target, limit, None, None, cancellable)
    watch_signals()
    with _follow(cancellable) as follower:
        key = next(keys)
        stopper = watchers[key] = _Stopper(follower, progress, *data)
        try:
            try:
                count = _call(source, target, limit, _report_progress, key, follower)
            except CimplStreamError as error:
                if stopper.exception is None:
                    error.copied = stopper.copied
                    raise
            if stopper.exception is not None:
                raise stopper.exception
            return count
        finally:
            del watchers[key], stopper  # which leads to the exception, and that back to this frame


def _call(*arguments: Any) -> int:
    count: int = get_value(call(introspected.Stream.copy, *arguments))
    return count
