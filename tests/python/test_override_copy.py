# SPDX-License-Identifier: MIT
"""The overrides: Stream.copy()."""

import signal
import threading
import time
import weakref

import gi
import pytest

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream, Gio, GLib  # noqa: E402

from gobject_streams import Failing, Memory  # noqa: E402

DATA = bytes(range(256)) * 4000


class Endless(CimplStream.Stream):
    """Gives zeros and takes everything."""

    def do_read(self, view):
        return len(view)

    def do_write(self, view):
        return len(view)


def new_source(data=DATA):
    return CimplStream.MemoryStream.new_from_bytes(GLib.Bytes.new(data))


def contents(stream):
    return stream.steal_bytes().get_data()


def test_defaults():
    """Without further arguments everything is copied."""
    target = CimplStream.MemoryStream.new()
    assert new_source().copy(target) == len(DATA)
    assert contents(target) == DATA


def test_keywords():
    """All arguments have names, and the order that they have in C."""
    reports = []
    target = CimplStream.MemoryStream.new()
    count = new_source().copy(
        target=target,
        limit=7,
        progress=lambda *report: reports.append(report),
        progress_data="data",
        cancellable=Gio.Cancellable(),
    )
    assert count == 7
    assert contents(target) == DATA[:7]
    assert reports == [(7, 7, "data")]
    assert new_source().copy(Memory(b""), 3, None, None, None) == 3


def test_progress():
    """It is told what was copied and how much that will be; what it returns means nothing."""
    reports = []

    def progress(done, total):
        reports.append((done, total))
        return len(reports) % 2 == 0

    assert new_source().copy(CimplStream.MemoryStream.new(), progress=progress) == len(DATA)
    assert len(reports) > 1 and reports[-1] == (len(DATA), len(DATA))
    assert [done for done, _ in reports] == sorted({done for done, _ in reports})


def test_unknown_total():
    """As in copyfileobj(), that is None."""
    reports = []
    Endless().copy(Memory(b""), limit=5, progress=lambda *report: reports.append(report))
    assert reports == [(5, None)]


@pytest.mark.parametrize("cancellable", [None, Gio.Cancellable()])
@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit, GLib.Error])
@pytest.mark.parametrize("size", [10, len(DATA)])
def test_progress_raises(size, error, cancellable):
    """An exception of the progress function ends the copy and comes out as itself."""
    source, target = new_source(DATA[:size]), CimplStream.MemoryStream.new()
    exceptions = [error("enough")]

    def progress(done, total):
        raise exceptions[0]

    with pytest.raises(error, match="enough") as caught:
        source.copy(target, progress=progress, cancellable=cancellable)
    assert caught.value is exceptions.pop()
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    assert 0 < target.tell() == source.tell() <= size
    assert target.tell() < len(DATA)
    assert cancellable is None or not cancellable.is_cancelled()
    reference = weakref.ref(progress)
    del progress, caught
    assert reference() is None


def test_progress_raises_while_target_fails():
    """What the progress function raises comes before what it was told of."""

    def progress(done, total):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        new_source().copy(Failing(lambda: OSError(5, "broken")), progress=progress)


@pytest.mark.parametrize("progress", [None, lambda done, total: None])
def test_failure(progress):
    """The failure of either stream comes out of copy(), as its own cause."""
    for call in (
        lambda: new_source().copy(Failing(lambda: OSError(28, "full")), progress=progress),
        lambda: Failing(lambda: OSError(28, "full")).copy(Memory(), progress=progress),
    ):
        with pytest.raises(CimplStream.NoSpaceError, match="full") as caught:
            call()
        assert caught.value.errno == 28
        assert isinstance(caught.value.__cause__, OSError)


def test_copied():
    """With a progress function, the error says how much has arrived."""

    class Small(Memory):
        def do_write(self, view):
            if self.file.tell() >= 300_000:
                raise OSError(28, "full")
            return super().do_write(view[: 300_000 - self.file.tell()])

    target = Small(b"")
    with pytest.raises(CimplStream.NoSpaceError) as caught:
        new_source().copy(target, progress=lambda done, total: None)
    assert caught.value.copied == target.file.tell() == 300_000


@pytest.mark.parametrize("progress", [None, lambda done, total: None])
def test_cancelled_before(progress):
    """What was cancelled before copies nothing."""
    cancellable = Gio.Cancellable()
    cancellable.cancel()
    target = Memory(b"")
    with pytest.raises(CimplStream.CancelledError):
        new_source().copy(target, -1, progress, None, cancellable)
    assert target.file.getvalue() == b""


def test_cancelled_by_progress():
    """The caller's cancellable ends the copy, too."""
    cancellable = Gio.Cancellable()
    source = new_source()
    with pytest.raises(CimplStream.CancelledError) as caught:
        source.copy(
            Memory(b""),
            progress=lambda done, total: cancellable.cancel(),
            cancellable=cancellable,
        )
    assert 0 < caught.value.copied == source.tell() < len(DATA)


def test_cancelled_inside():
    """It is cancelled in the middle of a read, which sees that."""
    cancellable = Gio.Cancellable()

    class Patient(CimplStream.Stream):
        def do_read(self, view):
            cancellable.cancel()
            assert Gio.Cancellable.get_current().is_cancelled()
            return 1

    with pytest.raises(CimplStream.CancelledError):
        Patient().copy(Memory(), progress=lambda done, total: None, cancellable=cancellable)


def open_zeros():
    return CimplStream.FileStream.open("/dev/zero", "r")


def open_nowhere():
    return CimplStream.FileStream.open("/dev/null", "w")


@pytest.mark.parametrize(
    "new_endless, new_nowhere",
    [(Endless, Endless), (open_zeros, open_nowhere)],
    ids=["python", "native"],
)
def test_interrupt(new_endless, new_nowhere):
    """A signal ends a copy without an end, also if the progress function is all of Python in it."""
    deadline = time.monotonic() + 20

    def progress(done, total):
        if time.monotonic() > deadline:
            raise TimeoutError

    for _ in range(40):
        timer = threading.Timer(0.005, signal.pthread_kill, [threading.get_ident(), signal.SIGINT])
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            try:
                new_endless().copy(new_nowhere(), progress=progress)
            finally:
                timer.join()
        assert Gio.Cancellable.get_current() is None


def test_threads():
    """Copies in several threads have their own exceptions."""
    caught = {}

    def copy(number):
        def progress(done, total):
            raise KeyError(number)

        try:
            Endless().copy(Endless(), progress=progress)
        except KeyError as error:
            caught[number] = error.args[0]

    threads = [threading.Thread(target=copy, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert caught == {number: number for number in range(4)}


def test_onto_itself():
    stream = Memory()
    with pytest.raises(CimplStream.InvalidArgumentError):
        stream.copy(stream, progress=lambda done, total: None)
