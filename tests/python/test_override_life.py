# SPDX-License-Identifier: MIT
"""The overrides: between the two Python faces, and the life of a stream."""

import ctypes
import gc
import io
import threading

import gi
import pytest

import cimpl_stream

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream, GLib  # noqa: E402

from gobject_streams import Failing, Memory, innermost  # noqa: E402


# Between the faces


def test_ctypes_stream_becomes_one_of_gobject():
    """Two objects, one native stream."""
    file = io.BytesIO(b"0123456789")
    ours = cimpl_stream.Stream(file)
    theirs = CimplStream.Stream.from_handle(ours)
    assert isinstance(theirs, CimplStream.CallbackStream)
    assert (ours.read(2), theirs.read(2), ours.tell()) == (b"01", b"23", 4)
    del ours
    assert theirs.read(2) == b"45"
    theirs.close()
    assert not file.closed


def test_gobject_stream_becomes_one_of_ctypes():
    """And back, to the very object."""
    theirs = Memory()
    ours = cimpl_stream.Stream.from_handle(theirs)
    assert (theirs.read(2), ours.read(2), theirs.tell()) == (b"01", b"23", 4)
    assert CimplStream.Stream.from_handle(ours) is theirs
    del theirs
    gc.collect()
    assert ours.read(2) == b"45"
    ours.close()
    with pytest.raises(ValueError, match="closed"):
        ours.read(1)


def test_errors_pass_between_the_faces():
    """What is raised below one face is the cause above the other."""
    for stream in (
        cimpl_stream.Stream.from_handle(Failing(lambda: KeyError("key"))),
        Failing(lambda: KeyError("key")).raw,
        CimplStream.Stream.from_handle(cimpl_stream.Stream(Failing(lambda: KeyError("key")))),
    ):
        with pytest.raises(CimplStream.IoError) as caught:
            stream.read(1)
        assert "key" in str(caught.value)
        assert innermost(caught.value).args == ("key",)


def test_from_handle_takes_a_reference(native):
    """A pointer that C returned may be taken over."""
    native.native_layer.restype = ctypes.c_void_p
    base = Memory()
    stream = CimplStream.Stream.from_handle(native.native_layer(base), take=True)
    assert stream.read(3) == b"012"
    assert stream.__grefcount__ == 1


@pytest.mark.parametrize(
    "pointer, error",
    [
        (0, CimplStream.NullParameterError),
        (None, CimplStream.NullParameterError),
        (4096, CimplStream.InvalidHandleError),
        (ctypes.c_void_p(4096), CimplStream.InvalidHandleError),
    ],
)
def test_from_bad_handle(pointer, error):
    """What is no stream is not touched."""
    with pytest.raises(error):
        CimplStream.Stream.from_handle(pointer)


def test_passed_to_c(native):
    """A native function takes either."""
    total = ctypes.c_int64()
    for stream in Memory(), cimpl_stream.Stream(io.BytesIO(b"0123456789")):
        assert native.native_drain(stream, 4, ctypes.byref(total)) == 0
        assert total.value == 10


def test_raw_and_buffered():
    """The standard library is handed what it takes for a raw file."""
    assert Memory().raw.read() == b"0123456789"
    assert type(Memory().buffered()) is io.BufferedRandom
    assert isinstance(Memory(), io.RawIOBase)
    assert io.TextIOWrapper(Memory(b"a\nb\n").buffered()).readlines() == ["a\n", "b\n"]


# Life


def test_closed_with_its_attributes():
    """The last reference closes the stream while it is all there."""
    closed = []

    class Stream(Memory):
        def do_close(self):
            closed.append(self.file.getvalue())

    stream = Stream()
    stream.write(b"abc")
    del stream
    assert closed == [b"abc3456789"]


def test_c_keeps_it(native):
    """As long as C holds the stream it is neither closed nor without its attributes."""
    closed = []

    class Stream(Memory):
        def do_close(self):
            closed.append(self.file)

    stream = Stream()
    stream.note = "here"
    native.native_hold(stream)
    del stream
    gc.collect()
    buffer = ctypes.create_string_buffer(4)
    assert native.native_read_held(buffer, 4) == 4 and buffer.raw == b"0123"
    assert closed == []
    native.native_release()
    gc.collect()
    assert len(closed) == 1


def test_drop_on_a_foreign_thread(native):
    """The last reference may go in a thread that Python has never seen."""
    closed = []

    class Stream(Memory):
        def do_close(self):
            closed.append(self.file)

    stream = Stream()
    reader = native.native_start(stream, 16)
    del stream
    while native.native_count(reader) == 0:
        pass
    assert native.native_join(reader, 1) == 0
    gc.collect()
    assert len(closed) == 1


def test_failing_constructor():
    """A constructor that raises leaves nothing that makes trouble."""

    class Before(Memory):
        def __init__(self):
            raise KeyError

    class After(Memory):
        def __init__(self):
            super().__init__()
            raise KeyError

    for cls in Before, After:
        with pytest.raises(KeyError):
            cls()
        gc.collect()


@pytest.mark.parametrize("face", [lambda stream: stream, cimpl_stream.Stream.from_handle])
def test_closed_behind_it(face):
    """A stream over one that is closed is still to be closed itself."""

    class Filter(Memory):
        def do_query_flags(self):
            return self.base.get_flags()

    stream = Filter()
    stream.base = Memory()
    stream.base.close()
    other = face(stream)
    assert not stream.closed
    assert isinstance(other.closed, bool)
    other.close()
    assert (stream.n_closed, stream.closed, other.closed) == (1, True, True)


def test_forgotten_constructor():
    """A class that does not call `super().__init__()` is told so."""

    class Stream(Memory):
        def __init__(self):
            pass

    for call in (lambda stream: stream.read(1), lambda stream: stream.closed):
        with pytest.raises(TypeError):
            call(Stream())


def test_attributes_of_its_own(reports):
    """A class may call its attributes what it wants, and is closed in Python all the same."""

    class Stream(Memory):
        def do_close(self):
            raise KeyError("key")

    stream = Stream()
    for name in "_handle", "_is_closed", "_keeper", "_native", "_process", "_raw":
        setattr(stream, name, object())
    assert stream.read(2) == b"01"
    assert stream.readline() == b"23456789"
    del stream
    gc.collect()
    assert len(reports) == 1 and issubclass(reports.pop(), CimplStream.IoError)


def test_error_at_the_end(reports):
    """What goes wrong when nobody is there any more is reported, not lost."""

    class Stream(Memory):
        def do_close(self):
            raise KeyError("key")

    Stream()
    gc.collect()
    assert len(reports) == 1 and issubclass(reports.pop(), CimplStream.IoError)


def test_references_and_calls_from_two_threads():
    """A reference that C takes may need the GIL; who calls meanwhile must not hold it."""
    stream = Memory()
    library = ctypes.CDLL(cimpl_stream.native_library)
    done = threading.Event()

    def refer():
        while not done.is_set():
            library.cimpl_stream_ref(stream)
            library.cimpl_free(stream)

    thread = threading.Thread(target=refer, daemon=True)
    thread.start()
    for _ in range(20_000):
        assert stream.tell() == 0
    done.set()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("face", [lambda stream: stream, cimpl_stream.Stream.from_handle])
def test_flags_of_another_thread(face):
    """What a stream can do may be answered by Python in another thread."""

    class Reader(Memory):
        def do_query_flags(self):
            return CimplStream.StreamFlags.READABLE

    context = GLib.MainContext.new()
    loop = GLib.MainLoop.new(context, False)
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        stream = CimplStream.DispatchStream(base=Reader(), main_context=context, timeout=10_000)
        assert face(stream).readable() and not face(stream).writable()
        assert not face(stream).closed
    finally:
        loop.quit()
        thread.join()


PRELUDE = """
import gi
gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream

class Stream(CimplStream.Stream):
    def __init__(self):
        super().__init__()
        self.name = "stream"
    def do_read(self, view):
        return len(view)
    def do_write(self, view):
        print("write", bytes(view))
        return len(view)
    def do_close(self):
        print("close", self.name)
"""


def test_exit(run_python):
    """At the end of the program, what was written is flushed, and what is open closed."""
    script = PRELUDE + 'stream = Stream(); file = io.BufferedWriter(stream); file.write(b"data")'
    assert run_python(script) == "write b'data'\nclose stream\n"


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 10, 50, 200, 1000])
def test_interrupt_at_exit(run_python, steps):
    """A Ctrl-C at any moment of that is put off."""
    script = PRELUDE + f"""
import atexit
stream = Stream(); file = io.BufferedWriter(stream); file.write(b"data")
sys.unraisablehook = lambda unraisable: None
countdown = {steps}
def trace(frame, event, argument):
    global countdown
    countdown -= 1
    if countdown == 0:
        signal.raise_signal(signal.SIGINT)
    return trace
atexit.register(sys.settrace, trace)
"""
    assert run_python(script) == "write b'data'\nclose stream\n"


@pytest.mark.parametrize("kind", ["KeyboardInterrupt", "SystemExit", "OSError"])
def test_stream_that_raises_at_exit(run_python, kind):
    """One that cannot be closed keeps the others from nothing."""
    script = PRELUDE + f"""
class Bad(Stream):
    def do_close(self):
        raise {kind}

sys.unraisablehook = lambda unraisable: None
streams = [kind() for kind in (Stream, Bad, Stream)]
"""
    assert run_python(script) == "close stream\n" * 2


def test_exit_while_native_thread_reads(run_python):
    """A native thread that reads for ever does not keep the program from ending, nor crash it."""
    script = PRELUDE + "native.native_start(Stream(), 16); time.sleep(0.05)"
    for _ in range(5):
        run_python(script, with_native=True)


def test_fork(run_python):
    """The child leaves alone what it has inherited, but may close it."""
    script = PRELUDE + """
stream, other = Stream(), Stream()
child = os.fork()
if child:
    os.waitpid(child, 0)
    stream.name = other.name = "parent"
else:
    del stream
    other.name = "child"
    other.close()
    sys.exit()
"""
    lines = run_python(script).splitlines()
    assert sorted(lines) == ["close child", "close parent", "close parent"]


@pytest.mark.parametrize(
    "make",
    [
        Memory,
        lambda: CimplStream.wrap_file(io.BytesIO()),
        lambda: CimplStream.Stream.from_handle(cimpl_stream.Stream(Memory())),
        lambda: cimpl_stream.Stream(CimplStream.wrap_file(io.BytesIO())),
    ],
)
def test_dropped_by_an_exception(make):
    """A stream that goes while an exception is on its way does not swallow that."""

    def written():
        stream = make()
        stream.write(b"abc")
        return stream

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            written(), 1 / 0
