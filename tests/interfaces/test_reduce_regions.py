# SPDX-License-Identifier: BSD-3-Clause
"""The coverage table of the node that reduces a series: a row and a status for every region."""

from pathlib import Path

import numpy as np
import pytest
from coverage_frames import read_regions
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import ApplyMask, ReduceLabels, Resample
from nipype_labels.model.errors import MissingRegionsError


def test_every_status_is_in_the_coverage_table(image, run):
    series_affine, atlas_affine = np.diag([4.0, 4, 4, 1]), np.diag([2.0, 2, 2, 1])
    data = np.random.default_rng(6).normal(100, 10, (6, 6, 6, 5))
    atlas = np.zeros((16, 12, 12), dtype='int16')
    atlas[0:2, :, 0:4], atlas[14:], atlas[5, 1, 1] = 1, 3, 4
    atlas[2:4, :, 8:12], atlas[6:8], atlas[8:10] = 5, 6, 7
    atlas[10:12, :, :6] = 8
    data[4] = np.nan
    data[5] = 7
    mask = np.ones((6, 6, 6), dtype='uint8')
    mask[1], mask[3, 2:] = 0, 0
    lut = Path('lut.tsv')
    lut.write_text('index\tname\n' + ''.join(f'{i}\tR{i}\n' for i in range(8, 0, -1)))
    series = image('series.nii.gz', data, series_affine)
    atlas = image('atlas.nii.gz', atlas, atlas_affine)
    labels = run(Resample(in_files=atlas, reference_files=series)).out_files
    placed = run(
        ApplyMask(
            labels_files=labels,
            atlas_files=atlas,
            mask_files=image('mask.nii', mask, series_affine),
            lut_files=str(lut),
        )
    )
    outputs = run(
        ReduceLabels(
            in_file=series, labels_files=placed.out_files, regions_files=placed.regions_files, min_coverage=0.5
        )
    )
    regions = read_regions(outputs.regions_files[0])
    names, signals = read_signals(outputs.out_files[0])
    assert names == [f'R{i}' for i in range(8, 0, -1)]
    assert dict(zip(regions['index'], regions['status'], strict=True)) == {
        8: 'constant',
        7: 'not_finite',
        6: 'low_coverage',
        5: 'outside_mask',
        4: 'lost_in_resampling',
        3: 'outside_field_of_view',
        2: 'absent_from_atlas',
        1: 'ok',
    }
    assert np.isnan(signals[:, 1:7]).all()
    assert (signals[:, 0] == 7).all()
    assert_allclose(signals[:, 7], data[0, :, :2].mean(axis=(0, 1)), rtol=1e-12)
    used = dict(zip(regions['index'], regions['n_voxels_used'], strict=True))
    assert used == {8: 18, 7: 0, 6: 12, 5: 0, 4: 0, 3: 0, 2: 0, 1: 12}


def masked_out(image):
    """A mask that excludes all of region 2."""
    mask = np.ones((4, 4, 4), dtype='uint8')
    mask[1] = 0
    return {'mask_files': image('mask.nii', mask)}


@pytest.mark.parametrize(('policy', 'columns'), [('nan', '123'), ('zero', '123'), ('drop', '13')])
def test_regions_without_a_signal_follow_the_policy(policy, columns, small, image, run):
    outputs = run(small(apply=masked_out(image), missing_labels=policy))
    names, signals = read_signals(outputs.out_files[0])
    regions = read_regions(outputs.regions_files[0])
    assert names == list(columns)
    assert regions['status'].tolist() == ['ok', 'outside_mask', 'ok']
    there = [name != '2' for name in names]
    assert_array_equal(signals[:, there], read_signals(run(small()).out_files[0])[1][:, [0, 2]])
    if policy != 'drop':
        assert_array_equal(signals[:, 1], np.full(6, np.nan if policy == 'nan' else 0.0))
    text = Path(outputs.out_files[0]).read_text()
    assert ('n/a' in text) == (policy == 'nan')
    assert 'nan' not in text.lower()


def test_regions_without_a_signal_may_be_an_error(small, image, run):
    with pytest.raises(MissingRegionsError, match=r"missing_labels='raise'.*outside_mask: 2"):
        run(small(apply=masked_out(image), missing_labels='raise'))


@pytest.mark.parametrize('policy', ['nan', 'zero', 'drop', 'raise'])
def test_no_region_with_a_signal_is_always_an_error(policy, small, run):
    with pytest.raises(MissingRegionsError, match='no region has a signal'):
        run(small(np.full((4, 4, 4, 6), np.nan), missing_labels=policy))


def test_the_order_of_the_table_changes_no_series(small, text, run):
    def by_name(lut):
        names, signals = read_signals(run(small(apply={'lut_files': text('lut.tsv', lut)})).out_files[0])
        return dict(zip(names, signals.T.tolist(), strict=True))

    one = by_name('index\tname\n1\tA\n2\tB\n3\tC\n')
    other = by_name('index\tname\n3\tC\n9\tunused\n1\tA\n2\tB\n')
    assert all(np.isnan(other.pop('unused')))
    assert one == other


def test_regions_without_a_signal_are_warned_of_by_name(small, image, run, caplog, monkeypatch):
    import logging

    node = small(apply=masked_out(image))
    monkeypatch.setattr(logging.getLogger('nipype'), 'propagate', True)
    run(node)
    messages = [record.getMessage() for record in caplog.records if 'no look-up table' not in record.getMessage()]
    assert len(messages) == 1
    assert messages[0].endswith('regions without a signal: outside_mask: 2')
