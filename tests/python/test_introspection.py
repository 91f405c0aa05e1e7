# SPDX-License-Identifier: MIT
"""The GObject class from Python by introspection alone: every slot can be overridden."""

import ctypes

import gi
import pytest
from gi.module import get_introspection_module
from gi.repository import Gio, GLib

gi.require_version("CimplStream", "1.0")
CimplStream = get_introspection_module("CimplStream")  # without its overrides


class Memory(CimplStream.Stream):
    """Data in memory."""

    def __init__(self, data):
        super().__init__()
        self.data = bytearray(data)
        self.position = 0

    def do_read_bytes(self, count, cancellable):
        data = bytes(self.data[self.position : self.position + count])
        self.position += len(data)
        return GLib.Bytes.new(data)

    def do_write(self, data, count, cancellable):
        self.data[self.position : self.position + count] = bytes(data)
        self.position += count
        return True, count

    def do_seek(self, offset, mode, cancellable):
        self.position = offset + (0, self.position, len(self.data))[mode]
        return True, self.position

    def do_truncate(self, size, cancellable):
        del self.data[size:]
        return True

    def do_query_flags(self):
        return True, CimplStream.StreamFlags.READABLE | CimplStream.StreamFlags.WRITABLE


def test_every_slot():
    """The methods arrive at the overrides, and their results at the caller."""
    stream = Memory(b"0123456789")
    assert stream.read_bytes(4, None).get_data() == b"0123"
    assert stream.write(b"ab", None) == 2
    assert stream.write_all(b"cd", None) == (True, 2)
    assert stream.tell(None) == 8
    assert stream.seek(-2, CimplStream.SeekMode.CURRENT, None) == 6
    assert stream.get_size(None) == 10
    assert stream.truncate(9, None)
    assert stream.read_to_end(100, None).get_data() == b"cd8"
    flags = CimplStream.StreamFlags.READABLE | CimplStream.StreamFlags.WRITABLE
    assert stream.get_flags() == (True, flags)


def test_copy():
    """A stream of a subclass can be copied to another one."""
    target = Memory(b"")
    assert Memory(b"0123456789").copy(target, 7, None, None, None) == (True, 7)
    assert target.data == b"0123456"


def test_error_domain():
    """What the library reports is in its own domain."""
    stream = Memory(b"")
    assert stream.close(None)
    with pytest.raises(GLib.Error) as caught:
        stream.read_bytes(1, None)
    assert caught.value.matches(CimplStream.stream_error_quark(), CimplStream.StreamError.CLOSED)


TOO_MUCH = GLib.Bytes.new(bytes(100))


def fail(error):
    """Return a method that raises `error`, whatever its arguments."""

    def method(self, *arguments):
        raise error

    return method


def give(result):
    """Return a method that returns `result`, whatever its arguments."""
    return lambda self, *arguments: result


OPERATIONS = {
    "do_read_bytes": lambda stream: stream.read_bytes(4),
    "do_read": lambda stream: stream.read_bytes(4),
    "do_write": lambda stream: stream.write(b"abc"),
    "do_seek": lambda stream: stream.seek(1, CimplStream.SeekMode.START),
    "do_truncate": lambda stream: stream.truncate(1),
    "do_flush": lambda stream: stream.flush(),
    "do_close": lambda stream: stream.close(),
    "do_query_flags": lambda stream: stream.get_flags(),
}


def assert_contract(method, implementation):
    """Check that what breaks the contract is an error that says so."""
    stream = type("Broken", (CimplStream.Stream,), {method: implementation})()
    with pytest.raises(GLib.Error) as caught:
        OPERATIONS[method](stream)
    code = CimplStream.StreamError.CALLBACK_CONTRACT
    assert caught.value.matches(CimplStream.StreamError.quark(), code)
    assert stream.is_closed() == (method == "do_close")


@pytest.mark.parametrize("method", OPERATIONS)
def test_raising_is_an_error(method, reports):
    """PyGObject prints an exception that is no GLib.Error; the caller still sees an error."""
    assert_contract(method, fail(ValueError("boom")))
    assert reports == [ValueError]
    reports.clear()


@pytest.mark.parametrize("method", OPERATIONS)
def test_glib_error_passes_through(method):
    """A GLib.Error arrives as it is."""
    error = GLib.Error.new_literal(Gio.io_error_quark(), "boom", Gio.IOErrorEnum.NOT_FOUND)
    stream = type("Failing", (CimplStream.Stream,), {method: fail(error)})()
    with pytest.raises(GLib.Error, match="boom") as caught:
        OPERATIONS[method](stream)
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND)


@pytest.mark.parametrize(
    "method, result",
    [
        ("do_read_bytes", None),
        ("do_read_bytes", TOO_MUCH),
        ("do_read", (True, 5)),
        ("do_read", (False, 0)),
        ("do_write", (True, 4)),
        ("do_write", (False, 0)),
        ("do_seek", (True, -1)),
        ("do_seek", (False, 0)),
        ("do_truncate", False),
        ("do_truncate", None),
        ("do_flush", False),
        ("do_flush", None),
        ("do_close", False),
        ("do_query_flags", (True, CimplStream.StreamFlags(1 << 20))),
    ],
)
def test_bad_result_is_an_error(method, result):
    """An override that returns nothing, too much or no success is no end and no success."""
    assert_contract(method, give(result))


@pytest.mark.parametrize(
    "method, result",
    [
        ("do_read_bytes", "abc"),
        ("do_read_bytes", 3),
        ("do_write", (True, "abc")),
        ("do_write", (True, -1)),
        ("do_seek", (True, None)),
        ("do_query_flags", (True, "rw")),
    ],
)
def test_wrong_type_is_an_error(method, result, reports):
    """PyGObject reports a result of a wrong type; the caller sees an error, too."""
    assert_contract(method, give(result))
    assert len(reports) == 1
    reports.clear()


class Address(Memory):
    """Overrides the other slot than its parent."""

    def do_read(self, address, count, cancellable):
        ctypes.memset(address, ord("x"), count)
        return True, count


class Bytes(Address):
    """And once more."""

    def do_read_bytes(self, count, cancellable):
        return GLib.Bytes.new(b"y" * count)


class ChainingUp(CimplStream.Stream):
    """Calls the slots of the base class, which has nothing to read by."""

    def do_read_bytes(self, count, cancellable):
        return CimplStream.Stream.do_read_bytes(self, count, cancellable)


class ChainingAcross(CimplStream.Stream):
    """Reads by the slot that reads by the other one."""

    def do_read(self, address, count, cancellable):
        data = CimplStream.Stream.do_read_bytes(self, count, cancellable)
        return True, data.get_size()


def test_the_other_slot():
    """The slot of the most derived class serves, whichever its parents have."""
    assert Memory(b"0123").read_bytes(2).get_data() == b"01"
    assert Address(b"0123").read_bytes(2).get_data() == b"xx"
    assert Bytes(b"0123").read_bytes(2).get_data() == b"yy"


@pytest.mark.parametrize("cls", [ChainingUp, ChainingAcross])
def test_chaining_up_ends(cls):
    """A class that chains up to nothing cannot be read, and does not recurse."""
    with pytest.raises(GLib.Error) as caught:
        cls().read_bytes(1)
    code = CimplStream.StreamError.NOT_SUPPORTED
    assert caught.value.matches(CimplStream.StreamError.quark(), code)
