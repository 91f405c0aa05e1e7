# SPDX-License-Identifier: MIT
"""SIGINT at any moment: none is lost, none is printed, and no count is invented."""

import ctypes
import io
import os
import random
import signal
import threading

import pytest

from cimpl_stream import RawStream, Stream, errcheck

import interrupts
from interrupts import ROUNDS, USES, count_outcomes


class Endless(io.RawIOBase):
    """Gives one byte a time, for ever, and counts them."""

    count = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        self.count += 1
        return 1

    def write(self, data):
        self.count += 1
        return 1

    def writable(self):
        return True


def interrupted(function):
    """Call `function` with a SIGINT on its way; return whether a KeyboardInterrupt came out."""
    delay = random.Random(function.__name__).random() * 0.003
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    try:
        try:
            timer.start()
            function()
        finally:
            timer.join()
    except KeyboardInterrupt:
        return True
    return False


@pytest.fixture(params=["errcheck", "errors()"])
def call(request):
    """Return a function that calls a native one by either way to get at exceptions."""

    def call(stream, function, *arguments):
        if request.param == "errcheck":
            function.errcheck = errcheck
            function(stream, *arguments)
        else:
            with stream.errors():
                function(stream, *arguments)

    return call


@pytest.mark.parametrize("make", [Endless, lambda: io.BytesIO(b"0123456789")])
def test_between_callbacks(native, call, make):
    """A signal that comes while native code works arrives at the next callback's entry."""
    file, total = make(), ctypes.c_int64()
    stream = Stream(file)

    def work():
        call(stream, native.native_work, 10_000, ctypes.byref(total))  # 10 s, uninterrupted

    assert sum(interrupted(work) for _ in range(ROUNDS)) == ROUNDS
    if isinstance(file, Endless):
        assert 0 <= file.count - total.value <= ROUNDS


def test_inside_callbacks(native, call):
    """A signal that comes while native code does nothing but call arrives anywhere."""
    file, total, counted = Endless(), ctypes.c_int64(), 0
    stream = Stream(file)

    def drain():
        call(stream, native.native_drain, 16, ctypes.byref(total))

    for _ in range(ROUNDS):
        total.value = 0  # in case that the signal comes before the call
        assert interrupted(drain)
        counted += total.value
    assert 0 <= file.count - counted <= ROUNDS  # what the signal hit may be missing, no more


@pytest.mark.parametrize("name", ["read", "write"])
def test_python_loop(name):
    """A signal that comes while Python calls a stream is raised by the stream, or around it."""
    file, counted = Endless(), 0
    stream = Stream(file)
    operation, argument = (stream.read, 16) if name == "read" else (stream.write, b"x")

    def loop():
        nonlocal counted
        while True:
            operation(argument)
            counted += 1

    assert sum(interrupted(loop) for _ in range(ROUNDS)) == ROUNDS
    assert 0 <= file.count - counted <= ROUNDS


def test_stream_works_afterwards(native):
    """The stream that was interrupted goes on where it was."""
    native.native_work.errcheck = errcheck
    stream = Stream(io.BytesIO(b"0123456789"))
    total = ctypes.c_int64()
    assert interrupted(lambda: native.native_work(stream, 10_000, ctypes.byref(total)))
    stream.seek(0)
    assert stream.read(100) == b"0123456789"


def test_nothing_happens_before_it_is_raised(native):
    """Native code that ignores the failure gets nowhere until the signal has been raised."""
    later = []
    stream = Stream(Endless())

    def insist():
        with stream.errors():
            later.append(native.native_insist(stream, 10))

    for _ in range(20):
        assert interrupted(insist)
    assert set(later) == {0}


def test_sleeping_callback(native):
    """A signal that comes while the file object waits ends the wait."""
    reading, writing = os.pipe()
    native.native_drain.errcheck = errcheck
    with open(reading, "rb", buffering=0) as file:
        stream = Stream(file)
        total = ctypes.c_int64()
        assert interrupted(lambda: native.native_drain(stream, 16, ctypes.byref(total)))
        os.write(writing, b"data")
        assert stream.read(16) == b"data"
    os.close(writing)


@pytest.mark.parametrize("use", [interrupts.read, interrupts.write, interrupts.both])
@pytest.mark.parametrize("buffer_size", [None, 4096])
@pytest.mark.parametrize("kind", [Stream, RawStream])
def test_buffered(kind, buffer_size, use):
    """A signal at any moment of a buffered file arrives; `_io` swallows it in Python code of ours."""

    def make():
        return kind(interrupts.Endless(), buffer_size=buffer_size).buffered(64)

    assert count_outcomes(make, use) == {KeyboardInterrupt: ROUNDS}


@pytest.mark.parametrize("name", USES)
def test_in_a_buffer(name):
    """The same in a buffer that the caller has put before the stream."""
    make, use = USES[name]
    outcomes = count_outcomes(lambda: make(RawStream(interrupts.Endless())), use)
    assert outcomes == {KeyboardInterrupt: ROUNDS}


def test_while_a_buffered_file_is_made():
    """`buffered()` lets a signal through, although `_io` drops what its raw file's `tell` raises."""

    made = []  # not dropped meanwhile: what is raised in a destructor is lost anywhere

    def make_one(stream):
        made.append(stream.buffered())

    outcomes = count_outcomes(lambda: RawStream(interrupts.Endless()), make_one)
    assert outcomes == {KeyboardInterrupt: ROUNDS}


@pytest.mark.parametrize("name", ["read", "write", "seek", "tell", "flush", "readable"])
def test_around_each_operation(name):
    """A signal in any operation of the raw file arrives."""
    stream = Stream(interrupts.Endless())
    operation = {
        "read": lambda: stream.read(4),
        "write": lambda: stream.write(b"x"),
        "seek": lambda: stream.seek(0),
    }.get(name, getattr(stream, name))
    assert count_outcomes(lambda: None, lambda _: operation()) == {KeyboardInterrupt: ROUNDS}
