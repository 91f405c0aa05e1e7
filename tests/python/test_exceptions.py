# SPDX-License-Identifier: MIT
"""Exceptions of the file object, on their way through native code."""

import ctypes
import errno
import gc
import io
import pickle
import threading
import time
import traceback
import weakref

import pytest

import cimpl_stream
from cimpl_stream import (
    BusyError,
    CancelledError,
    CimplStreamError,
    IoError,
    NoSpaceError,
    NotSupportedError,
    RawStream,
    Stream,
    UnexpectedEofError,
    WouldBlockError,
    errcheck,
)


class Failing(io.BytesIO):
    """Raises what is in `failures`, one after another, then works."""

    def __init__(self, *failures):
        super().__init__(b"data")
        self.failures = list(failures)

    def _fail(self):
        if self.failures:
            raise self.failures.pop(0)

    def readinto(self, buffer):
        self._fail()
        return super().readinto(buffer)

    def write(self, data):
        self._fail()
        return super().write(data)

    def seek(self, *arguments):
        self._fail()
        return super().seek(*arguments)

    def flush(self):
        self._fail()

    def truncate(self, size):
        self._fail()
        return super().truncate(size)


OPERATIONS = {
    "read": lambda stream: stream.read(4),
    "readinto": lambda stream: stream.readinto(bytearray(4)),
    "read large": lambda stream: stream.read(1 << 17),
    "readall": lambda stream: stream.raw.read(),
    "write": lambda stream: stream.write(b"data"),
    "seek": lambda stream: stream.seek(0),
    "tell": lambda stream: stream.tell(),
    "flush": lambda stream: stream.flush(),
    "truncate": lambda stream: stream.truncate(1),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_cause(name):
    """An exception is the cause of the error, with its own traceback."""
    exception = ZeroDivisionError("by design")
    with pytest.raises(IoError, match="ZeroDivisionError: by design") as caught:
        OPERATIONS[name](Stream(Failing(exception)))
    assert caught.value.__cause__ is exception
    frames = [frame.name for frame in traceback.extract_tb(exception.__traceback__)]
    assert frames[-1] == "_fail"


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_not_an_exception(name, kind):
    """What is no `Exception` comes out as itself, and the stream works again."""
    stream = Stream(Failing(kind("stop")))
    with pytest.raises(kind, match="stop"):
        OPERATIONS[name](stream)
    assert stream.read(4) == b"data"


def test_close():
    """An exception while closing comes out, and the stream is closed."""
    file = Failing()
    stream = Stream(file)
    stream.write(b"x")
    file.failures.append(OSError(errno.EIO, "broken"))
    with pytest.raises(IoError, match="broken"):
        stream.close()
    assert stream.closed


@pytest.mark.parametrize(
    ("exception", "kind", "number"),
    [
        (OSError(errno.EIO, "broken"), IoError, errno.EIO),
        (FileNotFoundError(errno.ENOENT, "gone"), CimplStreamError, errno.ENOENT),
        (OSError(errno.ENOSPC, "full"), NoSpaceError, errno.ENOSPC),
        (OSError("no number"), IoError, None),
        (EOFError("short"), UnexpectedEofError, None),
        (NotImplementedError(), NotSupportedError, None),
        (IoError("ours", errno=errno.EPIPE), CimplStreamError, errno.EPIPE),
        (UnicodeDecodeError("ascii", b"\xff", 0, 1, "bad"), IoError, None),
        (ValueError("nul \0 and \ud800"), IoError, None),
        (ValueError("long" * 10000), IoError, None),
    ],
)
def test_class_and_errno(exception, kind, number):
    """The error has the class that fits, and the errno of its cause."""
    with pytest.raises(kind) as caught:
        Stream(Failing(exception)).read(4)
    assert caught.value.__cause__ is exception
    assert caught.value.errno == number


def test_unprintable():
    """An exception that cannot be printed is a cause like any other."""

    class Unprintable(Exception):
        def __str__(self):
            raise RuntimeError

    with pytest.raises(IoError, match="Unprintable: <no message>"):
        Stream(Failing(Unprintable())).read(4)


def test_blocking_io_error():
    """A `BlockingIOError` of the file object is would-block: `None`."""
    assert Stream(Failing(BlockingIOError(errno.EAGAIN, "later"))).read(4) is None


def test_would_block_elsewhere():
    """Where there is no `None` to return, would-block is an error."""
    with pytest.raises(WouldBlockError) as caught:
        Stream(Failing(BlockingIOError(errno.EAGAIN, "later"))).flush()
    assert isinstance(caught.value, BlockingIOError)
    assert caught.value.errno == errno.EAGAIN


def test_no_stale_cause():
    """A failure without an exception does not get the cause of an earlier one."""
    stream = Stream(Failing(OSError("old")))
    with pytest.raises(IoError):
        stream.read(4)
    stream.close()
    with pytest.raises(CimplStreamError) as caught:
        stream.read(4)
    assert caught.value.__cause__ is None


def test_swallowed_is_no_cause(native):
    """Nor that of one which native code swallowed, in another stream of the thread."""
    native.native_swallow(Stream(Failing(OSError("old"))))
    other = Stream(io.BytesIO())
    other.close()
    with pytest.raises(CimplStreamError) as caught:
        other.read(4)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["native_swallow", "native_pointer"])
@pytest.mark.parametrize("exception", [OSError(errno.EIO, "broken"), KeyboardInterrupt()])
def test_errcheck(native, name, exception):
    """`errcheck` raises what happened, whatever the native function makes of it."""
    function = getattr(native, name)
    function.errcheck = errcheck
    stream = Stream(Failing(exception))
    with pytest.raises((IoError, KeyboardInterrupt)) as caught:
        function(stream)
    assert exception in (caught.value, caught.value.__cause__)
    assert function(stream) is not None  # it is not raised twice


def test_errcheck_native_error(native):
    """`errcheck` raises the library's error where no Python was involved."""
    native.native_drain.errcheck = errcheck
    stream = Stream(io.BytesIO())
    stream.close()
    with pytest.raises(cimpl_stream.ClosedError):
        native.native_drain(stream, 16, ctypes.byref(ctypes.c_int64()))


def test_errcheck_success(native):
    """`errcheck` returns the result of a function that did not fail."""
    native.native_retry.errcheck = errcheck
    assert native.native_retry(Stream(io.BytesIO(b"data")), 1) == 4


def test_errcheck_foreign_failure(native):
    """A negative result that is no failure of the library is none for `errcheck` either."""
    native.native_retry.errcheck = errcheck
    assert native.native_retry(Stream(io.BytesIO()), 0) == -1


def test_dropped_at_success(native):
    """An exception is dropped when the next callback succeeds: native code tried again."""
    native.native_retry.errcheck = errcheck
    assert native.native_retry(Stream(Failing(OSError("once"), OSError("twice"))), 3) == 4


def test_blocked_until_raised(native):
    """A kept KeyboardInterrupt blocks its stream; native code that tries again gets nowhere."""
    file = Failing(KeyboardInterrupt())
    stream = Stream(file)
    assert native.native_retry(stream, 3) == -1
    assert file.tell() == 0
    with pytest.raises(KeyboardInterrupt):
        stream.tell()
    assert stream.read(4) == b"data"


def test_blocked_error_code(native):
    """What native code sees of a blocked stream is CANCELLED."""
    stream = Stream(Failing(KeyboardInterrupt()))
    native.native_retry(stream, 2)
    assert native.cimpl_stream_error_code() == CancelledError().code
    with pytest.raises(KeyboardInterrupt):
        stream.read(4)


def test_never_raised(native, reports):
    """A KeyboardInterrupt that nobody raised is reported when its stream goes."""
    native.native_swallow(Stream(Failing(KeyboardInterrupt())))
    assert reports == [KeyboardInterrupt]
    reports.clear()


def test_errors_block(native):
    """`stream.errors()` raises at the end of the block what was swallowed in it."""
    stream = Stream(Failing(OSError(errno.EIO, "broken")))
    with pytest.raises(IoError, match="broken") as caught, stream.errors():
        assert native.native_swallow(stream) == 0
    assert caught.value.errno == errno.EIO


def test_errors_block_success(native):
    """A block in which nothing failed just ends."""
    with Stream(io.BytesIO(b"data")) as stream, stream.errors():
        assert native.native_retry(stream, 1) == 4


def test_errors_block_ignores_the_past(native):
    """What was swallowed before the block is not raised by it."""
    stream = Stream(Failing(OSError("old")))
    native.native_swallow(stream)
    with stream.errors():
        pass


def test_errors_block_that_raises(native):
    """An exception of the block goes on, and what was kept is its cause."""
    stream = Stream(Failing(OSError("broken")))
    with pytest.raises(LookupError) as caught, stream.errors():
        native.native_swallow(stream)
        raise LookupError("native_swallow found nothing")
    assert isinstance(caught.value.__cause__, IoError)
    assert caught.value.__cause__.__context__ is not caught.value  # that would be a cycle


def test_errors_block_interrupted(native):
    """A kept KeyboardInterrupt comes before an exception of the block."""
    stream = Stream(Failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt), stream.errors():
        native.native_swallow(stream)
        raise LookupError("native_swallow found nothing")


@pytest.mark.parametrize("exception", [OSError(errno.EIO, "broken"), KeyboardInterrupt()])
def test_below_native_layers(native, exception):
    """The exception of a stream below others comes out of the outermost call."""
    base = Stream(Failing(exception))
    middle = Stream.from_handle(native.native_layer(base), take=True)
    outer = Stream.from_handle(native.native_layer(middle), take=True)
    with pytest.raises((IoError, KeyboardInterrupt)) as caught:
        outer.read(4)
    assert exception in (caught.value, caught.value.__cause__)
    assert getattr(caught.value, "errno", errno.EIO) == errno.EIO
    assert outer.read(4) == b"data"


def test_fatal_outlives_later_failures(native):
    """A kept KeyboardInterrupt is not displaced by what other streams of the thread raise."""
    first = Stream(Failing(KeyboardInterrupt()))
    native.native_swallow(first)
    with pytest.raises(KeyboardInterrupt):
        Stream(Failing(OSError("later"))).read(4)


def test_fatal_inside_a_success(native):
    """A KeyboardInterrupt that was swallowed inside comes out even of a call that succeeds."""

    class Swallowing(io.BytesIO):
        def readinto(self, buffer):
            native.native_swallow(failing)
            return super().readinto(buffer)

    failing = Stream(Failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        Stream(Swallowing(b"data")).read(4)


def test_nested_streams():
    """Each stream adds an error to the chain; the last one is the exception itself."""
    exception = OSError(errno.EIO, "broken")
    with pytest.raises(IoError) as caught:
        Stream(Stream(Failing(exception))).read(4)
    assert isinstance(caught.value.__cause__, IoError)
    assert caught.value.__cause__.__cause__ is exception


def test_handled_inside():
    """What a file object handles itself disturbs nobody."""

    class Careful(io.BytesIO):
        def readinto(self, buffer):
            with pytest.raises(IoError):
                Stream(Failing(OSError("inner"))).read(4)
            return super().readinto(buffer)

    assert Stream(Careful(b"data")).read(4) == b"data"


CLASSES = [
    kind
    for kind in vars(cimpl_stream).values()
    if isinstance(kind, type) and issubclass(kind, CimplStreamError)
]


@pytest.mark.parametrize("kind", CLASSES)
def test_error_class(kind):
    """Every class shows its message, has a code, and can be pickled."""
    error = kind("it failed", errno=errno.EIO)
    for copy in (error, pickle.loads(pickle.dumps(error))):
        assert type(copy) is kind
        assert str(copy) == copy.message == "it failed"
        assert copy.code == kind().code
        assert copy.errno == errno.EIO
    assert kind.__module__ == "cimpl_stream"


def test_message_and_code():
    """A `CimplStreamError` is made of a message and a code."""
    error = CimplStreamError("it failed", 104)
    assert (str(error), error.code, error.errno) == ("it failed", 104, None)


def test_codes_differ():
    """No two classes stand for the same code, but for the refinements of InvalidArgument."""
    direct = [kind for kind in CLASSES if kind.__bases__[0] is CimplStreamError]
    assert len({kind().code for kind in direct}) == len(direct)


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("IoError", OSError),
        ("NotSupportedError", io.UnsupportedOperation),
        ("ClosedError", ValueError),
        ("InvalidArgumentError", ValueError),
        ("WouldBlockError", BlockingIOError),
        ("UnexpectedEofError", EOFError),
        ("NoSpaceError", OSError),
    ],
)
def test_builtin_base(name, builtin):
    """The errors are those that code written for ordinary files expects."""
    assert issubclass(getattr(cimpl_stream, name), builtin)
    assert issubclass(getattr(cimpl_stream, name), CimplStreamError)


def test_two_threads_keep_their_own(native):
    """What one thread raises next is not dropped by a callback of another."""

    class Broken(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            raise OSError(errno.EIO, "broken")

    stream = Stream(Broken())
    wrong = []

    def read():
        for _ in range(2000):
            try:
                stream.read(10)
            except BusyError:
                time.sleep(0)
            except IoError as error:
                if not isinstance(error.__cause__, OSError):
                    wrong.append(error)
            except BaseException as error:
                wrong.append(error)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_errcheck_is_about_the_call(native):
    """A failure that was swallowed before is not that of a call that succeeds."""
    stream = Stream(Failing(OSError(errno.EIO, "before")))
    native.native_swallow(stream)  # and it stays, or its failure would go with it
    function = native["native_swallow"]
    function.argtypes = [ctypes.POINTER(cimpl_stream.CimplStream)]
    function.errcheck = errcheck
    assert function(Stream(io.BytesIO(b"data"))) == 0


def test_errcheck_without_a_stream(native):
    """A function without a stream is none that a stream has failed in, whatever it returns."""
    function = native["native_layer"]
    function.argtypes = [ctypes.POINTER(cimpl_stream.CimplStream)]
    function.restype = ctypes.POINTER(ctypes.c_int)
    function.errcheck = errcheck
    assert not function(None)


def test_closed_error_of_a_lower_stream():
    """A ClosedError from below has its cause."""
    lower = Stream(io.BytesIO(b"data"))
    upper = Stream(lower)
    lower.close()
    with pytest.raises(cimpl_stream.ClosedError) as caught:
        upper.read(4)
    assert isinstance(caught.value.__cause__, cimpl_stream.ClosedError)


@pytest.mark.parametrize("close", [True, False])
def test_swallowed_failures_do_not_pile_up(native, close):
    """What is swallowed for good does not keep its streams: but for the newest of a thread."""
    alive = weakref.WeakSet()

    def swallow():
        file = Failing(OSError(errno.EIO, "swallowed"))
        alive.add(file)
        stream = Stream(file)
        native.native_swallow(stream)
        if close:
            stream.close()

    for _ in range(300):
        swallow()
    gc.collect()
    assert len(alive) <= (0 if close else 2)


def test_traceback_does_not_lead_to_native_memory():
    """Not even the variables of the callback's own frames do, once it has returned."""
    file = io.BytesIO()
    exported = file.getbuffer()  # makes BytesIO.write raise
    with pytest.raises(IoError) as caught:
        RawStream(file).write(bytearray(b"x" * 100))
    traceback_ = caught.value.__cause__.__traceback__
    while traceback_ is not None:
        for value in traceback_.tb_frame.f_locals.values():
            if isinstance(value, memoryview):
                with pytest.raises(ValueError, match="released"):
                    value[0]
        traceback_ = traceback_.tb_next
    exported.release()
