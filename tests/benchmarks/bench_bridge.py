#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the bridge between Python and native code costs, against a naive one.

Usage: bench_bridge.py LIBRARY [--quick], LIBRARY being libbench_native.so of the build tree.

Prints a line per figure, for the table of tests/benchmarks/run:
what, ours, peer, unit, ratio, relation, target; separated by tabs.
"""

import contextlib
import ctypes
import gc
import io
import os
import statistics
import sys
import time
from ctypes import POINTER, c_int, c_int32, c_int64, c_size_t, c_ssize_t, c_uint8, c_void_p
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from cimpl_stream import Stream  # noqa: E402

CHUNK = 65536

READ = ctypes.CFUNCTYPE(c_ssize_t, c_void_p, POINTER(c_uint8), c_size_t)
SEEK = ctypes.CFUNCTYPE(c_int64, c_void_p, c_int64, c_int)
WRITE = ctypes.CFUNCTYPE(c_ssize_t, c_void_p, POINTER(c_uint8), c_size_t)
FLUSH = ctypes.CFUNCTYPE(c_int32, c_void_p)


def load_library(path):
    """Return the library of the native loops, through which libcimpl_stream is reached, too."""
    library = ctypes.CDLL(path)
    library.bench_read.argtypes = [c_void_p, c_size_t, c_int64]
    library.bench_read.restype = c_int64
    library.cimpl_stream_new.argtypes = [c_void_p, READ, SEEK, WRITE, FLUSH]
    library.cimpl_stream_new.restype = c_void_p
    library.cimpl_stream_read.argtypes = [c_void_p, POINTER(c_uint8), c_size_t]
    library.cimpl_stream_read.restype = c_ssize_t
    library.cimpl_stream_seek.argtypes = [c_void_p, c_int64, c_int]
    library.cimpl_stream_seek.restype = c_int64
    library.cimpl_free.argtypes = [c_void_p]
    library.cimpl_free.restype = c_int32
    return library


class NaiveStream:
    """The reference: a file object as a stream, the way one writes it first.

    Four closures per stream, every byte copied twice, every exception swallowed.
    """

    def __init__(self, library, file):
        def read(context, data, length):
            try:
                chunk = file.read(length)
                if not chunk:
                    return 0
                ctypes.memmove(data, chunk, len(chunk))
                return len(chunk)
            except Exception:
                return -1

        def seek(context, offset, mode):
            try:
                return file.seek(offset, mode)
            except Exception:
                return -1

        def write(context, data, length):
            try:
                return file.write(bytes(data[:length]))
            except Exception:
                return -1

        def flush(context):
            try:
                file.flush()
                return 0
            except Exception:
                return -1

        self._library = library
        self._callbacks = READ(read), SEEK(seek), WRITE(write), FLUSH(flush)
        self._as_parameter_ = library.cimpl_stream_new(1, *self._callbacks)

    def read(self, size):
        array = (c_uint8 * size)()
        count = self._library.cimpl_stream_read(self._as_parameter_, array, size)
        if count < 0:
            raise OSError("read failed")
        return bytes(array[:count])

    def seek(self, offset):
        return self._library.cimpl_stream_seek(self._as_parameter_, offset, 0)

    def close(self):
        self._library.cimpl_free(self._as_parameter_)


def measure(ours, peer, repetitions):
    """Return the times of two functions, called in turns, in nanoseconds: a list of pairs."""
    return [(measure_once(ours), measure_once(peer)) for _ in range(repetitions)]


def measure_once(function):
    start = time.perf_counter_ns()
    function()
    return time.perf_counter_ns() - start


def print_comparison(what, pairs, unit, relation, target):
    """Print the medians of our and the peer's figures.

    The ratio is the median of the pairs' ratios, rather than the ratio of the medians: a machine
    that is slow for a second is slow for both sides of some pairs.
    """
    ours, peer = (f"{statistics.median(side):.2f}" for side in zip(*pairs))
    ratio = statistics.median(a / b for a, b in pairs)
    print(what, ours, peer, unit, f"{ratio:.3f}", relation, target, sep="\t", flush=True)


class Bench:
    def __init__(self, library, quick):
        self.native = library
        self.repetitions = 3 if quick else 21
        self.scale = 100 if quick else 1

    def compare(self, what, ours, peer, count, target):
        """Print how many nanoseconds one of `count` operations takes in each of two functions."""
        times = measure(ours, peer, self.repetitions)
        pairs = [(a / count, b / count) for a, b in times]
        print_comparison(what, pairs, "ns", "<=", target)

    @contextlib.contextmanager
    def streams(self, size):
        """Give our stream and a naive one, each over a BytesIO of its own."""
        data = bytes(size)
        with Stream(io.BytesIO(data)) as ours:
            naive = NaiveStream(self.native, io.BytesIO(data))
            yield ours, naive
            naive.close()

    def native_reads(self, size, count, target):
        def loop(stream):
            def run():
                stream.seek(0)
                assert self.native.bench_read(stream, size, count) == size * count

            return run

        what = f"native {size}-byte reads of a BytesIO / naive bridge"
        with self.streams(size * count) as (ours, naive):
            self.compare(what, loop(ours), loop(naive), count, target)

    def buffered_reads(self, size, count, limit_ns, target):
        """Compare native reads through a native buffer with what was promised, and with none."""

        def loop(stream):
            def run():
                stream.seek(0)
                assert self.native.bench_read(stream, size, count) == size * count

            return run

        data = bytes(size * count)
        with Stream(io.BytesIO(data), buffer_size=CHUNK) as buffered, Stream(
            io.BytesIO(data)
        ) as unbuffered:
            times = measure(loop(buffered), loop(unbuffered), self.repetitions)
        what = f"native {size}-byte reads of a BytesIO, buffered"
        promised = [(ours / count, limit_ns) for ours, _ in times]
        print_comparison(f"{what} / {limit_ns} ns", promised, "ns", "<=", 1)
        pairs = [(ours / count, peer / count) for ours, peer in times]
        print_comparison(f"{what} / unbuffered", pairs, "ns", "<=", target)

    def python_reads(self, size, count, target):
        def loop(stream):
            def run():
                stream.seek(0)
                read = stream.read
                for _ in range(count):
                    data = read(size)
                assert len(data) == size

            return run

        what = f"Stream.read({size}) / naive bridge"
        with self.streams(size * count) as (ours, naive):
            self.compare(what, loop(ours), loop(naive), count, target)

    def buffered_writes(self, size, count, target):
        """Compare small writes to a buffered file with those to one over plain Python."""

        class Target(io.RawIOBase):
            def writable(self):
                return True

            def write(self, data):
                return len(data)

        def loop(file):
            def run():
                write, data = file.write, bytes(size)
                for _ in range(count):
                    write(data)

            return run

        what = f"Stream.buffered().write({size}) / BufferedWriter"
        ours, peer = Stream(Target()).buffered(CHUNK), io.BufferedWriter(Target(), CHUNK)
        self.compare(what, loop(ours), loop(peer), count, target)

    def construct(self, count, target):
        file = io.BytesIO()

        def run_ours():
            for _ in range(count):
                Stream(file).close()

        def run_naive():
            for _ in range(count):
                NaiveStream(self.native, file).close()

        self.compare("construct and close / naive bridge", run_ours, run_naive, count, target)

    def drain(self, size, target):
        """Compare throughput with a loop in Python that has no bridge to cross."""
        file = io.BytesIO(b"x" * size)  # not bytes(size): a page of zeros that is always cached
        buffer = bytearray(CHUNK)

        def run_native():
            stream.seek(0)
            assert self.native.bench_read(stream, CHUNK, size) == size

        def run_python():
            file.seek(0)
            while file.readinto(buffer):
                pass

        with Stream(file) as stream:
            times = measure(run_native, run_python, self.repetitions)
        what = f"native loop over {size >> 20} MiB / readinto loop"
        pairs = [(size / a, size / b) for a, b in times]
        print_comparison(what, pairs, "GB/s", ">=", target)

    def run(self):
        self.native_reads(16, 20000 // self.scale, 0.7)
        self.buffered_reads(16, 20000 // self.scale, 25, 0.02)
        self.python_reads(16, 10000 // self.scale, 0.7)
        self.python_reads(CHUNK, 200 // self.scale, 0.01)
        self.buffered_writes(3, 20000 // self.scale, 2)
        self.construct(2000 // self.scale, 0.7)
        self.drain((256 << 20) // self.scale, 0.8)


def main(bench_class):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    gc.disable()
    bench_class(load_library(sys.argv[1]), "--quick" in sys.argv[2:]).run()


if __name__ == "__main__":
    main(Bench)
