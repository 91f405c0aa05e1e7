# SPDX-License-Identifier: MIT
"""Several users of a stream, and its end: dropped, after a fork, at exit; on every Python face."""

import ctypes
import errno
import gc
import io
import signal
import threading
import time
import weakref

import pytest

from cimpl_stream import BusyError, ClosedError, IoError, RawStream
from faces import FACES, OPERATIONS, File, raising


# Two at once.


@pytest.mark.parametrize("name", [*OPERATIONS, "close"])
def test_busy_inside(wrap, name):
    """Any operation inside a method of the same stream's file is BUSY and changes nothing."""

    def happen():
        with pytest.raises(BusyError):
            operation(stream)
        assert stream.readable()
        assert not stream.closed

    operation = OPERATIONS.get(name, lambda stream: stream.close())
    file = File()
    stream = wrap(file)
    file.happen = happen
    assert stream.read(4) == b"data"
    assert file.happen is None


@pytest.mark.parametrize("name", [*OPERATIONS, "close"])
def test_busy_in_another_thread(wrap, name):
    """While one thread reads, another waits for it, and disturbs nothing."""
    inside, go_on = threading.Event(), threading.Event()

    def happen():
        inside.set()
        assert go_on.wait(10)

    stream = wrap(File(happen))
    results = []
    operation = OPERATIONS.get(name, lambda stream: stream.close())
    reader = threading.Thread(target=lambda: results.append(stream.read(4)))
    reader.start()
    assert inside.wait(10)
    other = threading.Thread(target=lambda: (operation(stream), results.append(name)))
    other.start()
    other.join(0.1)
    assert other.is_alive() and results == []
    assert stream.readable()
    assert not stream.closed
    go_on.set()
    reader.join(10)
    other.join(10)
    assert sorted(results, key=str) == sorted([b"data", name], key=str)


def test_busy_inside_through_another_wrapper(wrap):
    """However the stream is reached, inside a method of its file it is BUSY."""

    def happen():
        for other in (RawStream.from_handle(stream), stream.raw):
            with pytest.raises(BusyError):
                other.seek(0)

    stream = wrap(File(happen))
    assert stream.read(4) == b"data"


@pytest.mark.usefixtures("quick_switches")
def test_four_readers(wrap):
    """Four threads read every byte once between them."""
    data = bytes(range(256)) * 100
    stream = wrap(io.BytesIO(data))
    pieces = []

    def read():
        while piece := stream.read(16):
            pieces.append(piece)

    run_threads([read] * 4)
    assert sorted(b"".join(pieces)) == sorted(data)


@pytest.mark.usefixtures("quick_switches")
def test_four_writers(wrap):
    """What four threads write arrives, each piece as a whole."""
    file = io.BytesIO()
    stream = wrap(file)
    pieces = [[b"%d:%05d " % (thread, i) for i in range(500)] for thread in range(4)]

    def write(mine):
        for piece in mine:
            assert stream.write(piece) == len(piece)

    run_threads([lambda mine=mine: write(mine) for mine in pieces])
    assert sorted(file.getvalue().split()) == sorted(b"".join(sum(pieces, [])).split())


def run_threads(functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_a_native_thread_is_waited_for(wrap, native):
    """The operation that runs may be one of native code."""
    inside, go_on = threading.Event(), threading.Event()

    def happen():
        inside.set()
        assert go_on.wait(10)

    stream = wrap(File(happen))
    reader = native.native_start(stream, 2)
    assert inside.wait(10)
    timer = threading.Timer(0.1, go_on.set)
    timer.start()
    stream.close()
    assert go_on.is_set()
    assert native.native_join(reader, 0) == ClosedError().code
    timer.join()


def test_its_turn_comes(wrap):
    """Who waits for a thread that does nothing but read gets his turn soon."""

    class Slow(io.BytesIO):
        def readinto(self, buffer):
            time.sleep(0.01)
            return super().readinto(buffer)

    stream = wrap(Slow(bytes(3000)))
    done = threading.Event()

    def read():
        while not done.is_set() and stream.read(1):
            pass

    thread = threading.Thread(target=read)
    thread.start()
    while stream.tell() == 0:
        pass
    start = time.monotonic()
    for _ in range(10):
        assert stream.tell() < 3000
    assert time.monotonic() - start < 5
    done.set()
    thread.join()


def test_threads_that_wait_for_each_other(wrap):
    """Two streams that are read in each other's methods: one of the threads is told so."""
    both = threading.Barrier(2)
    outcomes = []

    def happen(other):
        both.wait(10)
        try:
            streams[other].read(1)
            outcomes.append("read")
        except BusyError:
            outcomes.append("busy")

    streams = [wrap(File(lambda: happen(1))), wrap(File(lambda: happen(0)))]
    run_threads([lambda stream=stream: stream.read(1) for stream in streams])
    assert sorted(outcomes) == ["busy", "read"]


def test_interrupt_ends_the_wait(wrap):
    """Ctrl-C ends it; the stream is none the worse."""
    inside, go_on = threading.Event(), threading.Event()

    def happen():
        inside.set()
        assert go_on.wait(10)

    stream = wrap(File(happen))
    thread = threading.Thread(target=stream.read, args=(2,))
    thread.start()
    assert inside.wait(10)
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            stream.read(2)
    finally:
        signal.signal(signal.SIGALRM, previous)
    go_on.set()
    thread.join()
    assert stream.read(2) == b"ta"


@pytest.mark.usefixtures("quick_switches")
def test_native_thread(wrap, native):
    """A native thread reads, until the stream is closed here."""
    stream = wrap(File())
    reader = native.native_start(stream, 4)
    while native.native_count(reader) < 10:
        time.sleep(0.001)
    while not stream.closed:
        try:
            stream.close()
        except BusyError:
            time.sleep(0.001)
    assert native.native_join(reader, 0) == ClosedError().code


@pytest.mark.usefixtures("quick_switches")
def test_dropped_under_a_native_thread(wrap, native):
    """What a native thread reads lives on when Python drops it, and goes in that thread."""
    file = File()
    gone = weakref.ref(file)
    reader = native.native_start(wrap(file), 4)
    del file
    count = native.native_count(reader)
    while native.native_count(reader) < count + 10:
        time.sleep(0.001)
    assert native.native_join(reader, 1) == 0
    gc.collect()
    assert gone() is None


def test_exception_in_a_native_thread(wrap, native):
    """An exception of a native thread is raised by `errors()` of its stream."""
    exception = OSError(errno.EIO, "broken")
    stream = wrap(File(raising(exception)))
    with pytest.raises(IoError) as caught, stream.errors():
        assert native.native_join(native.native_start(stream, 4), 0) == IoError().code
    assert caught.value.__cause__ is exception


def test_exit_of_a_native_thread(wrap, native):
    """A SystemExit of a native thread blocks the stream until Python raises it."""
    stream = wrap(File(raising(SystemExit(3))))
    native.native_join(native.native_start(stream, 4), 0)
    with pytest.raises(SystemExit):
        stream.read(4)
    assert stream.read(4) == b"data"


# The end.


def test_dropped_unclosed(wrap):
    """Dropping an unclosed stream flushes what was written, and says nothing."""
    file = File()
    stream = wrap(file)
    stream.write(b"x")
    del stream
    assert file.flushes == 1
    assert not file.closed


def test_held_by_native_code(wrap, native):
    """What Python dropped lives on for as long as native code holds it, then goes."""
    file = File()
    stream = wrap(file)
    gone = weakref.ref(file)
    native.native_hold(stream)
    del stream, file
    gc.collect()
    buffer = ctypes.create_string_buffer(4)
    assert native.native_read_held(buffer, 4) == 4
    assert buffer.raw == b"data"
    assert native.native_release() == 0
    assert gone() is None


def test_closed_under_native_code(wrap, native):
    """`close` closes for native holders, too."""
    with wrap(File()) as stream:
        native.native_hold(stream)
    assert native.native_read_held(ctypes.create_string_buffer(4), 4) == -1
    assert native.cimpl_stream_error_code() == ClosedError().code
    assert native.native_release() == 0


SCRIPT = """
from faces import FACES
wrap = FACES[{face!r}]
class File(io.BytesIO):
    flushes = 0
    def flush(self):
        self.flushes += 1
{body}
"""


@pytest.fixture(params=FACES)
def run_face(request, run_python):
    """Return a function that runs a script in which `wrap` is a face, and `File` a file."""

    def run(body, **options):
        return run_python(SCRIPT.format(face=request.param, body=body), **options)

    return run


def test_fork(run_face):
    """In a child process dropping a stream does not touch it, closing does; and both go on."""
    run_face(
        """
def in_child(function):
    child = os.fork()
    if child == 0:
        try:
            function()
        finally:
            os._exit(file.flushes)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def drop():
    global stream
    del stream
    gc.collect()

def work():
    assert stream.read(1) == b'2'
    assert stream.write(b'x') == 1
    stream.close()
    assert stream.closed
    with wrap(File(b'new')) as new:
        assert new.read(3) == b'new'

file = File(b'0123456789')
stream = wrap(file)
stream.write(b'01')
assert in_child(drop) == 0
assert in_child(work) == 1
assert stream.read(1) == b'2'
stream.close()
assert file.flushes == 1
"""
    )


def test_fork_while_another_thread_reads(run_face):
    """In the child no stream is busy for a thread that is not there."""
    run_face(
        """
parent, inside, go_on = os.getpid(), threading.Event(), threading.Event()

class Waiting(File):
    def readinto(self, buffer):
        if os.getpid() == parent:
            inside.set()
            go_on.wait()
        return super().readinto(buffer)

stream = wrap(Waiting(b'data'))
thread = threading.Thread(target=stream.read, args=(1,))
thread.start()
inside.wait()
child = os.fork()
if child == 0:
    assert stream.read(4) == b'data'
    stream.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
go_on.set()
thread.join()
assert stream.read(4) == b'ata'
""",
        options=["-Wignore::DeprecationWarning"],  # of fork() in a process with threads
    )


@pytest.mark.parametrize(
    "end", ["", "del stream; gc.collect()", "sys.exit()"], ids=["open", "dropped", "exit"]
)
def test_exit_while_native_code_reads(run_face, end):
    """A native thread that still reads when Python ends: no crash, no hang, no word."""
    run_face(
        f"""
stream = wrap(File(b'0123456789'))
reader = native.native_start(stream, 4)
while native.native_count(reader) < 10:
    time.sleep(0.001)
{end}
""",
        with_native=True,
        timeout=30,
    )


def test_native_thread_gets_closed_at_exit(run_face):
    """What it gets is CLOSED."""
    output = run_face(
        """
import atexit
stream = wrap(File(b'0123456789'))
reader = native.native_start(stream, 4)
atexit._run_exitfuncs()
print(native.native_join(reader, 0))
""",
        with_native=True,
    )
    assert output.strip() == str(ClosedError().code)


def test_exit_with_open_streams(run_face):
    """Python ends quietly, whatever still holds a stream."""
    run_face(
        """
import builtins
stream = wrap(File())
stream.write(b'unflushed')
cycle = wrap(File())
cycle.me = cycle
native.native_hold(wrap(File()))
builtins.stream = wrap(File())
""",
        with_native=True,
    )


def test_exit_keeps_buffered_data(run_face, tmp_path):
    """What a forgotten buffer still holds at exit is written, as with any file."""
    path = tmp_path / "out"
    run_face(f"out = wrap(open({str(path)!r}, 'wb')).buffered(); out.write(b'data')")
    assert path.read_bytes() == b"data"
