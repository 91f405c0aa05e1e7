#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check the introspection data and print TAP, a line per symbol that is documented in it.

Each symbol, parameter and result must be documented, and each symbol but fields must say since
when it is there; so must what is for C alone. Furthermore, of what other languages can see:

- what is returned says explicitly who owns it;
- a parameter or result whose text knows `NULL` is nullable or optional;
- a method or function that throws names one of the error codes that it has of its own;
- what the text refers to, be it a parameter, a constant or a link, exists;
- no buffer or callback is passed in a way that another language cannot follow;
- nothing of the plain C API is visible.
"""

from __future__ import annotations

import argparse
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Iterator, NamedTuple

CORE = "{http://www.gtk.org/introspection/core/1.0}"
C = "{http://www.gtk.org/introspection/c/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"

FUNCTIONS = ("constructor", "function", "method")
CALLABLES = (*FUNCTIONS, "virtual-method", "callback", "signal")
CONTAINERS = ("class", "interface", "record", "union", "enumeration", "bitfield")
SYMBOLS = (*CALLABLES, *CONTAINERS, "property", "constant", "alias", "field")

# Functions of the plain C API that serve as methods, too: they need no GError.
BOTH_FACES = {"cimpl_stream_clear_failure"}

# What a link such as [method@Namespace.Class.name] may lead to.
LINKS = {
    "class": ("class",),
    "const": ("constant",),
    "ctor": ("constructor",),
    "enum": ("enumeration",),
    "error": ("enumeration",),
    "flags": ("bitfield",),
    "func": ("function",),
    "iface": ("interface",),
    "method": ("method",),
    "property": ("property",),
    "signal": ("signal",),
    "struct": ("record",),
    "vfunc": ("virtual-method",),
}
LINK = re.compile(r"\[(\w+)@(\w+)\.([\w.:-]+)\]")
CONSTANT = re.compile(r"%(CIMPL_\w+)")
ARGUMENT = re.compile(r"(?<!\w)@(\w+)")



class Symbol(NamedTuple):
    """An element that other languages can see, the elements around it, and its dotted name."""

    element: ElementTree.Element
    parent: ElementTree.Element
    name: str


class Trees(NamedTuple):
    """The source and the build tree."""

    root: Path
    build: Path

    def read(self, filename: str) -> str:
        """Return the text of a source file, which may be a generated one."""
        paths = [tree / filename for tree in self]
        return next(path for path in paths if path.exists()).read_text(encoding="utf-8")


def kind(element: ElementTree.Element) -> str:
    """Return the tag without its namespace."""
    return element.tag.rpartition("}")[2]


def find(element: ElementTree.Element, *path: str) -> list[ElementTree.Element]:
    """Return the elements at a path of tags."""
    return element.findall("/".join(CORE + tag for tag in path))


def is_for_c_alone(element: ElementTree.Element) -> bool:
    """Tell whether an element is public in C and hidden from other languages.

    Not one that the namespace has only so that another one can take its name.
    """
    if is_visible(element) or "moved-to" in element.attrib:
        return False
    is_public = kind(element) in (*FUNCTIONS, "virtual-method", "callback", "record")
    return is_public and ("shadowed-by" not in element.attrib or bool(text_of(element)))


def is_visible(element: ElementTree.Element) -> bool:
    """Tell whether the typelib has an element."""
    hidden = element.get("introspectable") == "0" or element.get("private") == "1"
    return not hidden and "shadowed-by" not in element.attrib


def visible_symbols(parent: ElementTree.Element, prefix: str) -> Iterator[Symbol]:
    """Yield the symbols in an element, and those in them."""
    for element in parent:
        if kind(element) in SYMBOLS and is_visible(element):
            name = f"{prefix}.{element.get('shadows', element.get('name'))}"
            yield Symbol(element, parent, name)
            if kind(element) in CONTAINERS:
                yield from visible_symbols(element, name)


def hidden_symbols(namespace: ElementTree.Element) -> Iterator[Symbol]:
    """Yield what is for C alone, by its name in C."""
    for parent in namespace.iter():
        if kind(parent) in ("namespace", *CONTAINERS):
            for element in filter(is_for_c_alone, parent):
                name = element.get(f"{C}identifier") or element.get(f"{C}type")
                yield Symbol(element, parent, name or element.get("name", ""))


def text_of(element: ElementTree.Element) -> str:
    """Return the documentation of an element alone."""
    return (element.findtext(f"{CORE}doc") or "").strip()


def is_pointer(element: ElementTree.Element) -> bool:
    """Tell whether a result is a pointer, and so has an owner; an out-parameter is one to it."""
    types = [child for child in element if kind(child) in ("type", "array")]
    stars = types[0].get(f"{C}type", "").count("*") if types else 0
    return stars > (1 if element.get("direction") == "out" else 0)


def is_null_missing(function: ElementTree.Element, value: ElementTree.Element, text: str) -> bool:
    """Tell whether NULL is in the text of a parameter or a result, and not in the data.

    By convention a result that is `NULL` only together with an error is not nullable.
    """
    if function.get("throws") == "1":
        text = text.replace("`NULL` on error", "")
    text = text.replace("not `NULL`", "")
    return "NULL" in text and not {"nullable", "optional"} & value.attrib.keys()


def is_untyped(element: ElementTree.Element) -> bool:
    """Tell whether all that is known of a parameter is that it is a pointer."""
    names = {child.get("name") for child in find(element, "type")}
    return not names.isdisjoint({"gpointer", "gconstpointer"})


class Checker:
    """Knows all there is to see, and finds what is wrong with a symbol."""

    def __init__(self, trees: Trees) -> None:
        self.trees = trees
        gir = trees.build / "src" / "CimplStream-1.0.gir"
        (namespace,) = find(ElementTree.parse(gir).getroot(), "namespace")
        self.name = namespace.get("name", "")
        self.symbols = list(visible_symbols(namespace, self.name))
        self.hidden_symbols = list(hidden_symbols(namespace))
        self.targets = {(kind(symbol.element), symbol.name) for symbol in self.symbols}
        self.callbacks = {callback.get("name") for callback in find(namespace, "callback")}
        self.final_classes = {
            final.get("name") for final in find(namespace, "class") if final.get("final") == "1"
        }

        headers = [*trees.root.glob("include/**/*.h"), *trees.build.glob("include/**/*.h")]
        code = {path.name: remove_comments(path.read_text(encoding="utf-8")) for path in headers}
        self.constants = set(re.findall(r"\bCIMPL_\w+", "".join(code.values())))
        plain = code["cimpl_stream.h"]
        self.plain_functions = set(re.findall(r"\b(cimpl_\w+) \(", plain)) - BOTH_FACES
        self.plain_types = set(re.findall(r"\b(Cimpl\w+)", plain))

    def problems(self, symbol: Symbol) -> Iterator[str]:
        """Yield what is wrong with a symbol."""
        element = symbol.element
        if self.is_plain(element):
            yield f"{element.get(f'{C}identifier', element.get(f'{C}type'))} is for plain C alone"
        if kind(element) == "field" and find(element, "callback"):
            yield from self.slot_problems(symbol)
        elif not self.is_class_of_final(symbol):
            yield from self.documentation_problems(element)
        if kind(element) in CALLABLES:
            yield from self.callable_problems(symbol)

    def problems_in_c(self, symbol: Symbol) -> Iterator[str]:
        """Yield what is wrong with a symbol that is for C alone."""
        yield from self.documentation_problems(symbol.element)
        if kind(symbol.element) in CALLABLES:
            yield from undocumented_values(symbol.element)

    def is_plain(self, element: ElementTree.Element) -> bool:
        if kind(element) in FUNCTIONS:
            return element.get(f"{C}identifier") in self.plain_functions
        is_type = kind(element) in ("alias", "callback", "record", "union")
        return is_type and element.get(f"{C}type") in self.plain_types

    def is_class_of_final(self, symbol: Symbol) -> bool:
        """Tell whether a symbol is the class struct of a final class, or its one field.

        G_DECLARE_FINAL_TYPE() declares it, and nobody can do anything with it.
        """
        record = symbol.parent if kind(symbol.element) == "field" else symbol.element
        return record.get(f"{GLIB}is-gtype-struct-for") in self.final_classes

    def slot_problems(self, symbol: Symbol) -> Iterator[str]:
        """Yield a problem unless a slot of a class is a virtual method, which documents it."""
        owner = symbol.parent.get(f"{GLIB}is-gtype-struct-for")
        name = f"{self.name}.{owner}.{symbol.element.get('name')}"
        if ("virtual-method", name) not in self.targets:
            yield "no virtual method documents it"

    def documentation_problems(self, element: ElementTree.Element) -> Iterator[str]:
        if not text_of(element):
            yield "has no documentation"
        if kind(element) != "field" and not element.get("version"):
            yield "has no 'Since:'"
        for member in find(element, "member"):
            if not text_of(member):
                yield f"the value {member.get('name')} has no documentation"
        yield from self.reference_problems(element)

    def callable_problems(self, symbol: Symbol) -> Iterator[str]:
        element = symbol.element
        yield from undocumented_values(element)
        for what, value in values(element):
            text = text_of(value)
            if is_null_missing(element, value, text):
                yield f"{what} may be NULL by its text, and is neither nullable nor optional"
            is_result = kind(value) == "return-value" or value.get("direction") in ("out", "inout")
            if is_result and is_pointer(value) and "(transfer " not in self.annotations(value):
                yield f"{what} does not say explicitly who owns it"
        if kind(element) in FUNCTIONS and element.get("throws") == "1":
            if not re.search(r"%CIMPL_STREAM_ERROR_\w", text_of(element)):
                yield "throws, and names no error code"
        yield from self.marshalling_problems(element)

    def annotations(self, value: ElementTree.Element) -> str:
        """Return the first line of the comment that a parameter or a result is documented with."""
        doc = value.find(f"{CORE}doc")
        if doc is None:
            return ""
        lines = self.trees.read(doc.get("filename", "")).splitlines()
        return lines[int(doc.get("line", 0)) - 1]

    def marshalling_problems(self, element: ElementTree.Element) -> Iterator[str]:
        """Yield the parameters that no other language can make use of."""
        parameters = find(element, "parameters", "parameter")
        closures = {int(value.get("closure", -1)) for value in parameters}
        for index, value in enumerate(parameters):
            name = value.get("name")
            if value.get("caller-allocates") == "1" and find(value, "array"):
                yield f"@{name} is a buffer that the caller must provide"
            if is_untyped(value) and index not in closures:
                yield f"@{name} is an untyped pointer"
            is_callback = "closure" in value.attrib or self.is_callback(value)
            if kind(element) == "virtual-method" and is_callback:
                yield f"@{name} cannot be called by an override"

    def is_callback(self, value: ElementTree.Element) -> bool:
        return any(child.get("name") in self.callbacks for child in find(value, "type"))

    def reference_problems(self, element: ElementTree.Element) -> Iterator[str]:
        """Yield what the text refers to and is not there."""
        names = {what: value for what, value in values(element)}
        children = names.values() if names else find(element, "member")
        text = "\n".join([text_of(element), *(text_of(child) for child in children)])
        for target, namespace, name in LINK.findall(text):
            if target not in LINKS:
                yield f"[{target}@{namespace}.{name}] is no kind of link"
            elif namespace == self.name:
                path = re.sub(":+", ".", f"{namespace}.{name}")
                if not any((tag, path) in self.targets for tag in LINKS[target]):
                    yield f"[{target}@{namespace}.{name}] leads nowhere"
        for name in CONSTANT.findall(text):
            if name not in self.constants:
                yield f"there is no constant {name}"
        if kind(element) in CALLABLES:
            for name in ARGUMENT.findall(LINK.sub("", text)):
                if f"@{name}" not in (*names, "@error"):
                    yield f"there is no parameter {name}"


def values(element: ElementTree.Element) -> Iterator[tuple[str, ElementTree.Element]]:
    """Yield the parameters and the result of a callable, each with how to name it."""
    for tag in ("instance-parameter", "parameter"):
        for value in find(element, "parameters", tag):
            yield f"@{value.get('name')}", value
    for value in find(element, "return-value"):
        if [child.get("name") for child in find(value, "type")] != ["none"]:
            yield "the result", value


def undocumented_values(element: ElementTree.Element) -> Iterator[str]:
    """Yield the parameters of a callable, and its result, that nothing is said about."""
    for what, value in values(element):
        if not text_of(value):
            yield f"{what} has no documentation"


def remove_comments(code: str) -> str:
    """Return C code without comments."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", code, flags=re.DOTALL)


def main() -> int:
    """Check all symbols; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="the source tree")
    parser.add_argument("--build-dir", type=Path, required=True, help="the build tree")
    arguments = parser.parse_args()
    checker = Checker(Trees(arguments.root, arguments.build_dir))
    if not checker.symbols or not checker.plain_functions:
        print("Bail out! There is nothing to check")
        return 1

    found = [(symbol, list(checker.problems(symbol))) for symbol in checker.symbols]
    found += [(symbol, list(checker.problems_in_c(symbol))) for symbol in checker.hidden_symbols]
    failures = 0
    print(f"1..{len(found)}")
    for number, (symbol, problems) in enumerate(found, 1):
        failures += bool(problems)
        print("not ok" if problems else "ok", number, kind(symbol.element), symbol.name)
        for problem in problems:
            print("#", problem)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
