# SPDX-License-Identifier: MIT
"""The overrides: what the methods of a Python class raise."""

import ctypes
import errno
import io
import pickle
import signal
import threading

import gi
import gi.module
import pytest

import cimpl_stream

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream, Gio, GLib  # noqa: E402

from gobject_streams import Failing, Memory, innermost, read_one  # noqa: E402

IO_ERROR = Gio.io_error_quark()


def not_found():
    return GLib.Error.new_literal(IO_ERROR, "not there", Gio.IOErrorEnum.NOT_FOUND)


@pytest.mark.parametrize(
    "call",
    [
        lambda stream: stream.read(1),
        lambda stream: stream.write(b"a"),
        lambda stream: stream.seek(1),
        lambda stream: stream.truncate(1),
        lambda stream: stream.flush(),
        lambda stream: stream.read_bytes(1),
        lambda stream: stream.read_to_end(10),
        lambda stream: stream.write_all(b"abc"),
        lambda stream: stream.write_bytes(GLib.Bytes.new(b"abc")),
        lambda stream: stream.get_size(),
        lambda stream: stream.copy(Memory(), -1, None, None),
        lambda stream: Memory().copy(stream, -1, None, None),
    ],
)
def test_every_call(call):
    """Every method raises what was raised far below as the cause, and its class by the code."""
    with pytest.raises(CimplStream.IoError) as caught:
        call(Failing(lambda: OSError(5, "the cable is loose")))
    assert caught.value.errno == 5
    assert (caught.value.domain, caught.value.code) == ("CimplStreamError", 100)
    assert isinstance(caught.value.__cause__, OSError)

    with pytest.raises(CimplStream.IoError) as caught:
        call(Failing(not_found))
    assert caught.value.matches(IO_ERROR, Gio.IOErrorEnum.NOT_FOUND)
    assert (caught.value.domain, caught.value.code) == (
        GLib.quark_to_string(IO_ERROR),
        Gio.IOErrorEnum.NOT_FOUND,
    )
    assert caught.value.__cause__.message == "not there"

    with pytest.raises(KeyboardInterrupt):
        call(Failing(KeyboardInterrupt))
    with pytest.raises(CimplStream.NoSpaceError):
        call(Failing(lambda: cimpl_stream.NoSpaceError("full")))


def functions_that_fail():
    """Return the functions of the namespace that have an error in C, by their full names."""
    functions = {}
    for info in gi.module.repository.get_infos("CimplStream"):
        owner = f"{info.get_name()}."
        methods = info.get_methods() if hasattr(info, "get_methods") else []
        if isinstance(info, gi.module.FunctionInfo):
            owner, methods = "", [info]
        for method in methods:
            if method.can_throw_gerror():
                functions[owner + method.get_name()] = method
    return functions


class Unclosable(Memory):
    def do_close(self):
        raise OSError(5, "broken")


def new_closed(cls=Memory):
    stream = cls()
    stream.close()
    return stream


def steal_while_it_is_busy():
    target = CimplStream.MemoryStream.new()
    errors = []

    def steal(*report):
        try:
            target.steal_bytes()
        except GLib.Error as error:
            errors.append(error)

    Memory().copy(target, -1, steal)
    raise errors.pop()


def new_file():
    return CimplStream.FileStream.open("/dev/null", "r+")


# One call of each of them that fails.
FAILING_CALLS = {
    "BufferedStream.peek": lambda: CimplStream.BufferedStream.new(new_closed(), 0).peek(1),
    "FileStream.open": lambda: CimplStream.FileStream.open("/nowhere/at/all", "r"),
    "FileStream.sync": lambda: new_closed(new_file).sync(),
    "MemoryStream.steal_bytes": steal_while_it_is_busy,
    "Stream.close": lambda: Unclosable().close(),
    "Stream.copy": lambda: new_closed().copy(Memory(), -1),
    "Stream.flush": lambda: new_closed().flush(),
    "Stream.from_handle": lambda: CimplStream.Stream.from_handle(4096),
    "Stream.get_flags": lambda: new_closed().get_flags(),
    "Stream.get_size": lambda: new_closed().get_size(),
    "Stream.read_bytes": lambda: new_closed().read_bytes(1),
    "Stream.read_to_end": lambda: new_closed().read_to_end(1),
    "Stream.seek": lambda: new_closed().seek(1),
    "Stream.tell": lambda: new_closed().tell(),
    "Stream.truncate": lambda: new_closed().truncate(1),
    "Stream.write": lambda: new_closed().write(b"a"),
    "Stream.write_all": lambda: new_closed().write_all(b"a"),
    "Stream.write_bytes": lambda: new_closed().write_bytes(GLib.Bytes.new(b"a")),
}


@pytest.mark.parametrize("name", functions_that_fail())
def test_every_function(name):
    """Whatever has an error in C raises the exceptions of the overrides, and keeps its help."""
    with pytest.raises(GLib.Error) as caught:
        FAILING_CALLS[name]()
    assert isinstance(caught.value, CimplStream.CimplStreamError)
    assert caught.value.__context__ in (None, caught.value.__cause__)

    function = CimplStream
    for part in name.split("."):
        function = getattr(function, part)
    assert not isinstance(function, gi.module.FunctionInfo)
    assert function.__doc__ and function.__name__ == name.rpartition(".")[2]


def test_functions_without_an_error():
    """A function that cannot fail is left as it is."""
    assert isinstance(CimplStream.FileStream.get_fd, gi.module.FunctionInfo)
    assert isinstance(CimplStream.StreamError.get_code, gi.module.FunctionInfo)


def test_missing_file(tmp_path):
    """A file that cannot be opened says why, with the number of the operating system."""
    for arguments in {"path": str(tmp_path / "missing"), "mode": "r"}, {
        "path": str(tmp_path),
        "mode": "w",
    }:
        with pytest.raises(CimplStream.IoError) as python_way:
            CimplStream.FileStream.open(*arguments.values())
        with pytest.raises(CimplStream.IoError) as caught:
            CimplStream.FileStream.open(**arguments)
        number = {"r": errno.ENOENT, "w": errno.EISDIR}[arguments["mode"]]
        assert caught.value.errno == python_way.value.errno == number
        assert arguments["path"] in str(caught.value)
        assert caught.value.matches(CimplStream.StreamError.quark(), 100)


def test_peek():
    """The cause is what the base raised, below any number of filters."""

    class Full(Memory):
        def do_read(self, view):
            raise OSError(errno.ENOSPC, "full")

    for wrap in (lambda base: base, CimplStream.FaultStream.new):
        with pytest.raises(CimplStream.NoSpaceError) as caught:
            CimplStream.BufferedStream.new(wrap(Full()), 0).peek(1)
        assert caught.value.errno == errno.ENOSPC
        assert isinstance(innermost(caught.value), OSError)
    with pytest.raises(KeyboardInterrupt):
        CimplStream.BufferedStream.new(Failing(KeyboardInterrupt), 0).peek(1)


def test_injected_errno():
    """What a FaultStream injects keeps its number."""
    stream = CimplStream.FaultStream.new(Memory())
    unit = CimplStream.FaultUnit.OPERATIONS
    stream.add_errno(CimplStream.FaultOperation.READ, 0, unit, 2, errno.EPIPE)
    for call in (lambda: stream.read_bytes(1), lambda: stream.read_to_end(9)):
        with pytest.raises(CimplStream.IoError) as caught:
            call()
        assert caught.value.errno == errno.EPIPE


@pytest.mark.parametrize("name", ["readable", "writable", "seekable", "buffered"])
def test_flags_that_raise(name):
    """What is raised by the question what a stream can do is not lost either."""

    class Unsure(Failing):
        def do_query_flags(self):
            self.fail()

    with pytest.raises(CimplStream.IoError) as caught:
        getattr(Unsure(lambda: KeyError("key")), name)()
    assert caught.value.__cause__.args == ("key",)
    with pytest.raises(CimplStream.IoError) as caught:
        getattr(Unsure(not_found), name)()
    assert caught.value.__cause__.message == "not there"
    with pytest.raises(KeyboardInterrupt):
        getattr(Unsure(KeyboardInterrupt), name)()


def test_domain_in_c():
    """C gets the domain of the error; an exception of Python gets the library's."""
    assert read_one(Failing(not_found)) == -1
    error = CimplStream.StreamError.dup_last()
    assert error.matches(IO_ERROR, Gio.IOErrorEnum.NOT_FOUND)
    assert error.message == "not there"

    assert read_one(Failing(lambda: KeyError("key"))) == -1
    error = CimplStream.StreamError.dup_last()
    assert error.matches(CimplStream.StreamError.quark(), CimplStream.StreamError.IO_OPERATION)
    assert error.message == "KeyError: 'key'"


def test_domain_of_the_library():
    """An error that was made with the library's own domain keeps its code."""

    def full():
        quark = CimplStream.StreamError.quark()
        return GLib.Error.new_literal(quark, "full", CimplStream.StreamError.NO_SPACE)

    stream = Failing(full)
    for call in (lambda: stream.read(1), lambda: stream.read_to_end(1)):
        with pytest.raises(CimplStream.NoSpaceError, match="full") as caught:
            call()
        assert (caught.value.domain, caught.value.code) == ("CimplStreamError", 109)
        assert type(caught.value.__cause__) is GLib.Error
    assert read_one(stream) == -1
    assert CimplStream.StreamError.dup_last().code == CimplStream.StreamError.NO_SPACE


def test_domain_of_a_block():
    """What is raised at the end of a block has its domain, too."""
    stream = Failing(not_found)
    with pytest.raises(CimplStream.IoError) as caught, stream.errors():
        read_one(stream)
    assert caught.value.matches(IO_ERROR, Gio.IOErrorEnum.NOT_FOUND)
    assert caught.value.__cause__.message == "not there"


@pytest.mark.parametrize("error", [KeyboardInterrupt, KeyError])
def test_context(error):
    """Nothing is shown beside what was raised: not the GLib.Error on the way."""
    for call in (lambda stream: stream.read(1), lambda stream: stream.read_to_end(1)):
        with pytest.raises(BaseException) as caught:
            call(Failing(error))
        assert innermost(caught.value).__class__ is error
        assert caught.value.__context__ in (None, caught.value.__cause__)


def test_kept_interrupt_is_found_from_both_faces():
    """An interrupt that nobody has raised yet still blocks a stream that got another name."""
    stream = Failing(KeyboardInterrupt)
    other = cimpl_stream.Stream.from_handle(stream)
    thread = threading.Thread(target=read_one, args=(stream,))
    thread.start()
    thread.join()
    assert CimplStream.Stream.from_handle(other) is stream
    stream.error = lambda: KeyError("key")
    with pytest.raises(KeyboardInterrupt):
        stream.read(1)


def test_foreign_would_block():
    """WOULD_BLOCK of another domain is None in Python, too."""

    def would_block():
        return GLib.Error.new_literal(IO_ERROR, "later", Gio.IOErrorEnum.WOULD_BLOCK)

    assert Failing(would_block).read(1) is None
    assert read_one(Failing(would_block)) == -1
    error = CimplStream.StreamError.dup_last()
    assert error.matches(IO_ERROR, Gio.IOErrorEnum.WOULD_BLOCK)


def test_layers():
    """A stream over a stream over …: the cause is what was raised in the innermost one."""

    class Layer(CimplStream.Stream):
        def __init__(self, base):
            super().__init__()
            self.base = base

        def do_read(self, view):
            return self.base.readinto(view)

    stream = Layer(cimpl_stream.Stream(Layer(Failing(lambda: KeyError("key")))))
    with pytest.raises(CimplStream.IoError) as caught:
        stream.read(1)
    assert isinstance(innermost(caught.value), KeyError)
    with pytest.raises(KeyboardInterrupt):
        Layer(cimpl_stream.Stream(Layer(Failing(KeyboardInterrupt)))).read(1)


def test_exception_classes():
    """Each exception of the package has a counterpart that is a GLib.Error, too."""
    for name in cimpl_stream.__all__:
        base = getattr(cimpl_stream, name)
        if not (isinstance(base, type) and issubclass(base, Exception)):
            continue
        cls = getattr(CimplStream, name)
        assert issubclass(cls, base) and issubclass(cls, GLib.Error)
        assert issubclass(cls, CimplStream.CimplStreamError)
        error = cls("message")
        assert str(error) == "message" and repr(error) == f"{name}('message')"
        assert error.matches(CimplStream.StreamError.quark(), base("message").code)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is cls and (again.message, again.code) == ("message", error.code)


def test_both_faces_raise_both():
    """Where GLib is known, what the ctypes package raises is a GLib.Error as well."""
    with pytest.raises(CimplStream.ClosedError):
        stream = cimpl_stream.Stream(io.BytesIO())
        stream.close()
        stream.read(1)
    with pytest.raises(CimplStream.BadFileError):
        cimpl_stream.Stream(io.StringIO())


def test_cancellable():
    """A method can ask for the cancellable of its caller."""
    seen = []

    class Stream(Memory):
        def do_read(self, view):
            seen.append(Gio.Cancellable.get_current())
            return super().do_read(view)

    cancellable = Gio.Cancellable()
    Stream().read_bytes(1, cancellable)
    Stream().read_bytes(1)
    assert seen == [cancellable, None]
    assert Gio.Cancellable.get_current() is None
    cancellable.cancel()
    with pytest.raises(CimplStream.CancelledError):
        Stream().read_bytes(1, cancellable)
    assert len(seen) == 2


@pytest.mark.parametrize("make", [Memory, lambda: CimplStream.wrap_file(Memory())])
def test_interrupt_between_calls(native, make):
    """A signal that comes while native code works, on entry to a method, is not lost."""
    total = ctypes.c_int64()
    native.native_work.errcheck = cimpl_stream.errcheck
    for _ in range(30):
        stream = make()
        timer = threading.Timer(0.002, signal.pthread_kill, [threading.get_ident(), signal.SIGINT])
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            try:
                while True:
                    stream.seek(0)
                    native.native_work(stream, 100, ctypes.byref(total))
            finally:
                timer.join()
        stream.seek(0)
        assert stream.read(10) == b"0123456789"
