# SPDX-License-Identifier: MIT
"""The introspected functions, raising what the methods of a file do.

Needs PyGObject; loaded by its overrides, gi/overrides/CimplStream.py, and by nothing else.
"""

from __future__ import annotations

from functools import wraps
from importlib import import_module
from inspect import getattr_static
from typing import Any

from ._gobject_errors import call, introspected

_module: Any = import_module("gi.module")  # untyped, whatever stubs are installed


def get_value(result: Any) -> Any:
    """Return what a function of C returned beside a True: what fails raises."""
    if isinstance(result, tuple) and result[0] is True:
        rest = tuple(result[1:])
        return rest[0] if len(rest) == 1 else rest
    return result


def _check(function: Any) -> Any:
    """Return an introspected function that raises as the methods of a file do."""

    @wraps(function)
    def checked(*arguments: Any, **keywords: Any) -> Any:
        return get_value(call(function, *arguments, **keywords))

    checked.__doc__ = function.__doc__.replace("-> bool, ", "-> ")
    return checked


def _check_member(member: Any) -> Any:
    """Return what stands for `member` of a class; `None` if that is no function that fails."""
    function = getattr(member, "__func__", member)  # what the class structure has is bound to it
    if not (isinstance(function, _module.FunctionInfo) and function.can_throw_gerror()):
        return None
    if function.is_constructor() or isinstance(member, classmethod):
        return classmethod(_check(function))
    return _check(function) if function.is_method() else staticmethod(_check(function))


def _check_class(cls: Any, introspected_class: Any) -> None:
    """Let the introspected methods of a class raise what the methods of a file do.

    What `cls`, which is the class itself or stands for it, has put in their places stays.
    """
    for name, member in list(vars(introspected_class).items()):
        checked = _check_member(member)
        if checked is not None and getattr_static(cls, name) is member:
            setattr(cls, name, checked)


def check_namespace(overrides: dict[str, Any]) -> dict[str, Any]:
    """Do so in all classes; return the functions of the namespace that are to be put in.

    `overrides` has the classes that stand for introspected ones.
    """
    functions = {}
    for info in _module.repository.get_infos("CimplStream"):
        name = info.get_name()
        if isinstance(info, _module.FunctionInfo):
            if info.can_throw_gerror():
                functions[name] = _check(info)
        elif any(method.can_throw_gerror() for method in getattr(info, "get_methods", list)()):
            cls = getattr(introspected, name)
            _check_class(overrides.get(name, cls), cls)
    return functions
