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

import re
import sys
from pathlib import Path
from typing import Iterator

from snippets import FENCE, Block, Trees, end_of_block, parse_arguments, report, run, run_c

README = "README.md"
LANGUAGES = {"c": "c", "gobject": "c", "js": "js", "python": "python", "sh": "sh"}
REQUIRED = ("c", "gobject", "js", "python")

MARK = re.compile(r"\s*<!--\s*test:\s*(.*?)\s*-->\s*$")


def parse(text: str) -> Iterator[Block]:
    """Yield the marked blocks of a Markdown text."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        mark = MARK.match(lines[number])
        if mark:
            yield parse_block(mark[1], lines, number + 1)
        number = end_of_block(lines, number) + 1


def parse_block(kind: str, lines: list[str], start: int) -> Block:
    """Return the block marked as `kind` that must start at the index `start`."""
    first = start + 2  # lines have numbers from 1, and the code starts after the fence
    if kind not in LANGUAGES:
        return Block(kind, README, first, problem=f"unknown kind; there are {', '.join(LANGUAGES)}")
    fence = FENCE.match(lines[start]) if start < len(lines) else None
    if not fence:
        return Block(kind, README, first, problem="no fenced block follows the comment at once")
    if fence[2] != LANGUAGES[kind]:
        problem = f"the block is marked {fence[2]!r}, not {LANGUAGES[kind]!r}"
        return Block(kind, README, first, problem=problem)
    end = end_of_block(lines, start)
    if end == len(lines):
        return Block(kind, README, first, problem="the fence is never closed")
    return Block(kind, README, first, "\n".join(lines[start + 1 : end]) + "\n")


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


def run_block(block: Block, directory: str, trees: Trees) -> None:
    """Run a block of any kind."""
    RUNNERS[block.kind](block, directory, trees)


def main() -> int:
    """Check all blocks; return the exit status."""
    trees = parse_arguments(__doc__.splitlines()[0])
    blocks = list(parse((trees.root / README).read_text(encoding="utf-8")))
    present = {block.kind for block in blocks}
    blocks += [
        Block(kind, README, 0, problem=f"{README} has no block of the kind {kind!r}")
        for kind in REQUIRED
        if kind not in present
    ]
    return report(blocks, run_block, trees)


if __name__ == "__main__":
    sys.exit(main())
