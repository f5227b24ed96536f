# SPDX-License-Identifier: BSD-3-Clause
"""What the package holds, found by looking: modules, public objects, and their docstrings as numpydoc reads them."""

import ast
import importlib
import inspect
import pkgutil
import re
import warnings

from numpydoc.docscrape import FunctionDoc, NumpyDocString, get_doc_object
from numpydoc.validate import Validator, validate

import nipype_labels

#: Sections of factories, beside numpydoc's and after them.
FIELDS = ('Inputs', 'Outputs')


class GraphDoc(FunctionDoc):
    """Docstring of a function; factories tell the fields of their graph too."""

    sections = {**NumpyDocString.sections, **{section: [] for section in FIELDS}}

    def __setitem__(self, key, value):
        super().__setitem__(key, self._parse_param_list(value) if key in FIELDS and value else value)


class GraphValidator(Validator):
    """numpydoc's own validator, but for the sections of factories."""

    def __init__(self, obj_name):
        super().__init__(read_docstring(obj_name))

    @property
    def section_titles(self):
        """Titles of numpydoc's sections; those of factories come last."""
        titles = super().section_titles
        ours = [title for title in titles if title in FIELDS]
        return titles[: -len(ours)] if ours and ours == titles[-len(ours) :] else titles


def modules():
    """All modules of the package."""
    names = [module.name for module in pkgutil.walk_packages(nipype_labels.__path__, 'nipype_labels.')]
    return [nipype_labels, *map(importlib.import_module, names)]


def members(module):
    """Public functions and classes that a module defines, and the public methods of these classes, by their names."""
    found = {}
    for name, value in vars(module).items():
        own = getattr(value, '__module__', None) == module.__name__
        if name.startswith('_') or not own or not (inspect.isfunction(value) or inspect.isclass(value)):
            continue
        found[f'{module.__name__}.{name}'] = value
        methods = vars(value).items() if inspect.isclass(value) else ()
        for method, function in methods:
            if not method.startswith('_') and isinstance(function, property | classmethod | type(members)):
                found[f'{module.__name__}.{name}.{method}'] = getattr(value, method)
    return found


def read_docstring(target):
    """Docstring of an object."""
    with warnings.catch_warnings():
        # Of sections that it does not know; they are found, too.
        warnings.simplefilter('ignore', UserWarning)
        return get_doc_object(target, func_doc=GraphDoc)


def entries(docstring, section):
    """Entries of a section, one for each name: its type and its description."""
    found = {}
    for names, kind, description in docstring[section]:
        for name in names.split(', '):
            found[name] = kind, ' '.join(description)
    return found


def find_faults(target, codes):
    """What numpydoc finds wrong with the docstring of an object, among ``codes``."""
    return [f'{code} {text}' for code, text in validate(target, GraphValidator)['errors'] if code in codes]


def choices(kind):
    """Choices that the type of a documented parameter lists in braces; none if it lists none."""
    listed = re.search(r'\{(.*)\}', kind)
    return ast.literal_eval(f'({listed[1]},)') if listed else ()
