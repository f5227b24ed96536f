# SPDX-License-Identifier: BSD-3-Clause
"""Docstrings name the exceptions that code raises, and no others of ours."""

import builtins
import inspect
import re
import sys

import pytest
from contract_cases import members, modules, read_docstring
from raised_cases import all_errors, own_errors
from traits.api import TraitError

from nipype_labels import interfaces
from nipype_labels.cli import RunError
from nipype_labels.core import errors
from nipype_labels.core.errors import GridError, ImageError, LabelsError
from nipype_labels.core.filters import check_repetition_time, remove_trend

PUBLIC = {name: each for module in modules() for name, each in members(module).items()}


def code_of(target):
    """The function whose code an object's docstring tells of, and the class that it belongs to; None without one."""
    if inspect.isclass(target):
        return vars(target).get('_run_interface', vars(target).get('__init__')), target
    if isinstance(target, property):
        target = target.fget
    function = inspect.unwrap(getattr(target, '__func__', target))
    owner = function.__qualname__.rpartition('.')[0]
    return function, getattr(sys.modules[function.__module__], owner, None) if owner else None


def find_class(name):
    """Class of exceptions that a docstring names."""
    known = {'TraitError': TraitError, 'RunError': RunError}
    return known.get(name) or getattr(errors, name, None) or getattr(builtins, name, None)


def told(target):
    """Names of exceptions in a docstring's section of them."""
    return [entry.type or entry.name for entry in read_docstring(target)['Raises']]


def has_sections(target):
    """Whether a docstring is, or must be, more than words."""
    return hasattr(target, '_run_interface') or re.search(r'^\w+\n---', inspect.getdoc(target) or '', re.MULTILINE)


def check_raises(target):
    """What is wrong with the exceptions that a docstring names."""
    function, owner = code_of(target)
    if function is None:
        return
    names = told(target)
    classes = [find_class(name) for name in names]
    yield from (f'{name} is no exception' for name, found in zip(names, classes, strict=True) if found is None)
    classes = tuple(found for found in classes if found is not None)
    if has_sections(target):
        raised = all_errors(function, owner)
        lacking = sorted(each.__name__ for each in raised if not issubclass(each, classes))
    else:
        lacking = sorted(each.__name__ for each in own_errors(function) if each.__name__ not in target.__doc__)
    yield from (f'{name} is raised, and not told' for name in lacking)
    possible = all_errors(function, owner, wide=True)
    for found in classes:
        if found.__module__ == errors.__name__ and not any(issubclass(each, found) for each in possible):
            yield f'{found.__name__} is told, and not raised'


@pytest.mark.parametrize('name', PUBLIC)
def test_docstrings_tell_what_is_raised(name):
    """By its name or that of its kind: in a section of those that have some, else in their words."""
    assert not list(check_raises(PUBLIC[name]))


@pytest.mark.parametrize('name', interfaces.__all__)
def test_nodes_tell_that_they_raise(name):
    """What a user did wrong is one kind of error, in the docstring of each."""
    assert 'LabelsError' in told(getattr(interfaces, name))


def direct():
    """Raise."""
    raise LabelsError('no')


def through_another():
    """Call what raises.

    Returns
    -------
    float
    """
    return check_repetition_time(0.0)


def named_by_kind():
    """Call what raises.

    Raises
    ------
    LabelsError
    """
    raise ImageError('no')


def caught():
    """Catch what is raised, and raise another.

    Raises
    ------
    GridError
    """
    try:
        direct()
    except (LabelsError, OSError) as e:
        raise GridError('no') from e


def not_raised():
    """Take the trend away.

    Raises
    ------
    LabelsError
    """
    remove_trend()


def unknown():
    """Do nothing.

    Raises
    ------
    LabelError
    """


def in_words():
    """Raise LabelsError."""
    raise LabelsError('no')


def too_narrow():
    """Raise.

    Raises
    ------
    ImageError
    """
    raise LabelsError('no')


class Node:
    """Raise.

    Raises
    ------
    GridError
    """

    def _run_interface(self, runtime):
        self._work()

    def _work(self):
        raise ImageError('no')


@pytest.mark.parametrize(
    ('target', 'said'),
    [
        (direct, ['LabelsError is raised, and not told']),
        (through_another, ['SignalError is raised, and not told']),
        (named_by_kind, []),
        (caught, []),
        (not_raised, ['LabelsError is told, and not raised']),
        (unknown, ['LabelError is no exception']),
        (in_words, []),
        (too_narrow, ['LabelsError is raised, and not told', 'ImageError is told, and not raised']),
        (Node, ['ImageError is raised, and not told', 'GridError is told, and not raised']),
    ],
    ids=lambda value: getattr(value, '__name__', ''),
)
def test_what_is_raised_and_not_told_or_told_and_not_raised_is_found(target, said, monkeypatch):
    """In code like that of the package."""
    monkeypatch.setattr('raised_cases.PACKAGE', ('nipype_labels', __name__))
    assert list(check_raises(target)) == said
