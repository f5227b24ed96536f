# SPDX-License-Identifier: BSD-3-Clause
"""README and docs say what is so."""

import inspect
import re
from pathlib import Path

import pytest

from nipype_labels import interfaces
from nipype_labels.cli.main import build_parser
from nipype_labels.workflows import init_labels_wf
from nipype_labels.workflows.graph import INPUTS, OUTPUTS

ROOT = Path(__file__).parents[1]

#: Parameters of nilearn 0.10.0's NiftiLabelsMasker.
SEED = [
    'labels_img',
    'labels',
    'background_label',
    'mask_img',
    'smoothing_fwhm',
    'standardize',
    'standardize_confounds',
    'high_variance_confounds',
    'detrend',
    'low_pass',
    'high_pass',
    't_r',
    'dtype',
    'resampling_target',
    'memory',
    'memory_level',
    'verbose',
    'strategy',
    'reports',
]


def table_rows(text):
    """Cells of the rows of Markdown tables, headings and rulers left out."""
    lines = [line for line in text.splitlines() if line.startswith('| `') and '`NiftiLabelsMasker`' not in line]
    rows = [line.strip('|').split('|') for line in lines]
    return [[cell.strip() for cell in row] for row in rows]


@pytest.fixture(scope='module')
def parameters():
    return table_rows((ROOT / 'docs' / 'parameters.md').read_text(encoding='utf-8'))


def options():
    """All options of the command's extract."""
    (commands,) = (action for action in build_parser()._actions if action.choices)
    return {option for action in commands.choices['extract']._actions for option in action.option_strings}


def test_every_parameter_of_the_seed_has_a_row(parameters):
    """The table of parameters lists the seed's, all of them."""
    listed = [name for row in parameters for name in re.findall(r'`(\w+)`', row[0])]
    assert set(SEED) <= set(listed)


def test_traits_in_the_table_of_parameters_exist(parameters):
    """What the table calls Node.trait is a trait of a node."""
    named = [name for row in parameters for name in re.findall(r'`([A-Z]\w+)\.(\w+)`', row[1])]
    assert len(named) > len(SEED)
    missing = [n for n in named if n[1] not in getattr(interfaces, n[0]).input_spec().copyable_trait_names()]
    assert not missing


def test_arguments_in_the_table_of_parameters_exist(parameters):
    """What the table calls an argument or a field of the factory is one."""
    arguments = inspect.signature(init_labels_wf).parameters
    for row in parameters:
        assert all(field in INPUTS for field in re.findall(r'`inputnode\.(\w+)`', row[2]))
        named = re.findall(r'`([a-z_]+)`', row[2])
        assert all(name in arguments for name in named), named


def test_options_in_the_table_of_parameters_exist(parameters):
    """What the table calls an option is one."""
    named = [option for row in parameters for option in re.findall(r'`(--[\w-]+)`', row[3])]
    assert len(named) > len(SEED) - 4
    assert set(named) <= options()


def test_every_argument_of_the_factory_but_its_resources_is_an_option():
    """The command reaches whatever the factory can do."""
    # Filled in from the files and resources that the command is given.
    own = [
        'use_mask',
        'use_luts',
        'use_confounds',
        'use_sample_mask',
        'atlas_names',
        'sizes',
        'num_threads',
        'name',
    ]
    arguments = set(inspect.signature(init_labels_wf).parameters) - set(own)
    names = {option.lstrip('-').removeprefix('no-').replace('-', '_') for option in options()}
    assert arguments <= names


def test_outputs_table_names_the_fields_of_the_outputnode():
    """The page of outputs lists every field of the factory's outputnode."""
    rows = table_rows((ROOT / 'docs' / 'outputs.md').read_text(encoding='utf-8'))
    assert set(OUTPUTS) <= {name for row in rows for name in re.findall(r'`(\w+)`', row[1])}


def test_code_in_the_readme_runs(tmp_path, monkeypatch, capsys):
    """The lines that the README says run as they stand do."""
    (code,) = re.findall(r'```python\n(.*?)```', (ROOT / 'README.md').read_text(encoding='utf-8'), re.DOTALL)
    assert len(code.strip().splitlines()) <= 12
    monkeypatch.chdir(tmp_path)
    exec(compile(code, 'README.md', 'exec'), {})
    assert 'cleaned-0.tsv' in capsys.readouterr().out


def test_links_of_the_readme_lead_somewhere():
    """Relative links of the README are files or folders."""
    links = re.findall(r'\]\((?!http)([^)]+)\)', (ROOT / 'README.md').read_text(encoding='utf-8'))
    assert links
    assert all((ROOT / link).exists() for link in links)
