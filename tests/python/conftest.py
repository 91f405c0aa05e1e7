# SPDX-License-Identifier: MIT
"""What the tests of the ctypes package share."""

import gc
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

from native import library_path, load  # noqa: E402


@pytest.fixture
def native():
    """The native library; a new object each time, so that a test may set its `errcheck`s."""
    return load(library_path())


def pytest_configure(config):
    """Turn off what would replace the hooks that `reports` sets."""
    for name in ("unraisableexception", "threadexception"):
        plugin = config.pluginmanager.get_plugin(name)
        if plugin is not None:
            config.pluginmanager.unregister(plugin)


def pytest_collection_finish():
    """Take what was imported out of the collections that `reports` makes; each would look at it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def reports(monkeypatch, capfd):
    """What was reported instead of raised, as types; a test that expects some clears it.

    Fails the test if an exception got lost in a callback, a destructor or a thread, or if
    anything was written to standard error.
    """
    types = []
    for module, name in (
        (sys, "excepthook"),
        (sys, "unraisablehook"),
        (threading, "excepthook"),
    ):
        def report(*arguments):
            types.append(getattr(arguments[0], "exc_type", arguments[0]))

        monkeypatch.setattr(module, name, report)
    yield types
    gc.collect()
    assert types == []
    assert capfd.readouterr().err == ""


@pytest.fixture(params=["ctypes", "wrap_file", "subclass"])
def wrap(request):
    """What makes a stream of a file object, on each face of faces.py."""
    from faces import FACES  # not above: it needs PyGObject

    return FACES[request.param]


@pytest.fixture
def without_gc():
    """Turn off the cycle collector, so that only references keep anything alive."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def quick_switches():
    """Let threads that wait for the GIL wait for less than the usual 5 ms."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def run_python(tmp_path):
    """Return a function that runs a script in a Python of its own and returns what it printed.

    The script may neither fail, nor be killed, nor write to standard error; or, with `fails`, it
    has to fail, and what it wrote to standard error is returned.
    """
    script_path = tmp_path / "script.py"

    def run(
        script, *, with_native=False, fails=False, package=ROOT / "python", options=(), timeout=60
    ):
        lines = [
            f"import sys; sys.path[:0] = [{str(package)!r}, {str(Path(__file__).parent)!r}]",
            "import ctypes, gc, io, os, signal, threading, time",
            "from cimpl_stream import *",
        ]
        if with_native:
            lines.append(f"from native import load; native = load({library_path()!r})")
        script_path.write_text("\n".join([*lines, script]), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, *options, str(script_path)],
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if fails:
            assert done.returncode == 1
            return done.stderr
        assert done.stderr == ""
        assert done.returncode == 0
        return done.stdout

    return run
