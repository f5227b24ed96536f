# SPDX-License-Identifier: BSD-3-Clause
"""Docstrings of what users call are complete numpydoc: parameters, types, shapes, units, results and errors."""

import inspect
import re

import pytest
from contract_cases import core_functions, entries, find_faults, read_docstring

from nipype_labels import NiftiLabelsMasker, interfaces, workflows
from nipype_labels.cli.main import build_parser

#: Checks of numpydoc's validation. ruff checks the form of all docstrings.
ALWAYS = {
    *('GL03', 'GL05', 'GL06', 'GL07', 'GL08', 'GL09', 'GL10', 'SS01', 'SS02', 'SS03', 'SS04', 'SS06'),
    *('PR02', 'PR03', 'PR04', 'PR05', 'PR06', 'PR08', 'PR09', 'PR10', 'RT02', 'RT04', 'RT05'),
}

#: Checks of docstrings that list parameters; a method of the masker may refer to another that lists them.
IN_FULL = {'PR01', 'RT01', 'YD01'}

#: The unit that the description of a parameter names.
UNITS = {
    't_r': r"(?<!')\bs\b",
    'low_pass': r'\bHz\b',
    'high_pass': r'\bHz\b',
    'smoothing_fwhm': r'\bmm\b',
    'fd_threshold': r'\bmm\b',
    'dvars_threshold': r'[Ss]tandardised DVARS',
    'percentile': r'per ?cent|%',
    'mem_gb': r'\bGB\b',
}

#: Units of placeholders of options.
UNIT_OF = {'S': 's', 'HZ': 'Hz', 'MM': 'mm', 'GB': 'GB'}


CORE = core_functions()
NODES = {name: getattr(interfaces, name) for name in interfaces.__all__}
FACTORIES = {name: getattr(workflows, name) for name in workflows.__all__}
METHODS = {
    f'NiftiLabelsMasker.{name}': method
    for name, method in inspect.getmembers(NiftiLabelsMasker, inspect.isfunction)
    if not name.startswith('_')
}
PUBLIC = CORE | NODES | FACTORIES | {'NiftiLabelsMasker': NiftiLabelsMasker} | METHODS


def lists_parameters(target):
    """Return whether a docstring has a section of parameters or results."""
    return bool(re.search(r'^(Parameters|Returns)\n---', inspect.getdoc(target) or '', re.MULTILINE))


def missing_unit(name, described):
    """Return the name of a parameter whose description does not name its unit."""
    return [] if re.search(UNITS.get(name, ''), described) else [name]


def test_the_core_page_lists_functions():
    assert {'clean.clean', 'connectivity.measure_connectivity'} <= set(CORE)


@pytest.mark.parametrize('name', PUBLIC)
def test_docstrings_pass_the_validation_of_numpydoc(name):
    required = ALWAYS | IN_FULL if name not in METHODS or lists_parameters(PUBLIC[name]) else ALWAYS
    required = required - IN_FULL if name in NODES else required
    assert not find_faults(PUBLIC[name], required)


@pytest.mark.parametrize('name', PUBLIC)
def test_docstrings_name_shapes_and_units(name):
    docstring = read_docstring(PUBLIC[name])
    for section in ('Parameters', 'Returns'):
        for parameter, (kind, description) in entries(docstring, section).items():
            described = f'{kind} {description}'
            assert 'shape' in described or not re.search(r'\barrays?\b', kind), parameter
            assert not missing_unit(parameter, described)


@pytest.mark.parametrize('name', METHODS)
def test_methods_describe_their_parameters(name):
    wanted = set(inspect.signature(METHODS[name]).parameters) - {'self'}
    referred = re.findall(r':meth:`~?\.?(?:NiftiLabelsMasker\.)?(\w+)`', inspect.getdoc(METHODS[name]))
    described = [METHODS[name], *(getattr(NiftiLabelsMasker, other) for other in referred)]
    documented = [{each.lstrip('*') for each in entries(read_docstring(each), 'Parameters')} for each in described]
    assert any(wanted <= each for each in documented)


@pytest.mark.parametrize('name', NODES)
def test_nodes_document_the_error_of_wrong_inputs(name):
    assert 'LabelsError' in [entry.type or entry.name for entry in read_docstring(NODES[name])['Raises']]


@pytest.mark.parametrize('name', NODES)
def test_traits_name_their_units(name):
    for spec in (NODES[name].input_spec(), NODES[name].output_spec()):
        assert not [
            each for trait in spec.copyable_trait_names() for each in missing_unit(trait, spec.trait(trait).desc)
        ]


@pytest.mark.parametrize('command', ['extract', 'derivatives'])
def test_options_name_their_units(command):
    (commands,) = (action for action in build_parser()._actions if action.choices)
    for action in commands.choices[command]._actions:
        assert not missing_unit(action.dest, f'{action.help} {UNIT_OF.get(action.metavar, "")}')
