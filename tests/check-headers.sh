#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check-headers.sh INCLUDE-DIR...: compiles the public headers the way others include them. Prints
# TAP. The directories are those of the source and of the build tree.

set -euo pipefail
. "$(dirname "$0")/tap.sh"

directories=("$@")
includes=("${directories[@]/#/-I}")
warnings=(-Wall -Wextra -Wpedantic -Werror)
# Not as system directories: what GLib's macros make of our code shall be warned about, too.
read -ra glib < <(pkg-config --cflags gio-2.0)

# compile COMPILER CODE OPTION...: only checks the code.
compile ()
{
  local compiler=$1 code=$2 language=c package

  package=${compiler/%++/}
  [ "$compiler" = g++ ] && package=g++
  if ! command -v "$compiler" >/dev/null; then
    echo "There is no $compiler: install the package $package"
    return 1
  fi

  shift 2
  case $compiler in
    *++) language=c++ ;;
  esac
  printf '%s\n' "$code" | "$compiler" -x "$language" -fsyntax-only "${includes[@]}" "$@" -
}

# refuses HEADER: including it must fail, and say how to do better.
refuses ()
{
  local output

  if output=$(compile gcc "#include <$1>" "${glib[@]}" 2>&1); then
    echo "<$1> can be included directly"
    return 1
  fi
  printf '%s\n' "$output"
  [[ $output == *"Only <cimplstream/cimplstream.h> can be included directly"* ]]
}

# The plain header needs no header of GLib, and so no option that would find one.
plain='#include <cimpl_stream.h>
int main (void) { return cimpl_stream_error_code () + CIMPL_STREAM_ERROR_OK; }'
for pair in gcc:c99 gcc:c11 clang:c99 clang:c11 g++:c++11 g++:c++17 clang++:c++11 clang++:c++17; do
  check "cimpl_stream.h ${pair/:/ }" compile "${pair%:*}" "$plain" "-std=${pair#*:}" "${warnings[@]}"
done

# Code for the published header says the tags of the types, repeats declarations, and gets four more
# headers with it.
published='#include <cimpl_stream.h>
typedef struct CimplStream Input;
struct Source { struct CimplStream *stream; struct CimplStreamContext *context; };
extern int32_t cimpl_free (void *pointer);
static int64_t seek (struct CimplStreamContext *context, int64_t offset, enum CimplSeekMode mode)
{ return context != NULL && mode == CIMPL_SEEK_MODE_END ? 10 : offset; }
static bool is_error (int n, ...)
{
  enum CimplStreamError code = CIMPL_STREAM_ERROR_OK;
  va_list codes;
  va_start (codes, n);
  while (n-- > 0)
    code = (enum CimplStreamError) va_arg (codes, int);
  va_end (codes);
  return code != CIMPL_STREAM_ERROR_OK;
}
int main (void)
{
  struct Source source = { NULL, (struct CimplStreamContext *) malloc (1) };
  enum CimplSeekMode end = CIMPL_SEEK_MODE_END;
  Input *input = source.stream = cimpl_stream_new (source.context, NULL, seek, NULL, NULL);
  bool failed = cimpl_stream_seek (input, 0, end) != 10 || is_error (1, cimpl_stream_error_code ());
  cimpl_free (input);
  free (source.context);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}'
for pair in gcc:c99 gcc:c11 clang:c99 clang:c11 g++:c++11 clang++:c++11; do
  check "code for the published header ${pair/:/ }" \
    compile "${pair%:*}" "$published" "-std=${pair#*:}" "${warnings[@]}"
done
check "code for the published header after cimplstream.h" \
  compile gcc "#include <cimplstream/cimplstream.h>
$published" -std=c99 "${warnings[@]}" "${glib[@]}"

umbrella='#include <cimplstream/cimplstream.h>
int main (void) { return CIMPL_IS_STREAM (NULL) || CIMPL_IS_CALLBACK_STREAM (NULL); }'
for pair in gcc:gnu11 gcc:c99 clang:gnu11 clang:c99 g++:gnu++11 clang++:gnu++11; do
  check "cimplstream.h ${pair/:/ }" \
    compile "${pair%:*}" "$umbrella" "-std=${pair#*:}" "${warnings[@]}" "${glib[@]}"
done

check "cimplstream.h after cimpl_stream.h" \
  compile gcc "#include <cimpl_stream.h>
$umbrella" -std=c99 "${warnings[@]}" "${glib[@]}"
check "cimpl_stream.h after cimplstream.h" \
  compile gcc "#include <cimplstream/cimplstream.h>
$plain" -std=c99 "${warnings[@]}" "${glib[@]}"

for directory in "${directories[@]}"; do
  for header in "$directory"/cimplstream/*.h; do
    header=cimplstream/${header##*/}
    if [ "$header" != cimplstream/cimplstream.h ]; then
      check "$header alone is refused" refuses "$header"
    fi
  done
done

echo "1..$count"
[ "$failures" -eq 0 ]
