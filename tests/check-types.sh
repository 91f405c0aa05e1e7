#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check-types.sh SOURCE-ROOT CACHE-DIR: runs mypy over the Python code that promises types. Prints
# TAP.

set -euo pipefail
. "$(dirname "$0")/tap.sh"

cd "$1"
cache=$2
# Where imports are looked for. Not MYPYPATH, on which mypy does not look for stub packages.
export PYTHONPATH=$PWD/python

if ! command -v mypy >/dev/null; then
  echo "1..0 # SKIP There is no mypy: install the package mypy"
  exit
fi

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

# typed OPTION-OR-PATH...: nobody's own configuration counts, and the source tree stays clean.
typed ()
{
  mypy --strict --config-file= --cache-dir="$cache" "$@"
}

# A stand-in for PyGObject-stubs, of the classes that our stub refers to.
make_other_stubs ()
{
  local folder=$temporary/other/gi-stubs

  mkdir -p "$folder/repository"
  cat >"$folder/__init__.pyi" <<'END'
def require_version(namespace: str, version: str) -> None: ...
END
  cat >"$folder/repository/GLib.pyi" <<'END'
class Error(RuntimeError):
    message: str
    domain: str
    code: int
    def __init__(self, message: str = "", domain: str = "", code: int = 0) -> None: ...

class Bytes:
    def get_data(self) -> bytes | None: ...

class MainContext: ...
END
  cat >"$folder/repository/GObject.pyi" <<'END'
import enum
from typing import Any

class GEnum(enum.IntEnum): ...
class GFlags(enum.IntFlag): ...

class Object:
    class Props: ...
    @property
    def props(self) -> Props: ...
    def __init__(self, **properties: Any) -> None: ...
END
  cat >"$folder/repository/Gio.pyi" <<'END'
from gi.repository import GObject

class Cancellable(GObject.Object):
    def cancel(self) -> None: ...

class InputStream(GObject.Object): ...
class IOStream(GObject.Object): ...
class OutputStream(GObject.Object): ...
class Seekable: ...
class InputStream(GObject.Object): ...
class OutputStream(GObject.Object): ...

class IOStream(GObject.Object):
    class Props(GObject.Object.Props):
        closed: bool
END
}

# What a program may do, and in each line with an "ignore" what it may not: mypy tells of those
# that suppress nothing.
cat >"$temporary/sample.py" <<'END'
from io import BytesIO, TextIOWrapper
from typing import List, Optional

import cimpl_stream
import gi

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream, Gio, GLib


class Zeros(CimplStream.Stream):
    def do_read(self, view: memoryview) -> int:
        view[:] = bytes(len(view))
        return len(view)

    def do_seek(self, offset: str, whence: int) -> int:  # type: ignore[override]
        return super().do_seek(offset, whence)  # type: ignore[arg-type]

    def do_flush(self) -> bool:  # type: ignore[override]
        return True

    def do_query_flags(self) -> CimplStream.StreamFlags:
        return CimplStream.StreamFlags.READABLE


with Zeros() as stream:
    zeros: Zeros = stream
    data: Optional[bytes] = stream.read(3)
    stream.read("x")  # type: ignore[arg-type]
    stream.seek(b"")  # type: ignore[arg-type]
    position: str = stream.tell()  # type: ignore[assignment]
    stream.copy(BytesIO(), -1)  # type: ignore[arg-type]
    stream.read_bytes(size=3)  # type: ignore[call-arg]
    stream.write_all(["x"])  # type: ignore[arg-type]
    lines: List[bytes] = list(TextIOWrapper(stream.buffered()))  # type: ignore[arg-type]
    rest: GLib.Bytes = stream.read_to_end(10, Gio.Cancellable())
    copied = stream.copy(CimplStream.wrap_file(BytesIO()))
    copied += stream.copy(CimplStream.MemoryStream.new(), progress=lambda done, total: None)
    copied += stream.get_size()

raw: cimpl_stream.RawStream = stream.raw
mode: CimplStream.SeekMode = CimplStream.SeekMode.CURRENT
CimplStream.Stream.from_handle(stream, True)  # type: ignore[misc]
CimplStream.DispatchStream(base=stream, timeout=100).props.timeout = ""  # type: ignore[assignment]
CimplStream.DispatchStream.new(stream).props.base = stream  # type: ignore[misc]
seekable: Gio.Seekable = CimplStream.InputStream.new(stream)
CimplStream.OutputStream(base=stream, close_base=1.5)  # type: ignore[arg-type]
CimplStream.IOStream.new(b"")  # type: ignore[arg-type]

try:
    stream.read()
except CimplStream.NoSpaceError as error:
    ctypes_error: cimpl_stream.NoSpaceError = error
    os_error: OSError = error
    domain: bytes = error.domain  # type: ignore[assignment]
except CimplStream.CimplStreamError as error:
    glib_error: GLib.Error = error
END

# What can only be told where GObject is typed: otherwise everything that derives from it may be
# and have anything.
cat >"$temporary/typed-sample.py" <<'END'
from gi.repository import CimplStream, GObject

stream = CimplStream.wrap_file(None)
gobject: GObject.Object = stream
stream.reed(3)  # type: ignore[attr-defined]
number: int = stream  # type: ignore[assignment]
mode: CimplStream.SeekMode = CimplStream.StreamFlags.READABLE  # type: ignore[assignment]

try:
    stream.read()
except CimplStream.ClosedError as error:
    value_error: ValueError = error
    os_error: OSError = error  # type: ignore[assignment]
END

check "python/cimpl_stream" typed python/cimpl_stream
check "python/cimpl_stream, Python 3.9" typed --python-version=3.9 python/cimpl_stream
# In one run: in a later one, mypy would not see that the stub has changed under a cached program.
programs=(examples/python/gi_subclass.py "$temporary/sample.py")
check "python/gi-stubs and programs" typed python/gi-stubs "${programs[@]}"

make_other_stubs
PYTHONPATH=$temporary/other:$PYTHONPATH
cache=$cache/other # the one above remembers what was untyped
programs+=("$temporary/typed-sample.py")
check "python/gi-stubs and programs, GObject being typed" typed python/gi-stubs "${programs[@]}"

echo "1..$count"
[ "$failures" -eq 0 ]
