# SPDX-License-Identifier: MIT
"""The stub of gi.repository.CimplStream says what there is when a program runs, and all of it."""

import ast
import inspect
from pathlib import Path

import cimpl_stream
import gi
import pytest
from cimpl_stream._stream import StreamFile
from gi.module import get_introspection_module

gi.require_version("CimplStream", "1.0")
from gi.repository import CimplStream, Gio, GLib, GObject  # noqa: E402

STUB = Path(__file__).resolve().parents[2] / "python/gi-stubs/repository/CimplStream.pyi"
MODULE = ast.parse(STUB.read_text(encoding="utf-8"))
CLASSES = {node.name: node for node in MODULE.body if isinstance(node, ast.ClassDef)}
SCOPE = {
    "Gio": Gio,
    "GLib": GLib,
    "GObject": GObject,
    "StreamFile": StreamFile,
    "cimpl_stream": cimpl_stream,
    **{name: getattr(CimplStream, name, None) for name in CLASSES},
}
INTROSPECTED = get_introspection_module("CimplStream").Stream  # below that of the overrides

NOT_FOR_PROGRAMS = {
    "parent_instance",  # a field of C
    "_restore_origin",  # called by Stream
}
OF_PROPERTIES = {"Props", "props", "__init__"}  # in a class that has Props


def is_public(name):
    return not name.startswith("_") and name not in NOT_FOR_PROGRAMS


def declared(body):
    """Return what a body of the stub declares, by name."""
    nodes = {}
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            nodes[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            nodes[node.target.id] = node
    if "Props" in nodes:
        nodes = {name: node for name, node in nodes.items() if name not in OF_PROPERTIES}
    return nodes


def stated_bases(name):
    """Return the base classes of a class, all the way up, as the stub says."""
    nodes = CLASSES[name].bases
    return {base for node in nodes for base in eval(ast.unparse(node), SCOPE).__mro__}


def namespace_members():
    """Return the public members of the namespace, without the class structures of C."""
    members = {name: getattr(CimplStream, name) for name in filter(is_public, dir(CimplStream))}
    for name, member in list(members.items()):
        if isinstance(member, type) and issubclass(member, GObject.GPointer):
            del members[name]
    return members


def class_members(cls):
    """Return the public members that `cls` does not have from a base class of the stub."""
    members = {}
    for name in dir(cls):
        owner = next((base for base in cls.__mro__ if name in vars(base)), cls)
        special = owner is cls and inspect.isfunction(vars(cls).get(name))
        if (is_public(name) or special and name.startswith("__")) and (
            owner not in stated_bases(cls.__name__)
        ):
            members[name] = getattr(cls, name)
    return members


def kind_in_stub(node):
    kinds = {ast.ClassDef: "class", ast.FunctionDef: "function", ast.AnnAssign: "variable"}
    return kinds[type(node)]


def kind_of(member):
    if isinstance(member, type):
        return "class"
    return "function" if callable(member) else "variable"


def parameters_in_stub(arguments):
    """Return the name, the kind and whether there is a default, for each parameter."""
    positional = arguments.posonlyargs + arguments.args
    first_default = len(positional) - len(arguments.defaults)
    parameters = []
    for index, node in enumerate(positional):
        kind = "POSITIONAL_ONLY" if node in arguments.posonlyargs else "POSITIONAL_OR_KEYWORD"
        parameters.append((node.arg, kind, index >= first_default))
    if arguments.vararg is not None:
        parameters.append((arguments.vararg.arg, "VAR_POSITIONAL", False))
    for node, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        parameters.append((node.arg, "KEYWORD_ONLY", default is not None))
    if arguments.kwarg is not None:
        parameters.append((arguments.kwarg.arg, "VAR_KEYWORD", False))
    return parameters


def parameters_of(function):
    """Return the same for a function that can be called."""
    introspected = inspect.unwrap(function)
    if inspect.isfunction(introspected):
        return [
            (parameter.name, parameter.kind.name, parameter.default is not parameter.empty)
            for parameter in inspect.signature(function).parameters.values()
        ]
    # PyGObject shows the parameters in the documentation alone, before the result.
    head = introspected.__doc__.partition(" -> ")[0]
    return parameters_in_stub(ast.parse(f"def {head}: ...").body[0].args)


def check(members, body):
    """Compare the members of the namespace, or of a class, with a body of the stub."""
    nodes = declared(body)
    kinds = {name: kind_of(member) for name, member in members.items()}
    assert {name: kind_in_stub(node) for name, node in nodes.items()} == kinds
    for name, node in nodes.items():
        if isinstance(node, ast.FunctionDef):
            parameters = parameters_in_stub(node.args)
            if parameters and parameters[0][0] == "cls":
                del parameters[0]
            assert (name, parameters) == (name, parameters_of(members[name]))


def test_namespace():
    """The namespace has the same members, of the same kinds, with the same parameters."""
    check(namespace_members(), MODULE.body)


@pytest.mark.parametrize("name", CLASSES)
def test_class(name):
    """So has each class."""
    members = class_members(SCOPE[name])
    if name == "CimplStreamError":  # has them when it is made
        inherited = cimpl_stream.CimplStreamError.__annotations__
        made = vars(CimplStream.CimplStreamError())
        members.update((key, made[key]) for key in made.keys() - inherited if is_public(key))
    check(members, CLASSES[name].body)


@pytest.mark.parametrize("name", CLASSES)
def test_decorators(name):
    """A method of the stub is static if it has neither self nor cls."""
    decorators = {"self": set(), "cls": {"classmethod"}}
    for node in declared(CLASSES[name].body).values():
        if isinstance(node, ast.FunctionDef):
            first = next((parameter for parameter, _, _ in parameters_in_stub(node.args)), "")
            stated = {decorator.id for decorator in node.decorator_list}
            assert (node.name, stated) == (node.name, decorators.get(first, {"staticmethod"}))


@pytest.mark.parametrize("name", CLASSES)
def test_bases(name):
    """A class has the base classes that the stub says, and no others."""
    cls = SCOPE[name]
    assert set(cls.__mro__) - {cls, INTROSPECTED} == stated_bases(name) - {INTROSPECTED}


@pytest.mark.parametrize("name", CLASSES)
def test_properties(name):
    """A class adds the properties that its Props has, and can be made with them."""
    nodes = {node.name: node for node in CLASSES[name].body if hasattr(node, "name")}
    inherited = getattr(SCOPE[name], "list_properties", list)()
    inherited = [each for each in inherited if each.owner_type.name.startswith("Cimpl")]
    properties = [each for each in inherited if each.owner_type == SCOPE[name].__gtype__]
    if not properties:
        assert "Props" not in nodes
        return
    assert {
        property.name.replace("-", "_"): not property.flags & GObject.ParamFlags.CONSTRUCT_ONLY
        for property in properties
        if property.flags & GObject.ParamFlags.READABLE
    } == {
        member.name if isinstance(member, ast.FunctionDef) else member.target.id: isinstance(
            member, ast.AnnAssign
        )
        for member in nodes["Props"].body
    }
    parameters = {node.arg for node in nodes["__init__"].args.kwonlyargs}
    assert parameters == {property.name.replace("-", "_") for property in inherited}


@pytest.mark.parametrize(
    "name", ["FaultOperation", "FaultUnit", "SeekMode", "StreamError", "StreamFlags"]
)
def test_values(name):
    """The values of an enumeration have its type."""
    for value, node in declared(CLASSES[name].body).items():
        if isinstance(node, ast.AnnAssign):
            assert type(getattr(SCOPE[name], value)) is SCOPE[name]
            assert ast.unparse(node.annotation) == f"ClassVar[{name}]"


@pytest.mark.parametrize("name", ["get_flags", "get_size"])
def test_help(name):
    """What help() says of a method does not mention the boolean that only C has."""
    documentation = getattr(CimplStream.Stream, name).__doc__
    assert documentation.startswith(f"{name}(self")
    assert "bool" not in documentation
