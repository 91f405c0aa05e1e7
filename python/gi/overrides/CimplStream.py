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

import atexit
import ctypes
import gc
import io
import os
import sys
from functools import cached_property, wraps
from sys import getrefcount

from gi.module import get_introspection_module
from gi.overrides import override
from gi.repository import Gio, GLib

_introspected = get_introspection_module("CimplStream")
_introspected.Stream  # loads the library, so that the next line finds it

import cimpl_stream  # noqa: E402
from cimpl_stream import _errors, _failures, _ffi, _lifetime  # noqa: E402
from cimpl_stream._adapter import (  # noqa: E402
    check_count,
    check_data,
    check_integer,
    check_position,
    would_block,
)
from cimpl_stream._callbacks import open_adapter, taken_before, watch_signals  # noqa: E402
from cimpl_stream._failures import Failure, Keeper, Refusal, keep, revisit  # noqa: E402
from cimpl_stream._file import address_of  # noqa: E402
from cimpl_stream._stream import StreamFile  # noqa: E402

__all__ = ["Stream", "wrap_file"]

# The exceptions: each also a GLib.Error, of this domain.

_DOMAIN = GLib.quark_to_string(_introspected.StreamError.quark())


class CimplStreamError(cimpl_stream.CimplStreamError, GLib.Error):
    """An operation of a stream failed.

    Attributes:
        message: what happened, also the `str` of the exception.
        domain: the GError domain; another than `StreamError.quark()` if the error comes from
            elsewhere, such as GIO.
        code: the code in that domain.
        errno: the operating system's error number, `None` when there is none.
    """

    def __init__(self, message="", code=None, errno=None):
        super().__init__(message, code, errno)
        self.domain = _DOMAIN
        self._origin = None

    __repr__ = BaseException.__repr__  # with the name of its own class

    def _restore_origin(self):
        """Become an error of the domain that it had in C."""
        if self._origin is not None:
            self.domain, self.code = self._origin


def _derive(base):
    """Return the class here that corresponds to the class `base` of the package."""
    parents = (_errors.variants[parent] for parent in base.__bases__ if parent in _errors.variants)
    contents = {"__doc__": base.__doc__, "__module__": __name__}
    return type(base.__name__, (base, *parents), contents)


_errors.variants[cimpl_stream.CimplStreamError] = CimplStreamError
for _base in _errors.ALL[1:]:
    globals()[_base.__name__] = _errors.variants[_base] = _derive(_base)
__all__ += [base.__name__ for base in _errors.ALL]


def _note_origin(error):
    """Note, in what stands for the thread's plain error, which domain that has in C.

    Only a stream of this face shows it; for the other one, `code` is the library's.
    """
    origin = _introspected.StreamError.dup_last()
    if origin is not None and origin.domain != _DOMAIN:
        error._origin = origin.domain, origin.code


_failures.completers.append(_note_origin)


def _convert(error):
    """Return the exception that stands for what PyGObject raised."""
    converted = _errors.error_for(_introspected.StreamError.get_code(error), error.message)
    converted.domain, converted.code = error.domain, error.code
    return converted


# The slots that a subclass overrides. PyGObject calls a thunk, which calls the method of the
# stream, so that mixins, `super()` and everything else work as they do in Python; and which sees
# to it that nothing is lost of what the method raises, and nothing believed that it returns.


class _ArrayTypes(dict):
    """The ctypes array type of each length that was asked for lately."""

    def __missing__(self, length):
        if len(self) == 256:
            self.clear()
        self[length] = array_type = ctypes.c_ubyte * length
        return array_type


_array_types = _ArrayTypes()


def _count_references(address, count):
    """Return the reference count of an array that nobody else refers to."""
    array = _array_types[count].from_address(address)
    return getrefcount(array)


_UNSHARED = _count_references(ctypes.addressof(ctypes.c_ubyte()), 1)


def _read(stream, address, count, cancellable):
    try:
        if stream._keeper is not None:
            revisit(stream._keeper)
        # Not a slice of all memory: an array of its own tells by its references whether the
        # method has kept a part of the view.
        array = _array_types[count].from_address(address)
        view = memoryview(array).cast("B")
        try:
            if cancellable is None:
                result = stream.do_read(view)
            else:
                with _current(cancellable):
                    result = stream.do_read(view)
        finally:
            try:
                view.release()
            except BufferError:  # exported, such as to an array of NumPy
                raise _kept_view() from None
        if getrefcount(array) > _UNSHARED:
            raise _kept_view()
        if result.__class__ is not int or not 0 <= result <= count:
            result = check_count(_transferred(result), count, "do_read")
        return True, result
    except BaseException as exception:
        if _fail(stream, exception):
            raise
        return False, 0


def _read_bytes(stream, count, cancellable):
    try:
        if stream._keeper is not None:
            revisit(stream._keeper)
        with _current(cancellable):
            data = _transferred(stream.do_read_bytes(count))
        return GLib.Bytes.new(bytes(check_data(data, count, "do_read_bytes")))
    except BaseException as exception:
        if _fail(stream, exception):
            raise
        return None


def _write(stream, data, *rest):  # PyGObject passes the length, too, and may stop doing so
    try:
        if stream._keeper is not None:
            revisit(stream._keeper)
        with _current(rest[-1]):
            try:
                result = stream.do_write(memoryview(data))
            except BlockingIOError as error:
                result = taken_before(error)
        return True, check_count(_transferred(result), len(data), "do_write")
    except BaseException as exception:
        if _fail(stream, exception):
            raise
        return False, 0


def _seek(stream, offset, mode, cancellable):
    try:
        if stream._keeper is not None:
            revisit(stream._keeper)
        with _current(cancellable):
            position = stream.do_seek(offset, int(mode))
        return True, check_position(position, "do_seek")
    except BaseException as exception:
        if _fail(stream, exception):
            raise
        return False, 0


def _flush(stream, cancellable):
    try:
        if stream._keeper is not None:
            revisit(stream._keeper)
        with _current(cancellable):
            _check_done(stream.do_flush(), "do_flush")
        return True
    except BaseException as exception:
        if _fail(stream, exception):
            raise
        return False


def _close(stream, cancellable):
    try:
        with _current(cancellable):
            _check_done(stream.do_close(), "do_close")
        return True
    except BaseException as exception:
        if _fail(stream, exception):
            raise
        return False


def _truncate(stream, size, cancellable):
    try:
        if stream._keeper is not None:
            revisit(stream._keeper)
        with _current(cancellable):
            _check_done(stream.do_truncate(size), "do_truncate")
        return True
    except BaseException as exception:
        if _fail(stream, exception):
            raise
        return False


def _query_flags(stream):
    try:
        return True, check_integer(stream.do_query_flags(), "do_query_flags")
    except BaseException as exception:
        if _fail(stream, exception):
            raise
        return False, 0


_THUNKS = {
    "do_read": _read,
    "do_read_bytes": _read_bytes,
    "do_write": _write,
    "do_seek": _seek,
    "do_flush": _flush,
    "do_close": _close,
    "do_truncate": _truncate,
    "do_query_flags": _query_flags,
}
_CODES = {thunk.__code__ for thunk in _THUNKS.values()}


class _current:
    """Makes a cancellable that of `Gio.Cancellable.get_current`, as far as there is one."""

    __slots__ = ("_cancellable",)

    def __init__(self, cancellable):
        self._cancellable = cancellable

    def __enter__(self):
        if self._cancellable is not None:
            self._cancellable.push_current()

    def __exit__(self, *exception):
        if self._cancellable is not None:
            self._cancellable.pop_current()


def _kept_view():
    return Refusal(_errors.CALLBACK_CONTRACT, "do_read() kept a part of the view it was given")


def _transferred(result):
    """Return the result of a method that reads or writes, unless that would block."""
    if result is None:
        raise would_block()
    return result


def _check_done(result, name):
    """Refuse what cannot mean success. Most methods return nothing, or like truncate() a size."""
    if result is False:
        raise Refusal(_errors.CALLBACK_CONTRACT, f"{name}() returned False; it should raise")


def _get_keeper(stream):
    if stream._keeper is None:
        stream._keeper = Keeper()
    return stream._keeper


def _fail(stream, exception):
    """Keep the `exception` that a thunk ends with, and tell C about it.

    Returns whether it is for PyGObject to tell C, since it has a domain of its own.
    """
    if isinstance(exception, BlockingIOError):
        exception = would_block()
    keeper = _get_keeper(stream)
    if isinstance(exception, GLib.Error) and exception.domain != _DOMAIN:
        keeper.failure = Failure(exception, exception.message)
        return True
    keep(keeper, exception)
    return False


class _ExceptHook:
    """A `sys.excepthook` that keeps what was raised on entry to one of the thunks.

    As that of `cimpl_stream` for `sys.unraisablehook`: PyGObject prints what it takes for an
    exception that nobody can catch.
    """

    __slots__ = ("_previous",)

    def __init__(self):
        self._previous = sys.excepthook

    def __call__(self, kind, exception, traceback, /):
        frame = traceback.tb_frame if traceback is not None else None
        if frame is None or frame.f_code not in _CODES:
            self._previous(kind, exception, traceback)
        else:
            _get_keeper(frame.f_locals["stream"]).failure = Failure(exception)


def _registers_type(cls):
    """Return whether `cls` becomes a GType of its own, and not a wrapper of one."""
    return "__gtype__" not in cls.__dict__ and not cls.__module__.startswith("gi.overrides.")


def _overrides(cls, slot):
    """Return whether `cls`, or a mixin of it, defines `slot` anew."""
    parent = next(base for base in cls.__mro__[1:] if isinstance(base, _StreamType))
    owner = next(base for base in cls.__mro__ if slot in base.__dict__)
    return owner not in parent.__mro__


def _call(function, *arguments):
    """Call an introspected function; what it raises is raised as by the methods of a file."""
    start = _failures.clock[0]
    try:
        result = function(*arguments)
    except GLib.Error as error:
        _failures.throw_fatal()
        _failures.throw_since(start, _convert(error))
        raise _convert(error) from None
    _failures.throw_fatal()
    return result


def _checked(name):
    """Return the introspected method `name`, raising as the methods of a file do."""
    method = getattr(_introspected.Stream, name)

    @wraps(method)
    def call(*arguments):
        return _call(method, *arguments)

    return call


def _chain(stream, slot, *arguments):
    """Call what the C class of `stream` has in a slot."""
    function = getattr(super(Stream, type(stream)._native_class), slot)
    result = _call(function, stream, *arguments, Gio.Cancellable.get_current())
    return result[1] if isinstance(result, tuple) else result


def _chain_transfer(stream, slot, *arguments):
    """Call what reads or writes; None if it would block."""
    try:
        return _chain(stream, slot, *arguments)
    except cimpl_stream.WouldBlockError:
        return None


class _StreamType(type(_introspected.Stream)):
    """The metaclass of streams: has C call the thunks, and the thunks the methods of the class."""

    def __init__(cls, name, bases, namespace, **kwargs):
        if _registers_type(cls):
            thunks = {slot: _THUNKS[slot] for slot in _THUNKS if _overrides(cls, slot)}
        else:
            cls._native_class = cls
            thunks = {}
        # PyGObject takes what the class itself has under the names of the slots: show it the
        # thunks in their places, and put the methods back.
        methods = {slot: cls.__dict__[slot] for slot in _THUNKS if slot in cls.__dict__}
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
        if name in _THUNKS and _registers_type(cls):
            raise TypeError(f"{name}() must be in the class when it is made; C would not see it")
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

    _process = None  # that made it, if it is of a Python class

    def __init__(self, **properties):
        super().__init__(**properties)
        if type(self)._native_class is not type(self):
            self._process = os.getpid()
            _watch_signals()

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
        stream = _call(_introspected.Stream.from_handle, address)
        if take:
            _ffi.free(address)
        if isinstance(pointer, StreamFile):
            # Its native stream has a wrapper now, which may need the GIL in any reference.
            pointer._native = _ffi.releasing
            stream._keeper = pointer._keeper
        return stream

    # Overridden by subclasses. Without that they do what the C class does, and so they do with
    # super().

    def do_read(self, view, /):
        """Read at most ``len(view)`` bytes, which is not 0, into `view`; return how many.

        `view` is the memory of the native caller, writable and of format "B". It is released
        afterwards, and no part of it must be kept.

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
        return _call(function, self)[1]

    # The rest of the file.

    read_bytes = _checked("read_bytes")
    read_to_end = _checked("read_to_end")
    write_bytes = _checked("write_bytes")
    write_all = _checked("write_all")
    get_size = _checked("get_size")
    get_flags = _checked("get_flags")
    copy = _checked("copy")

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
        # In a child process, what the parent has made is the parent's to close. A wrapper that C
        # caused to be made, such as from dispose, has no _process.
        if self._process == os.getpid() and self.__grefcount__ == 1:
            self.close()

    @cached_property
    def _handle(self):
        return _get_pointer(self.__gpointer__, None)

    def _settle(self, result, start):
        try:
            return super()._settle(result, start)
        except CimplStreamError as error:
            error._restore_origin()
            raise

    def _watch_signals(self):
        _watch_signals()


io.RawIOBase.register(Stream)
Stream = override(Stream)

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
    stream._keeper = adapter
    return stream


def _watch_signals():
    watch_signals()
    if not isinstance(sys.excepthook, _ExceptHook):
        sys.excepthook = _ExceptHook()


@atexit.register
def _end():
    """Close the streams of Python classes; from now on native threads get CLOSED."""
    streams = [
        stream
        for stream in gc.get_objects()
        if issubclass(type(stream), Stream) and stream._process == os.getpid()
    ]
    if not streams:
        return
    _lifetime.flush_files()
    busy = []
    for stream in streams:
        try:
            stream.close()
        except cimpl_stream.BusyError:
            busy.append(stream._handle)
        except BaseException as exception:
            _failures.report(exception)
    _lifetime.detach(busy)
