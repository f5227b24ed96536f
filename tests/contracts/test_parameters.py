# SPDX-License-Identifier: BSD-3-Clause
"""The registry of parameters agrees with signatures, with the tables of the code, and with the options."""

import inspect

import pytest

from nipype_labels import NiftiLabelsMasker, init_labels_wf
from nipype_labels.cli.main import build_parser
from nipype_labels.core import clean, connectivity, filters, gaps, resample, scaling
from nipype_labels.core.strategies import STRATEGIES
from nipype_labels.files.confound_strategies import CONFOUNDS_STRATEGIES
from nipype_labels.model.parameters import PARAMETERS, PRESETS

#: Tables of the code that implement the choices of a parameter.
TABLES = {
    'strategy': STRATEGIES,
    'confounds_strategy': CONFOUNDS_STRATEGIES,
    'interpolation': resample.INTERPOLATIONS,
    'standardize': clean.STANDARDIZE,
    'filter': filters.FILTERS,
    'fill_censored': gaps.FILLS,
    'covariance_estimator': connectivity.COVARIANCE_ESTIMATORS,
    'dtype': scaling.DTYPES,
}


@pytest.mark.parametrize(('place', 'target'), [('workflow', init_labels_wf), ('masker', NiftiLabelsMasker)])
def test_defaults_of_signatures_are_those_of_the_registry(place, target):
    given = {
        name: parameter.default
        for name, parameter in inspect.signature(target).parameters.items()
        if name in PARAMETERS
    }
    assert given == {name: PARAMETERS[name].defaults.get(place, PARAMETERS[name].default) for name in given}


@pytest.mark.parametrize('name', TABLES)
def test_choices_of_the_registry_are_those_of_the_code(name):
    assert sorted(PARAMETERS[name].choices) == sorted(TABLES[name])


def test_presets_set_parameters_to_their_choices():
    for preset in PRESETS.values():
        assert set(preset) <= set(PARAMETERS)
        assert set(preset['confounds_strategy']) <= set(PARAMETERS['confounds_strategy'].choices)


@pytest.mark.parametrize('command', ['extract', 'derivatives'])
def test_help_shows_the_default_of_every_option(command):
    (commands,) = (action for action in build_parser()._actions if action.choices)
    options = [action for action in commands.choices[command]._actions if action.option_strings]
    silent = [action.dest for action in options if '(default: ' not in action.help and not action.required]
    assert set(silent) <= {'help', 'atlas'}
