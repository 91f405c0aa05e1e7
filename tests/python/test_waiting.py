# SPDX-License-Identifier: MIT
"""Several threads on one stream, on every Python face: they wait for each other and lose nothing."""

import ctypes
import io
import signal
import threading
from functools import partial

import pytest
from gi.repository import GLib

from cimpl_stream import BusyError, ClosedError, _ffi, copyfileobj
from faces import CimplStream, FACES, File

DATA = bytes(range(256)) * 64
COUNT = 60  # operations of each thread

pytestmark = pytest.mark.usefixtures("quick_switches")


_library = ctypes.PyDLL(_ffi.native_library)


def failed(stream):
    """Return the code of what has failed in the stream and was not made good, 0 for nothing."""
    return _library.cimpl_stream_failed(stream)


def run_threads(functions):
    """Run all at once; raise what they raised."""
    raised = []

    def run(function):
        try:
            function()
        except BaseException as exception:
            raised.append(exception)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    if raised:
        raise raised[0]


class Busy:
    """A stream that another thread uses until `release` is called."""

    def __init__(self, wrap):
        self._inside, self._go_on = threading.Event(), threading.Event()
        self.file = File(self._happen)
        self.stream = wrap(self.file)
        self._thread = threading.Thread(target=self.stream.read, args=(1,))
        self._thread.start()
        assert self._inside.wait(10)

    def _happen(self):
        self._inside.set()
        assert self._go_on.wait(10)

    def release(self):
        self._go_on.set()
        self._thread.join(10)


GOBJECT_OPERATIONS = {
    "read_bytes": lambda stream: stream.read_bytes(2, None).get_data() == b"at",
    "read_to_end": lambda stream: stream.read_to_end(100, None).get_data() == b"ata",
    "write_bytes": lambda stream: stream.write_bytes(GLib.Bytes(b"xy"), None) == 2,
    "write_all": lambda stream: stream.write_all(b"xy") == 2,
    "get_size": lambda stream: stream.get_size() == 4,
    "copy": lambda stream: stream.copy(CimplStream.MemoryStream.new()) == 3,
    "copy to": lambda stream: CimplStream.MemoryStream.new_from_bytes(GLib.Bytes(b"abc")).copy(stream) == 3,
    "copy with progress": lambda stream: stream.copy(
        CimplStream.MemoryStream.new(), progress=lambda *_: None
    )
    == 3,
}
OPERATIONS = {
    "copyfileobj": lambda stream: copyfileobj(stream, io.BytesIO()) == 3,
    "copyfileobj to": lambda stream: copyfileobj(io.BytesIO(b"abc"), stream) == 3,
    "copyfileobj with progress": lambda stream: copyfileobj(
        stream, io.BytesIO(), progress=lambda *_: None
    )
    == 3,
}
CASES = [(face, OPERATIONS, name) for face in FACES for name in OPERATIONS]
CASES += [
    (face, GOBJECT_OPERATIONS, name)
    for face in ("wrap_file", "subclass")
    for name in GOBJECT_OPERATIONS
]
each_case = pytest.mark.parametrize(
    ("wrap", "operation"),
    [(FACES[face], operations[name]) for face, operations, name in CASES],
    ids=[f"{face}-{name}" for face, _, name in CASES],
)


@each_case
def test_waiting(wrap, operation):
    """What knows nothing of waiting waits, too; that is no failure of the stream."""
    busy = Busy(wrap)
    timer = threading.Timer(0.15, busy.release)  # more than one turn
    timer.start()
    assert operation(busy.stream)
    timer.join()
    assert failed(busy.stream) == 0


@each_case
def test_busy_inside(wrap, operation):
    """Inside a method of the file it is BUSY at once."""
    outcomes = []

    def happen():
        with pytest.raises(BusyError):
            operation(stream)
        outcomes.append("busy")

    stream = wrap(File(happen))
    assert stream.read(1) == b"d"
    assert outcomes == ["busy"]


@each_case
def test_interrupt(wrap, operation):
    """Ctrl-C ends the wait."""
    busy = Busy(wrap)
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            operation(busy.stream)
    finally:
        signal.signal(signal.SIGALRM, previous)
        busy.release()
    assert operation(busy.stream)


@each_case
def test_closed_meanwhile(wrap, operation):
    """Who waits for a stream that is closed then learns that."""
    busy = Busy(wrap)
    outcomes = []

    def operate():
        try:
            operation(busy.stream)
        except ClosedError:
            outcomes.append("closed")

    threads = [threading.Thread(target=target) for target in (busy.stream.close, operate)]
    threads[0].start()
    busy.release()
    threads[0].join(10)
    threads[1].start()
    threads[1].join(10)
    assert outcomes == ["closed"]


READERS = {
    "read": lambda stream: stream.read(16),
    "copyfileobj": lambda stream: _copied(stream),  # below
}
GOBJECT_READERS = {
    "read_bytes": lambda stream: stream.read_bytes(16, None).get_data(),
    "copy": lambda stream: _copied_natively(stream),
}


def _copied(stream):
    target = io.BytesIO()
    copyfileobj(stream, target, limit=16)
    return target.getvalue()


def _copied_natively(stream):
    target = CimplStream.MemoryStream.new()
    stream.copy(target, 16)
    return target.steal_bytes().get_data() or b""


def _buffered(file):
    return CimplStream.BufferedStream.new(CimplStream.wrap_file(file), 64)


@pytest.mark.parametrize("face", [*FACES, "buffered"])
def test_four_readers(face):
    """Four threads, each reading in a way of its own, get every byte once between them."""
    stream = {**FACES, "buffered": _buffered}[face](io.BytesIO(DATA))
    more = READERS if face == "ctypes" else GOBJECT_READERS
    readers = [*READERS.values(), *more.values()]
    pieces = []

    def read(reader):
        while piece := reader(stream):
            pieces.append(piece)

    run_threads([partial(read, reader) for reader in readers])
    assert sorted(b"".join(pieces)) == sorted(DATA)
    assert failed(stream) == 0


WRITERS = {
    "write": lambda stream, data: stream.write(data),
    "copyfileobj": lambda stream, data: copyfileobj(io.BytesIO(data), stream),
}
GOBJECT_WRITERS = {
    "write_all": lambda stream, data: stream.write_all(data),
    "write_bytes": lambda stream, data: stream.write_bytes(GLib.Bytes(data), None),
}


@pytest.mark.parametrize("face", [*FACES, "buffered"])
def test_four_writers(face):
    """What four threads write, each in a way of its own, arrives, each piece as a whole."""
    file = io.BytesIO()
    stream = {**FACES, "buffered": _buffered}[face](file)
    more = WRITERS if face == "ctypes" else GOBJECT_WRITERS
    writers = [*WRITERS.values(), *more.values()]
    pieces = [[b"%d:%05d " % (thread, i) for i in range(COUNT)] for thread in range(4)]

    def write(writer, mine):
        for piece in mine:
            assert writer(stream, piece) == len(piece)

    run_threads([partial(write, *each) for each in zip(writers, pieces)])
    stream.flush()
    assert sorted(file.getvalue().split()) == sorted(b"".join(sum(pieces, [])).split())
    assert failed(stream) == 0


@pytest.mark.parametrize("face", FACES)
def test_copies_in_both_directions(face):
    """Threads that copy between two streams, each from what is the other's target."""
    streams = [FACES[face](io.BytesIO(DATA)) for _ in range(2)]

    def copy(source, target):
        for _ in range(COUNT):
            copyfileobj(source, target, limit=16)

    run_threads([lambda: copy(*streams), lambda: copy(*reversed(streams))] * 2)
    assert [failed(stream) for stream in streams] == [0, 0]


def test_copies_between_files(tmp_path):
    """So do copies in the kernel, from file to file."""
    for name in "ab":
        (tmp_path / name).write_bytes(DATA)
    streams = [
        CimplStream.FileStream.open(str(tmp_path / name), "r+") for name in "ab"
    ]

    def copy(source, target):
        for _ in range(COUNT):
            source.copy(target, 16)

    run_threads([lambda: copy(*streams), lambda: copy(*reversed(streams))] * 2)
    assert [failed(stream) for stream in streams] == [0, 0]
