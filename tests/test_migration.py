# SPDX-License-Identifier: BSD-3-Clause
"""Check each line of the migration page."""

import inspect
import re
import warnings
from pathlib import Path

import migration_confounds as confounds
import migration_data as data
import migration_others as others
import pytest
from masker_cases import MASK, SERIES

from nipype_labels import NiftiLabelsMasker
from nipype_labels.cli.main import build_parser, main
from nipype_labels.model.outputs import NODE_OUTPUTS
from nipype_labels.model.parameters import CONFOUNDS_PARAMETERS
from nipype_labels.workflows import init_labels_wf
from nipype_labels.workflows.nodes import INPUTS

PAGE = Path(__file__).parents[1] / 'docs' / 'migration.md'

#: Tables about nilearn's masker, which the tests of ours compare it with throughout.
MASKER = {'nilearn: constructor', 'nilearn: methods', 'nilearn: attributes'}

#: Checks of lines, by the heading of the first column of their table.
CHECKS = {
    'nilearn: confounds': confounds.CONFOUNDS,
    'nipype': others.NIPYPE,
    'niworkflows': others.NIWORKFLOWS,
    'xcp_d': others.XCP_D,
    'FSL': others.FSL,
    'AFNI': others.AFNI,
}


def read_lines(text):
    """Rows of the tables of a page, with the heading of the first column of their table before each."""
    found, heading = [], None
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], ''], strict=True):
        cells = [cell.strip() for cell in line.split('|')[1:-1]]
        if not line.startswith('|'):
            heading = None
        elif following.startswith('|--'):
            heading = cells
        elif not line.startswith('|--'):
            found.append((heading, cells))
    return found


LINES = read_lines(PAGE.read_text(encoding='utf-8'))


@pytest.fixture(scope='module')
def extracted(tmp_path_factory):
    """The folder that the command wrote for some regions, one of which the atlas does not have."""
    folder = tmp_path_factory.mktemp('extracted')
    data.atlas().to_filename(folder / 'few.nii.gz')
    data.table().to_csv(folder / 'few.tsv', sep='\t', index=False)
    options = ['--mask', MASK, '--resampling-target', 'none', '--min-coverage', '0.5']
    options += ['--connectivity', 'correlation', '--covariance-estimator', 'empirical']
    given = [SERIES, '--atlas', str(folder / 'few.nii.gz'), '--lut', str(folder / 'few.tsv')]
    assert main(['extract', *given, *options, '-o', str(folder / 'out')]) == 0
    return folder / 'out'


@pytest.fixture
def bench(tmp_path, monkeypatch, quietly, extracted):
    return data.Bench(tmp_path, monkeypatch, quietly, extracted)


def test_the_page_has_the_tables_and_their_three_columns():
    assert {heading[0] for heading, _ in LINES} == MASKER | set(CHECKS)
    assert all(heading[1:] == ['ours', 'differs in'] and len(cells) == 3 for heading, cells in LINES)


@pytest.mark.parametrize('tool', CHECKS)
def test_each_line_of_the_page_has_a_check_and_each_check_a_line(tool):
    assert [cells[0] for heading, cells in LINES if heading[0] == tool] == list(CHECKS[tool])


@pytest.mark.parametrize(
    ('tool', 'theirs'),
    [(heading[0], cells[0]) for heading, cells in LINES if heading[0] in CHECKS],
    ids=lambda cell: cell.replace('`', ''),
)
def test_the_migration_table_is_true(tool, theirs, bench):
    CHECKS[tool][theirs](bench)


def test_what_lines_name_on_our_side_exists():
    commands = next(action for action in build_parser()._actions if action.choices).choices
    options = {option for action in commands['extract']._actions for option in action.option_strings}
    ours = {name: set(inspect.signature(each).parameters) for name, each in CALLED.items()}
    found = fitted()
    for (tool, *_), (_, cell, _) in LINES:
        assert cell
        has_it = ['factory'] if tool == 'nilearn: confounds' else list(ours)
        code = ' '.join(re.findall(r'`([^`]+)`', cell))
        assert set(re.findall(r'(?<!\w)--[a-z-]+', code)) <= options, cell
        assert set(re.findall(r'inputnode\.(\w+)', code)) <= set(INPUTS), cell
        assert set(re.findall(r'outputnode\.(\w+)', code)) <= {output.key for output in NODE_OUTPUTS}, cell
        assert all(hasattr(found, name) for name in re.findall(r'masker\.(\w+)', code)), cell
        for names, where in re.findall(r'((?:`\w+=[^`]*`,? ?)+)(?:\((class|factory)\))?', cell):
            for name in re.findall(r'(?:`|, )(\w+)=', names):
                assert all(name in ours[each] for each in ([where] if where else has_it)), (cell, name)


def test_values_that_lines_give_on_our_side_are_taken():
    taken = 0
    for _, (_, cell, _) in LINES:
        for span in re.findall(r'`(--[^` ]+ [^`]+)`', cell):
            build_parser().parse_args(['extract', 'BOLD', '--atlas', 'ATLAS', '-o', 'OUT', *span.split()])
            taken += 1
        for span in re.findall(r'`(\w+=[^`…]+)`', cell):
            given = eval(f'dict({span})')
            needed = {'use_confounds': any('confounds' in name or name in CONFOUNDS_PARAMETERS for name in given)}
            needed |= {'confounds_strategy': ['6P']} if 'non_steady_state' in given else {}
            needed |= {'high_pass': 0.01} if given.get('filter') == 'cosine' else {}
            init_labels_wf(**given, **needed)
            taken += 1
    assert taken > 50


CALLED = {'class': NiftiLabelsMasker, 'factory': init_labels_wf}


def fitted():
    found = NiftiLabelsMasker(data.atlas())
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        found.fit_transform(SERIES)
    return found
