# SPDX-License-Identifier: MIT
"""Streams and several threads, Python's own and native ones."""

import errno
import io
import threading
import time

import pytest

from cimpl_stream import ClosedError, IoError, RawStream, Stream


class Gate(io.BytesIO):
    """A file whose reads wait until the test lets them through."""

    def __init__(self, data):
        super().__init__(data)
        self.inside = threading.Event()
        self.open = threading.Event()

    def readinto(self, buffer):
        self.inside.set()
        assert self.open.wait(10)
        return super().readinto(buffer)


@pytest.mark.parametrize(
    "operation",
    [
        lambda stream: stream.read(1),
        lambda stream: stream.read(0),
        lambda stream: stream.write(b"x"),
        lambda stream: stream.seek(0),
        lambda stream: stream.flush(),
        lambda stream: stream.close(),
    ],
)
def test_waiting(operation):
    """While one thread reads, another waits for it, and disturbs nothing."""
    file = Gate(b"data")
    stream = Stream(file)
    results = []
    thread = threading.Thread(target=lambda: results.append(stream.read(4)))
    thread.start()
    assert file.inside.wait(10)
    other = threading.Thread(target=operation, args=(stream,))
    other.start()
    other.join(0.1)
    assert other.is_alive()
    assert stream.readable()
    assert not stream.closed
    file.open.set()
    thread.join()
    other.join()
    assert results == [b"data"]


@pytest.mark.usefixtures("quick_switches")
def test_two_readers():
    """Two threads that share a stream get every byte once between them."""
    data = bytes(range(256)) * 200
    stream = Stream(io.BytesIO(data))
    pieces = []

    def read():
        while piece := stream.read(64):
            pieces.append(piece)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(b"".join(pieces)) == sorted(data)


def test_streams_do_not_wait_for_each_other():
    """A thread that waits in one stream holds up no other."""
    gate = Gate(b"data")
    thread = threading.Thread(target=Stream(gate).read, args=(4,))
    thread.start()
    assert gate.inside.wait(10)
    assert Stream(io.BytesIO(b"data")).read(4) == b"data"
    gate.open.set()
    thread.join()


@pytest.mark.usefixtures("quick_switches")
def test_close_while_native_code_reads(native):
    """Closed under a native reader, 10,000 times: it always gets CLOSED, nothing crashes."""
    codes = set()
    for _ in range(10_000):
        stream = Stream(io.BytesIO(b"0123456789"))
        reader = native.native_start(stream, 4)
        stream.close()
        codes.add(native.native_join(reader, 0))
    assert codes == {ClosedError().code}


@pytest.mark.usefixtures("quick_switches")
def test_close_while_python_reads():
    """Closed under another Python thread that reads."""
    outcomes = set()

    def read(stream):
        try:
            while True:
                stream.read(4)
        except ClosedError:
            outcomes.add("closed")

    for _ in range(1000):
        stream = Stream(io.BytesIO(b"0123456789"))
        thread = threading.Thread(target=read, args=(stream,))
        thread.start()
        stream.close()
        thread.join()
    assert outcomes == {"closed"}


def test_drop_while_native_code_reads(native):
    """What a native thread holds lives on, and goes in that thread."""
    for _ in range(500):
        stream = Stream(io.BytesIO(b"0123456789"))
        reader = native.native_start(stream, 4)
        del stream
        assert native.native_join(reader, 1) == 0


class Failing(io.RawIOBase):
    """Raises `exception` once it was read."""

    def __init__(self, exception):
        self.exception = exception

    def readable(self):
        return True

    def readinto(self, buffer):
        raise self.exception


def test_exception_in_a_native_thread(native):
    """An exception of a native thread is raised by `errors()` of its stream."""
    exception = OSError(errno.EIO, "broken")
    stream = RawStream(Failing(exception))
    with pytest.raises(IoError) as caught, stream.errors():
        assert native.native_join(native.native_start(stream, 4), 0) == IoError().code
    assert caught.value.__cause__ is exception


def test_exit_of_a_native_thread(native):
    """A SystemExit of a native thread blocks the stream until Python raises it."""
    stream = RawStream(Failing(SystemExit(3)))
    native.native_join(native.native_start(stream, 4), 0)
    with pytest.raises(SystemExit):
        stream.read(4)


def test_exception_stays_in_its_thread(native):
    """An exception of another thread is no cause of an error here."""
    native.native_join(native.native_start(RawStream(Failing(OSError("theirs"))), 4), 0)
    other = Stream(io.BytesIO())
    other.close()
    with pytest.raises(ClosedError) as caught:
        other.read(4)
    assert caught.value.__cause__ is None


EXIT = """
class Slow(io.BytesIO):
    def readinto(self, buffer):
        count = 0
        for i in range(100):
            count += i
        return super().readinto(buffer)

streams = [Stream(kind(b'0123456789' * 100)) for kind in (io.BytesIO, Slow) for _ in range(2)]
readers = [native.native_start(stream, 16) for stream in streams]
while min(map(native.native_count, readers)) < 10:
    time.sleep(0.001)
{end}
"""


@pytest.mark.parametrize(
    "end", ["", "del streams; gc.collect()", "sys.exit()"], ids=["open", "dropped", "exit"]
)
@pytest.mark.parametrize("turn", range(20))
def test_exit_while_native_code_reads(run_python, turn, end):
    """Native threads that still read when Python ends: no crash, no hang, no word."""
    run_python(EXIT.format(end=end), with_native=True, timeout=30)


def test_native_threads_get_closed_at_exit(run_python):
    """What they get is CLOSED."""
    script = """
import atexit
stream = Stream(io.BytesIO(b'0123456789'))
reader = native.native_start(stream, 4)
atexit._run_exitfuncs()
print(native.native_join(reader, 0))
"""
    assert run_python(script, with_native=True).strip() == str(ClosedError().code)


def test_exit_while_a_callback_waits(run_python):
    """A callback that waits for ever does not keep Python from ending."""
    start = time.monotonic()
    run_python(
        """
reading, writing = os.pipe()
stream = Stream(open(reading, 'rb', buffering=0))
reader = native.native_start(stream, 4)
time.sleep(0.1)
""",
        with_native=True,
        timeout=30,
    )
    assert time.monotonic() - start < 10


def test_daemon_thread_at_exit(run_python):
    """Nor does a daemon thread that works on a stream."""
    run_python(
        """
stream = Stream(io.BytesIO(b'0123456789'))
def work():
    try:
        while True:
            stream.seek(0)
            stream.read(4)
    except ClosedError:
        pass
threading.Thread(target=work, daemon=True).start()
time.sleep(0.05)
"""
    )
