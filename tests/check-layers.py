#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that no file of the library includes what is above it, and print TAP, a line per file.

The folders of src are the layers, a public header belongs where its .c file is, and all may include
their own layer and those below. In src/streams, furthermore, a class knows no other class but the
filter stream, and a private header serves the files of one class; what more of them need belongs
into src/core.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Iterator

LAYERS = ("core", "streams", "adapters", "plain")  # from below
GENERATED = {"cimpl-enum-types", "cimpl-version"}  # from public headers, which all may include
SHARED_CLASS = "cimpl-filter-stream"

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<(cimpl[^>]+)>)', re.MULTILINE)


def type_of(path: str) -> str:
    """Return the name that the files and headers of a type share."""
    return Path(path).stem.removesuffix("-private")


class Tree:
    """The files of the library, and what they include."""

    def __init__(self, root: Path) -> None:
        sources = {layer: sorted((root / "src" / layer).glob("*.[ch]")) for layer in LAYERS}
        headers = sorted((root / "include/cimplstream").glob("*-*.h"))
        self.layers = dict.fromkeys(GENERATED, LAYERS[0])
        for layer, files in sources.items():
            self.layers.update((type_of(file.name), layer) for file in files)
        self.includes = {
            str(file.relative_to(root)): [quoted or angled for quoted, angled in INCLUDE.findall(
                file.read_text(encoding="utf-8"))]
            for file in (*(file for files in sources.values() for file in files), *headers)
        }
        self.classes = {
            type_of(header.name) for header in headers
            if self.layers.get(type_of(header.name)) == "streams"
        }
        self.users = defaultdict(set)  # the classes that include a header of src/streams
        for file, includes in self.includes.items():
            for included in includes:
                self.users[included].update(self.classes_of(file))

    def classes_of(self, file: str) -> list[str]:
        """Return the class of streams that a file belongs to, as far as its name says."""
        kind = type_of(file).split("-")[1]
        is_stream = self.layers.get(type_of(file)) == "streams"
        return [name for name in self.classes if is_stream and name == f"cimpl-{kind}-stream"]

    def problems(self, file: str) -> Iterator[str]:
        """Yield what is wrong with the includes of a file."""
        if type_of(file) not in self.layers:
            yield "no file in src says which layer it belongs to"
            return
        layer = self.layers[type_of(file)]
        for included in self.includes[file]:
            folder, _, name = included.rpartition("/")
            other = self.layers.get(type_of(name))
            if included in ("config.h", "cimpl_stream.h"):
                continue
            if other is None or folder not in (other, "cimplstream"):
                yield f"{included} is not a known header, spelled with its folder"
            elif LAYERS.index(other) > LAYERS.index(layer):
                yield f"{included} is of {other}, which is above {layer}"
            elif layer == other == "streams" and type_of(name) != SHARED_CLASS:
                yield from self.neighbours(file, included)

    def neighbours(self, file: str, included: str) -> Iterator[str]:
        """Yield what is wrong with an include of one file of src/streams in another."""
        if type_of(included) in self.classes:
            if type_of(included) not in self.classes_of(file):
                yield f"{included} is of another class of streams"
        elif len(self.users[included]) > 1:
            yield f"{included} serves several classes: {', '.join(sorted(self.users[included]))}"


def main() -> int:
    """Check all files; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="the source tree")
    tree = Tree(parser.parse_args().root)
    if not tree.classes:
        print("Bail out! There is nothing to check")
        return 1

    failures = 0
    print(f"1..{len(tree.includes)}")
    for number, file in enumerate(tree.includes, 1):
        problems = list(tree.problems(file))
        failures += bool(problems)
        print("not ok" if problems else "ok", number, file)
        for problem in problems:
            print("#", problem)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
