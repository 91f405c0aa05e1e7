#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check-exports.sh LIBRARY INCLUDE-DIR...: compares what the library exports with what the public
# headers declare. Prints TAP. The directories are those of the source and of the build tree.

set -euo pipefail
. "$(dirname "$0")/tap.sh"

library=$1
shift

# is_empty LINES: nothing is there that should not be.
is_empty ()
{
  printf '%s\n' "$1"
  [ -z "$1" ]
}

# Prints the name of every function that the headers declare, without a preprocessor: that would
# let those of GLib in.
declared ()
{
  cat "$@" | awk '
    /^#if.*(__GI_SCANNER__|__cplusplus)/ { hidden = 1 }
    /^#endif/ { hidden = 0 }
    hidden || /^ *#/ || continued { continued = /\\$/; next }
    { text = text $0 "\n" }
    END {
      gsub (/\/\*([^*]|\*+[^*\/])*\*+\//, "", text)
      gsub (/G_(BEGIN|END)_DECLS/, "", text)
      gsub (/G_DEFINE_AUTOPTR_CLEANUP_FUNC *\([^)]*\)/, "", text)
      while (gsub (/\{[^{}]*\}/, "", text))
        ;
      while (match (text, /G_DECLARE_[A-Z]+_TYPE *\([^,]*,[^,]*,/))
        {
          split (substr (text, RSTART, RLENGTH), parts, /[(, \n]+/)
          print parts[3] "_get_type"
          text = substr (text, 1, RSTART - 1) ";" substr (text, RSTART + RLENGTH)
        }
      n = split (text, statements, ";")
      for (i = 1; i <= n; i++)
        if (statements[i] !~ /(^|[ \n])typedef / && match (statements[i], /[a-z_][a-z0-9_]* *\(/))
          {
            name = substr (statements[i], RSTART, RLENGTH - 1)
            sub (/ +$/, "", name)
            print name
          }
    }' | sort -u
}

headers=()
for directory; do
  headers+=("$directory"/*.h "$directory"/*/*.h)
done
mapfile -t existing < <(ls -d "${headers[@]}" 2>/dev/null || true)

functions=$(declared "${existing[@]}")
exported=$(nm -D --defined-only --format=posix "$library" | sed 's/[@ ].*//' | sort -u)

# Otherwise nothing to compare would be nothing to complain about.
missing=
for name in cimpl_free cimpl_stream_new cimpl_stream_new_full cimpl_stream_try_read \
  cimpl_stream_get_type cimpl_callback_stream_get_type; do
  grep -qx "$name" <<<"$functions" || missing+="$name"$'\n'
done
check "the declarations are found" is_empty "$missing"

check "all exported names begin with cimpl_" is_empty "$(grep -v '^cimpl_' <<<"$exported" || true)"
check "all declared functions are exported" is_empty \
  "$(comm -23 <(printf '%s\n' "$functions") <(printf '%s\n' "$exported"))"
check "nothing else is exported" is_empty \
  "$(comm -13 <(printf '%s\n' "$functions") <(printf '%s\n' "$exported"))"

soname=$(readelf -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
check "the soname is libcimpl_stream.so.1" is_empty \
  "$(grep -vx 'libcimpl_stream\.so\.1' <<<"$soname" || true)"

echo "1..$count"
[ "$failures" -eq 0 ]
