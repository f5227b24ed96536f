# SPDX-License-Identifier: BSD-3-Clause
"""A parameter has the same default and choices in nodes, workflow factories, masker, command and core functions."""

import argparse
import inspect
from collections import defaultdict
from functools import cache
from typing import NamedTuple

import pytest
from contract_cases import choices, core_functions, entries, read_docstring
from nipype.interfaces.base import isdefined, traits

from nipype_labels import NiftiLabelsMasker, interfaces, workflows
from nipype_labels.cli.derivatives import derivatives
from nipype_labels.cli.extract import extract
from nipype_labels.cli.main import build_parser
from nipype_labels.core.choices import normalize_choice
from nipype_labels.workflows import init_labels_wf
from nipype_labels.workflows.run import init_run_wf

REQUIRED = inspect.Parameter.empty

#: Commands that run the factory, and what they call.
COMMANDS = {'extract': extract, 'derivatives': derivatives}

#: Defaults that differ on purpose, with the reason. A star stands for all places.
DIFFERENT = {
    ('*', 'name'): (None, 'names a graph, or an argument in an error'),
    ('NiftiLabelsMasker', 'reports'): (True, "nilearn's default: it costs nothing until it is asked for"),
    ('derivatives', 'reports'): (True, 'reports are how many runs are checked'),
    ('init_run_wf', 'reports'): (True, 'the same'),
    ('derivatives', 'use_mask'): (True, 'fMRIPrep gives each run its mask'),
    ('ReduceLabels', 'smoothing_fwhm'): (0.0, 'the trait takes numbers only; None elsewhere'),
    ('Resample', 'interpolation'): ('nearest', 'it is given labels and masks'),
    ('HighVarianceConfounds', 'detrend'): (True, "that of nilearn's high_variance_confounds"),
    ('highvariance.high_variance_confounds', 'detrend'): (True, 'the same'),
    ('Connectivity', 'connectivity'): ('correlation', 'the node exists only if something is measured'),
    ('connectivity.measure_connectivity', 'connectivity'): ('correlation', 'the same'),
    ('SaveDerivatives', 'high_variance_confounds'): (None, 'the file, not the switch'),
    ('SaveDerivatives', 'dataset_links'): ('{}', 'none, as JSON'),
    ('extract', 'verbose'): (False, "nilearn's is a level"),
    ('derivatives', 'verbose'): (False, 'the same'),
    ('derivatives', 'plugin'): (None, 'runs are processed in parallel where processors are available'),
    **{
        (node, switch): (None, 'undefined: the input decides; the factory always sets it')
        for node, switches in {
            'ApplyMask': ('use_mask', 'use_luts'),
            'HighVarianceConfounds': ('use_mask',),
            'CleanSignal': ('use_confounds', 'use_sample_mask'),
        }.items()
        for switch in switches
    },
    **{
        (place, parameter): (None, 'the value of the preset, if one is selected')
        for place in ('init_labels_wf', 'NiftiLabelsMasker', *COMMANDS)
        for parameter in ('n_compcor', 'min_segment', 'confounds_na')
    },
}


class Place(NamedTuple):
    """A parameter in one place: its default, its choices, and whether there are no others."""

    default: object
    choices: tuple = ()
    closed: bool = True


def plain(parameter, value):
    """A default with its name in this package; None for empty values."""
    if value is REQUIRED:
        return value
    value = normalize_choice(parameter, value)
    return None if isinstance(value, tuple | list) and not value else value


def of_function(function):
    """Places of the parameters of a function or class; of exceptions, none."""
    if inspect.isclass(function) and issubclass(function, BaseException):
        return
    documented = entries(read_docstring(function), 'Parameters')
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL) or name == 'self':
            continue
        kind, _ = documented.get(name, ('', ''))
        listed = tuple(dict.fromkeys(normalize_choice(name, each) for each in choices(kind)))
        yield name, Place(plain(name, parameter.default), listed, kind.removeprefix('list of ').endswith('}'))


def of_node(node):
    """Places of the inputs of a node."""
    inputs = node.input_spec()
    for name in inputs.copyable_trait_names():
        trait, value = inputs.trait(name), getattr(inputs, name)
        handlers = [trait.handler, *(inner.handler for inner in trait.inner_traits or ())]
        listed = [tuple(each.values) for each in handlers if isinstance(each, traits.Enum)]
        default = REQUIRED if trait.mandatory else plain(name, value if isdefined(value) else None)
        yield name, Place(default, listed[0] if listed else ())


def options(command):
    """Options and arguments of a command."""
    (commands,) = (action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    return [action for action in commands.choices[command]._actions if action.dest != 'help']


def of_command(command):
    """Places of a command's options; a default that is not set is that of the function called, or of the factory."""
    own, factory = (inspect.signature(each).parameters for each in (COMMANDS[command], init_labels_wf))
    for action in options(command):
        default = REQUIRED if action.required else action.default
        if default is argparse.SUPPRESS:
            known = own.get(action.dest) or factory.get(action.dest)
            if known is None:
                continue
            default = known.default
        yield action.dest, Place(plain(action.dest, default), tuple(action.choices or ()))


@cache
def places():
    """All places of each parameter that a user can give, by parameter and name of the place."""
    own = {'NiftiLabelsMasker': NiftiLabelsMasker}
    factories = {name: getattr(workflows, name) for name in workflows.__all__} | {'init_run_wf': init_run_wf}
    for_users = {
        **{name: of_node(getattr(interfaces, name)) for name in interfaces.__all__},
        **{name: of_function(each) for name, each in (factories | own).items()},
        **{name: of_command(name) for name in COMMANDS},
    }
    within = {name: of_function(each) for name, each in core_functions().items()}
    found, users = defaultdict(dict), set()
    for name, parameters in (for_users | within).items():
        for parameter, place in parameters:
            found[parameter][name] = place
            if name in for_users:
                users.add(parameter)
    return {parameter: found[parameter] for parameter in sorted(users) if len(found[parameter]) > 1}


def reference(parameter, of):
    """The place that the others are to agree with: a factory's if one has the parameter, else the first default."""
    given = {name: place for name, place in of.items() if place.default is not REQUIRED}
    given = {name: place for name, place in given.items() if intended(name, parameter) is None} or given
    first = [name for name in ('init_labels_wf', 'init_labels_derivatives_wf', *given) if name in given]
    return given[first[0]] if first else None


def find_differences(parameter, of):
    """Places where a parameter has another default than elsewhere, and what that is."""
    common = reference(parameter, of)
    for name, place in of.items():
        if place.default is not REQUIRED and repr(place.default) != repr(common.default):
            yield name, place.default


def intended(name, parameter):
    """Key of the table's entry for a parameter in a place; None if there is none."""
    return next((key for key in ((name, parameter), ('*', parameter)) if key in DIFFERENT), None)


def check_defaults(parameter, of):
    """List faults of the defaults of a parameter."""
    for name, default in find_differences(parameter, of):
        key = intended(name, parameter)
        if key is None:
            yield f'{parameter} of {name} is {default!r} by default, elsewhere {reference(parameter, of).default!r}'
        elif key[0] == name and repr(DIFFERENT[key][0]) != repr(default):
            yield f'{parameter} of {name} is {default!r} by default, not {DIFFERENT[key][0]!r}: {DIFFERENT[key][1]}'


def check_choices(parameter, of):
    """List faults of the choices of a parameter."""
    listed = {name: place for name, place in of.items() if place.choices}
    most = max((set(place.choices) for place in listed.values()), key=len, default=set())
    for name, place in listed.items():
        # What is only there to be used has no choice of being off.
        used = place.default is REQUIRED or (name, parameter) in DIFFERENT
        off = {'none'} & most if used else set()
        if not set(place.choices) <= most or (place.closed and set(place.choices) | off != most):
            yield f'{parameter} of {name} takes {place.choices}, elsewhere {sorted(most)}'
        if place.closed and isinstance(place.default, str) and place.default != place.choices[0]:
            yield f'{parameter} of {name} lists {place.choices}, not its default first: {place.default}'


def check_options(actions, own, factory):
    """List faults of the options of a command."""
    for action in actions:
        known = own.get(action.dest) or factory.get(action.dest)
        if known is None:
            yield f'{action.dest} is not a parameter'
            continue
        default = known.default
        if isinstance(action.const, bool) and default is not (not action.const):
            yield f'{action.dest} is {default} already'
        if isinstance(default, int | float) and not isinstance(default, bool) and action.type is not type(default):
            yield f'{action.dest} is read as {action.type}, and is {default!r} by default'


def unlisted(action, of):
    """Choices of a parameter that neither an option's list nor its help names."""
    known = {choice for place in of.values() for choice in place.choices}
    return sorted(choice for choice in known if not action.choices and choice not in action.help)


def test_parameters_are_found_in_all_kinds_of_places():
    users = {'ReduceLabels', 'init_labels_wf', 'NiftiLabelsMasker', *COMMANDS}
    assert users <= set(places()['strategy'])
    assert 'clean.clean' in places()['detrend']


@pytest.mark.parametrize('parameter', places())
def test_a_parameter_has_one_default(parameter):
    assert not list(check_defaults(parameter, places()[parameter]))


@pytest.mark.parametrize('parameter', places())
def test_a_parameter_has_the_same_choices_everywhere(parameter):
    assert not list(check_choices(parameter, places()[parameter]))


def test_differences_on_purpose_are_still_there():
    found = {intended(name, each) for each, of in places().items() for name, _ in find_differences(each, of)}
    assert sorted(set(DIFFERENT) - found) == []
    assert all(reason for _, reason in DIFFERENT.values())


@pytest.mark.parametrize('command', COMMANDS)
def test_options_are_parameters_and_change_them(command):
    own, factory = (inspect.signature(each).parameters for each in (COMMANDS[command], init_labels_wf))
    named = [action for action in options(command) if action.option_strings]
    assert not list(check_options(named, own, factory))


@pytest.mark.parametrize('command', COMMANDS)
def test_options_name_their_choices(command):
    found = {action.dest: unlisted(action, places().get(action.dest, {})) for action in options(command)}
    assert not {name: lacking for name, lacking in found.items() if lacking}
