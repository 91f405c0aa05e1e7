# SPDX-License-Identifier: MIT
"""Native libraries that swallow, retry, clean up and read on threads: the first failure arrives."""

import ctypes
import errno
import gc
import io
import sys
import threading
import traceback
import weakref

import gi
import pytest

import cimpl_stream
from cimpl_stream import BusyError, ClosedError, IoError, checked, errcheck
from faces import CimplStream, File
from gobject_streams import Failing

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402


class Loose(File):
    """A file whose reads and writes raise what is in a list, one after another, then work."""

    def __init__(self, *exceptions):
        super().__init__()
        self.exceptions = list(exceptions)

    def _fail(self):
        if self.exceptions:
            raise self.exceptions.pop(0)

    def readinto(self, buffer):
        self._fail()
        return super().readinto(buffer)

    def write(self, data):
        self._fail()
        return super().write(data)


# What each says of a read or write that failed: the convention by which it says so, "nothing", or
# "recovered" when it also goes on with one that succeeds.
CONSUMERS = {
    "native_swallow": "nothing",
    "native_swallow_and_seek": "nothing",
    "native_swallow_in_thread": "nothing",
    "native_write_and_close": "nothing",
    "native_write_header": "recovered",
    "native_report": "negative",
    "native_report_after_cleanup": "negative",
    "native_report_in_thread": "negative",
    "native_pointer": "negative",
    "native_status": "nonzero",
    "native_flag": "zero",
}
RETRIES = ["failure 1", "failure 2", "failure 3"]


def by_errors(function, stream, convention, *arguments):
    with stream.errors():
        return function(stream, *arguments)


def by_errcheck(function, stream, convention, *arguments):
    function.errcheck = errcheck
    return function(stream, *arguments)


def by_checked(function, stream, convention, *arguments):
    if convention in ("nothing", "recovered"):
        convention = "negative"
    return checked(function, failed=convention)(stream, *arguments)


WAYS = {"errors": by_errors, "errcheck": by_errcheck, "checked": by_checked}


def caught_by(way, function, stream, convention="negative", *arguments):
    """Return the exception that comes out, or `None`."""
    try:
        WAYS[way](function, stream, convention, *arguments)
    except BaseException as exception:
        return exception
    return None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "convention"), CONSUMERS.items())
def test_exception(wrap, native, way, name, convention):
    """The exception is the cause, with its frames, unless the function has recovered."""
    exception = OSError(errno.EIO, "the cable is loose")
    stream = wrap(Loose(exception))
    caught = caught_by(way, getattr(native, name), stream, convention)
    if convention == "recovered" and way != "errors":
        assert caught is None
        return
    assert type(caught).__name__ == "IoError" and caught.errno == errno.EIO
    assert caught.__cause__ is exception
    frames = [frame.name for frame in traceback.extract_tb(exception.__traceback__)]
    assert frames[-1] == "_fail"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("name", CONSUMERS)
def test_exit(wrap, native, way, name, kind):
    """What is no `Exception` comes out as itself, from any thread, and the stream works again."""
    exception = kind("stop")
    stream = wrap(Loose(exception))
    assert caught_by(way, getattr(native, name), stream, CONSUMERS[name]) is exception
    if name != "native_write_and_close":
        stream.seek(0)
        assert stream.read(4) == b"data"


@pytest.mark.parametrize("way", WAYS)
def test_first_of_retries(wrap, native, way):
    """Of three failures the first one is the cause."""
    exceptions = [OSError(errno.EIO, text) for text in RETRIES]
    caught = caught_by(way, native.native_retry, wrap(Loose(*exceptions)), "negative", 3)
    assert caught.__cause__ is exceptions[0]
    assert exceptions[0].__traceback__ is not None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("count", [1, 2, 50])
def test_retried_with_success(wrap, native, way, count):
    """What a function has recovered from, only `errors()` raises."""
    exceptions = [OSError(errno.EIO, str(number)) for number in range(count)]
    first = exceptions[0]
    caught = caught_by(way, native.native_retry, wrap(Loose(*exceptions)), "negative", count + 1)
    assert caught is None if way != "errors" else caught.__cause__ is first


@pytest.mark.parametrize("way", WAYS)
def test_many_retries(wrap, native, way):
    """The first of many is still there, also after calls before in which as many failed."""
    stream = wrap(Loose(*[OSError(errno.EIO, str(number)) for number in range(300)]))
    for number in (0, 100, 200):
        caught = caught_by(way, native.native_retry, stream, "negative", 100)
        assert caught.__cause__.args == (errno.EIO, str(number))


@pytest.mark.parametrize("way", WAYS)
def test_nothing_stale(wrap, native, way):
    """A call in which nothing failed is not blamed for one before, nor one that refuses."""
    stream = wrap(Loose(OSError(errno.EIO, "before")))
    native.native_swallow(stream)
    assert caught_by(way, native.native_swallow_and_seek, stream) is None
    assert caught_by(way, native.native_refuse, stream) is None
    assert caught_by(way, native.native_refuse, wrap(File())) is None


@pytest.mark.parametrize("way", WAYS)
def test_closed(wrap, native, way):
    """A stream that was closed is a failure, which looks like the end of the data."""
    stream = wrap(File())
    stream.close()
    caught = caught_by(way, native.native_swallow, stream)
    assert isinstance(caught, ClosedError) and caught.__cause__ is None


@pytest.mark.parametrize("way", WAYS)
def test_busy(wrap, native, way):
    """So is one that another operation uses: here, the one around it."""
    results = []
    stream = wrap(File(lambda: results.append(caught_by(way, native.native_swallow, stream))))
    stream.read(4)
    assert isinstance(results[0], BusyError)


@pytest.mark.parametrize("way", WAYS)
def test_no_failure(wrap, native, way):
    """Would-block is none, nor is a position that a stream does not have."""
    file = Loose(BlockingIOError(errno.EAGAIN, "later"))
    file.seekable = lambda: False
    assert caught_by(way, native.native_swallow_and_seek, wrap(file)) is None


class Frozen(Exception):
    """One like a frozen dataclass, whose attributes cannot be set; and which is false."""

    def __setattr__(self, name, value):
        raise AttributeError(f"cannot assign to field {name!r}")

    def __bool__(self):
        raise TypeError("neither true nor false")


class Odd(BrokenPipeError):
    """One that is made of other arguments."""

    def __new__(cls, *, where):
        return super().__new__(cls, errno.EPIPE, where)

    def __init__(self, *, where):
        pass


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("exception", [Frozen("broken"), Odd(where="broken")], ids=repr)
def test_unusual_exception(wrap, native, way, exception):
    """It is the cause, caught as what it is, and does not disturb what fails before and after."""
    for _ in range(3):
        native.native_swallow(wrap(Loose(exception)))
    caught = caught_by(way, native.native_report, wrap(Loose(exception)))
    assert isinstance(caught, IoError) and isinstance(caught, type(exception))
    assert caught.__cause__ is exception and exception.__traceback__ is not None
    later = ValueError("later")
    assert caught_by(way, native.native_report, wrap(Loose(later))).__cause__ is later


def test_long_chain(wrap, native):
    """An exception may come from more others than Python has levels of calls."""
    exception = None
    for number in range(5 * sys.getrecursionlimit()):
        try:
            raise OSError(errno.EIO, str(number)) from exception
        except OSError as error:
            exception = error
    (lambda: native.native_swallow(wrap(Loose(exception))))()  # a caller that has gone
    later = ValueError("later")
    assert caught_by("errcheck", native.native_swallow, wrap(Loose(later))).__cause__ is later
    while exception is not None:  # nor does CPython before 3.12 let it go in one
        exception.__cause__, exception.__context__, exception = None, None, exception.__cause__


@pytest.mark.parametrize("drop", ["stream", "buffered"])
def test_exit_is_not_taken_by_what_is_dropped(wrap, native, drop):
    """What is no `Exception` is not raised where a file is closed because nobody holds it."""
    interrupted, other = wrap(Loose(KeyboardInterrupt())), wrap(File())
    if drop == "buffered":
        other = other.buffered()
    native.native_swallow(interrupted)
    del other
    gc.collect()
    with pytest.raises(KeyboardInterrupt):
        interrupted.read(4)
    assert interrupted.read(4) == b"data"


def test_thread_is_left_alone(wrap, native):
    """SystemExit of a thread that has ended is not raised in one that gets its number."""
    stream = wrap(Loose(SystemExit("of the first thread")))
    numbers, results = [], []

    def run(function, *arguments):
        def work():
            numbers.append(threading.get_ident())
            results.append(function(*arguments))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    run(native.native_swallow, stream)
    for _ in range(20):
        run(lambda: wrap(File()).read(4))
        if numbers[-1] == numbers[0]:
            break
    assert set(results[1:]) == {b"data"}
    with pytest.raises(SystemExit):
        stream.read(4)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_exit_after_a_failure(wrap, native, kind):
    """What is no `Exception` comes out first, whatever has failed before it."""
    stream = wrap(Loose(OSError(errno.EIO, "broken"), kind()))
    with pytest.raises(kind), stream.errors():
        native.native_swallow_in_thread(stream)
        native.native_swallow_in_thread(stream)
    assert stream.read(4) == b"data"


def test_interrupt_of_another_thread(wrap, native):
    """One that waits to be raised elsewhere changes nothing for a stream that would block."""
    interrupted = wrap(Loose(KeyboardInterrupt()))
    native.native_swallow_in_thread(interrupted)
    stream = wrap(Loose(BlockingIOError(errno.EAGAIN, "later")))
    assert stream.read(4) is None
    assert stream.read(4) == b"data"
    with pytest.raises(KeyboardInterrupt):
        interrupted.read(4)


# errcheck and checked


def test_own_failure(native):
    """A function that fails for its own reason returns its result, with or without a stream."""
    native.native_refuse.errcheck = errcheck
    assert native.native_refuse(cimpl_stream.Stream(io.BytesIO(b"data"))) == -1
    assert native.cimpl_stream_tell(None) == -1  # an error of the thread
    atoi = ctypes.CDLL(None)["atoi"]
    atoi.errcheck = errcheck
    assert atoi(b"-5") == -5


class Handle(ctypes.c_void_p):
    pass


@pytest.mark.parametrize(
    ("result", "is_failure"),
    [
        (None, True),
        (-1, True),
        (-1.0, True),
        (ctypes.c_byte(-1), True),
        (Handle(), True),
        (ctypes.POINTER(ctypes.c_int)(), True),
        (ctypes.CFUNCTYPE(None)(), True),
        (0, False),
        (0.0, False),
        (b"", False),
        (Handle(8), False),
        (ctypes.pointer(ctypes.c_int(-1)), False),
    ],
    ids=repr,
)
def test_result(native, result, is_failure):
    """What is negative or NULL, of any type, says that the function failed."""
    exception = OSError(errno.EIO, "broken")
    stream = cimpl_stream.Stream(Loose(exception))
    native.native_retry(stream, 2)  # recovers
    try:
        assert errcheck(result, native.native_retry, (stream, 2)) is result
    except IoError as error:
        assert is_failure and error.__cause__ is exception
    else:
        assert not is_failure


def test_other_arguments(native):
    """What is no stream is left alone, whatever it has and does not say."""

    class Length:
        _as_parameter_ = 8
        since = 0

        def __getattr__(self, name):
            raise RuntimeError(name)

    function = ctypes.CDLL(None)["labs"]
    function.errcheck = errcheck
    assert function(Length()) == 8


def test_nested_call(wrap, native):
    """A native call in a callback ends no other one's."""
    native.native_swallow_and_seek.errcheck = native.native_retry.errcheck = errcheck

    class Nested(Loose):
        def readinto(self, buffer):
            with pytest.raises(IoError, match="nested"):
                native.native_swallow_and_seek(wrap(Loose(OSError(errno.EIO, "nested"))))
            return super().readinto(buffer)

    exceptions = OSError(errno.EIO, "first"), OSError(errno.EIO, "second")
    with pytest.raises(IoError) as caught:
        native.native_retry(wrap(Nested(*exceptions)), 2)
    assert caught.value.__cause__ is exceptions[0]
    assert exceptions[0].__traceback__ is not None


def test_pointer_of_cast(wrap, native):
    """A pointer that is kept: each call with `errcheck` answers for itself."""
    native.native_swallow.errcheck = native.native_refuse.errcheck = errcheck
    stream = wrap(Loose(OSError(errno.EIO, "first"), OSError(errno.EIO, "second")))
    pointer = stream.cast(ctypes.POINTER(cimpl_stream.CimplStream))
    for text in ("first", "second"):
        with pytest.raises(IoError, match=text):
            native.native_swallow(pointer)
        assert native.native_refuse(pointer) == -1 if text == "second" else True
    stream = wrap(Loose(OSError(errno.EIO, "read")))
    pointer = stream.cast(ctypes.POINTER(cimpl_stream.CimplStream))
    with pytest.raises(IoError):
        stream.read(4)
    assert native.native_refuse(pointer) == -1


def test_from_param(wrap, native):
    """A stream may be converted by a class of the user."""

    class Handle:
        @classmethod
        def from_param(cls, stream):
            return stream._as_parameter_

    function = native["native_swallow"]
    function.argtypes, function.errcheck = [Handle], errcheck
    with pytest.raises(IoError, match="loose"):
        function(wrap(Loose(OSError(errno.EIO, "loose"))))


def test_call_without_errcheck(wrap, native):
    """What failed in one before is not blamed on a call that converts the stream in its own way."""

    class Handle:
        @classmethod
        def from_param(cls, stream):
            return stream._as_parameter_

    refuse = native["native_refuse"]
    refuse.argtypes, refuse.errcheck = [Handle], errcheck
    file = Loose()
    stream = wrap(file)

    def fail():
        file.exceptions.append(OSError(errno.EIO, "before"))
        native.native_swallow(stream)

    def succeed():
        assert refuse(stream) == -1

    for _ in range(10):
        fail()
        succeed()
    file.exceptions.append(OSError(errno.EIO, "before"))
    native.native_swallow(stream)
    assert refuse(stream) == -1


@pytest.mark.parametrize(
    ("failed", "kind"), [("positive", ValueError), (None, TypeError), (-1, TypeError)]
)
def test_checked_refuses(native, failed, kind):
    with pytest.raises(kind):
        checked(native.native_swallow, failed=failed)
    with pytest.raises(TypeError):
        checked(len)


def test_checked_by_a_function(native):
    """Whether a result is a failure may be anything that can be said of it."""
    function = checked(native.native_status, failed=lambda status: status == 7)
    assert function(cimpl_stream.Stream(File())) == 0
    exception = OSError(errno.EIO, "broken")
    with pytest.raises(IoError) as caught:
        function(cimpl_stream.Stream(Loose(exception)))
    assert caught.value.__cause__ is exception


def test_dup_failure(wrap, native):
    """The failure is there as the exception that would be raised, until it is cleared."""
    exception = FileNotFoundError(errno.ENOENT, "gone")
    stream = as_gobject(wrap(Loose(exception, KeyboardInterrupt("stop"))))
    assert stream.dup_failure() is None
    native.native_swallow(stream)
    failure = stream.dup_failure()
    assert isinstance(failure, GLib.Error) and failure.errno == errno.ENOENT
    assert isinstance(failure, FileNotFoundError) and failure.__cause__ is exception
    stream.clear_failure()
    assert stream.dup_failure() is None
    with pytest.raises(KeyboardInterrupt):
        stream.read(4)
    assert stream.dup_failure().message == "KeyboardInterrupt: stop"


# errors()


def test_exception_of_the_block(wrap, native):
    """It goes on, with the failure as its cause; one that has a cause keeps it."""
    exception = OSError(errno.EIO, "broken")
    stream = wrap(Loose(exception))
    with pytest.raises(LookupError) as caught, stream.errors():
        native.native_swallow_in_thread(stream)
        raise LookupError("found nothing")
    assert caught.value.__cause__.__cause__ is exception
    stream = wrap(Loose(exception))
    with pytest.raises(LookupError) as caught, stream.errors():
        native.native_swallow(stream)
        raise LookupError("found nothing") from KeyError("key")
    assert type(caught.value.__cause__) is KeyError


@pytest.mark.parametrize("kind", [KeyboardInterrupt, GeneratorExit])
def test_exit_of_the_block(wrap, native, kind):
    """What is no `Exception` goes on as well."""
    exception = kind()
    stream = wrap(Loose(OSError(errno.EIO, "broken")))
    with pytest.raises(kind) as caught, stream.errors():
        native.native_swallow(stream)
        raise exception
    assert caught.value is exception and isinstance(exception.__cause__, IoError)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_exit_before_an_exception_of_the_block(wrap, native, kind):
    """What is no `Exception` comes out instead of one of the block, also from below a filter."""
    for upper in (as_gobject, buffer):
        stream = upper(wrap(Loose(kind())))
        with pytest.raises(kind), stream.errors():
            native.native_swallow_in_thread(stream)
            raise LookupError("found nothing")


def test_reported_in_the_block(wrap):
    """What a method raises in the block goes on as it is; caught, it comes out at the end."""
    exception = OSError(errno.EIO, "broken")
    stream = wrap(Loose(exception))
    with pytest.raises(IoError) as caught, stream.errors():
        stream.read(4)
    assert caught.value.__cause__ is exception
    stream = wrap(Loose(exception, OSError("second")))
    with pytest.raises(IoError) as caught, stream.errors():
        for _ in range(2):
            with pytest.raises(IoError):
                stream.read(4)
        assert stream.read(4) == b"data"
    assert caught.value.__cause__ is exception


def test_nested_blocks(wrap, native):
    """Each raises the first failure since its own beginning."""
    exceptions = [OSError(errno.EIO, text) for text in RETRIES]
    stream = wrap(Loose(*exceptions))
    with pytest.raises(IoError) as outer, stream.errors():
        native.native_swallow(stream)
        with pytest.raises(IoError) as inner, stream.errors():
            native.native_retry(stream, 2)
        assert inner.value.__cause__ is exceptions[1]
    assert outer.value.__cause__ is exceptions[0]


def test_blocks_of_several_streams(wrap, native):
    """What the inner ones raise goes on, and the failures of the others come with it."""
    exceptions = [OSError(errno.EIO, text) for text in RETRIES]
    first, second, third = (wrap(Loose(exception)) for exception in exceptions)
    with pytest.raises(IoError) as caught, first.errors(), second.errors(), third.errors():
        for stream in (first, second, third):
            native.native_swallow(stream)
    error = caught.value
    for exception in reversed(exceptions):
        assert error.__cause__ is exception
        error = error.__context__
    assert error is None


def test_entered_again(wrap, native):
    """One block may be entered again inside itself."""
    exceptions = [OSError(errno.EIO, text) for text in RETRIES]
    stream = wrap(Loose(*exceptions))
    block = stream.errors()
    with pytest.raises(IoError) as outer, block:
        native.native_swallow(stream)
        with pytest.raises(IoError) as inner, block:
            native.native_swallow(stream)
        assert inner.value.__cause__ is exceptions[1]
    assert outer.value.__cause__ is exceptions[0]


def test_closed_in_the_block(wrap, native):
    """Closing the stream forgets nothing."""
    exception = OSError(errno.EIO, "broken")
    stream = wrap(Loose(exception))
    with pytest.raises(IoError) as caught, stream.errors():
        native.native_swallow(stream)
        stream.close()
    assert caught.value.__cause__ is exception
    assert exception.__traceback__ is not None


@pytest.mark.parametrize(
    "raised",
    [
        OSError(errno.EIO, "broken"),
        GLib.Error.new_literal(Gio.io_error_quark(), "not there", Gio.IOErrorEnum.NOT_FOUND),
        KeyboardInterrupt(),
    ],
)
def test_over_a_filter(wrap, raised):
    """A stream that Python did not make raises what failed below it, in any thread."""
    buffered = buffer(wrap(Loose(raised)))

    def consume():
        with pytest.raises(GLib.Error):
            CimplStream.InputStream.new(buffered).read_bytes(100, None)

    with pytest.raises((CimplStream.IoError, KeyboardInterrupt)) as caught, buffered.errors():
        thread = threading.Thread(target=consume)
        thread.start()
        thread.join()
    assert raised in (caught.value, caught.value.__cause__)


def as_gobject(stream):
    if isinstance(stream, CimplStream.Stream):
        return stream
    return CimplStream.Stream.from_handle(stream)


def buffer(stream):
    return CimplStream.BufferedStream.new(as_gobject(stream), 4096)


class Passing(CimplStream.FilterStream):
    """A filter in Python that changes nothing."""


class Explaining(CimplStream.FilterStream):
    """A filter in Python that raises an exception of its own because of one of its base."""

    def do_read(self, view):
        try:
            return super().do_read(view)
        except IoError as error:
            raise LookupError("no data") from error


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [Passing, Explaining])
def test_over_a_filter_in_python(wrap, native, way, kind):
    """What failed first is the cause, also if Python code in between was told of it."""
    exception = OSError(errno.EIO, "broken")
    stream = kind(base=as_gobject(wrap(Loose(exception))))
    assert caught_by(way, native.native_report, stream).__cause__ is exception
    assert exception.__traceback__ is not None


@pytest.mark.parametrize("way", WAYS)
def test_same_error_twice(wrap, native, way):
    """Errors of the same words, of whatever domain, are told apart."""
    for _ in range(3):
        exception = GLib.Error.new_literal(Gio.io_error_quark(), "gone", Gio.IOErrorEnum.NOT_FOUND)
        caught = caught_by(way, native.native_swallow, buffer(wrap(Loose(exception))))
        assert caught.__cause__ is exception


def test_foreign_error_of_another_thread(native):
    """What PyGObject tells C is found again, with its domain."""
    raised = GLib.Error.new_literal(Gio.io_error_quark(), "not there", Gio.IOErrorEnum.NOT_FOUND)
    stream = Failing(lambda: raised)
    with pytest.raises(CimplStream.IoError) as caught, stream.errors():
        native.native_swallow_in_thread(stream)
    assert caught.value.__cause__ is raised
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND)


def test_streams_of_c(native, tmp_path):
    """A file and a fault of C are raised, with errno."""
    path = tmp_path / "file"
    path.write_bytes(b"data")
    stream = CimplStream.FileStream.open(str(path), "r")
    with pytest.raises(CimplStream.CimplStreamError) as caught, stream.errors():
        native.native_write_header(stream)
    assert caught.value.__cause__ is None
    fault = CimplStream.FaultStream.new(stream)
    operations = CimplStream.FaultUnit.OPERATIONS
    fault.add_errno(CimplStream.FaultOperation.READ, 0, operations, 1, errno.ENOSPC)
    native.native_report.errcheck = errcheck
    with pytest.raises(CimplStream.NoSpaceError) as caught:
        native.native_report(fault)
    assert caught.value.errno == errno.ENOSPC
    with fault.errors():
        native.native_report(fault)


# What nobody asks for


class Variables:
    """Stand for the large variables of a function."""

    alive = weakref.WeakSet()

    def __init__(self):
        self.alive.add(self)


def swallow(wrap, call, streams):
    variables = Variables()

    class Large(Loose):
        def readinto(self, buffer):
            more = Variables()
            raise OSError(errno.EIO, f"broken at {type(more)}")

    stream = wrap(Large())
    call(stream)
    streams.append(stream)
    return variables


def read_by_gio(stream):
    with pytest.raises(GLib.Error):
        CimplStream.InputStream.new(as_gobject(stream)).read_bytes(10, None)


@pytest.mark.parametrize("held", [True, False], ids=["held", "dropped"])
@pytest.mark.parametrize(
    "name", ["native_swallow", "native_swallow_in_thread", "native_retry", "gio", "threads"]
)
def test_variables(wrap, native, name, held):
    """Of 50 callers' variables, and 50 files', those of three stay."""
    call = {
        "gio": read_by_gio,
        "threads": native.native_swallow,
        "native_retry": lambda stream: native.native_retry(stream, 20),
    }.get(name) or getattr(native, name)
    streams = []
    for _ in range(50):
        if name == "threads":
            thread = threading.Thread(target=swallow, args=(wrap, call, streams))
            thread.start()
            thread.join()
        else:
            swallow(wrap, call, streams)
        if not held:
            streams.clear()
    gc.collect()
    assert len(Variables.alive) <= 3 * 2


def test_handled_exception_is_left_alone(wrap, native):
    """The exception that a caller handles keeps its traceback."""
    first, second = wrap(Loose(OSError("first"))), wrap(Loose(OSError("second")))

    def swallow_handling():
        try:
            raise LookupError("mine")
        except LookupError as error:
            native.native_swallow(first)
            return error

    error = swallow_handling()
    native.native_swallow(second)
    assert error.__traceback__ is not None


def test_interrupt_that_nobody_raises(wrap, native, reports):
    """It is reported when its stream goes."""
    native.native_swallow(wrap(Loose(KeyboardInterrupt())))
    if not reports:  # a subclass is in a cycle with what it raised
        gc.collect()
    assert reports == [KeyboardInterrupt]
    reports.clear()
