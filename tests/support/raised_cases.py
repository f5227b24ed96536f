# SPDX-License-Identifier: BSD-3-Clause
"""Which exceptions functions raise, read from their code: in their own bodies, and in what of the package they call."""

import ast
import builtins
import functools
import inspect
import textwrap
from collections import defaultdict
from contextlib import suppress

from contract_cases import modules

import nipype_labels

PACKAGE = nipype_labels.__name__


@functools.cache
def parse(function):
    """Tree of a function's code; empty where there is none, as of what a class of data is made by."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except OSError:
        return ast.Pass()


def resolve(node, scope):
    """What a name, or an attribute of a module or class, stands for; None if that can't be told."""
    if isinstance(node, ast.Name):
        return scope.get(node.id, getattr(builtins, node.id, None))
    if isinstance(node, ast.Attribute):
        owner = resolve(node.value, scope)
        return getattr(owner, node.attr, None) if inspect.ismodule(owner) or inspect.isclass(owner) else None
    return None


def is_error(found):
    """Whether something is a class of exceptions."""
    return inspect.isclass(found) and issubclass(found, BaseException)


def kinds(node, scope):
    """Classes of exceptions that an ``except`` or a ``suppress`` names, one or several."""
    named = node.elts if isinstance(node, ast.Tuple) else [node]
    return tuple(kind for kind in (resolve(each, scope) for each in named) if is_error(kind))


def caught(node, scope):
    """Classes of exceptions that do not leave the body of a ``try`` or ``with``."""
    if isinstance(node, ast.Try):
        bare = any(handler.type is None for handler in node.handlers)
        return (BaseException,) if bare else tuple(k for h in node.handlers for k in kinds(h.type, scope))
    calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
    return tuple(k for c in calls if resolve(c.func, scope) is suppress for each in c.args for k in kinds(each, scope))


def errors(node, scope, called):
    """Exceptions that leave a piece of code; ``called`` gives those of a call."""
    found = set()
    if isinstance(node, ast.Raise) and node.exc is not None:
        raised = resolve(node.exc.func if isinstance(node.exc, ast.Call) else node.exc, scope)
        found |= {raised} if is_error(raised) else set()
    if isinstance(node, ast.Call):
        found |= called(node.func)
    within = node.body if isinstance(node, ast.Try | ast.With) else []
    for child in within:
        taken = caught(node, scope)
        found |= {each for each in errors(child, scope, called) if not issubclass(each, taken)}
    for child in ast.iter_child_nodes(node):
        found |= errors(child, scope, called) if child not in within else set()
    return found


@functools.cache
def methods():
    """All methods of the package's classes, by name, each with its class."""
    found = defaultdict(list)
    for module in modules():
        for value in vars(module).values():
            if inspect.isclass(value) and value.__module__ == module.__name__:
                for name, method in vars(value).items():
                    if inspect.isfunction(method):
                        found[name].append((method, value))
    return found


def own_errors(function):
    """Exceptions that a function's own body raises and does not catch."""
    function = inspect.unwrap(function)
    return errors(parse(function), function.__globals__, lambda _: set())


def all_errors(function, owner=None, wide=False, seen=()):
    """Exceptions that a function raises, itself or in what of the package it calls.

    Parameters
    ----------
    function : function
    owner : type, optional
        Whose method it is: what it calls of ``self`` is looked up there.
    wide : bool
        Take a call of an object's method for one of each method of that name: more than what is raised. Else it is
        left out, and the answer may be less.
    seen : tuple of function
        Callers, so that circles end.
    """
    function = inspect.unwrap(function)

    def called(node):
        target, holder = resolve(node, function.__globals__), None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == 'self':
            target, holder = getattr(owner, node.attr, None), owner
        if inspect.isclass(target) and target.__module__.startswith(PACKAGE) and not is_error(target):
            target, holder = vars(target).get('__init__'), target
        if target is None and wide and isinstance(node, ast.Attribute):
            return {error for method, of in methods()[node.attr] for error in follow(method, of)}
        return follow(target, holder)

    def follow(target, holder):
        if not inspect.isfunction(target) or not target.__module__.startswith(PACKAGE) or target in seen:
            return set()
        return all_errors(target, holder, wide, (*seen, function))

    return errors(parse(function), function.__globals__, called)
