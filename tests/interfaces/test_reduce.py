# SPDX-License-Identifier: BSD-3-Clause
"""The node that reduces a series: the numbers of nilearn on real data, in one pass, for any number of threads."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from coverage_frames import read_regions
from nipype.interfaces.base import isdefined
from numpy.testing import assert_allclose

from nipype_labels.core.strategies import STRATEGIES
from nipype_labels.files import series as series_module
from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import ApplyMask, ReduceLabels
from nipype_labels.model.errors import GridError, ImageError

#: On the grid of the atlas, which is that much finer than the series', nilearn would need gigabytes.
STEP = 6


def test_ids_beyond_16_bits_have_their_own_columns(small, run):
    labels = np.zeros((4, 4, 4), dtype='int32')
    ids = (255, 256, 32767, 32768, 65536, 2_000_000_000)
    for place, region in enumerate(ids):
        labels[place % 4, place // 4] = region
    data = np.random.default_rng(5).normal(100, 10, (4, 4, 4, 6))
    names, signals = read_signals(run(small(data, labels)).out_files[0])
    assert names == [str(region) for region in ids]
    assert_allclose(signals.T, [data[labels == region].mean(axis=0) for region in ids], rtol=1e-12)


@pytest.mark.parametrize('target', ['data', 'none'])
def test_labels_on_another_grid_are_refused(target, small, run):
    node = small(affine=np.diag([3.0, 3, 3.2, 1]), resampling_target=target)
    with pytest.raises(
        GridError, match=r"grids differ: .*labels\.nii\.gz .*series\.nii\.gz .*resampling_target='labels'"
    ):
        run(node)


@pytest.mark.parametrize(
    ('dtype', 'cast'), [('none', 'float64'), ('auto', 'float32'), ('float32', 'float32'), ('float64', 'float64')]
)
def test_voxels_are_cast_as_they_are_read(dtype, cast, small, run):
    data = np.random.default_rng(5).normal(1e6, 1, (4, 4, 4, 6))
    signals = read_signals(run(small(data, dtype=dtype)).out_files[0])[1]
    expected = [data[place].astype(cast).astype('float64').mean(axis=(0, 1)) for place in range(3)]
    assert_allclose(signals.T, expected, rtol=1e-14)
    assert (np.abs(signals.T - [data[place].mean(axis=(0, 1)) for place in range(3)]).max() > 1e-4) == (
        cast == 'float32'
    )


@pytest.mark.parametrize('dtype', ['none', 'auto'])
def test_integers_give_means_that_are_not_integers(dtype, small, run):
    """nilearn's 'auto' truncates them (X9)."""
    data = np.random.default_rng(5).integers(-300, 300, (4, 4, 4, 6)).astype('int16')
    signals = read_signals(run(small(data, dtype=dtype)).out_files[0])[1]
    assert_allclose(signals.T, [data[place].astype(float).mean(axis=(0, 1)) for place in range(3)], rtol=1e-12)


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_a_single_volume_gives_a_single_row(strategy, small, run):
    data = np.random.default_rng(5).normal(100, 10, (4, 4, 4, 1))
    flat = run(small(data[..., 0], strategy=strategy))
    deep = run(small(data, strategy=strategy))
    _names, signals = read_signals(flat.out_files[0])
    assert signals.shape == (1, 3)
    assert Path(flat.out_files[0]).read_bytes() == Path(deep.out_files[0]).read_bytes()
    assert read_regions(flat.regions_files[0])['status'].tolist() == ['ok'] * 3


def test_the_series_is_read_once_for_all_atlases(real_series, aal_on_series, run, monkeypatch):
    passes = []
    blocks = series_module.Series.blocks
    monkeypatch.setattr(series_module.Series, 'blocks', lambda *a, **k: passes.append(a) or blocks(*a, **k))
    placed = {key: files * 3 for key, files in aal_on_series(real_series).items()}
    passes.clear()
    run(ReduceLabels(in_file=real_series, **placed))
    assert [a[0].voxel_file for a in passes].count(real_series) == 1


@pytest.mark.parametrize(
    'settings', [{}, {'strategy': 'median'}, {'smoothing_fwhm': 15.0}, {'resampling_target': 'labels'}]
)
def test_bytes_depend_neither_on_threads_nor_on_the_run(
    settings, real_series, aal, image, aal_on_series, run, contents, monkeypatch
):
    shape = nibabel.load(real_series).shape
    monkeypatch.setattr(series_module, 'BLOCK_BYTES', 3 * 8 * int(np.prod(shape[:3])))
    if settings.get('resampling_target') == 'labels':
        whole = nibabel.load(aal[0])
        thinned = np.asarray(whole.dataobj)[::STEP, ::STEP, ::STEP].astype('int16')
        atlas = image('atlas.nii.gz', thinned, whole.affine @ np.diag([STEP, STEP, STEP, 1]))
        outputs = run(ApplyMask(labels_files=atlas))
        placed = {'labels_files': outputs.out_files, 'regions_files': outputs.regions_files}
    else:
        placed = aal_on_series(real_series)
    one, again, two = (
        contents(run(ReduceLabels(in_file=real_series, num_threads=n, **settings, **placed))) for n in (1, 1, 2)
    )
    assert len(one) == 3
    assert one == again == two


def test_only_tables_and_the_mean_of_all_volumes_are_written(real_series, aal_on_series, run):
    outputs = run(ReduceLabels(in_file=real_series, **aal_on_series(real_series)))
    written = sorted(Path(outputs.mean_file).parent.iterdir())
    assert written == sorted(Path(p) for p in (*outputs.out_files, *outputs.regions_files, outputs.mean_file))
    mean, series = nibabel.load(outputs.mean_file), nibabel.load(real_series)
    assert_allclose(mean.affine, series.affine, atol=1e-5)
    assert_allclose(mean.get_fdata(), series.get_fdata().mean(axis=3), rtol=1e-5)


@pytest.mark.parametrize('t_r', [0.8, None])
def test_the_repetition_time_of_the_header_is_an_output(t_r, small, run):
    outputs = run(small(t_r=t_r or 0.0))
    assert outputs.t_r == 0.8 if t_r else not isdefined(outputs.t_r)


def holed():
    data = np.random.default_rng(5).normal(100, 10, (4, 4, 4, 6))
    data[0, 0] = np.nan
    data[0, 1, 1, 2], data[1, 2, 2, 4] = np.inf, -np.inf
    return data


def test_non_finite_voxels_may_be_refused(small, run):
    with pytest.raises(ImageError, match=r"not finite in 4 of \d+ labelled voxels \(nan_policy='raise'\)"):
        run(small(holed(), nan_policy='raise'))
