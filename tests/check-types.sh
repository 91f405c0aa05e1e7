#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check-types.sh SOURCE-ROOT CACHE-DIR: runs mypy over the Python code that promises types. Prints
# TAP.

set -euo pipefail
. "$(dirname "$0")/tap.sh"

cd "$1"
cache=$2
# Where imports are looked for.
export MYPYPATH=python

if ! command -v mypy >/dev/null; then
  echo "1..0 # SKIP There is no mypy: install the package mypy"
  exit
fi

# typed OPTION-OR-PATH...: nobody's own configuration counts, and the source tree stays clean.
typed ()
{
  mypy --strict --config-file= --cache-dir="$cache" "$@"
}

check "python/cimpl_stream" typed python/cimpl_stream
check "python/cimpl_stream, Python 3.9" typed --python-version=3.9 python/cimpl_stream

echo "1..$count"
[ "$failures" -eq 0 ]
