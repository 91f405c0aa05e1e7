# SPDX-License-Identifier: MIT
"""Filters in Python: subclasses of the filter stream, and what they leave to it."""

import io

import gi
import pytest

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream  # noqa: E402

from gobject_streams import Failing, Memory  # noqa: E402


class Pass(CimplStream.FilterStream):
    """Overrides nothing."""


class Upper(CimplStream.FilterStream):
    """Overrides reading alone."""

    def do_read(self, view):
        count = super().do_read(view)
        view[:count] = bytes(view[:count]).upper()
        return count


def test_passes_everything():
    """What a filter does not override is what the base does."""
    base = Memory(b"abcdefghij")
    stream = Upper(base=base)
    assert stream.readable() and stream.writable() and stream.seekable()
    assert stream.read(4) == b"ABCD"
    assert stream.seek(-2, io.SEEK_CUR) == 2
    assert stream.write(b"xy") == 2
    assert stream.truncate(5) == 5
    assert stream.seek(0) == 0
    assert stream.read_bytes(100).get_data() == b"ABXYE"
    assert base.file.getvalue() == b"abxye"


@pytest.mark.parametrize("close_base", [False, True])
def test_close_base(close_base):
    """The base is closed only if the filter shall do so."""
    base = Memory()
    with Pass(base=base, close_base=close_base) as stream:
        assert stream.props.base is stream.get_base() is base
        assert stream.props.close_base is stream.get_close_base() is close_base
    assert base.n_closed == close_base
    assert base.closed is close_base


def test_dropped():
    """A filter that is dropped closes its base while it still has it."""
    base = Memory()
    stream = Pass(base=base)
    stream.set_close_base(True)
    del stream
    assert base.n_closed == 1


def test_errors_pass():
    """What is raised in the base comes out of the filter."""
    stream = Pass(base=Failing(ZeroDivisionError))
    with pytest.raises(CimplStream.CimplStreamError) as caught:
        stream.read(4)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_read_only_base():
    """A filter can do what its base can do, whatever it overrides."""
    with Upper(base=CimplStream.wrap_file(io.BufferedReader(io.BytesIO(b"abc")))) as stream:
        assert stream.readable() and not stream.writable()
        assert stream.read(4) == b"ABC"


def test_no_base():
    """A filter without a base says so."""
    with Pass() as stream:
        assert stream.get_base() is None
        with pytest.raises(CimplStream.NullParameterError, match="Pass was made without a base"):
            stream.read(4)


# Chains of classes that override the one or the other of the read slots


def add_one(data):
    return bytes(byte + 1 for byte in data)


def do_read(cls):
    def do_read(self, view):
        count = super(cls(), self).do_read(view)
        view[:count] = add_one(view[:count])
        return count

    return {"do_read": do_read}


def do_read_bytes(cls):
    return {"do_read_bytes": lambda self, size: add_one(super(cls(), self).do_read_bytes(size))}


def do_read_across(cls):
    """Chain up to the slot that it does not override itself."""

    def do_read(self, view):
        data = super(cls(), self).do_read_bytes(len(view))
        view[: len(data)] = add_one(data)
        return len(data)

    return {"do_read": do_read}


def do_read_bytes_across(cls):
    def do_read_bytes(self, size):
        view = memoryview(bytearray(size))
        count = super(cls(), self).do_read(view)
        return add_one(view[:count])

    return {"do_read_bytes": do_read_bytes}


def derive(parent, method):
    """Derive a class from `parent` that has `method`."""
    cls = type("Derived", (parent,), method(lambda: cls))
    return cls


METHODS = [do_read, do_read_bytes, do_read_across, do_read_bytes_across]


@pytest.mark.parametrize("method", METHODS)
def test_one_level(method):
    """A filter may override either slot, and chain up to either."""
    stream = derive(CimplStream.FilterStream, method)(base=Memory())
    assert stream.read(4) == b"1234"
    assert stream.read_bytes(4).get_data() == b"5678"


@pytest.mark.parametrize("lower", METHODS)
@pytest.mark.parametrize("upper", METHODS[:2])
def test_two_levels(lower, upper):
    """Nor is a level left out by one that chains up to what it overrides itself."""
    cls = derive(derive(CimplStream.FilterStream, lower), upper)
    stream = cls(base=Memory())
    assert stream.read(4) == b"2345"
    assert stream.read_bytes(4).get_data() == b"6789"
