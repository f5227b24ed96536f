# SPDX-License-Identifier: BSD-3-Clause
"""The registry of parameters agrees with signatures and nodes, with the tables of the code, and with the options."""

import inspect

import pytest
from contract_cases import core_functions
from nipype.interfaces.base import isdefined

from nipype_labels import NiftiLabelsMasker, init_labels_derivatives_wf, init_labels_wf, interfaces
from nipype_labels.cli.derivatives import derivatives
from nipype_labels.cli.extract import extract
from nipype_labels.cli.main import build_parser
from nipype_labels.core import resample
from nipype_labels.core.choices import normalize_choice
from nipype_labels.core.strategies import STRATEGIES
from nipype_labels.core.validation import expand_preset, validate
from nipype_labels.model.confounds import PRESETS
from nipype_labels.model.parameters import PARAMETERS
from nipype_labels.workflows.run import init_run_wf

#: Tables of the code that implement the choices of a parameter.
TABLES = {
    'strategy': STRATEGIES,
    'interpolation': resample.INTERPOLATIONS,
}


#: Signatures and nodes whose defaults are not read from the registry.
SIGNATURES = {
    'init_labels_wf': init_labels_wf,
    'init_labels_derivatives_wf': init_labels_derivatives_wf,
    'init_run_wf': init_run_wf,
    'NiftiLabelsMasker': NiftiLabelsMasker,
    'extract': extract,
    'derivatives': derivatives,
    **core_functions(),
}
NODES = {name: getattr(interfaces, name) for name in interfaces.__all__}

#: Defaults that differ from the registry's on purpose.
DIFFERENT = {
    # Reports are how many runs are checked; in the masker, as in nilearn, one costs nothing until it is asked for.
    'NiftiLabelsMasker': {'reports': True},
    'init_run_wf': {'reports': True},
    # fMRIPrep gives each run its mask.
    'derivatives': {'reports': True, 'use_mask': True},
    # What exists only if it is asked for has no choice of being off; detrend is that of nilearn's function.
    'highvariance.high_variance_confounds': {'detrend': True},
    'HighVarianceConfounds': {'detrend': True, 'use_mask': None},
    'connectivity.measure_connectivity': {'connectivity': 'correlation'},
    'Connectivity': {'connectivity': 'correlation'},
    # It is given labels and masks.
    'Resample': {'interpolation': 'nearest'},
    # The trait takes numbers only.
    'ReduceLabels': {'smoothing_fwhm': 0.0},
    # Undefined switches: the input decides.
    'ApplyMask': {'use_mask': None, 'use_luts': None},
    'CleanSignal': dict.fromkeys(['use_confounds', 'use_sample_mask', 'confounds_strategy', 'confounds_columns']),
    # The file, not the switch.
    'SaveDerivatives': {'high_variance_confounds': None},
}


def list_defaults(name):
    """Defaults of the parameters of a signature or a node."""
    if name in SIGNATURES:
        found = inspect.signature(SIGNATURES[name]).parameters.values()
        return {each.name: each.default for each in found if each.default is not each.empty}
    inputs = NODES[name].input_spec()
    values = {each: getattr(inputs, each) for each in inputs.copyable_trait_names()}
    return {each: value if isdefined(value) else None for each, value in values.items()}


@pytest.mark.parametrize('name', [*SIGNATURES, *NODES])
def test_defaults_are_those_of_the_registry(name):
    found = {each: value for each, value in list_defaults(name).items() if each in PARAMETERS}
    expected = {each: PARAMETERS[each].default for each in found} | DIFFERENT.get(name, {})
    assert {each: normalize_choice(each, value) for each, value in found.items()} == {
        each: normalize_choice(each, value) for each, value in expected.items()
    }


@pytest.mark.parametrize('name', TABLES)
def test_choices_of_the_registry_are_those_of_the_code(name):
    assert sorted(PARAMETERS[name].choices) == sorted(TABLES[name])


@pytest.mark.parametrize('name', PRESETS)
def test_presets_are_canonical_parameters_of_every_interface(name):
    parameters = expand_preset(name)
    assert validate(parameters, use_confounds=True) == parameters
    for interface in (init_labels_wf, NiftiLabelsMasker):
        assert set(parameters) <= set(inspect.signature(interface).parameters)
    assert set(parameters) <= set(interfaces.CleanSignal.input_spec().copyable_trait_names())


@pytest.mark.parametrize('command', ['extract', 'derivatives'])
def test_help_shows_the_default_of_every_option(command):
    (commands,) = (action for action in build_parser()._actions if action.choices)
    options = [action for action in commands.choices[command]._actions if action.option_strings]
    silent = [action.dest for action in options if '(default: ' not in action.help and not action.required]
    assert set(silent) <= {'help', 'atlas'}
