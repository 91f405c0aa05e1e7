#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the examples in C of the documentation comments and print TAP.

Each block that is fenced as ``c`` is one. It is a program for the GObject API, or, without a
``main`` of its own, the body of one; it runs in a temporary directory and must exit with 0. Each
class must have one in its own comment. Blocks in other languages are left alone.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

from snippets import FENCE, Block, Trees, end_of_block, parse_arguments, report, run_c

COMMENT = re.compile(r"^[ \t]*/\*\*\n(.*?)^[ \t]*\*/", re.MULTILINE | re.DOTALL)
MARGIN = re.compile(r"^[ \t]*\* ?")
CLASS = re.compile(r"^G_DEFINE_(?:ABSTRACT_|FINAL_)?TYPE\w*\s*\(\s*(\w+)", re.MULTILINE)
MAIN = re.compile(r"^main \(", re.MULTILINE)


def line_at(text: str, offset: int) -> int:
    """Return the number of the line that the offset lies in."""
    return text.count("\n", 0, offset) + 1


def parse(file: str, text: str) -> Iterator[Block]:
    """Yield the examples of a source file, and a problem for each class without one."""
    illustrated = set()
    for comment in COMMENT.finditer(text):
        lines = [MARGIN.sub("", line) for line in comment[1].splitlines()]
        blocks = list(parse_comment(file, line_at(text, comment.start(1)), lines))
        yield from blocks
        if blocks:
            illustrated.add(lines[0])
    for definition in CLASS.finditer(text):
        if f"{definition[1]}:" not in illustrated:
            problem = f"{definition[1]} has no example in its documentation comment"
            yield Block("gobject", file, line_at(text, definition.start()), problem=problem)


def parse_comment(file: str, first: int, lines: list[str]) -> Iterator[Block]:
    """Yield the examples among the lines of a comment, the first of which has the number given."""
    number = 0
    while number < len(lines):
        end = end_of_block(lines, number)
        fence = FENCE.match(lines[number])
        if fence and end == len(lines):
            yield Block("gobject", file, first + number, problem="the fence is never closed")
        elif fence and fence[2] == "c":
            code = "\n".join(lines[number + 1 : end]) + "\n"
            yield Block("gobject", file, first + number + 1, code)
        number = end + 1


def run_example(block: Block, directory: str, trees: Trees) -> None:
    """Run an example, which is made a program if it is none."""
    code = block.code
    if not MAIN.search(code):
        code = (
            "#include <cimplstream/cimplstream.h>\n"
            "int main (void)\n{\n"
            f'#line {block.line} "{block.file}"\n{code}'
            "return 0;\n}\n"
        )
    run_c(block._replace(code=code), directory, trees)


def main() -> int:
    """Check all examples; return the exit status."""
    trees = parse_arguments(__doc__.splitlines()[0])
    files = sorted([*trees.root.glob("src/**/*.[ch]"), *trees.root.glob("include/**/*.h")])
    blocks = [
        block
        for path in files
        for block in parse(str(path.relative_to(trees.root)), path.read_text(encoding="utf-8"))
    ]
    return report(blocks, run_example, trees)


if __name__ == "__main__":
    sys.exit(main())
