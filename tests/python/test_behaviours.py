# SPDX-License-Identifier: MIT
"""The table ../behaviours.txt, which the streams of all languages obey, on each Python face."""

import re
import weakref
from collections import Counter
from functools import lru_cache, partial
from pathlib import Path

import pytest

import cimpl_stream
from faces import CimplStream

TABLE = Path(__file__).resolve().parents[1] / "behaviours.txt"


def read_table():
    """Return the fault and the steps of each row, by its name."""
    rows = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, *row = (part.strip() for part in line.split("|"))
            assert name not in rows
            rows[name] = row
    assert rows
    return rows


ROWS = read_table()
BAD_RESULTS = {"nothing": None, "wrong": "text", "negative": -1}
ORIGINS = ("start", "current", "end")  # the index is the whence


class File:
    """Ten bytes in memory, as an object with the methods of a file; `fault` is from the table."""

    block_by_none = False  # as a raw file of io, where others raise

    def __init__(self, fault):
        self.operation, _, self.fault = fault.partition(":")
        self.data = bytearray(b"0123456789")
        self.position = 0
        self.calls = Counter()
        self.boom = ZeroDivisionError("boom")
        self.stream = None  # over this file

    def _enter(self, operation):
        """Count a call; do its fault if that is to raise, otherwise return it."""
        self.calls[operation] += 1
        fault = self.fault if operation == self.operation else None
        if fault == "throw":
            raise self.boom
        if fault == "again":
            self.stream.read(1)
        if fault == "block":
            if not self.block_by_none:
                raise BlockingIOError
            return "nothing"
        return fault

    def _next(self, size, fault):
        data = self.data[self.position :][: 1 if fault == "short" else size]
        self.position += len(data)
        return data

    def read(self, size):
        fault = self._enter("read")
        if fault in BAD_RESULTS:
            return BAD_RESULTS[fault]
        if fault == "too-much":
            return bytes(size + 1)
        return bytes(self._next(size, fault))

    def readinto(self, view):
        fault = self._enter("read")
        if fault in BAD_RESULTS:
            return BAD_RESULTS[fault]
        if fault == "too-much":
            return len(view) + 1
        data = self._next(len(view), fault)
        view[: len(data)] = data
        return len(data)

    def write(self, data):
        fault = self._enter("write")
        if fault in BAD_RESULTS:
            return BAD_RESULTS[fault]
        if fault == "too-much":
            return len(data) + 1
        data = data[: {"zero": 0, "short": 1}.get(fault)]
        if self.position > len(self.data):
            self._resize(self.position)
        self.data[self.position : self.position + len(data)] = data
        self.position += len(data)
        return len(data)

    def seek(self, offset, whence):
        fault = self._enter("seek")
        if fault in BAD_RESULTS:
            return BAD_RESULTS[fault]
        self.position = offset + (0, self.position, len(self.data))[whence]
        return self.position

    def tell(self):
        """Return nothing: what a stream asks after a `seek` that returned nothing."""

    def truncate(self, size):
        self._enter("truncate")
        self._resize(size)

    def _resize(self, size):
        self.data = self.data[:size].ljust(size, b"\0")

    def flush(self):
        self._enter("flush")

    def close(self):
        self._enter("close")


class Methods:
    """What a subclass of the GObject class may have: all its methods, over a `File`."""

    def do_read(self, view):
        return self.file.readinto(view)

    def do_read_bytes(self, size):
        return self.file.read(size)

    def do_write(self, view):
        return self.file.write(view)

    def do_seek(self, offset, whence):
        return self.file.seek(offset, whence)

    def do_truncate(self, size):
        self.file.truncate(size)

    def do_flush(self):
        self.file.flush()

    def do_close(self):
        self.file.close()


@lru_cache(maxsize=None)  # a class is registered for good
def make_class(mixed, *without):
    """Return a subclass of the GObject class `without` some methods, or with them in a mixin."""
    slots = {
        name: method
        for name, method in vars(Methods).items()
        if name.startswith("do_") and name not in without
    }
    if mixed:
        return type("Mixed", (type("Mixin", (), slots), CimplStream.Stream), {})
    return type("Subclass", (CimplStream.Stream,), slots)


class Wrapped:
    """A face that wraps a file object."""

    def __init__(self, wrap, reads="readinto"):
        self._wrap = wrap
        self._unused = {"readinto": "read", "read": "readinto"}[reads]

    def open(self, file):
        setattr(file, self._unused, None)
        if file.fault == "missing":
            setattr(file, file.operation, None)
            if file.operation == "read":
                file.readinto = None
        return self._wrap(file)

    def reason_to_skip(self, fault):
        if fault in ("close:throw", "close:again"):
            return "the file object is not closed"
        if fault == "write:nothing":
            return "from the write() of a file object, None means that all was written"
        if fault == "read:negative" and self._unused == "readinto":
            return "read() returns no number"
        return None

    def count(self, file, operation):
        assert file.calls["close"] == 0  # it is its owner's
        return 1 if operation == "close" else file.calls[operation]


class Subclass:
    """A face that a class in Python implements."""

    def __init__(self, unused="do_read_bytes", mixed=False, convert=lambda stream: stream):
        self._unused = unused
        self._mixed = mixed
        self._convert = convert

    def open(self, file):
        missing = [f"do_{file.operation}"] if file.fault == "missing" else []
        if missing == ["do_read"]:
            missing.append("do_read_bytes")
        file.block_by_none = True
        stream = make_class(self._mixed, self._unused, *missing)()
        stream.file = file
        return self._convert(stream)

    def reason_to_skip(self, fault):
        if fault in ("read:nothing", "write:nothing"):
            return "from a method of a stream, None means would-block"
        if fault == "read:negative" and self._unused == "do_read":
            return "do_read_bytes() returns no number"
        return None

    def count(self, file, operation):
        return file.calls[operation]


FACES = {
    "ctypes": Wrapped(cimpl_stream.Stream),
    "ctypes read": Wrapped(cimpl_stream.Stream, reads="read"),
    "wrap_file": Wrapped(CimplStream.wrap_file),
    "wrap_file read": Wrapped(CimplStream.wrap_file, reads="read"),
    "ctypes as GObject": Wrapped(
        lambda file: CimplStream.Stream.from_handle(cimpl_stream.Stream(file))
    ),
    "subclass": Subclass(),
    "subclass read_bytes": Subclass(unused="do_read"),
    "mixin": Subclass(mixed=True),
    "subclass as ctypes": Subclass(convert=cimpl_stream.Stream.from_handle),
}


def whole(stream):
    """Return the same stream with the methods that only the GObject face has."""
    if isinstance(stream, CimplStream.Stream):
        return stream
    return CimplStream.Stream.from_handle(stream)


def to_bytes(word):
    """Return the bytes that a word of the table stands for."""
    return b"" if word == '""' else word.encode()


def to_text(data):
    """Return what stands in the table for some bytes; `None` stays."""
    return data if data is None else data.decode() or '""'


def failed(stream):
    """Return what the stream says that has failed first, as the table has it."""
    error = whole(stream).dup_failure()
    if error is None:
        return "none"
    if error.message.endswith("boom"):
        return "thrown"
    code = CimplStream.StreamError.get_code(error)
    return next(name for name, value in vars(CimplStream.StreamError).items() if value == code)


STEPS = {
    "read": lambda stream, size: to_text(stream.read(int(size))),
    "read-to-end": lambda stream, size: to_text(whole(stream).read_to_end(int(size)).get_data()),
    "write": lambda stream, word: stream.write(to_bytes(word)),
    "write-all": lambda stream, word: whole(stream).write_all(to_bytes(word)),
    "seek": lambda stream, offset, origin: stream.seek(int(offset), ORIGINS.index(origin)),
    "tell": lambda stream: stream.tell(),
    "size": lambda stream: whole(stream).get_size(),
    "truncate": lambda stream, size: stream.truncate(int(size)),
    "flush": lambda stream: stream.flush(),
    "close": lambda stream: stream.close(),
    "closed": lambda stream: "yes" if stream.closed else "no",
    "failed": failed,
    "clear-failure": lambda stream: whole(stream).clear_failure(),
    "flags": lambda stream: ",".join(whole(stream).get_flags().value_nicks),
}


def check(sign, expected, call, file):
    """Check what `call` returns, or the way in which it fails."""
    if sign != "!":
        result = call()
        assert sign is None or str(result) == expected
    elif expected == "WOULD_BLOCK":  # which is no error in Python
        assert call() is None
    else:
        with pytest.raises(cimpl_stream.CimplStreamError) as caught:
            call()
        if expected == "thrown":
            assert caught.value.__cause__ is file.boom
        else:
            assert caught.value.code == getattr(CimplStream.StreamError, expected)


@pytest.mark.parametrize("face", FACES.values(), ids=FACES)
@pytest.mark.parametrize(("fault", "steps"), ROWS.values(), ids=ROWS)
def test_behaviour(face, fault, steps):
    """A row of the table holds."""
    reason = face.reason_to_skip(fault)
    if reason is not None:
        pytest.skip(reason)
    file = File(fault)
    stream = face.open(file)
    file.stream = weakref.proxy(stream)
    for step in steps.split(";"):
        words, sign, expected = re.fullmatch(r" *(.*?)(?: ([=!]) (\S+))? *", step).groups()
        verb, *arguments = words.split()
        if verb == "calls":
            call = partial(face.count, file, *arguments)
        else:
            call = partial(STEPS[verb], stream, *arguments)
        check(sign, expected, call, file)
