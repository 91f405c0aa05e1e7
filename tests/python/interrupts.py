# SPDX-License-Identifier: MIT
"""Interrupts at random moments of what `_io` does with a raw file of ours."""

import collections
import gc
import io
import random
import signal
import time

ROUNDS = 200


class Endless(io.RawIOBase):
    """Has one line after the other, takes everything, and is where it was."""

    def readable(self):
        return True

    def writable(self):
        return True

    def seekable(self):
        return True

    def readinto(self, buffer):
        buffer[:4] = b"abc\n"
        return 4

    def write(self, data):
        return len(data)

    def seek(self, offset, whence=io.SEEK_SET):
        return 0

    def tell(self):
        return 0


def read(file):
    file.read(3)


def write(file):
    file.write(b"abc")


def both(file):
    file.seek(0)
    file.read(3)
    file.write(b"abc")
    file.flush()
    file.tell()


def read_text(file):
    file.readline()


def write_text(file):
    file.write("abc\n")
    file.flush()


# What is made of a raw file, and what is done with it over and over again.
USES = {
    "BufferedReader": (io.BufferedReader, read),
    "BufferedWriter": (io.BufferedWriter, write),
    "BufferedRandom": (io.BufferedRandom, both),
    "BufferedRWPair": (lambda raw: io.BufferedRWPair(raw, raw), lambda file: (read(file), write(file))),
    "TextIOWrapper, reading": (lambda raw: io.TextIOWrapper(io.BufferedReader(raw)), read_text),
    "TextIOWrapper, writing": (lambda raw: io.TextIOWrapper(io.BufferedWriter(raw)), write_text),
}


def count_outcomes(make, use):
    """Call `use` with a file of `make` until it is interrupted; count what came out, by type.

    An interrupt that does not come out counts as "lost".
    """
    outcomes = collections.Counter()
    delays = random.Random(0)
    gc.disable()  # an interrupt in a destructor is lost anywhere
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for _ in range(ROUNDS):
            file = make()
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0005 + delays.random() * 0.003)
                deadline = time.monotonic() + 5
                while time.monotonic() < deadline:
                    use(file)
                outcomes["lost"] += 1
            except BaseException as exception:
                outcomes[type(exception)] += 1
    finally:
        gc.enable()
        signal.signal(signal.SIGALRM, previous)
    return outcomes
