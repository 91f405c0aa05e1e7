#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the examples of README.md and print TAP.

A fenced block is an example if the line above it is a comment such as ``<!-- test: c -->``:

- ``c``: a C program for the plain API;
- ``gobject``: a C program for the GObject API;
- ``js``: a module of GJS;
- ``python``: a Python program, with PyGObject and its overrides at hand;
- ``sh``: shell commands; pkg-config finds the library as if it were installed.

Each runs in a temporary directory of its own and must exit with 0. Of all kinds but ``sh`` there
must be at least one.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, NamedTuple

LANGUAGES = {"c": "c", "gobject": "c", "js": "js", "python": "python", "sh": "sh"}
REQUIRED = ("c", "gobject", "js", "python")
TIMEOUT = 120  # seconds

MARK = re.compile(r"\s*<!--\s*test:\s*(.*?)\s*-->\s*$")
FENCE = re.compile(r"\s*(```+|~~~+)\s*(\w*)\s*$")


class ExampleError(Exception):
    """What is wrong with an example."""


class Block(NamedTuple):
    """A marked block; `line` is the number of its first line, `problem` says why it cannot run."""

    kind: str
    line: int
    code: str = ""
    problem: str = ""


class Trees(NamedTuple):
    """The source and the build tree."""

    root: Path
    build: Path


def parse(text: str) -> Iterator[Block]:
    """Yield the marked blocks of a Markdown text."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        mark = MARK.match(lines[number])
        if mark:
            yield parse_block(mark[1], lines, number + 1)
        number = end_of_block(lines, number) + 1


def end_of_block(lines: list[str], start: int) -> int:
    """Return the index of the line that closes the fence at `start`, or `start` if none is there.

    Without such a line, as in Markdown, the block lasts until the end of the text.
    """
    fence = FENCE.match(lines[start])
    if not fence:
        return start
    for number in range(start + 1, len(lines)):
        closing = lines[number].strip()
        if closing.startswith(fence[1]) and not closing.strip(fence[1][0]):
            return number
    return len(lines)


def parse_block(kind: str, lines: list[str], start: int) -> Block:
    """Return the block marked as `kind` that must start at the index `start`."""
    first = start + 2  # lines have numbers from 1, and the code starts after the fence
    if kind not in LANGUAGES:
        return Block(kind, first, problem=f"unknown kind; there are {', '.join(LANGUAGES)}")
    fence = FENCE.match(lines[start]) if start < len(lines) else None
    if not fence:
        return Block(kind, first, problem="no fenced block follows the comment at once")
    if fence[2] != LANGUAGES[kind]:
        return Block(kind, first, problem=f"the block is marked {fence[2]!r}, not {LANGUAGES[kind]!r}")
    end = end_of_block(lines, start)
    if end == len(lines):
        return Block(kind, first, problem="the fence is never closed")
    return Block(kind, first, "\n".join(lines[start + 1 : end]) + "\n")


def environment(trees: Trees) -> dict[str, str]:
    """Return the environment in which the library of the build tree is as good as installed."""
    paths = {
        "GI_TYPELIB_PATH": trees.build / "src",
        "LD_LIBRARY_PATH": trees.build / "src",
        "PKG_CONFIG_PATH": trees.build / "meson-uninstalled",
        "PYTHONPATH": trees.root / "python",
    }
    env = dict(os.environ, CIMPL_STREAM_LIBRARY=str(trees.build / "src" / "libcimpl_stream.so"))
    for name, path in paths.items():
        env[name] = os.pathsep.join(filter(None, [str(path), os.environ.get(name)]))
    return env


def run(command: list[str], directory: str, trees: Trees) -> str:
    """Run a command and return what it prints; raise ExampleError if it fails."""
    try:
        process = subprocess.run(
            command,
            cwd=directory,
            env=environment(trees),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExampleError(str(error)) from error
    if process.returncode != 0:
        raise ExampleError(f"{process.stdout}{command[0]} ended with {process.returncode}")
    return process.stdout


def run_c(block: Block, directory: str, trees: Trees) -> None:
    """Compile a C program, without any warning, and run it."""
    source = Path(directory, "readme.c")
    source.write_text(f'#line {block.line} "README.md"\n{block.code}', encoding="utf-8")
    libraries = trees.build / "src"
    command = [
        *shlex.split(os.environ.get("CC", "cc")),
        "-std=gnu11" if block.kind == "gobject" else "-std=c99",
        *("-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"),
        *(f"-I{trees.root / 'include'}", f"-I{trees.build / 'include'}"),
        *("-o", "readme", source.name),
        *(f"-L{libraries}", f"-Wl,-rpath,{libraries}", "-lcimpl_stream"),
    ]
    if block.kind == "gobject":
        flags = run(["pkg-config", "--cflags", "--libs", "gio-2.0"], directory, trees)
        command += shlex.split(flags)
    run(command, directory, trees)
    run([str(Path(directory, "readme"))], directory, trees)


def run_python(block: Block, directory: str, trees: Trees) -> None:
    """Run a Python program; its line numbers are those of the README."""
    source = Path(directory, "README.py")
    source.write_text("\n" * (block.line - 1) + block.code, encoding="utf-8")
    # PyGObject 3.42 has an importer of an old kind.
    warnings = ["-W", "error", "-W", "ignore::ImportWarning"]
    run([sys.executable, *warnings, source.name], directory, trees)


def run_sh(block: Block, directory: str, trees: Trees) -> None:
    """Run shell commands; the first that fails ends them."""
    run(["sh", "-euc", block.code], directory, trees)


def run_js(block: Block, directory: str, trees: Trees) -> None:
    """Run a module of GJS; its line numbers are those of the README."""
    source = Path(directory, "README.js")
    source.write_text("\n" * (block.line - 1) + block.code, encoding="utf-8")
    run(["gjs", "-m", source.name], directory, trees)


RUNNERS = {"c": run_c, "gobject": run_c, "js": run_js, "python": run_python, "sh": run_sh}


def check(block: Block, trees: Trees) -> None:
    """Raise ExampleError unless the block runs."""
    if block.problem:
        raise ExampleError(block.problem)
    with tempfile.TemporaryDirectory() as directory:
        RUNNERS[block.kind](block, directory, trees)


def main() -> int:
    """Check all blocks; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="the source tree")
    parser.add_argument("--build-dir", type=Path, required=True, help="the build tree")
    arguments = parser.parse_args()
    trees = Trees(arguments.root.resolve(), arguments.build_dir.resolve())

    blocks = list(parse((trees.root / "README.md").read_text(encoding="utf-8")))
    present = {block.kind for block in blocks}
    blocks += [
        Block(kind, 0, problem=f"README.md has no block of the kind {kind!r}")
        for kind in REQUIRED
        if kind not in present
    ]

    failures = 0
    print(f"1..{len(blocks)}")
    for number, block in enumerate(blocks, 1):
        name = f"{number} README.md:{block.line} {block.kind}"
        try:
            check(block, trees)
        except ExampleError as error:
            failures += 1
            print("not ok", name)
            for line in str(error).splitlines():
                print("#", line)
        else:
            print("ok", name)
        sys.stdout.flush()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
