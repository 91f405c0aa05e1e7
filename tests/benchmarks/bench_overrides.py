#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a stream that is a Python class costs native code, with PyGObject.

Usage: bench_overrides.py LIBRARY [--quick], LIBRARY being libbench_native.so of the build tree.

Prints lines like those of bench_bridge.py. The floor is what PyGObject takes to call any method of
any class with these arguments.
"""

import io
import statistics

from bench_bridge import CHUNK, Bench, main, measure, print_comparison  # and where to find us

import gi

gi.require_version("CimplStream", "1.0")
from gi.module import get_introspection_module  # noqa: E402
from gi.repository import CimplStream  # noqa: E402

ALLOWED = 2000  # nanoseconds for a small read, where 1.5 times the floor is less


class Floor(get_introspection_module("CimplStream").Stream):
    """Without the overrides: a method that takes what PyGObject passes and checks nothing."""

    def do_read(self, address, count, cancellable):
        return True, count


class Full(CimplStream.Stream):
    def do_read(self, view):
        return len(view)


class File(CimplStream.Stream):
    def __init__(self, file):
        super().__init__()
        self.file = file

    def do_read(self, view):
        return self.file.readinto(view)


class OverridesBench(Bench):
    def small_reads(self, size, count):
        def loop(stream):
            address = CimplStream.Stream._cimpl_handle.func(stream)  # Floor has none

            def run():
                assert self.native.bench_read(address, size, count) == size * count

            return run

        ours, floor = Full(), Floor()
        times = measure(loop(ours), loop(floor), self.repetitions)
        pairs = [(a / count, b / count) for a, b in times]
        median = statistics.median(peer for _, peer in pairs)
        target = f"{max(1.5, ALLOWED / median):.2f}"
        print_comparison(f"native {size}-byte reads, do_read(view) / method call", pairs, "ns", "<=", target)

    def large_reads(self, size, target):
        file = io.BytesIO(b"x" * size)
        buffer = bytearray(CHUNK)
        stream = File(file)

        def run_native():
            file.seek(0)
            assert self.native.bench_read(stream, CHUNK, size) == size

        def run_python():
            file.seek(0)
            while file.readinto(buffer):
                pass

        what = f"native {CHUNK}-byte reads, do_read(view) / readinto loop"
        self.compare(what, run_native, run_python, size // CHUNK, target)

    def run(self):
        self.small_reads(16, 20000 // self.scale)
        self.large_reads((64 << 20) // self.scale, 1.3)


if __name__ == "__main__":
    main(OverridesBench)
