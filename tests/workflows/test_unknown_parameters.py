# SPDX-License-Identifier: BSD-3-Clause
"""X10: misspelt parameters are refused, never ignored."""

import pytest
from traits.api import TraitError

from nipype_labels import interfaces
from nipype_labels.cli.main import main
from nipype_labels.core.clean import clean
from nipype_labels.workflows import init_labels_wf


@pytest.mark.parametrize('name', ['standardise', 'butterworth__order', 'clean_args', 'memory_level'])
def test_x10_the_factory_refuses_unknown_parameters(name):
    """Also parameters of nilearn that have other names here."""
    with pytest.raises(TypeError, match=name):
        init_labels_wf(**{name: 1})


@pytest.mark.parametrize('node', interfaces.__all__)
def test_x10_nodes_refuse_unknown_inputs(node):
    with pytest.raises(TraitError, match='extrapolate'):
        getattr(interfaces, node)().inputs.extrapolate = True


def test_x10_cleaning_refuses_unknown_parameters():
    """clean_args of nilearn ignores unknown names."""
    with pytest.raises(TypeError, match='butterworth__ordre'):
        clean([[1.0], [2.0]], butterworth__ordre=3)


def test_x10_the_command_refuses_unknown_options(capsys):
    with pytest.raises(SystemExit) as ended:
        main(['extract', 'bold.nii.gz', '--atlas', 'atlas.nii.gz', '-o', 'out', '--standardise', 'psc'])
    assert ended.value.code == 2
    assert '--standardise' in capsys.readouterr().err
