# SPDX-License-Identifier: MIT
"""Examples in the documentation: how those in C are compiled, and how all are reported."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, NamedTuple

TIMEOUT = 60  # seconds, for each command; less than Meson allows for them all

FENCE = re.compile(r"\s*(```+|~~~+)\s*(\w*)\s*$")


class ExampleError(Exception):
    """What is wrong with an example."""


class Block(NamedTuple):
    """An example; `line` is the number of its first line, `problem` says why it cannot run.

    `kind` is "c" or "gobject", for a C program for the plain or for the GObject API, or whatever
    else the caller knows.
    """

    kind: str
    file: str
    line: int
    code: str = ""
    problem: str = ""


class Trees(NamedTuple):
    """The source and the build tree."""

    root: Path
    build: Path


def parse_arguments(description: str) -> Trees:
    """Return the trees that the command line names."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=Path, required=True, help="the source tree")
    parser.add_argument("--build-dir", type=Path, required=True, help="the build tree")
    arguments = parser.parse_args()
    return Trees(arguments.root.resolve(), arguments.build_dir.resolve())


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


def environment(directory: str, trees: Trees) -> dict[str, str]:
    """Return the environment in which the library of the build tree is as good as installed.

    Temporary files belong in the directory.
    """
    paths = {
        "GI_TYPELIB_PATH": trees.build / "src",
        "LD_LIBRARY_PATH": trees.build / "src",
        "PKG_CONFIG_PATH": trees.build / "meson-uninstalled",
        "PYTHONPATH": trees.root / "python",
    }
    library = trees.build / "src" / "libcimpl_stream.so"
    env = dict(os.environ, CIMPL_STREAM_LIBRARY=str(library), TMPDIR=directory)
    for name, path in paths.items():
        env[name] = os.pathsep.join(filter(None, [str(path), os.environ.get(name)]))
    return env


def run(command: list[str], directory: str, trees: Trees) -> str:
    """Run a command and return what it prints; raise ExampleError if it fails."""
    try:
        process = subprocess.run(
            command,
            cwd=directory,
            env=environment(directory, trees),
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
    source = Path(directory, "example.c")
    source.write_text(f'#line {block.line} "{block.file}"\n{block.code}', encoding="utf-8")
    libraries = trees.build / "src"
    command = [
        *shlex.split(os.environ.get("CC", "cc")),
        "-std=gnu11" if block.kind == "gobject" else "-std=c99",
        *("-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"),
        *(f"-I{trees.root / 'include'}", f"-I{trees.build / 'include'}"),
        *("-o", "example", source.name),
        *(f"-L{libraries}", f"-Wl,-rpath,{libraries}", "-lcimpl_stream"),
    ]
    if block.kind == "gobject":
        flags = run(["pkg-config", "--cflags", "--libs", "gio-2.0"], directory, trees)
        command += shlex.split(flags)
    run(command, directory, trees)
    run([str(Path(directory, "example"))], directory, trees)


def report(blocks: list[Block], runner: Callable[[Block, str, Trees], None], trees: Trees) -> int:
    """Run each block in a directory of its own and print TAP; return the exit status."""
    failures = 0
    print(f"1..{len(blocks)}")
    for number, block in enumerate(blocks, 1):
        name = f"{number} {block.file}:{block.line} {block.kind}"
        try:
            if block.problem:
                raise ExampleError(block.problem)
            with tempfile.TemporaryDirectory() as directory:
                runner(block, directory, trees)
        except ExampleError as error:
            failures += 1
            print("not ok", name)
            for line in str(error).splitlines():
                print("#", line)
        else:
            print("ok", name)
        sys.stdout.flush()
    return 1 if failures else 0
