# SPDX-License-Identifier: MIT
"""The overrides: the view that `do_read` is given, and what is kept of it."""

import ctypes
import functools
import gc
import pickle
import queue
import threading

import gi
import pytest

import cimpl_stream

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream  # noqa: E402


class Viewer(CimplStream.Stream):
    """Does with the view what it was made with."""

    def __init__(self, act):
        super().__init__()
        self.act = act
        self.kept = None

    def do_read(self, view):
        self.kept = self.act(view)
        return 1


def test_view_is_the_callers_buffer():
    """The method writes into the memory that the native caller passed."""

    def act(view):
        assert (view.format, view.readonly, len(view), view.contiguous) == ("B", False, 5, True)
        view[0] = ord("x")
        return ctypes.addressof(ctypes.c_char.from_buffer(view))

    stream = Viewer(act)
    buffer = ctypes.create_string_buffer(5)
    library = ctypes.CDLL(cimpl_stream.native_library)
    assert library.cimpl_stream_read(stream, buffer, ctypes.c_size_t(5)) == 1
    assert stream.kept == ctypes.addressof(buffer)
    assert buffer.value == b"x"


def test_view_is_released():
    """The view itself can be kept, and is of no use afterwards."""
    stream = Viewer(lambda view: view)
    assert stream.read(5) == b"\0"
    with pytest.raises(ValueError, match="released"):
        stream.kept[0]


def one_of_a_generator(view):
    """Return a generator that has a slice in a variable."""

    def generate(part):
        yield len(part)
        yield part

    generator = generate(view[1:])
    next(generator)
    return generator


# What leads to a slice of a view, and how to get at that.
PARTS = {
    "slice": (lambda view: view[1:2], lambda part: part),
    "whole": (lambda view: view[:], lambda part: part),
    "slice of a slice": (lambda view: view[:][:1], lambda part: part),
    "memoryview": (memoryview, lambda part: part),
    "cast": (lambda view: view.cast("b"), lambda part: part),
    "read-only": (lambda view: view.toreadonly(), lambda part: part),
    "several": (lambda view: [view[:1], view[1:]], lambda part: part[1]),
    "container": (lambda view: {"key": (view[:1],)}, lambda part: part["key"][0]),
    "object": (lambda view: Viewer(view[:1]), lambda part: part.act),
    "closure": (lambda view: functools.partial(lambda part: part, view[:1]), lambda part: part()),
    "generator": (one_of_a_generator, next),
}
# What works on the memory itself.
EXPORTS = {
    "exported": pickle.PickleBuffer,  # as arrays of NumPy do
    "exported slice": lambda view: pickle.PickleBuffer(view[1:]),
    "ctypes": lambda view: ctypes.c_char.from_buffer(view),
    "ctypes array": lambda view: (ctypes.c_char * 1).from_buffer(view),
}
each_part = pytest.mark.parametrize("act, get", PARTS.values(), ids=PARTS)
each_export = pytest.mark.parametrize("act", EXPORTS.values(), ids=EXPORTS)


class FailingViewer(Viewer):
    """Raises after it has done something with the view."""

    def do_read(self, view):
        part = self.act(view)
        raise OSError(5, f"broken after {type(part)}")


def variable_of(error, name):
    """Return the variable `name` of the function that raised `error`."""
    traceback = error.__traceback__
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback.tb_frame.f_locals.get(name)


def look_at_all(error):
    """Look at all memory that the frames of an error lead to."""
    traceback = error.__traceback__
    while traceback is not None:
        for value in traceback.tb_frame.f_locals.values():
            assert not isinstance(value, (ctypes.Array, ctypes.c_char))
            if isinstance(value, memoryview):
                with pytest.raises(ValueError, match="released"):
                    bytes(value)
        traceback = traceback.tb_next


@each_part
@pytest.mark.parametrize("size", [1, 16, 65536, 100_000])
def test_kept_part_is_released(act, get, size):
    """A part of the view that the method keeps is an error, and of no use afterwards."""
    stream = Viewer(act)
    for _ in range(2):
        with pytest.raises(CimplStream.CallbackContractError, match="kept"):
            stream.read(size)
        with pytest.raises(ValueError, match="released"):
            bytes(get(stream.kept))
    stream.kept = None
    stream.act = len
    assert stream.read(size) == b"\0"


@each_export
def test_exported_part(act):
    """What a part is exported to cannot be released; it is an error, and done once at most."""
    stream = Viewer(act)
    with pytest.raises(CimplStream.CallbackContractError, match="kept"):
        stream.read(100)
    stream.kept = None  # it leads to memory that is gone

    def fill(view):
        view[:3] = b"abc"
        return act(view)

    stream.act = fill
    buffer = ctypes.create_string_buffer(100)
    library = ctypes.CDLL(cimpl_stream.native_library)
    assert library.cimpl_stream_read(stream, buffer, ctypes.c_size_t(100)) == -1
    assert buffer.raw == bytes(100)  # from now on it has memory of its own
    assert bytes(stream.kept)[:1] in (b"a", b"b")
    stream.act = lambda view: view.__setitem__(slice(0, 3), b"xyz")
    assert stream.read(3) == b"x"


@each_part
@pytest.mark.parametrize("size", [1, 16, 100_000])
def test_part_in_a_traceback(act, get, size):
    """A part in a variable of a method that raises is released, and the error arrives."""
    stream = FailingViewer(act)
    with pytest.raises(CimplStream.IoError, match="broken") as caught:
        stream.read(size)
    error = caught.value.__cause__
    assert type(error) is OSError
    look_at_all(error)
    with pytest.raises(ValueError, match="released"):
        bytes(get(variable_of(error, "part")))


@each_export
def test_exported_part_in_a_traceback(act):
    """What it is exported to goes with the variables of the method."""
    stream = FailingViewer(act)
    for _ in range(2):
        with pytest.raises(CimplStream.IoError, match="broken") as caught:
            stream.read(100)
        error = caught.value.__cause__
        look_at_all(error)
        assert variable_of(error, "part") is None


@each_export
def test_exported_part_kept_by_an_error(act):
    """An error that arrives with an export of the view does so only once in memory of a caller."""

    class Stream(Viewer):
        def do_read(self, view):
            raise KeyError(self.act(view))

    stream = Stream(act)
    for is_private in False, True:
        with pytest.raises(CimplStream.IoError) as caught:
            stream.read(100)
        if is_private:
            assert bytes(caught.value.__cause__.args[0])[:1] == b"\0"


def test_part_in_another_thread():
    """A part that another thread has is released, too."""
    parts = queue.Queue()
    results = queue.Queue()

    def use():
        results.put(len(part := parts.get()))
        done.wait()
        try:
            bytes(part)
        except ValueError as error:
            results.put(error)

    def act(view):
        parts.put(view[1:])
        assert results.get() == 15

    done = threading.Event()
    thread = threading.Thread(target=use)
    thread.start()
    with pytest.raises(CimplStream.CallbackContractError, match="kept"):
        Viewer(act).read(16)
    done.set()
    thread.join()
    assert "released" in str(results.get_nowait())


def test_chained_errors():
    """The frames of what an error comes from are cleared as well."""

    class Stream(Viewer):
        def do_read(self, view):
            try:
                part = pickle.PickleBuffer(view)
                raise KeyError(len(part.raw()))
            except KeyError as error:
                del part
                self.inner(view, error)

        def inner(self, view, cause):
            part = pickle.PickleBuffer(view)
            raise OSError(5, str(len(part.raw()))) from cause

    stream = Stream(None)
    with pytest.raises(CimplStream.IoError) as caught:
        stream.read(16)
    assert caught.value.__cause__.__cause__.args == (16,)
    assert not stream._cimpl_keeps_views


def test_other_references_are_none_to_the_view():
    """Who lists all objects, as debuggers do, keeps no part of the view."""
    stream = Viewer(lambda view: gc.get_objects())
    assert stream.read(16) == b"\0"
