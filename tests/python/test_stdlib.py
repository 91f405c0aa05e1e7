# SPDX-License-Identifier: MIT
"""The standard library on streams: `stream.raw`, `stream.buffered()` and `RawStream`."""

import gzip
import io
import json
import os
import pickle
import shutil
import tarfile
import zipfile

import pytest

from cimpl_stream import RawStream, Stream

BIG = bytes(range(256)) * 1000


@pytest.fixture(params=["raw", "buffered", "BufferedReader", "RawStream"])
def wrap(request):
    """Return a function that wraps a readable file in one of the ways to do it."""

    def buffered_reader(file):
        return io.BufferedReader(Stream(file))

    return {
        "raw": lambda file: Stream(file).raw,
        "buffered": lambda file: Stream(file).buffered(),
        "BufferedReader": buffered_reader,
        "RawStream": RawStream,
    }[request.param]


def test_read_everything(wrap):
    """`read()` without a size means everything."""
    assert wrap(io.BytesIO(BIG)).read() == BIG


def test_text(wrap):
    """A text file on top reads beyond 8 KiB."""
    text = "Zeile\n" * 10000
    file = wrap(io.BytesIO(text.encode()))
    assert io.TextIOWrapper(file, encoding="utf-8").read() == text


def test_json(wrap):
    """So does `json.load`."""
    data = list(range(10000))
    assert json.load(wrap(io.BytesIO(json.dumps(data).encode()))) == data


def test_zip_with_comment(wrap):
    """A zip file with a comment is read, from its end."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", BIG)
        archive.comment = b"a comment " * 1000
    with zipfile.ZipFile(wrap(file)) as archive:
        assert archive.comment == b"a comment " * 1000
        assert archive.read("member") == BIG


def test_tar(wrap):
    """A tar file is read."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("member")
        member.size = len(BIG)
        archive.addfile(member, io.BytesIO(BIG))
    file.seek(0)
    with tarfile.open(fileobj=wrap(file)) as archive:
        assert archive.extractfile("member").read() == BIG


def test_gzip(wrap):
    """A gzip file is read."""
    with gzip.open(wrap(io.BytesIO(gzip.compress(BIG)))) as file:
        assert file.read() == BIG


def test_pickle(wrap):
    """A pickle is loaded."""
    assert pickle.load(wrap(io.BytesIO(pickle.dumps([BIG, "more"])))) == [BIG, "more"]


def test_copyfileobj(wrap):
    """`shutil.copyfileobj` copies from a stream to a stream."""
    target = io.BytesIO()
    shutil.copyfileobj(wrap(io.BytesIO(BIG)), Stream(target))
    assert target.getvalue() == BIG


def test_write_through_the_stack():
    """Text over gzip over a buffer over a stream arrives."""
    target = io.BytesIO()
    with Stream(target).buffered() as buffered, gzip.open(buffered, "wt") as text:
        text.write("Zeile\n" * 10000)
    assert gzip.decompress(target.getvalue()) == b"Zeile\n" * 10000


def test_zip_written():
    """A zip file is written."""
    target = io.BytesIO()
    with zipfile.ZipFile(Stream(target).raw, "w") as archive:
        archive.writestr("member", BIG)
    assert zipfile.ZipFile(target).read("member") == BIG


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("rb", io.BufferedReader), ("wb", io.BufferedWriter), ("r+b", io.BufferedRandom)],
)
def test_kind_of_buffer(tmp_path, mode, kind):
    """`buffered` returns what `open` would, of the size asked for."""
    path = tmp_path / "file"
    path.write_bytes(b"data")
    with open(path, mode) as file, Stream(file) as stream:
        assert type(stream.buffered()) is kind


def test_buffer_of_a_pair():
    """Both directions without a position make a pair."""

    class Socket(io.RawIOBase):
        def readable(self):
            return True

        writable = readable

        def readinto(self, buffer):
            buffer[:2] = b"ab"
            return 2

        def write(self, data):
            return len(data)

    with Stream(Socket()).buffered() as pair:
        assert type(pair) is io.BufferedRWPair
        assert pair.read(4) == b"abab"


def test_buffer_size():
    """The buffer reads ahead as much as it was told to."""
    sizes = []

    class File(io.BytesIO):
        def readinto(self, buffer):
            sizes.append(len(buffer))
            return super().readinto(buffer)

    Stream(File(BIG)).buffered(100).read(1)
    assert sizes == [100]


def test_raw_shares_everything():
    """`raw` is the same stream: one position, one end."""
    with Stream(io.BytesIO(b"0123456789")) as stream:
        raw = stream.raw
        assert raw.read(3) == b"012"
        assert stream.tell() == 3
    assert raw.closed


def test_buffer_keeps_the_stream_alive():
    """A buffer made of a temporary stream works on."""
    buffered = Stream(io.BytesIO(b"data")).buffered()
    assert buffered.read() == b"data"


def test_large_file(tmp_path):
    """A random walk over a file gives what the file gives."""
    path = tmp_path / "file"
    path.write_bytes(os.urandom(300_000))
    with open(path, "rb") as expected, open(path, "rb") as file:
        buffered = Stream(file).buffered(4096)
        for step in range(500):
            position = step * 7919 % 300_000
            assert buffered.seek(position) == expected.seek(position)
            size = step * 31 % 20_000
            assert buffered.read(size) == expected.read(size)
