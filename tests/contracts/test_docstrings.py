# SPDX-License-Identifier: BSD-3-Clause
"""Docstrings are numpydoc's, and say what is so: all parameters, shapes of arrays, units, what is optional."""

import dataclasses
import inspect
import re

import pytest
from contract_cases import entries, find_faults, members, modules, read_docstring

from nipype_labels import NiftiLabelsMasker, interfaces, workflows
from nipype_labels.cli.main import build_parser

#: What numpydoc must not find wrong with any docstring. That a name and a type may say enough, that a noun may say what
#: a function gives, and that not everything has an example or relatives is this project's taste.
ALWAYS = {
    *('GL03', 'GL05', 'GL06', 'GL07', 'GL08', 'GL09', 'GL10', 'SS01', 'SS02', 'SS03', 'SS04', 'SS06'),
    *('PR02', 'PR03', 'PR04', 'PR05', 'PR06', 'PR08', 'PR09', 'PR10', 'RT02', 'RT04', 'RT05'),
}

#: The same of docstrings that are more than words: all parameters are told then, and what is given back.
IN_FULL = {'PR01', 'RT01', 'YD01'}

#: Sections that tell of values.
VALUES = ('Parameters', 'Attributes', 'Returns', 'Yields')

#: What descriptions of parameters in physical units must name, wherever they are documented.
UNITS = {
    't_r': r"(?<!')\bs\b",
    'header_t_r': r"(?<!')\bs\b",
    'low_pass': r'\bHz\b',
    'high_pass': r'\bHz\b',
    'fwhm': r'\bmm\b|check_fwhm',
    'smoothing_fwhm': r'\bmm\b',
    'sigmas': r'\bvoxels\b|kernel_sigmas',
    'fd_threshold': r'\bmm\b',
    'dvars_threshold': r'standardised DVARS',
    'percentile': r'per ?cent|%',
    'min_coverage': r'[Pp]art of|less',
    'voxel_volume': r'mm³',
    'atlas_voxel_volume': r'mm³',
    'mem_gb': r'\bGB\b',
}

#: What placeholders of options mean.
UNIT_OF = {'S': 's', 'HZ': 'Hz', 'MM': 'mm', 'GB': 'GB'}

PUBLIC = {name: each for module in modules() for name, each in members(module).items()}


def is_full(target):
    """Whether a docstring tells parameters one by one; a function's does as soon as it tells anything so."""
    sections = 'Parameters|Returns|Yields|Raises' if inspect.isfunction(target) else 'Parameters'
    return bool(re.search(rf'^({sections})\n---', inspect.getdoc(target) or '', re.MULTILINE))


def called():
    """What users call: factories, the notebook class, and functions of numbers with more than one of them, by name."""
    factories = {name: getattr(workflows, name) for name in workflows.__all__}
    methods = dict(inspect.getmembers(NiftiLabelsMasker, inspect.isfunction))
    methods = {f'NiftiLabelsMasker.{name}': each for name, each in methods.items() if not name.startswith('_')}
    core = {name: each for name, each in PUBLIC.items() if re.fullmatch(r'nipype_labels\.core\.\w+\.\w+', name)}
    functions = {name: each for name, each in core.items() if inspect.isfunction(each)}
    functions = {name: each for name, each in functions.items() if len(inspect.signature(each).parameters) > 1}
    return {**factories, 'NiftiLabelsMasker': NiftiLabelsMasker, **methods, **functions}


def check_numpydoc(target):
    """What numpydoc finds wrong."""
    return find_faults(target, ALWAYS | IN_FULL if is_full(target) else ALWAYS)


def check_values(target):
    """What is wrong with how a docstring tells of values: shapes of arrays, units, and what may be left out."""
    docstring = read_docstring(target)
    signature = inspect.signature(target).parameters if is_full(target) else {}
    for section in VALUES:
        # numpydoc lists methods and properties of a class as if they were documented there.
        listed = section != 'Attributes' or '\nAttributes\n' in (inspect.getdoc(target) or '')
        for name, (kind, description) in entries(docstring, section).items() if listed else ():
            if re.search(r'\barrays?\b', kind) and not re.search(r'\bshapes?\b', f'{kind} {description}'):
                yield f'{section}: {name or kind} has no shape'
            if section in ('Parameters', 'Attributes'):
                yield from check_unit(name, f'{kind} {description}')
            if section == 'Parameters' and name in signature:
                yield from check_default(name, kind, signature[name].default)


def check_unit(name, told):
    """Whether what is told of a parameter names its unit, if it has one."""
    if not re.search(UNITS.get(name, ''), told):
        yield f'{name} has no unit'


def check_default(name, kind, default):
    """Whether the type of a parameter tells that it may be left out, or may not."""
    if default is None and not re.search(r'\boptional$|\bNone\b', kind):
        yield f'{name} may be left out, and is not optional'
    if default is inspect.Parameter.empty and 'optional' in kind:
        yield f'{name} is optional, and may not be left out'


def check_told(target):
    """Whether all parameters are told one by one, or by a function or method that the docstring refers to."""
    wanted = [name for name in inspect.signature(target).parameters if name != 'self']
    names = re.findall(r':(?:meth|func):`~?\.?([\w.]+)`', inspect.getdoc(target) or '')
    others = [each for name, each in PUBLIC.items() if any(f'.{name}'.endswith(f'.{other}') for other in names)]
    for each in [target, *others]:
        if set(wanted) <= {name.lstrip('*') for name in entries(read_docstring(each), 'Parameters')}:
            return
    yield f'{wanted} are told neither here nor by what is referred to'


def check_fields(target):
    """Whether attributes of a class of data are told, all, in their order."""
    fields = [field.name for field in dataclasses.fields(target)]
    told = list(entries(read_docstring(target), 'Attributes'))
    if [name for name in told if name in fields] != fields or '\nAttributes\n' not in (inspect.getdoc(target) or ''):
        yield f'{told} are told, {fields} are there'


@pytest.mark.parametrize('name', PUBLIC)
def test_docstrings_are_as_numpydoc_wants_them(name):
    """Where they tell parameters, they tell all, in their order, with their types, and what is given back."""
    assert not check_numpydoc(PUBLIC[name])


@pytest.mark.parametrize('name', PUBLIC)
def test_docstrings_tell_shapes_units_and_what_may_be_left_out(name):
    """Of all that they tell one by one."""
    assert not list(check_values(PUBLIC[name]))


@pytest.mark.parametrize('name', called())
def test_what_users_call_tells_its_parameters(name):
    """One by one, or by naming what does."""
    assert not list(check_told(called()[name]))


@pytest.mark.parametrize('name', [name for name, each in PUBLIC.items() if dataclasses.is_dataclass(each)])
def test_classes_of_data_tell_their_attributes(name):
    """All, in their order."""
    assert not list(check_fields(PUBLIC[name]))


@pytest.mark.parametrize('name', interfaces.__all__)
def test_traits_name_their_units(name):
    """As docstrings do."""
    for spec in (getattr(interfaces, name).input_spec(), getattr(interfaces, name).output_spec()):
        wrong = [each for trait in spec.copyable_trait_names() for each in check_unit(trait, spec.trait(trait).desc)]
        assert not wrong


@pytest.mark.parametrize('command', ['extract', 'derivatives'])
def test_options_name_their_units(command):
    """By their placeholder, or in their help."""
    (commands,) = (action for action in build_parser()._actions if action.choices)
    for action in commands.choices[command]._actions:
        told = f'{action.help} {UNIT_OF.get(action.metavar, "")}'
        assert not list(check_unit(action.dest, told))


def right(t_r, signals, labels=None, *, low_pass=None, most=3):
    """Do nothing.

    Parameters
    ----------
    t_r : float
        In s.
    signals : array, shape (T, L)
    labels : list of str, optional
        Names.
    low_pass : float or None
        In Hz.
    most : int

    Returns
    -------
    array, shape (T, L)
        The same.
    """
    return signals


#: What is changed in that docstring or signature, and what must be said of it.
FAULTY = [
    ('Do nothing.', 'do nothing', 'SS02'),
    ('Do nothing.', 'Do nothing', 'SS03'),
    ('    most : int\n', '', 'PR01'),
    ('    most : int\n', '    least : int\n', 'PR02'),
    ('    most : int\n', '    most\n', 'PR04'),
    ('    most : int\n', '    most : integer\n', 'PR06'),
    ('    most : int\n', '    most : int\n        how many.\n', 'PR08'),
    ('    most : int\n', '    most : int\n        How many\n', 'PR09'),
    ('    most : int\n', '    most: int\n', 'PR10'),
    ('t_r, signals, labels', 'signals, t_r, labels', 'PR03'),
    ('Returns\n    -------\n    array, shape (T, L)\n        The same.\n', '', 'RT01'),
    ('Returns\n    -------', 'Results\n    -------', 'GL06'),
    ('Returns\n    -------', 'Inputs\n    ------', 'RT01'),
    ('Do nothing.\n', 'Do nothing.\n\n', 'GL03'),
    ('signals : array, shape (T, L)', 'signals : array', 'signals has no shape'),
    ('array, shape (T, L)\n        The same', 'array\n        The same', 'array has no shape'),
    ('In s.', "The header's.", 't_r has no unit'),
    ('In Hz.', 'In 1/s.', 'low_pass has no unit'),
    ('list of str, optional', 'list of str', 'labels may be left out'),
    ('list of str, optional', 'list of str or None', ''),
    ('    most : int\n', '    most : int, optional\n', ''),
    ('signals : array, shape (T, L)', 'signals : array, shape (T, L), optional', 'signals is optional'),
    ('Do nothing.', 'Do nothing.', ''),
]


@pytest.mark.parametrize(('sound', 'faulty', 'said'), FAULTY, ids=[said for *_, said in FAULTY])
def test_a_docstring_that_says_otherwise_is_found(sound, faulty, said, tmp_path):
    """By what does not fit, if anything."""
    code, scope, path = inspect.getsource(right), {'__name__': 'faulty'}, tmp_path / 'faulty.py'
    assert sound in code
    path.write_text(code.replace(sound, faulty, 1), encoding='utf-8')
    exec(compile(path.read_text(encoding='utf-8'), path, 'exec'), scope)
    found = [*check_numpydoc(scope['right']), *check_values(scope['right'])]
    assert any(said in each for each in found) if said else not found


def test_a_class_of_data_that_tells_other_attributes_is_found():
    """Or tells none, though it has a docstring."""

    @dataclasses.dataclass
    class Wrong:
        """Hold two.

        Attributes
        ----------
        one : int
        """

        one: int
        two: int

    assert list(check_fields(Wrong))
    Wrong.__doc__ = 'Hold two.'
    assert list(check_fields(Wrong))


def test_a_reference_to_what_tells_nothing_is_found():
    """The function that is named must tell the same parameters."""

    def wrong(bold, atlas):
        """Do as :func:`~nipype_labels.core.filters.remove_trend` does."""

    assert list(check_told(wrong))
    wrong.__doc__ = 'Do as :func:`~nipype_labels.cli.extract.extract` does.'
    assert not list(check_told(wrong))
