# SPDX-License-Identifier: BSD-3-Clause
"""Problems that headers and tables show are errors before any node runs, with option names."""

import json

import numpy as np
import pytest
from named_cases import N_VOLUMES, TABLE, ask, make_runs, write

from nipype_labels.files.tables import write_signals

pytestmark = pytest.mark.timeout(120)


def with_confounds(small, values, names=None):
    """Confounds of these values."""
    values = np.asarray(values, dtype=float)
    write_signals(small.confounds, names or [f'c{i}' for i in range(values.shape[1])], values)
    return ['--confounds', str(small.confounds)]


def missing(small):
    values = np.random.default_rng(1).normal(size=(30, 2))
    values[0, 1] = np.nan
    return with_confounds(small, values)


def many(small):
    return with_confounds(small, np.random.default_rng(1).normal(size=(30, 30)))


def short(small):
    return with_confounds(small, np.ones((29, 1)))


def flags(small, n):
    path = small.lut.with_name('kept.txt')
    path.write_text('true\n' * n)
    return ['--sample-mask', str(path)]


REFUSED = {
    'a negative width': (lambda s: ['--smoothing-fwhm', '-1'], ['--smoothing-fwhm']),
    'no components': (lambda s: [*with_confounds(s, np.eye(30, 2)), '--n-compcor', '0'], ['--n-compcor']),
    'a look-up table that is missing': (lambda s: ['--lut', 'nowhere.tsv'], ['nowhere.tsv']),
    'a look-up table of another atlas': (lambda s: ['--lut', str(s.short)], ['short.txt', '4 regions']),
    'names that are too few': (lambda s: ['--labels', 'A'], ['1 names', '4 regions']),
    'confounds that are missing': (lambda s: ['--confounds', 'nowhere.tsv'], ['--confounds', 'nowhere.tsv']),
    'n/a in confounds': (missing, ['confounds.tsv', 'c1', '--confounds-na']),
    'too few rows': (short, ['confounds.tsv', '29 rows', '30 volumes']),
    'too many confounds': (many, ['bold.nii.gz with', 'confounds.tsv']),
    'too many with high-variance confounds': (
        lambda s: [*with_confounds(s, np.random.default_rng(1).normal(size=(30, 27))), '--high-variance-confounds'],
        ['bold.nii.gz with', 'confounds.tsv'],
    ),
    'a cut-off above Nyquist': (lambda s: ['--low-pass', '0.3'], ['bold.nii.gz', '--low-pass 0.3', 'Nyquist']),
    'too short for drifts': (lambda s: ['--high-pass', '1e-6', '--filter', 'cosine'], ['bold.nii.gz', '--high-pass']),
    'flags that are too few': (lambda s: flags(s, 29), ['kept.txt', '29', '30']),
    'too few volumes for a matrix': (
        lambda s: ['--connectivity', 'correlation', '--sample-mask', _two(s)],
        ['bold.nii.gz', '3 volumes'],
    ),
}


def _two(small):
    path = small.lut.with_name('two.txt')
    path.write_text('3\n9\n')
    return str(path)


@pytest.mark.parametrize('name', REFUSED)
def test_extract_refuses_before_any_node_runs(name, small, call):
    arguments, words = REFUSED[name]
    asked = ['extract', str(small.bold), '--atlas', str(small.atlas), *arguments(small), '-o', str(small.out)]
    status, _, said = call(*asked)
    assert status == 2, said
    *warnings, line = said.splitlines()
    assert all(warning.startswith('WARNING: ') for warning in warnings)
    for word in words:
        assert word in line
    assert str(small.out) not in line
    assert 'nipype_labels-' not in line
    assert not small.out.exists()


def test_only_the_run_of_another_length_is_refused(call, tmp_path):
    make_runs(tmp_path, ('01', '02'))
    for participant, n in (('01', N_VOLUMES), ('02', N_VOLUMES - 1)):
        write(tmp_path / 'fmriprep' / f'sub-{participant}' / 'func' / f'sub-{participant}_task-rest_{TABLE}', n)
    status, _, said = call(*ask(tmp_path, '--confounds-columns', 'rot_x'))
    assert status == 1
    assert '1 of 2 runs' in said
    (line,) = [line for line in said.splitlines() if 'sub-02' in line and '19 rows' in line]
    assert '20 volumes' in line
    reduced = [path.parts[-3] for path in (tmp_path / 'out' / 'work').rglob('labels_0_wf/reduce')]
    assert [name[:6] for name in reduced] == ['sub-01']


def test_one_retained_volume_more_than_confounds_is_enough(small, call):
    asked = with_confounds(small, np.random.default_rng(1).normal(size=(30, 27)))
    status, _, said = call('extract', str(small.bold), '--atlas', str(small.atlas), *asked, '-o', str(small.out))
    assert status == 0, said
    assert json.loads((small.out / 'cleaning.json').read_text())['RankOfConfounds'] == 27
