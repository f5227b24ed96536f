# SPDX-License-Identifier: BSD-3-Clause
"""Modules and public functions of the package, and their docstrings as numpydoc reads them."""

import importlib
import pkgutil
import re
import warnings
from pathlib import Path

from numpydoc.docscrape import FunctionDoc, NumpyDocString, get_doc_object
from numpydoc.validate import Validator, validate

import nipype_labels

#: Sections of workflow factories, after those of numpydoc.
FIELDS = ('Inputs', 'Outputs')


class GraphDoc(FunctionDoc):
    """Docstring of a function, with the sections of workflow factories."""

    sections = {**NumpyDocString.sections, **{section: [] for section in FIELDS}}

    def __setitem__(self, key, value):
        super().__setitem__(key, self._parse_param_list(value) if key in FIELDS and value else value)


class GraphValidator(Validator):
    """Validator of numpydoc that accepts the sections of workflow factories."""

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


def core_functions():
    """Functions of the core that docs/core.md lists, by name."""
    page = Path(__file__).parents[2] / 'docs' / 'core.md'
    names = re.findall(r'^ {3}(\w+\.\w+)$', page.read_text(encoding='utf-8'), re.MULTILINE)
    return {name: pkgutil.resolve_name(f'nipype_labels.core.{name.replace(".", ":")}') for name in names}


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
    """Faults of a docstring that numpydoc's validation finds, among ``codes``."""
    return [f'{code} {text}' for code, text in validate(target, GraphValidator)['errors'] if code in codes]
