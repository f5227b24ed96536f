# SPDX-License-Identifier: BSD-3-Clause
"""Coverage tables survive writing and reading, and damaged ones are refused."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from spaces import make_atlas

from nipype_labels.core.coverage import CoverageTable
from nipype_labels.core.reduce import Reduction
from nipype_labels.files.coverage import COLUMNS, read_coverage, write_coverage
from nipype_labels.files.frames import to_frame
from nipype_labels.model.errors import LabelsError

NAMES = ['NA', 'nan', '007', 'Côté, λ', 'Left "A"', '1e5']


@pytest.fixture
def table():
    atlas = make_atlas(np.arange(120).reshape(4, 5, 6) % 6, ids=[6, 3, 1, 5, 2, 4], names=NAMES)
    signals = np.random.default_rng(4).normal(size=(9, 6))
    signals[:, 0] = np.nan
    used = atlas.count_voxels()
    return CoverageTable.of(atlas).with_signals(Reduction(signals, used, used, used, used < 0), 1.0)


def test_a_table_survives_writing_and_reading(tmp_path, table):
    write_coverage(tmp_path / 'regions.tsv', table)
    heading = (tmp_path / 'regions.tsv').read_text(encoding='utf-8').split('\n')[0].split('\t')
    assert heading == [*COLUMNS, 'volume_atlas', 'n_volumes', 'tsnr']
    back = read_coverage(tmp_path / 'regions.tsv')
    assert list(back.columns) == heading
    for name, values in back.columns.items():
        assert_array_equal(values, table.columns[name])
    assert back.index.dtype.kind == back.n_voxels_used.dtype.kind == 'i'
    write_coverage(tmp_path / 'again.tsv', back)
    assert (tmp_path / 'again.tsv').read_bytes() == (tmp_path / 'regions.tsv').read_bytes()


@pytest.mark.parametrize('column', COLUMNS)
def test_a_table_without_a_column_is_refused_naming_it(tmp_path, table, column):
    to_frame(table).drop(columns=column).to_csv(tmp_path / 'regions.tsv', sep='\t', na_rep='n/a')
    with pytest.raises(LabelsError, match=rf'regions\.tsv is not a coverage table: {column} missing$'):
        read_coverage(tmp_path / 'regions.tsv')


@pytest.mark.parametrize(
    ('column', 'cell'),
    [
        ('index', 'x'),
        ('index', 'n/a'),
        ('n_voxels_mask', ''),
        ('n_voxels_mask', '2.5'),
        ('index', 'inf'),
        ('coverage', '-'),
    ],
)
def test_text_where_numbers_belong_is_refused_by_file(tmp_path, table, column, cell):
    frame = to_frame(table).astype(str)
    frame.loc[2, column] = cell
    frame.to_csv(tmp_path / 'regions.tsv', sep='\t', index=False)
    with pytest.raises(LabelsError, match=r'regions\.tsv'):
        read_coverage(tmp_path / 'regions.tsv')
