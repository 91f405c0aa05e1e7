# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the checks written in shell share: they print TAP, one line per case.

count=0
failures=0

# check NAME COMMAND...: one case, which passes if the command does; its output says why not.
check ()
{
  local name=$1 output

  shift
  count=$((count + 1))
  if output=$("$@" 2>&1); then
    echo "ok $count $name"
  else
    failures=$((failures + 1))
    echo "not ok $count $name"
    printf '%s\n' "$output" | sed 's/^/# /'
  fi
}
