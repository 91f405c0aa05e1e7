# SPDX-License-Identifier: MIT
"""The fault stream, scripted in Python to test consumers of all sorts."""

import errno
import io
import time

import gi
import pytest

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream, Gio, GLib  # noqa: E402

DATA = bytes(range(100))
READ, WRITE, SEEK, FLUSH, CLOSE, ANY = (
    getattr(CimplStream.FaultOperation, name)
    for name in ("READ", "WRITE", "SEEK", "FLUSH", "CLOSE", "ANY")
)
OPERATIONS = CimplStream.FaultUnit.OPERATIONS
BYTES = CimplStream.FaultUnit.BYTES


@pytest.fixture
def file():
    return io.BytesIO(DATA)


@pytest.fixture
def stream(file):
    """A fault stream over a file object."""
    return CimplStream.FaultStream.new(CimplStream.wrap_file(file))


def test_error_in_the_middle(stream):
    """A consumer gets what was good, then the error, and may go on."""
    stream.add_errno(READ, 40, BYTES, 1, errno.EIO)
    reader = stream.buffered()
    with pytest.raises(CimplStream.IoError, match="Injected failure of read 2") as caught:
        reader.read(60)
    assert caught.value.errno == errno.EIO
    assert stream.tell() == 40
    assert stream.read(100) == DATA[40:]


@pytest.mark.parametrize(
    "code, exception",
    [
        ("NO_SPACE", CimplStream.NoSpaceError),
        ("NOT_SUPPORTED", CimplStream.NotSupportedError),
        ("UNEXPECTED_EOF", CimplStream.UnexpectedEofError),
    ],
)
def test_codes(stream, code, exception):
    """Each code is the exception of its name, as often as it was asked for."""
    stream.add_error(WRITE | SEEK, 1, OPERATIONS, 2, getattr(CimplStream.StreamError, code))
    assert stream.tell() == 0
    with pytest.raises(exception):
        stream.write(b"abc")
    with pytest.raises(exception):
        stream.tell()
    assert stream.write(b"abc") == 3


def test_would_block_once(stream):
    """Would-block is None in Python."""
    stream.add_error(READ, 0, OPERATIONS, 1, CimplStream.StreamError.WOULD_BLOCK)
    assert stream.raw.read(4) is None
    assert stream.raw.read(4) == DATA[:4]


def test_for_ever_and_clear(stream):
    """A fault that comes for ever ends when it is cleared."""
    stream.add_error(ANY, 0, OPERATIONS, -1, CimplStream.StreamError.IO_OPERATION)
    for _ in range(3):
        with pytest.raises(CimplStream.IoError):
            stream.read(4)
    stream.clear()
    assert stream.read(4) == DATA[:4]


def test_short_counts(stream, file):
    """Whoever reads or writes one byte at a time comes to the same."""
    stream.add_short_count(READ | WRITE, 0, OPERATIONS, -1, 1)
    assert stream.read(4) == DATA[:1]
    assert stream.raw.read() == DATA[1:]
    stream.write_all(b"end")
    assert file.getvalue() == DATA + b"end"
    assert stream.get_n_operations(WRITE) == 3


def test_too_much(stream):
    """A count above what was asked for is no data."""
    stream.add_too_much(READ, 0, OPERATIONS, 1)
    with pytest.raises(CimplStream.CallbackContractError, match="returned 5 bytes"):
        stream.read(4)


def test_delay(stream):
    """A delay lasts as long as it should, or until it is cancelled."""
    stream.add_delay(READ, 0, OPERATIONS, 1, 20)
    start = time.monotonic()
    assert stream.read(4) == DATA[:4]
    assert time.monotonic() - start >= 0.02

    cancellable = Gio.Cancellable()
    stream.add_delay(READ, 0, OPERATIONS, 1, GLib.MAXUINT)
    GLib.Thread.new("cancel", cancellable.cancel)
    with pytest.raises(CimplStream.CancelledError):
        stream.read_bytes(4, cancellable)


def test_counts(stream):
    """It counts what it saw."""
    stream.read(60)
    stream.read(60)
    stream.write(b"abc")
    stream.close()
    assert stream.get_n_operations(READ) == 2
    assert stream.get_n_operations(FLUSH | CLOSE) == 2
    assert stream.get_n_bytes(READ) == 100
    assert stream.get_n_bytes(ANY) == 103


def copy(source, target):
    """What is tested here: a copy of a stream, of which nothing must get lost silently."""
    with source, target:
        while data := source.read(30):
            target.write_all(data)


def test_each_operation_in_turn():
    """No failure of any operation goes unnoticed."""
    for after in range(20):
        file = io.BytesIO()
        source = CimplStream.FaultStream.new(CimplStream.wrap_file(io.BytesIO(DATA)))
        target = CimplStream.FaultStream.new(CimplStream.wrap_file(file))
        target.add_error(ANY, after, OPERATIONS, 1, CimplStream.StreamError.NO_SPACE)
        try:
            copy(source, target)
        except CimplStream.NoSpaceError:
            assert file.getvalue() == DATA[: 30 * after]
        else:
            break
    assert after == target.get_n_operations(ANY) == 6  # four times write, flush and close
    assert file.getvalue() == DATA
