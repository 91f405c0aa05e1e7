# SPDX-License-Identifier: MIT
"""copyfileobj()."""

import io
import signal
import threading
import weakref

import pytest

from cimpl_stream import InvalidArgumentError, IoError, NoSpaceError, RawStream, Stream, copyfileobj

DATA = bytes(range(256)) * 4000


class Target(io.RawIOBase):
    """Takes at most `step` bytes at once, and fails at `full`."""

    def __init__(self, step=1 << 20, full=1 << 30):
        self.data, self.step, self.full = bytearray(), step, full
        self.n_flushed = 0

    def writable(self):
        return True

    def write(self, data):
        count = min(len(data), self.step, self.full - len(self.data))
        if not count:
            raise OSError(28, "full")
        self.data += data[:count]
        return count

    def flush(self):
        if not self.closed:
            self.n_flushed += 1


@pytest.mark.parametrize("wrap_source", [Stream, RawStream, lambda file: file])
@pytest.mark.parametrize("wrap_target", [Stream, lambda file: file])
@pytest.mark.parametrize("step", [1 << 20, 4099])
def test_everything_arrives(wrap_source, wrap_target, step):
    """Streams and files are copied from where they are, in steps of any size."""
    file, target = io.BytesIO(DATA), Target(step)
    file.seek(7)
    reports = []
    wrapped = wrap_target(target)
    count = copyfileobj(wrap_source(file), wrapped, progress=lambda *report: reports.append(report))
    assert count == len(DATA) - 7
    assert target.data == DATA[7:]
    assert reports[-1] == (count, count)
    assert [done for done, _ in reports] == sorted({done for done, _ in reports})
    assert target.n_flushed == (wrapped is target)
    assert not file.closed and not target.closed


def test_limit():
    """No more than the limit is read."""
    file, target = io.BytesIO(DATA), io.BytesIO()
    assert copyfileobj(file, target, limit=1000) == 1000
    assert copyfileobj(file, target, limit=0) == 0
    assert (target.getvalue(), file.tell()) == (DATA[:1000], 1000)


def test_unknown_total():
    """A source without a position has no size."""

    class Source:
        read = io.BytesIO(b"0123456789").read

    reports = []
    assert copyfileobj(Source(), io.BytesIO(), progress=lambda *report: reports.append(report)) == 10
    assert reports == [(10, None)]


def test_target_fails():
    """The error says how much has arrived, and what has not is given back."""
    file, target, reports = io.BytesIO(DATA), Target(full=300_001), []
    with pytest.raises(NoSpaceError, match="300001") as caught:
        copyfileobj(file, target, progress=lambda done, total: reports.append(done))
    assert caught.value.copied == len(target.data) == file.tell() == reports[-1] == 300_001
    assert caught.value.errno == 28
    assert isinstance(caught.value.__cause__, OSError)


def test_source_fails():
    class Source(io.BytesIO):
        def readinto(self, buffer):
            if self.tell() > 100:
                raise KeyError("key")
            return super().readinto(memoryview(buffer)[:60])

    target = io.BytesIO()
    with pytest.raises(IoError) as caught:
        copyfileobj(Source(DATA), target)
    assert caught.value.copied == len(target.getvalue()) == 120
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_progress_raises(error):
    """An exception of the progress function ends the copy and comes out as itself."""
    file, target = io.BytesIO(DATA), io.BytesIO()

    def progress(done, total):
        raise error("enough")

    with pytest.raises(error, match="enough"):
        copyfileobj(file, target, progress=progress)
    assert 0 < len(target.getvalue()) == file.tell() < len(DATA)
    reference = weakref.ref(progress)
    del progress
    assert reference() is None


def test_interrupt():
    """A signal ends a copy without an end."""

    class Endless(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            return len(buffer)

    class Nowhere(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            return len(data)

    for _ in range(20):
        timer = threading.Timer(
            0.005, signal.pthread_kill, [threading.get_ident(), signal.SIGINT]
        )
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            try:
                copyfileobj(Endless(), Nowhere(), progress=lambda done, total: None)
            finally:
                timer.join()


def test_onto_itself():
    file = io.BytesIO(DATA)
    with pytest.raises(InvalidArgumentError):
        copyfileobj(file, file)
    stream = Stream(file)
    with pytest.raises(InvalidArgumentError):
        copyfileobj(stream, stream.raw)
