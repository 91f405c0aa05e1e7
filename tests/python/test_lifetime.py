# SPDX-License-Identifier: MIT
"""How streams end: closed, dropped, held by native code, at exit, and after a fork."""

import copy
import ctypes
import gc
import importlib.util
import io
import os
import pickle
import re
import weakref

import pytest

from cimpl_stream import BusyError, CimplStreamError, ClosedError, RawStream, Stream

CLOSED_OPERATIONS = {
    "read": lambda stream: stream.read(1),
    "read nothing": lambda stream: stream.read(0),
    "read without size": lambda stream: stream.read(),
    "readinto": lambda stream: stream.readinto(bytearray(4)),
    "readline": lambda stream: stream.readline(),
    "write": lambda stream: stream.write(b"x"),
    "write nothing": lambda stream: stream.write(b""),
    "seek": lambda stream: stream.seek(0),
    "tell": lambda stream: stream.tell(),
    "truncate": lambda stream: stream.truncate(),
    "flush": lambda stream: stream.flush(),
    "readable": lambda stream: stream.readable(),
    "writable": lambda stream: stream.writable(),
    "seekable": lambda stream: stream.seekable(),
    "with": lambda stream: stream.__enter__(),
    "next": lambda stream: next(stream),
    "buffered": lambda stream: stream.buffered(),
}


class File(io.BytesIO):
    """A file that can be referred to weakly and counts its flushes."""

    flushes = 0

    def flush(self):
        self.flushes += 1


@pytest.mark.parametrize("name", CLOSED_OPERATIONS)
def test_use_after_close(name):
    """Everything but `close` is a ValueError afterwards, as with any file."""
    stream = Stream(io.BytesIO(b"data"))
    stream.close()
    with pytest.raises(ValueError, match="I/O operation on closed file"):
        CLOSED_OPERATIONS[name](stream)


def test_closed_error():
    """More exactly, it is a ClosedError."""
    stream = Stream(io.BytesIO())
    stream.close()
    with pytest.raises(ClosedError):
        stream.read(1)


def test_double_close():
    """A second close does nothing."""
    file = File()
    stream = Stream(file)
    stream.write(b"x")
    stream.close()
    stream.close()
    assert file.flushes == 1


def test_close_without_a_write():
    """Closing flushes only if something was written since the last flush."""
    file = File(b"data")
    with Stream(file) as stream:
        stream.read(4)
    with Stream(file) as stream:
        stream.write(b"x")
        stream.flush()
    assert file.flushes == 1


def test_closed_property():
    """`closed` tells the truth whoever closed the stream."""
    stream = Stream(io.BytesIO())
    other = Stream.from_handle(stream, take=False)
    assert not stream.closed
    other.close()
    assert stream.closed


def test_close_inside_a_callback():
    """A stream cannot be closed by its own file object; it is BUSY."""

    class Closing(io.BytesIO):
        def readinto(self, buffer):
            stream.close()

    stream = Stream(Closing(b"data"))
    with pytest.raises(CimplStreamError) as caught:
        stream.read(4)
    assert isinstance(caught.value.__cause__, BusyError)
    assert not stream.closed


@pytest.mark.parametrize("name", ["read", "write", "seek", "tell", "flush"])
def test_reentry(name):
    """Any operation inside a callback of the same stream is BUSY and changes nothing."""

    class Nested(io.BytesIO):
        def readinto(self, buffer):
            with pytest.raises(BusyError):
                CLOSED_OPERATIONS[name](stream)
            assert stream.readable()
            return super().readinto(buffer)

    stream = Stream(Nested(b"data"))
    assert stream.read(4) == b"data"


@pytest.mark.usefixtures("without_gc")
@pytest.mark.parametrize("make", [Stream, RawStream, lambda file: Stream(file).raw])
def test_no_cycle(make):
    """Stream and file object go when the last reference goes, without the collector."""
    file = File(b"data")
    stream = make(file)
    stream.read(2)
    gone = weakref.ref(stream), weakref.ref(file)
    del stream, file
    assert [reference() for reference in gone] == [None, None]


@pytest.mark.usefixtures("without_gc")
@pytest.mark.parametrize("kind", [KeyError, KeyboardInterrupt])
def test_no_cycle_after_an_exception(kind):
    """Nor does an exception that came through leave a cycle behind."""

    class Failing(File):
        def readinto(self, buffer):
            raise kind("no")

    file = Failing()
    stream = Stream(file)
    try:
        stream.read(4)
    except (CimplStreamError, KeyboardInterrupt):
        pass
    gone = weakref.ref(stream), weakref.ref(file)
    del stream, file
    assert [reference() for reference in gone] == [None, None]


@pytest.mark.usefixtures("without_gc")
def test_no_cycle_with_a_kept_exception(native):
    """Nor does one that was swallowed."""

    class Failing(File):
        def readinto(self, buffer):
            raise KeyError("no")

    file = Failing()
    stream = Stream(file)
    native.native_swallow(stream)
    gone = weakref.ref(stream), weakref.ref(file)
    del stream, file
    assert [reference() for reference in gone] == [None, None]


def test_dropped_unclosed(capfd):
    """Dropping an unclosed stream flushes it, and says nothing."""
    file = File()
    stream = Stream(file)
    stream.write(b"x")
    del stream
    assert file.flushes == 1


def test_dropped_after_its_file(tmp_path):
    """Dropping a stream after its file was closed is quiet if nothing was left to flush."""
    with open(tmp_path / "file", "wb") as file:
        stream = Stream(file)
        stream.write(b"data")
        stream.flush()
    del stream
    assert (tmp_path / "file").read_bytes() == b"data"


def test_held_by_native_code(native):
    """What Python dropped lives on for as long as native code holds it, then goes."""
    file = File(b"data")
    stream = Stream(file)
    gone = weakref.ref(file)
    native.native_hold(stream)
    del stream, file
    gc.collect()
    buffer = ctypes.create_string_buffer(4)
    assert native.native_read_held(buffer, 4) == 4
    assert buffer.raw == b"data"
    native.native_release()
    assert gone() is None


def test_closed_under_native_code(native):
    """`close` closes for native holders, too."""
    with Stream(io.BytesIO(b"data")) as stream:
        native.native_hold(stream)
    assert native.native_read_held(ctypes.create_string_buffer(4), 4) == -1
    assert native.cimpl_stream_error_code() == ClosedError().code
    native.native_release()


def test_failing_constructor_leaves_nothing():
    """A stream that could not be made can be dropped."""
    with pytest.raises(TypeError):
        Stream(None)
    gc.collect()


def resident():
    """Return the resident size of the process in bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(function, times):
    """Return by how many bytes the process grows while `function` is called, once warm."""
    for _ in range(times // 10):
        function()
    gc.collect()
    before = resident()
    for _ in range(times):
        function()
    gc.collect()
    return resident() - before


def test_memory_of_operations(native):
    """A million reads leave nothing behind."""
    stream = Stream(io.BytesIO(b"x" * 1000))
    total = ctypes.c_int64()

    def thousand():
        stream.seek(0)
        native.native_drain(stream, 1, ctypes.byref(total))
        assert total.value == 1000

    assert growth(thousand, 1000) < 1 << 20


def test_memory_of_python_operations():
    """Nor do reads and writes by Python, of every size and result."""
    stream = Stream(io.BytesIO(b"x" * 100_000))
    sizes = (0, 1, 16, 1000, 3000)

    def some():
        stream.seek(0)
        for size in sizes:
            stream.read(size)
            stream.write(b"x" * size)

    assert growth(some, 20_000) < 1 << 20


@pytest.mark.parametrize("name", ["read", "write", "seek"])
def test_memory_of_errors(name):
    """A hundred thousand errors leave nothing behind, the library's own included."""

    class Failing(io.RawIOBase):
        def readable(self):
            return True

        seekable = readable

        def readinto(self, buffer):
            raise OSError(5, "broken")

        def seek(self, offset, whence=0):
            return "nowhere"

    stream = Stream(Failing())
    operation = CLOSED_OPERATIONS[name]

    def fail():
        try:
            operation(stream)
        except CimplStreamError:
            pass

    assert growth(fail, 33_000) < 1 << 20


def test_memory_of_streams():
    """Nor do streams, their views and their pointers."""
    file = io.BytesIO(b"data")

    def make():
        with Stream(file) as stream:
            stream._as_parameter_
            stream.raw.seek(0)
            stream.raw.read()

    assert growth(make, 20_000) < 1 << 20


@pytest.mark.parametrize(
    "script",
    [
        "stream = Stream(io.BytesIO(b'data'))",
        "stream = Stream(io.BytesIO()); stream.write(b'unflushed')",
        "stream = Stream(open(__file__, 'rb')).buffered(); stream.read(1)",
        "stream = Stream(io.BytesIO()); stream.me = stream",
        "native.native_hold(Stream(io.BytesIO()))",
        "import builtins; builtins.stream = Stream(io.BytesIO())",
        "stream = Stream(io.BytesIO()); sys.exit()",
        "class Late:\n  def __del__(self): Stream(io.BytesIO()).write(b'x')\nlate = Late()",
    ],
)
def test_exit_with_open_streams(run_python, script):
    """Python ends quietly, whatever still holds a stream."""
    run_python(script, with_native=True)


def test_exit_keeps_text(tmp_path, run_python):
    """What lies in a text file over a stream at exit reaches the file, too."""
    path = tmp_path / "file"
    run_python(
        f"import io; stream = Stream(open({str(path)!r}, 'wb'))\n"
        "out = io.TextIOWrapper(stream.buffered()); out.write('text')"
    )
    assert path.read_bytes() == b"text"


def test_drop_after_the_file_was_closed(tmp_path, capfd):
    """A stream whose file was closed before it has nothing to flush, and is dropped quietly."""
    with open(tmp_path / "file", "wb") as file:
        stream = Stream(file)
        stream.write(b"data")
    del stream
    assert capfd.readouterr() == ("", "")
    assert (tmp_path / "file").read_bytes() == b"data"


def test_casts_make_no_cycle():
    """Neither a cast nor a handle that is wrapped again keeps the stream until a collection."""
    file = io.BytesIO(b"data")
    stream = Stream(file)
    pointer = stream.cast(ctypes.c_void_p)
    RawStream.from_handle(pointer, take=False)
    watched = weakref.ref(stream)
    del pointer, stream
    assert watched() is None


def test_no_copies():
    """A stream owns its reference: it can be neither copied nor pickled."""
    for function in copy.copy, pickle.dumps:
        with pytest.raises(TypeError, match="Stream"):
            function(Stream(io.BytesIO()))


def test_exit_keeps_buffered_data(tmp_path, run_python):
    """What a forgotten buffer still holds at exit is written, as with any file."""
    path = tmp_path / "out"
    run_python(f"out = Stream(open({str(path)!r}, 'wb')).buffered(); out.write(b'data')")
    assert path.read_bytes() == b"data"


FORK = """
file = io.BytesIO(b'0123456789')
stream = Stream(file)
stream.read(2)
child = os.fork()
if child == 0:
    assert stream.read(2) == b'23'
    stream.write(b'child')
    stream.close()
    with Stream(io.BytesIO(b'new')) as new:
        assert new.read(3) == b'new'
    {end}
assert os.waitpid(child, 0)[1] == 0
assert stream.read(2) == b'23'
"""


@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)"])
def test_fork(run_python, end):
    """Both processes go on with the stream."""
    run_python(FORK.format(end=end))


def test_fork_while_another_thread_reads(run_python):
    """In the child no stream is busy for a thread that is not there."""
    run_python(
        """
parent, inside, go_on = os.getpid(), threading.Event(), threading.Event()

class Waiting(io.BytesIO):
    def readinto(self, buffer):
        if os.getpid() == parent:
            inside.set()
            go_on.wait()
        return super().readinto(buffer)

stream = Stream(Waiting(b'data'))
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


SUB_INTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
interpreters.run_string(interpreters.create(), f'''
import sys; sys.path[:] = {sys.path}
try:
    import cimpl_stream
except ImportError as error:
    print(error)
''')
assert Stream(io.BytesIO(b"data")).read() == b"data"
"""


def test_sub_interpreter(run_python):
    """A sub-interpreter, in which a callback could hang or crash, is told so by the import."""
    modules = ("_interpreters", "_xxsubinterpreters")
    if not any(map(importlib.util.find_spec, modules)):
        pytest.skip("this Python has no module that makes sub-interpreters")
    message = run_python(SUB_INTERPRETER).strip()
    # From 3.12 on, one with a GIL of its own may not even load ctypes.
    assert re.match("cimpl_stream does not work in a sub-interpreter|module _ctypes ", message)


@pytest.mark.parametrize(
    "make",
    [
        "stream = Stream(Output(), buffer_size=4096)",
        "stream = Stream(Output()).buffered()",
        "stream = io.BufferedWriter(RawStream(Output()))",
    ],
)
@pytest.mark.parametrize("steps", [0, 1, 2, 5, 10, 50, 200, 1000])
def test_interrupt_at_exit(run_python, make, steps):
    """A Ctrl-C at any moment of the end loses nothing of what was written behind."""
    script = f"""
import atexit
class Output(io.RawIOBase):
    def writable(self):
        return True
    def write(self, data):
        return os.write(1, data)

{make}
stream.write(b"written behind")
sys.unraisablehook = lambda unraisable: None
sys.stderr = io.StringIO()  # where Python 3.9 says what has ended a function of atexit
countdown = {steps}
def trace(frame, event, argument):
    global countdown
    countdown -= 1
    if countdown == 0:
        signal.raise_signal(signal.SIGINT)
    return trace
atexit.register(sys.settrace, trace)
"""
    assert run_python(script) == "written behind"


@pytest.mark.parametrize("kind", ["KeyboardInterrupt", "SystemExit", "OSError"])
def test_file_that_raises_at_exit(run_python, kind):
    """What one file raises when it is flushed keeps the others from nothing."""
    script = f"""
class Output(io.RawIOBase):
    def __init__(self, exception=None):
        self.exception = exception
    def writable(self):
        return True
    def write(self, data):
        if self.exception:
            raise self.exception
        return os.write(1, data)

reports = []
sys.unraisablehook = lambda unraisable: reports.append(unraisable.exc_type)
files = [Output(), Output({kind}()), Output()]
streams = [Stream(file, buffer_size=4096) for file in files]
streams += [Stream(file).buffered() for file in files]
for stream in streams:
    stream.write(b"x")
reader = native.native_start(Stream(io.BytesIO(b"0123456789")), 4)
import atexit
atexit._run_exitfuncs()
assert native.native_join(reader, 0) == ClosedError().code
assert len(reports) >= 2, reports
os._exit(0)
"""
    assert run_python(script, with_native=True) == "xxxx"


def test_second_interrupt_at_exit(run_python):
    """A file that waits for ever is given up after a second Ctrl-C, and that alone."""
    script = """
class Stuck(io.RawIOBase):
    def writable(self):
        return True
    def write(self, data):
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
        time.sleep(60)

class Output(Stuck):
    def write(self, data):
        return os.write(1, data)

sys.unraisablehook = lambda unraisable: None
streams = [Stream(kind(), buffer_size=4096) for kind in (Output, Stuck, Output)]
for stream in streams:
    stream.write(b"x")
"""
    assert run_python(script, timeout=20) == "xx"
