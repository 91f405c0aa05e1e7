# SPDX-License-Identifier: MIT
"""Every kind of Python source carries the same data through every consumer."""

import hashlib
import io
import random

import pytest
from faces import FACES
from gi.repository import CimplStream, GLib

import cimpl_stream

SIZE = 8 << 20
SEED = 1
DATA = random.Random(SEED).randbytes(SIZE)


class Raw:
    """The stream by readinto() and write()."""

    def __init__(self, stream):
        self.stream = stream

    def read(self, size):
        buffer = bytearray(size)
        return bytes(buffer[: self.stream.readinto(buffer)])

    def write(self, data):
        return self.stream.write(data)

    def seek(self, offset, whence):
        return self.stream.seek(offset, whence)

    def close(self):
        self.stream.flush()


class Gio(Raw):
    """A GInputStream and a GOutputStream over it."""

    seek_types = (GLib.SeekType.SET, GLib.SeekType.CUR, GLib.SeekType.END)

    def __init__(self, stream):
        if isinstance(stream, cimpl_stream.Stream):
            stream = CimplStream.Stream.from_handle(stream)
        self.input = CimplStream.InputStream.new(stream)
        self.output = CimplStream.OutputStream.new(stream)

    def read(self, size):
        return self.input.read_bytes(size).get_data() or b""

    def write(self, data):
        return self.output.write_bytes(GLib.Bytes.new(data))

    def seek(self, offset, whence):
        self.input.seek(offset, self.seek_types[whence])
        return self.output.tell()

    def close(self):
        self.output.close()


class Copy(Raw):
    """The stream by copies to and from memory."""

    def read(self, size):
        target = io.BytesIO()
        cimpl_stream.copyfileobj(self.stream, target, limit=size)
        return target.getvalue()

    def write(self, data):
        return cimpl_stream.copyfileobj(io.BytesIO(data), self.stream)


CONSUMERS = {
    "raw": Raw,
    "buffered": io.BufferedRandom,
    "gio": Gio,
    "copy": Copy,
}


def digest(data):
    return hashlib.sha256(data).hexdigest()


def pieces(rand, data):
    """Cut the data into random pieces, as many small ones as large ones."""
    start = 0
    while start < len(data):
        size = piece_size(rand)
        yield data[start : start + size]
        start += size


def piece_size(rand):
    return rand.randint(1, 1 << rand.randint(0, 18))


def seek(rand, consumer, old, new):
    """Move to where something else is, counted from anywhere."""
    whence = rand.randrange(3)
    assert consumer.seek(new - (0, old, SIZE)[whence], whence) == new


def write_all(consumer, data):
    while data:
        count = consumer.write(data)
        assert 0 < count <= len(data)
        data = data[count:]


@pytest.fixture(params=["BytesIO", "unbuffered", "buffered"])
def file(request, tmp_path):
    """A file that can be read and written."""
    if request.param == "BytesIO":
        file = io.BytesIO()
    else:
        file = open(tmp_path / "file", "w+b", buffering=0 if request.param == "unbuffered" else -1)
    with file:
        yield file


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_read(wrap, file, consumer):
    """What is read is what is there, in pieces of any size and from anywhere."""
    file.write(DATA)
    file.seek(0)
    rand = random.Random(SEED)
    consumer = CONSUMERS[consumer](wrap(file))
    checksum = hashlib.sha256()
    while piece := consumer.read(piece_size(rand)):
        checksum.update(piece)
    assert checksum.hexdigest() == digest(DATA)

    position = SIZE
    for _ in range(50):
        start = rand.randint(0, SIZE)
        seek(rand, consumer, position, start)
        piece = consumer.read(piece_size(rand))
        position = start + len(piece)
        assert digest(piece) == digest(DATA[start:position])
        assert piece or start == SIZE
    consumer.close()


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_write(wrap, file, consumer):
    """What is written is there, in pieces of any size and to anywhere."""
    rand = random.Random(SEED)
    expected = bytearray(DATA)
    consumer = CONSUMERS[consumer](wrap(file))
    for piece in pieces(rand, DATA):
        write_all(consumer, piece)

    position = SIZE
    for _ in range(50):
        start = rand.randrange(SIZE)
        piece = rand.randbytes(min(piece_size(rand), SIZE - start))
        seek(rand, consumer, position, start)
        write_all(consumer, piece)
        position = start + len(piece)
        expected[start:position] = piece
    consumer.close()
    file.seek(0)
    assert digest(file.read()) == digest(expected)
