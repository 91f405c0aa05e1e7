# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What tests/run and examples/run share: installing, configuring, building. Both source this file
# and stand in the root of the source tree.

# What it takes on Debian 12 to build everything and to run all tests and examples. clang and g++
# are there to compile the public header, too.
packages=(
  clang
  g++
  gcc
  gir1.2-gdkpixbuf-2.0
  gir1.2-glib-2.0
  gjs
  gobject-introspection
  libgirepository1.0-dev
  libglib2.0-dev
  meson
  mypy
  ninja-build
  pkg-config
  python3
  python3-gevent
  python3-gi
  python3-greenlet
  python3-pytest
  valac
  zlib1g-dev
)

say ()
{
  printf '==> %s\n' "$*"
}

fail ()
{
  printf '%s: %s\n' "$0" "$*" >&2
  exit 1
}

# install_packages [PACKAGE...]: installs what is missing of the above and of those named.
install_packages ()
{
  local package missing=() as_root=()

  set -- "${packages[@]}" "$@"
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "Not a Debian system: taking it that these or their likes are installed: $*"
    return
  fi

  for package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] \
      || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    say "All needed packages are installed"
    return
  fi

  say "Installing ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "only root can install packages, and there is no sudo"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"
}

# Sets $meson. A meson that is first on the PATH but does not start, or is too old, is passed over.
find_meson ()
{
  local version

  for meson in meson /usr/bin/meson; do
    version=$("$meson" --version 2>/dev/null) || continue
    printf '1.0\n%s\n' "$version" | sort -V -C && return
  done
  fail "there is no meson of version 1.0 or later; run without --no-install to install it"
}

# Sets $python. As in meson.build, one that is first on the PATH but lacks PyGObject is passed over.
find_python ()
{
  for python in python3 /usr/bin/python3; do
    "$python" -c 'import gi.repository' 2>/dev/null && return
  done
  fail "there is no python3 that can import gi; run without --no-install to install it"
}

# build FOLDER [OPTION...]: configures the folder, unless it is, and builds in it.
build ()
{
  local folder=$1

  shift
  find_meson
  if [ ! -e "$folder/build.ninja" ]; then
    say "Configuring $folder"
    "$meson" setup "$folder" "$@"
  fi
  say "Building in $folder"
  "$meson" compile -C "$folder"
}
