# SPDX-License-Identifier: MIT
"""Finding and loading the native library."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Iterator

ENVIRONMENT_VARIABLE = "CIMPL_STREAM_LIBRARY"

_NAMES = (
    ("libcimpl_stream.1.dylib", "libcimpl_stream.dylib")
    if sys.platform == "darwin"
    else ("libcimpl_stream.so.1", "libcimpl_stream.so")
)
_NEWEST_SYMBOL = "cimpl_stream_failed_since"  # absent from other libraries of this name


def load() -> str:
    """Load the library into the process and return the name it was loaded by.

    The first of these that loads is taken: the path in ``CIMPL_STREAM_LIBRARY`` (then nothing
    else is tried), the one that is loaded already, a library beside this package, the build tree
    the package lies in, the system.

    Raises:
        ImportError: none could be loaded; the message says where it looked and what to do.
    """
    attempts = []
    for name in candidates():
        try:
            library = ctypes.CDLL(name)
        except OSError as error:
            attempts.append(f"  {name}: {error}")
            continue
        if hasattr(library, _NEWEST_SYMBOL):
            return name
        attempts.append(f"  {name}: has no {_NEWEST_SYMBOL}, it is another or an older library")
    raise ImportError(_advice(attempts))


def candidates() -> Iterator[str]:
    """Yield what to load, best first: paths of files that exist, then names for the system."""
    chosen = os.environ.get(ENVIRONMENT_VARIABLE)
    if chosen:
        yield chosen
        return
    yield from filter(_is_loaded, _NAMES)  # a second copy in one process would be another library
    package = Path(__file__).resolve().parent
    for folder in (package, *_build_folders(package.parent.parent)):
        for name in _NAMES:
            if (folder / name).is_file():
                yield str(folder / name)
    yield from _NAMES


def _is_loaded(name: str) -> bool:
    """Return whether a library of that name is in the process, such as that of PyGObject."""
    try:
        ctypes.CDLL(name, os.RTLD_NOW | os.RTLD_NOLOAD)
    except OSError:
        return False
    return True


def _build_folders(root: Path) -> Iterator[Path]:
    """Yield the folders of the source tree `root` that a build leaves libraries in."""
    if not (root / "meson.build").is_file():
        return  # installed: what lies above the package is none of our business
    for build in [*sorted(root.glob("build*")), *sorted(root.glob("_build*"))]:
        yield build / "src"
        yield build


def _advice(attempts: list[str]) -> str:
    """Return the message for a library that was not found."""
    if os.environ.get(ENVIRONMENT_VARIABLE):
        todo = f"Correct the path in {ENVIRONMENT_VARIABLE}, or unset it."
    else:
        todo = (
            "Build it (meson setup build && ninja -C build) or install it (meson install), "
            f"or set {ENVIRONMENT_VARIABLE} to the path of the library."
        )
    return "\n".join(["The cimpl_stream library could not be loaded. Tried:", *attempts, todo])
