#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check-install.sh BUILD-DIR SOURCE-DIR INTROSPECTION VALA: installs into a temporary directory, and
# builds and runs programs with what is there. Prints TAP. INTROSPECTION and VALA are "yes" or "no".

set -euo pipefail
. "$(dirname "$0")/tap.sh"

build=$1
source=$2
introspection=$3
vala=$4
cc=${CC:-cc}

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
stage=$temporary/stage
runtime=$temporary/runtime

# The command of the meson that configured the build, as another one could not read its data. It
# contains --no-rebuild.
read -ra install < <(ninja -C "$build" -t commands install | tail -n 1)

install_into ()
{
  local directory=$1

  shift
  mkdir "$directory"
  (cd "$build" && "${install[@]}" --destdir "$directory" "$@")
}

check "meson install" install_into "$stage"
check "meson install --tags runtime" install_into "$runtime" --tags runtime

# The pkg-config file says where things are, and so is tested as well.
pc=$(find "$stage" -name cimpl-stream-1.0.pc)
if [ -z "$pc" ]; then
  check "cimpl-stream-1.0.pc is installed" false
  echo "1..$count"
  exit 1
fi
variable ()
{
  sed -n "s/^$1=//p" "$pc" | sed "s|\${prefix}|$prefix|"
}
prefix=$(sed -n 's/^prefix=//p' "$pc")
libdir=$(variable libdir)
includedir=$(variable includedir)

# pkg-config puts the sysroot before all directories, also those of GLib, which are not there.
staged_flags ()
{
  PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$stage pkg-config "$@" cimpl-stream-1.0
}

has_no_trace_of_build ()
{
  local directory

  for directory in "$build" "$source"; do
    if grep -F "$directory" "$pc"; then
      return 1
    fi
  done
  if readelf -d "$stage$libdir/libcimpl_stream.so.1" | grep -E 'R(UN)?PATH'; then
    return 1
  fi
}

# is_link TREE: libcimpl_stream.so leads to the library.
is_link ()
{
  local directory=$1$libdir

  ls -l "$directory"
  [ -L "$directory/libcimpl_stream.so" ] && [ -L "$directory/libcimpl_stream.so.1" ] \
    && [ "$directory/libcimpl_stream.so" -ef "$directory/libcimpl_stream.so.1" ] \
    && [ -s "$directory/libcimpl_stream.so" ]
}

# The headers of the source and the build tree, and nothing else.
has_headers ()
{
  local expected installed

  expected=$(cd "$source/include" && find . -name '*.h'
             cd "$build/include" && find . -name '*.h')
  installed=$(cd "$stage$includedir" && find . -name '*.h')
  diff <(sort <<<"$expected") <(sort <<<"$installed")
}

check "nothing names the build" has_no_trace_of_build
check "libcimpl_stream.so and libcimpl_stream.so.1" is_link "$stage"
check "libcimpl_stream.so with the runtime alone" is_link "$runtime"
check "headers" has_headers
check "pkg-config --validate" staged_flags --validate
check "pkg-config --print-requires" \
  diff <(staged_flags --print-requires | sed 's/ .*//' | sort) <(printf 'g%s-2.0\n' io object)
check "pkg-config --libs" grep -qw -e -lcimpl_stream <(staged_flags --libs)

if [ "$introspection" = yes ]; then
  gir=$(find "$stage" -name CimplStream-1.0.gir)
  check "the GIR is installed" [ -s "$gir" ]
  check "the GIR names the library" grep -q 'shared-library="libcimpl_stream.so.1"' "$gir"
  check "the GIR names the package" grep -q '<package name="cimpl-stream-1.0"' "$gir"
  check "the typelib is installed" \
    [ -s "$stage$libdir/girepository-1.0/CimplStream-1.0.typelib" ]
fi

# The twins of what StreamError has are left out.
has_each_function_once ()
{
  local names

  names=$(sed -nE 's/^\s*public .* (stream_error_)?([a-z_]+) \(.*;$/\2/p' "$vapi")
  grep -qx write_all <<<"$names" && diff <(sort <<<"$names") <(sort -u <<<"$names")
}

# With the packages that the .deps file names.
compile_vala ()
{
  cat >"$temporary/program.vala" <<'END'
bool flush (CimplStream.Stream stream, Cancellable cancellable) throws Error {
  return stream.flush (cancellable);
}
END
  valac --ccode --directory "$temporary" --vapidir "${vapi%/*}" --pkg cimpl-stream-1.0 \
    "$temporary/program.vala"
}

if [ "$vala" = yes ]; then
  vapi=$(find "$stage" -path "*/share/vala/vapi/cimpl-stream-1.0.vapi")
  check "the Vala binding is installed" [ -s "$vapi" ]
  check "the Vala binding names its packages" [ -s "${vapi%.vapi}.deps" ]
  check "the Vala binding has each function once" has_each_function_once
  check "a Vala program" compile_vala
fi

# build_and_run PROGRAM SOURCE FLAG...: with what is installed only.
build_and_run ()
{
  local program=$temporary/$1 code=$2

  shift 2
  "$cc" -Wall -Wextra -Werror -o "$program" "$code" "$@" \
    && LD_LIBRARY_PATH=$stage$libdir "$program"
}

build_plain ()
{
  local flags

  read -ra flags < <(staged_flags --cflags --libs)
  build_and_run plain "$source/examples/c/example.c" "${flags[@]}"
}

build_gobject ()
{
  local flags glib

  cat >"$temporary/gobject.c" <<'END'
#include <cimplstream/cimplstream.h>

static intptr_t
read_nothing (CimplStreamContext *context, uint8_t *data, size_t len)
{
  (void) context, (void) data, (void) len;
  return 0;
}

int
main (void)
{
  CimplStream *plain = cimpl_stream_new ((CimplStreamContext *) "", read_nothing, NULL, NULL, NULL);
  g_autoptr (CimplStream) stream = cimpl_stream_take (plain);
  g_autoptr (GError) error = NULL;
  char byte;

  g_assert_true (CIMPL_IS_CALLBACK_STREAM (stream));
  g_assert_cmpint (cimpl_stream_try_read (stream, &byte, 1, NULL, &error), ==, 0);
  g_assert_no_error (error);
  g_assert_cmpint (cimpl_stream_try_write (stream, "", 1, NULL, &error), ==, -1);
  g_assert_error (error, CIMPL_STREAM_ERROR, CIMPL_STREAM_ERROR_NOT_SUPPORTED);
  return CIMPL_STREAM_CHECK_VERSION (1, 0, 0) ? 0 : 1;
}
END
  read -ra flags < <(staged_flags --cflags --libs)
  read -ra glib < <(pkg-config --cflags --libs gio-2.0)
  build_and_run gobject "$temporary/gobject.c" "${flags[@]}" "${glib[@]}"
}

package=$(find "$stage" -path '*/cimpl_stream/__init__.py')
site_packages=${package%/cimpl_stream/*}

# The Python files of the source tree, and nothing else.
has_python_files ()
{
  local files=(cimpl_stream gi gi-stubs -name '*.py' -o -name '*.pyi' -o -name py.typed)

  diff <(cd "$source/python" && find "${files[@]}" | sort) \
    <(cd "$site_packages" && find "${files[@]}" | sort)
}

run_python ()
{
  cd "$temporary" # and not where the source tree could help out
  LD_LIBRARY_PATH=$stage$libdir PYTHONPATH=$site_packages CIMPL_STREAM_LIBRARY='' \
    python3 -c 'import cimpl_stream, io; assert cimpl_stream.Stream(io.BytesIO(b"ok")).read() == b"ok"'
}

check_types ()
{
  cd "$temporary"
  PYTHONPATH=$site_packages mypy --strict --config-file= --cache-dir=mypy -c '
import gi

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream, Gtk

stream: CimplStream.Stream = CimplStream.wrap_file(Gtk)
stream.read("")  # type: ignore[arg-type]
'
}

check "a plain C program" build_plain
check "a GObject program" build_gobject
check "Python files" has_python_files
check "a Python program" run_python
if command -v mypy >/dev/null; then
  check "the types of a Python program" check_types
else
  count=$((count + 1))
  echo "ok $count the types of a Python program # SKIP There is no mypy: install the package mypy"
fi

echo "1..$count"
[ "$failures" -eq 0 ]
