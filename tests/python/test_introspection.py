# SPDX-License-Identifier: MIT
"""The GObject class from Python by introspection alone: every slot can be overridden."""

import gi
import pytest
from gi.module import get_introspection_module
from gi.repository import GLib

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


class Empty(CimplStream.Stream):
    """Returns nothing where data is expected."""

    def do_read_bytes(self, count, cancellable):
        return None


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


def test_nothing_is_no_end():
    """An override that returns nothing is an error, and not the end of the data."""
    with pytest.raises(GLib.Error) as caught:
        Empty().read_bytes(1, None)
    code = CimplStream.StreamError.CALLBACK_CONTRACT
    assert caught.value.matches(CimplStream.stream_error_quark(), code)
