# SPDX-License-Identifier: MIT
"""Loads the library made of native.c, for the tests and for the scripts that they run."""

import ctypes
import os
from pathlib import Path

import cimpl_stream

ROOT = Path(__file__).resolve().parents[2]


def library_path():
    """Return the path of the library made of native.c."""
    chosen = os.environ.get("CIMPL_TEST_NATIVE")
    found = [chosen] if chosen else sorted(ROOT.glob("build*/tests/python/libnative.so"))
    if not found:
        raise FileNotFoundError("libnative.so is not built, or name it in CIMPL_TEST_NATIVE")
    return str(found[0])


def load(path):
    """Return the library with its functions declared; streams are passed as they are."""
    pointer = ctypes.POINTER(cimpl_stream.CimplStream)
    total = ctypes.POINTER(ctypes.c_int64)
    library = ctypes.CDLL(path)
    for name, restype, *argtypes in (
        ("native_drain", ctypes.c_int32, pointer, ctypes.c_size_t, total),
        ("native_swallow", ctypes.c_int32, pointer),
        ("native_retry", ctypes.c_ssize_t, pointer, ctypes.c_int32),
        ("native_pointer", ctypes.c_void_p, pointer),
        ("native_report", ctypes.c_int32, pointer),
        ("native_report_after_cleanup", ctypes.c_int32, pointer),
        ("native_swallow_and_seek", ctypes.c_int32, pointer),
        ("native_status", ctypes.c_int32, pointer),
        ("native_flag", ctypes.c_int32, pointer),
        ("native_refuse", ctypes.c_int32, pointer),
        ("native_write_header", ctypes.c_int32, pointer),
        ("native_write_and_close", ctypes.c_int32, pointer),
        ("native_report_in_thread", ctypes.c_int32, pointer),
        ("native_swallow_in_thread", ctypes.c_int32, pointer),
        ("native_work", ctypes.c_int32, pointer, ctypes.c_int64, total),
        ("native_insist", ctypes.c_int64, pointer, ctypes.c_int64),
        ("native_layer", pointer, pointer),
        ("native_hold", ctypes.c_int32, pointer),
        ("native_read_held", ctypes.c_ssize_t, ctypes.c_char_p, ctypes.c_size_t),
        ("native_release", ctypes.c_int32),
        ("native_start", ctypes.c_void_p, pointer, ctypes.c_size_t),
        ("native_count", ctypes.c_int64, ctypes.c_void_p),
        ("native_join", ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32),
    ):
        function = getattr(library, name)
        function.restype = restype
        function.argtypes = argtypes
    return library
