# SPDX-License-Identifier: MIT
"""Greenlets that wait in the middle of their streams' operations, and go on in any order.

They share a thread and take turns on its C stack, which is copied away for those that wait.
"""

import io
import itertools

import pytest

greenlet = pytest.importorskip("greenlet", reason="needs greenlet")


class Waiting(io.RawIOBase):
    """A file that gives way to others in each operation, as if it had to wait for a socket."""

    def __init__(self, wait, error=None):
        super().__init__()
        self.wait = wait
        self.error = error
        self.position = 0

    def readable(self):
        return True

    writable = seekable = readable

    def _answer(self, result):
        self.wait()
        if self.error is not None:
            raise self.error
        return result

    def readinto(self, buffer):
        buffer[:1] = b"x"
        return self._answer(1)

    def write(self, data):
        return self._answer(len(data))

    def seek(self, offset, whence=0):
        return self._answer(offset)

    def truncate(self, size=None):
        return self._answer(size)

    def flush(self):
        if not self.closed:  # io.IOBase flushes when it is dropped, outside of any greenlet
            self._answer(None)

    def close(self):
        self.wait = lambda: None
        self.error = None
        super().close()


OPERATIONS = {
    "read": lambda stream: stream.read(1),
    "write": lambda stream: stream.write(b"abc"),
    "seek": lambda stream: stream.seek(5),
    "truncate": lambda stream: stream.truncate(5),
    "flush": lambda stream: stream.flush(),
}
RESULTS = {"read": b"x", "write": 3, "seek": 5, "truncate": 5, "flush": None}


class Work:
    """An operation in a greenlet of its own, and what came of it."""

    def __init__(self, wrap, wait, name, fails):
        self.name = name
        self.error = OSError(5, "mine") if fails else None
        self.file = Waiting(wait, self.error)
        self.stream = wrap(self.file)
        self.result = self.failure = None

    def run(self):
        try:
            self.result = OPERATIONS[self.name](self.stream)
        except Exception as failure:
            self.failure = failure

    def check(self):
        if self.error is None:
            assert self.failure is None
            assert self.result == RESULTS[self.name]
        else:
            assert self.failure is self.error or self.failure.__cause__ is self.error
            assert "mine" in str(self.failure)
        self.failure = None

    def check_usable(self):
        """Use the stream once more, where nobody waits; then drop it."""
        self.file.wait = lambda: None
        self.file.error = None
        assert OPERATIONS[self.name](self.stream) == RESULTS[self.name]
        self.stream.close()


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("order", itertools.permutations(range(3)), ids=str)
def test_greenlets(wrap, name, order):
    """Each gets its own result, or its own exception, in whatever order they end."""
    main = greenlet.getcurrent()
    works = [Work(wrap, main.switch, name, fails=i != 1) for i in range(3)]
    greenlets = [greenlet.greenlet(work.run) for work in works]
    for each in greenlets:
        each.switch()
    for i in order:
        while not greenlets[i].dead:
            greenlets[i].switch()
        works[i].check()
    for work in works:
        work.check_usable()


def test_error_outside(wrap):
    """What fails beside a greenlet that waits in an operation is raised where it fails."""
    main = greenlet.getcurrent()
    work = Work(wrap, main.switch, "read", fails=True)
    inside = greenlet.greenlet(work.run)
    inside.switch()
    with pytest.raises(OSError, match="other"):
        wrap(Waiting(lambda: None, OSError(28, "other"))).read(1)
    while not inside.dead:
        inside.switch()
    work.check()
    work.check_usable()


def test_killed(wrap):
    """A greenlet that is killed in an operation leaves the stream usable."""
    main = greenlet.getcurrent()
    work = Work(wrap, main.switch, "read", fails=False)
    inside = greenlet.greenlet(work.run)
    inside.switch()
    inside.throw(OSError, "killed")
    assert inside.dead
    work.check_usable()


def test_gevent(wrap):
    """The same with a scheduler: many greenlets, of which every other one fails."""
    gevent = pytest.importorskip("gevent", reason="needs gevent")
    names = itertools.cycle(OPERATIONS)
    works = [Work(wrap, lambda: gevent.sleep(0), next(names), fails=i % 2 == 1) for i in range(60)]
    gevent.joinall([gevent.spawn(work.run) for work in works], raise_error=True)
    for work in works:
        work.check()
        work.check_usable()
