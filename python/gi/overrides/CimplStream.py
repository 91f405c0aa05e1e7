# SPDX-License-Identifier: MIT
"""What makes ``from gi.repository import CimplStream`` Python.

A `Stream` of any class has the methods of a file, those of `cimpl_stream.Stream`, and raises the
same exceptions, which here are a `GLib.Error` as well. A subclass implements a stream with methods
like those of `io.RawIOBase`:

    class Zeros(CimplStream.Stream):
        def do_read(self, view):
            view[:] = bytes(len(view))
            return len(view)

`wrap_file` makes a stream of a file object.
"""

from __future__ import annotations

import ctypes
import gc
import io
import os
from functools import cached_property

from gi.module import get_introspection_module
from gi.overrides import override
from gi.repository import Gio

_introspected = get_introspection_module("CimplStream")
_introspected.Stream  # loads the library, which is the one that is imported next

from cimpl_stream import BusyError, WouldBlockError, _errors, _ffi, _lifetime  # noqa: E402
from cimpl_stream._callbacks import open_adapter  # noqa: E402
from cimpl_stream._failures import get_raisable, report  # noqa: E402
from cimpl_stream._file import address_of  # noqa: E402
from cimpl_stream._gobject_copy import copy  # noqa: E402
from cimpl_stream._gobject_drop import end, watch_gio  # noqa: E402
from cimpl_stream._gobject_errors import call  # noqa: E402
from cimpl_stream._gobject_methods import check_namespace, get_value  # noqa: E402
from cimpl_stream._gobject_slots import THUNKS, watch_signals  # noqa: E402
from cimpl_stream._stream import StreamFile  # noqa: E402

_exceptions = {cls.__name__: cls for cls in _errors.variants.values()}
globals().update(_exceptions)
__all__ = ["Stream", "wrap_file", *_exceptions]


def _overrides(cls, slot):
    """Return whether `cls`, or a mixin of it, defines `slot` anew."""
    parent = next(base for base in cls.__mro__[1:] if isinstance(base, _StreamType))
    owner = next(base for base in cls.__mro__ if slot in base.__dict__)
    return owner not in parent.__mro__




def _chain(stream, slot, *arguments):
    """Call what the C class of `stream` has in a slot."""
    function = getattr(super(Stream, type(stream)._native_class), slot)
    return get_value(call(function, stream, *arguments, Gio.Cancellable.get_current()))


def _chain_transfer(stream, slot, *arguments):
    """Call what reads or writes; None if it would block."""
    try:
        return _chain(stream, slot, *arguments)
    except WouldBlockError:
        return None


class _StreamType(type(_introspected.Stream)):
    """The metaclass of streams: has C call the thunks, and the thunks the methods of the class."""

    def __init__(cls, name, bases, namespace, /, **keywords):
        thunks = {}
        if "__gtype__" in cls.__dict__ or cls.__module__.startswith("gi.overrides."):
            cls._native_class = cls  # it stands for a type that C has registered
        else:
            thunks = {slot: THUNKS[slot] for slot in THUNKS if _overrides(cls, slot)}
        # PyGObject takes what the class itself has under the names of the slots: show it the
        # thunks in their places, and put the methods back.
        methods = {slot: cls.__dict__[slot] for slot in THUNKS if slot in cls.__dict__}
        for slot in methods:
            type.__delattr__(cls, slot)
        for slot, thunk in thunks.items():
            type.__setattr__(cls, slot, thunk)
        try:
            super().__init__(name, bases, namespace)
        finally:
            for slot in thunks:
                type.__delattr__(cls, slot)
            for slot, method in methods.items():
                type.__setattr__(cls, slot, method)

    def __setattr__(cls, name, value):
        # Not seen by C is what neither the class nor a Python class above it had.
        if name in THUNKS and "_native_class" not in cls.__dict__:
            if getattr(cls, name) is getattr(Stream, name):
                raise TypeError(f"{name}() comes too late: it must be in the class statement")
        super().__setattr__(name, value)


class Stream(StreamFile, _introspected.Stream, metaclass=_StreamType):
    """Something to read from, to write to, or both, implemented in any language.

    A file, with the methods of `cimpl_stream.Stream`. As there, `read()` without a size reads
    once, up to 8192 bytes; hand `raw` or `buffered()` to whatever takes it for "everything". The
    other methods, such as `read_to_end` and `copy`, take a `Gio.Cancellable` as their last
    argument, and may be called without.

    A subclass overrides any of `do_read`, `do_write`, `do_seek`, `do_truncate`, `do_flush` and
    `do_close`, and calls `super().__init__()`. What they raise comes out of the outermost call in
    Python as the `__cause__` of a `CimplStreamError`, or as itself if it is no `Exception`;
    in between, C sees an error. `Gio.Cancellable.get_current` is the caller's cancellable.

    A stream that nobody refers to any more is closed while it still has its attributes.
    """

    _cimpl_process = None  # that made it, if it is of a Python class
    _cimpl_keeps_views = False  # whether do_read() did so: then it gets no memory of its caller

    def __init__(self, **properties):
        super().__init__(**properties)
        if type(self)._native_class is not type(self):
            self._cimpl_process = os.getpid()
            watch_signals()

    @staticmethod
    def from_handle(pointer, *, take=False):
        """Return the stream that another binding has, without a copy.

        Args:
            pointer: a stream of `cimpl_stream`, a pointer to a native one, or its address.
            take: whether the plain reference of the caller is taken over.

        Raises:
            NullParameterError: `pointer` is NULL.
            InvalidHandleError: there is no stream at `pointer`.
        """
        address = address_of(pointer)
        stream = call(_introspected.Stream.from_handle, address)
        if take:
            _ffi.free(address)
        if isinstance(pointer, StreamFile):
            # Its native stream has a wrapper now, which may need the GIL in any reference.
            pointer._cimpl_native = _ffi.releasing
            if stream._cimpl_keeper is None:
                stream._cimpl_keeper = pointer._cimpl_keeper
        return stream

    # Overridden by subclasses. Without that they do what the C class does, and so they do with
    # super().

    def do_read(self, view, /):
        """Read at most ``len(view)`` bytes, which is not 0, into `view`; return how many.

        `view` is the memory of the native caller, writable and of format "B". It is released
        afterwards, and so is every part of it that was kept, which is an error. What it is
        exported to, such as an array of NumPy, cannot be released, and must not be kept at all;
        a stream that did so reads into memory of its own from then on.

        Returns: how many bytes; 0 at the end of the data, `None` if it would block.
        """
        with memoryview(view).cast("B") as memory:
            address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
            return _chain_transfer(self, "do_read", address, len(memory))

    def do_read_bytes(self, size, /):
        """Read at most `size` bytes and return them; the slot for who cannot fill a buffer.

        A class overrides this or `do_read`, which is faster.
        """
        data = _chain_transfer(self, "do_read_bytes", size)
        return None if data is None else data.get_data()

    def do_write(self, view, /):
        """Write at most ``len(view)`` bytes, which is not 0; return how many, `None` for would-block.

        `view` is a read-only copy that may be kept.
        """
        return _chain_transfer(self, "do_write", bytes(view))

    def do_seek(self, offset, whence, /):
        """Move the position; return the new one. `whence` is one of ``os.SEEK_*``."""
        return _chain(self, "do_seek", offset, _introspected.SeekMode(whence))

    def do_truncate(self, size, /):
        """Set the size, in bytes; the position stays."""
        _chain(self, "do_truncate", size)

    def do_flush(self):
        """Pass on what is buffered."""
        _chain(self, "do_flush")

    def do_close(self):
        """Close; called at most once, after a flush of what was written."""
        _chain(self, "do_close")

    def do_query_flags(self):
        """Return the `StreamFlags`; by default what the class overrides. Any thread may call it."""
        function = super(Stream, type(self)._native_class).do_query_flags
        return get_value(call(function, self))

    # The rest of the file.

    def write_all(self, data, cancellable=None):
        """Write the bytes of any buffer, all of them; return how many."""
        if type(data) is not bytes:
            data = memoryview(data).tobytes()  # PyGObject takes each item of an array for a byte
        return get_value(call(_introspected.Stream.write_all, self, data, cancellable))

    def dup_failure(self):
        """Return the first failure of the stream, as it is raised, or `None`."""
        code = _ffi.failed(self._cimpl_handle)
        return None if code == 0 else get_raisable(self._cimpl_complete)

    def copy(self, target, limit=-1, progress=None, progress_data=None, cancellable=None):
        """Copy from the position of this stream to that of another one; return how many bytes.

        Args:
            target: another `Stream`.
            limit: how many bytes to copy at most, -1 for all up to the end.
            progress: called after each block with the bytes copied so far, those to copy in total,
                `None` if that is not known, and `progress_data`, unless that is `None`. An
                exception that it raises ends the copy; what it returns means nothing.
            cancellable: a `Gio.Cancellable`, or `None`.

        Raises:
            CimplStreamError: reading or writing failed; with `progress`, its `copied` says how
                many bytes arrived. What was read and has not arrived is given back by a seek, if
                this stream can.
        """
        data = () if progress_data is None else (progress_data,)
        return copy(self, target, limit, progress, data, cancellable)

    def readline(self, size=-1, /):
        """Read a line, or `size` bytes of it. Byte by byte; `buffered()` is faster."""
        return self.raw.readline(size)

    def readlines(self, hint=-1, /):
        """Read all lines, or as many as have `hint` bytes."""
        return self.raw.readlines(hint)

    def writelines(self, lines, /):
        """Write the bytes of each of `lines`."""
        self.raw.writelines(lines)

    def fileno(self):
        """Raise `io.UnsupportedOperation`: there is no descriptor."""
        return self.raw.fileno()

    def isatty(self):
        """Return False, unless the stream is closed."""
        return self.raw.isatty()

    def __enter__(self):
        self.raw.__enter__()  # which refuses if it is closed
        return self

    def __exit__(self, *exception):
        self.close()

    def __iter__(self):
        self.raw.__iter__()
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def __del__(self):
        try:
            is_last = self.__grefcount__ == 1
        except TypeError:  # its constructor failed
            return
        if is_last:
            try:
                if self._cimpl_process == os.getpid():  # else it is for the parent process to close
                    self._cimpl_is_dropped = True
                    self.close()
            finally:
                # Nothing is left to be done when the wrapper goes, which may be while an exception
                # is on its way.
                end(self)
                _ffi.detach(_get_pointer(self.__gpointer__, None), 0)

    @cached_property
    def _cimpl_handle(self):
        self.__grefcount__  # says it if __init__() was not called
        return _get_pointer(self.__gpointer__, None)

    def _cimpl_complete(self, error):
        error = super()._cimpl_complete(error)
        error._restore_origin()
        return error

    def _watch_signals(self):
        watch_signals()


io.RawIOBase.register(Stream)
Stream = override(Stream)
watch_gio()

_functions = check_namespace({"Stream": Stream})
globals().update(_functions)
__all__ += _functions

Gio.Cancellable().run_dispose()  # the first call imports, for which it may be too late in __del__

_get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def wrap_file(file_obj):
    """Return a `Stream` over a file object, as `cimpl_stream.Stream` is one.

    Raises:
        BadFileError: `file_obj` is no open binary file.
    """
    adapter = open_adapter(file_obj)
    stream = Stream.from_handle(adapter.handle, take=True)
    stream._cimpl_keeper = adapter
    return stream


@_lifetime.at_exit
def _end():
    """Close the streams of Python classes; from now on native threads get CLOSED."""
    gc.unfreeze()  # or they would not be among the objects
    streams = [
        stream
        for stream in gc.get_objects()
        if issubclass(type(stream), Stream) and stream._cimpl_process == os.getpid()
    ]
    if not streams:
        return
    busy = {stream._cimpl_handle for stream in streams}
    try:
        _lifetime.flush_files()
        for stream in streams:
            try:
                stream.close()
                busy.discard(stream._cimpl_handle)
            except BusyError:
                pass
            except BaseException as exception:
                report(exception)
    finally:
        _lifetime.detach(list(busy))
