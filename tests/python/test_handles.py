# SPDX-License-Identifier: MIT
"""Streams as arguments and results of native functions; and finding the library."""

import ctypes
import ctypes.util
import gc
import io
import shutil
import subprocess
from pathlib import Path

import pytest

import cimpl_stream
from cimpl_stream import (
    InvalidHandleError,
    NullParameterError,
    RawStream,
    Stream,
    errcheck,
)

POINTER = ctypes.POINTER(cimpl_stream.CimplStream)


class Theirs(ctypes.Structure):
    """What another binding calls a CimplStream."""


@pytest.fixture
def read(native):
    """Return a function that declares cimpl_stream_read's first argument and reads 4 bytes."""

    def read(stream, *argtypes):
        function = native["cimpl_stream_read"]
        function.restype = ctypes.c_ssize_t
        if argtypes:
            function.argtypes = [*argtypes, ctypes.c_void_p, ctypes.c_size_t]
        buffer = ctypes.create_string_buffer(4)
        assert function(stream, buffer, ctypes.c_size_t(4)) == 4
        return buffer.raw

    return read


@pytest.mark.parametrize("argtypes", [(), (ctypes.c_void_p,), (POINTER,)])
def test_as_parameter(read, argtypes):
    """A stream is passed as it is: without argtypes, as a void pointer, as a pointer of ours."""
    assert read(Stream(io.BytesIO(b"data")), *argtypes) == b"data"


def test_as_parameter_is_a_pointer():
    """What is passed is a whole pointer, not an int that ctypes would cut to 32 bits."""
    stream = Stream(io.BytesIO())
    assert isinstance(stream._as_parameter_, POINTER)


def test_cast(read):
    """`cast` makes the pointer that another binding declares."""
    theirs = ctypes.POINTER(Theirs)
    pointer = Stream(io.BytesIO(b"data")).cast(theirs)
    gc.collect()
    assert isinstance(pointer, theirs)
    assert read(pointer, theirs) == b"data"


def test_pointer_keeps_the_stream(read):
    """The pointer of a temporary stream stays good."""
    pointer = Stream(io.BytesIO(b"data"))._as_parameter_
    gc.collect()
    assert read(pointer, POINTER) == b"data"


def test_closed_stream_is_passed_on(native):
    """Native code gets CLOSED from a closed stream, not an invalid pointer."""
    native.native_swallow.errcheck = errcheck
    stream = Stream(io.BytesIO())
    stream.close()
    assert native.cimpl_stream_get_flags(stream) == -1
    assert native.cimpl_stream_error_code() == cimpl_stream.ClosedError().code


@pytest.mark.parametrize(
    "convert",
    [
        lambda pointer: pointer,
        lambda pointer: ctypes.cast(pointer, ctypes.c_void_p),
        lambda pointer: ctypes.cast(pointer, ctypes.c_void_p).value,
        lambda pointer: ctypes.cast(pointer, ctypes.POINTER(Theirs)),
    ],
)
def test_from_handle_take(native, convert):
    """A stream that a library made is wrapped, in whatever form its pointer comes."""
    base = Stream(io.BytesIO(b"data"))
    layer = RawStream.from_handle(convert(native.native_layer(base)), take=True)
    assert type(layer) is RawStream
    assert (layer.readable(), layer.writable(), layer.seekable()) == (True, False, False)
    assert layer.read(10) == b"data"


def test_from_handle_add():
    """With a reference added, either goes on without the other."""
    stream = Stream(io.BytesIO(b"data"))
    other = Stream.from_handle(stream, take=False)
    del stream
    gc.collect()
    assert other.read(4) == b"data"


def test_from_handle_take_takes():
    """With the reference taken over, none is left to free."""
    stream = Stream(io.BytesIO())
    pointer = ctypes.cast(stream._as_parameter_, ctypes.c_void_p).value
    other = Stream.from_handle(pointer, take=False)
    del stream
    gc.collect()
    del other
    with pytest.raises(InvalidHandleError):
        Stream.from_handle(pointer, take=True)


def test_from_handle_of_a_closed_stream():
    """A closed stream can be wrapped, and is closed."""
    stream = Stream(io.BytesIO())
    stream.close()
    assert Stream.from_handle(stream, take=False).closed


@pytest.mark.parametrize("take", [True, False])
@pytest.mark.parametrize("null", [0, None, ctypes.c_void_p(), POINTER()])
def test_from_handle_null(null, take):
    """NULL is an error of its own."""
    with pytest.raises(NullParameterError):
        Stream.from_handle(null, take=take)


@pytest.mark.parametrize("take", [True, False])
def test_from_handle_no_stream(take):
    """A pointer that is no stream is refused, and its memory is not touched."""
    with pytest.raises(InvalidHandleError):
        Stream.from_handle(0x1000, take=take)


def test_library_from_the_environment(run_python, monkeypatch):
    """CIMPL_STREAM_LIBRARY comes before all else, and is not replaced if it is wrong."""
    monkeypatch.setenv("CIMPL_STREAM_LIBRARY", "/nowhere/libcimpl_stream.so")
    error = run_python("", fails=True)
    assert "/nowhere/libcimpl_stream.so" in error
    assert "Correct the path in CIMPL_STREAM_LIBRARY" in error


@pytest.fixture
def library():
    """The library in use, as a path."""
    from cimpl_stream import _library

    path = Path(_library.load())
    if not path.is_file():
        pytest.skip(f"the library was found by the system, as {path}")
    return path


@pytest.mark.parametrize(
    "place",
    ["python/cimpl_stream", "build/src", "build-release", "_build/src"],
)
def test_library_beside_and_in_the_build_tree(tmp_path, run_python, monkeypatch, library, place):
    """The library is found beside the package and in the build folders of its source tree."""
    monkeypatch.delenv("CIMPL_STREAM_LIBRARY", raising=False)
    package = Path(cimpl_stream.__file__).parent
    shutil.copytree(package, tmp_path / "python/cimpl_stream")
    (tmp_path / "meson.build").touch()
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    shutil.copy(library, tmp_path / place / "libcimpl_stream.so.1")
    found = run_python(
        "print(native_library)",
        package=tmp_path / "python",
    )
    assert found.strip() == str(tmp_path / place / "libcimpl_stream.so.1")


def test_library_not_found(tmp_path, run_python, monkeypatch):
    """Without a library the error says where it was looked for and what to do."""
    monkeypatch.delenv("CIMPL_STREAM_LIBRARY", raising=False)
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    shutil.copytree(Path(cimpl_stream.__file__).parent, tmp_path / "python/cimpl_stream")
    (tmp_path / "meson.build").touch()
    (tmp_path / "build").mkdir()
    broken = tmp_path / "build" / "libcimpl_stream.so"
    broken.write_text("no library")
    if subprocess.run(["ldconfig", "-p"], capture_output=True).stdout.find(b"cimpl_stream") >= 0:
        pytest.skip("the library is installed in the system, so it is always found")
    error = run_python("", package=tmp_path / "python", fails=True)
    for part in ("ImportError", str(broken), "meson setup build", "CIMPL_STREAM_LIBRARY"):
        assert part in error


def test_library_of_another_kind(run_python, monkeypatch):
    """A library without our functions is not taken for ours."""
    monkeypatch.setenv("CIMPL_STREAM_LIBRARY", ctypes.util.find_library("c"))
    assert "has no cimpl_stream_failed_since" in run_python("", fails=True)


def test_standard_library_only(run_python):
    """The package works where nothing but the standard library is."""
    script = "print(Stream(io.BytesIO(b'data')).read(4))"
    assert run_python(script, options=["-I", "-S"]).strip() == "b'data'"
