# SPDX-License-Identifier: BSD-3-Clause
"""Check each line of the migration page about other tools than nilearn."""

import sys
from importlib import metadata

import nibabel
import nilearn.maskers
import numpy as np
import pandas as pd
from masker_cases import AAL, MASK, SERIES
from migration_data import (
    ABSENT,
    FEW,
    NAMES,
    assert_same,
    atlas,
    both,
    means,
    none,
    reduced,
    refused,
    series,
    table,
    values_of,
)
from nipype.interfaces.nilearn import SignalExtraction as OfNipype
from niworkflows.interfaces.images import SignalExtraction as OfNiworkflows
from numpy.testing import assert_array_equal

from nipype_labels import NiftiLabelsMasker, NiftiMapsMasker
from nipype_labels.files.tables import read_signals

# What the extraction of the bench leaves: of the regions of the atlas 'nothing' and 'little' are lost to the mask.
THERE = [name not in ('nothing', 'little') for name in NAMES]


def written(bench):
    return read_signals(bench.extracted / 'few' / 'timeseries.tsv')


def table_is_ours(bench):
    """A heading, tabs, n/a, and a row for each volume."""
    lines = (bench.extracted / 'few' / 'timeseries.tsv').read_text().splitlines()
    assert lines[0].split('\t') == [*NAMES, ABSENT[1]]
    assert len(lines) == 1 + 20
    assert lines[1].split('\t')[3] == 'n/a'


def extract(bench, interface, image=SERIES, labels=None, names=NAMES, **parameters):
    """Run an interface of another package; its table."""
    if interface is OfNipype:
        bench.patch.setitem(sys.modules, 'nilearn.input_data', nilearn.maskers)
    labels = bench.save(atlas(renumbered=True), 'labels.nii.gz') if labels is None else labels
    node = interface(in_file=image, label_files=labels, class_labels=list(names), **parameters)
    done = bench.quietly(node.run, cwd=str(bench.folder))
    return pd.read_csv(done.outputs.out_file, sep='\t')


def equal_to(interface, digits=5, ours=None, **parameters):
    def check(bench):
        expected = extract(bench, interface, **parameters)
        signals = bench.ours(atlas(), SERIES, labels=list(NAMES), **(ours or {}))
        assert list(expected) == list(NAMES)
        assert_same(signals, expected.to_numpy(), digits)

    return check


def nipype_ids(bench):
    equal_to(OfNipype)(bench)
    gap = bench.save(atlas(), 'gap.nii.gz')
    with refused('dimensions'):
        extract(bench, OfNipype, labels=gap, names=map(str, range(1, 87)))


def maps(bench):
    """Two masks that overlap, as maps of probabilities."""
    ids = atlas().get_fdata()
    masks = [np.isin(ids, some) for some in (FEW[:2], FEW[1:])]
    return bench.save(nibabel.Nifti1Image(np.stack(masks, -1).astype('float32') * 0.9, atlas().affine), 'maps.nii.gz')


def nipype_maps(bench):
    found = extract(bench, OfNipype, labels=maps(bench), names='ab', incl_shared_variance=False)
    signals = NiftiMapsMasker(maps(bench), reports=False).fit_transform(SERIES)
    assert_same(signals, found.to_numpy(), 4)
    alone = extract(bench, OfNipype, labels=maps(bench), names='ab')
    assert (alone.to_numpy() > 1.1 * signals).all()


def shared_variance(bench):
    one, other = (extract(bench, OfNipype, incl_shared_variance=value) for value in (True, False))
    assert_array_equal(one, other)
    none('incl_shared_variance')(bench)


def global_signal(bench):
    expected = extract(bench, OfNipype, include_global=True)
    anywhere = nibabel.Nifti1Image((atlas().get_fdata() > 0).astype('uint8'), atlas().affine)
    assert_same(bench.ours(anywhere, SERIES)[:, 0], expected['GlobalSignal'].to_numpy(), 5)


def fails_with_nilearn_of_today(bench):
    if metadata.version('nipype') >= '1.12':
        return
    with refused('nilearn.input_data', ModuleNotFoundError):
        OfNipype(in_file=SERIES, label_files=AAL, class_labels=['a']).run(cwd=str(bench.folder))


def niworkflows_ids(bench):
    equal_to(OfNiworkflows, 9)(bench)
    with refused('same dimensions', NotImplementedError):
        extract(bench, OfNiworkflows, labels=AAL)
    assert bench.ours(AAL, SERIES).shape == (20, 116)


def niworkflows_masks(bench):
    whole = nibabel.load(maps(bench))
    expected = extract(bench, OfNiworkflows, labels=maps(bench), names='ab')
    for i, name in enumerate('ab'):
        mask = nibabel.Nifti1Image((whole.get_fdata()[..., i] >= 0.5).astype('uint8'), whole.affine)
        assert_same(bench.ours(mask, SERIES)[:, 0], expected[name].to_numpy())


def niworkflows_nan(bench):
    image = nibabel.Nifti1Image(series().get_fdata().copy(), series().affine)
    place = tuple(np.argwhere(atlas().get_fdata() == FEW[0])[0])
    image.dataobj[place] = np.nan
    found = extract(bench, OfNiworkflows, image=bench.save(image, 'nan.nii.gz'))
    assert found['most'].isna().all()
    left = values_of(FEW[0], imgs=image)
    assert_same(bench.ours(atlas(), image)[:, 0], np.nanmean(left, axis=1))


def brute(function, mask=None, imgs=None, **parameters):
    """Check that ours is this function of the voxels of each region."""

    def check(bench):
        image = series() if imgs is None else imgs()
        given = {'mask_img': mask} | parameters
        signals = bench.ours(atlas(), image, **given)
        with np.errstate(invalid='ignore'):
            expected = bench.quietly(reduced, function, mask, imgs and image)
        assert_same(signals, expected)

    return check


def coverage(mask):
    return np.array([values_of(i, MASK).shape[1] / values_of(i).shape[1] for i in FEW])


def xcp_atlas(bench):
    brute(means, resampling_target=None)(bench)
    with refused('resampling_target|grid'):
        bench.ours(AAL, series(), resampling_target=None)


def xcp_lut(bench):
    table().rename(columns={'name': 'label'}).to_csv(bench.folder / 'dseg.tsv', sep='\t', index=False)
    masker = NiftiLabelsMasker(atlas(), lut=bench.folder / 'dseg.tsv').fit()
    assert list(masker.region_names_.values()) == [*NAMES, ABSENT[1]]


def xcp_min_coverage(bench):
    lost = coverage(MASK) < 0.5
    assert coverage(MASK)[1] == 0.5
    signals = bench.ours(atlas(), series(), mask_img=MASK, min_coverage=0.5)
    assert_same(signals, np.where(lost, np.nan, bench.quietly(reduced, means, MASK)))
    assert_array_equal(np.isfinite(bench.ours(atlas(), series(), mask_img=MASK)).all(axis=0), coverage(MASK) > 0)


def status(name):
    def check(bench):
        regions = bench.read('few/regions.tsv').set_index('status')
        (lost,) = [regions.loc[name, 'name']]
        assert bench.read('few/timeseries.tsv')[lost].isna().all()

    return check


def xcp_timeseries(bench):
    names, signals = written(bench)
    assert names == [*NAMES, ABSENT[1]]
    assert_same(signals[:, :5], np.where(THERE, bench.quietly(reduced, means, MASK), np.nan))


def xcp_coverage(bench):
    found = bench.read('few/regions.tsv')['coverage']
    assert_same(found[:5].to_numpy(), coverage(MASK), 8)
    assert np.isnan(found[5])


def xcp_correlations(bench):
    found = bench.read('few/connectivity.tsv')
    assert list(found) == [*NAMES, ABSENT[1]]
    expected = pd.DataFrame(written(bench)[1]).corr().to_numpy()
    there = np.flatnonzero([*THERE, False])
    assert_same(found.to_numpy()[np.ix_(there, there)], expected[np.ix_(there, there)])


def fsl_label(bench):
    brute(means)(bench)
    assert bench.ours(atlas(), series()).shape[1] == len(FEW) < max(FEW)


def fsl_mask(bench):
    signals = bench.ours(MASK, series())
    assert_same(signals[:, 0], series().get_fdata()[nibabel.load(MASK).get_fdata() > 0].mean(axis=0))
    with refused('not region ids'):
        bench.ours(nibabel.Nifti1Image(atlas().get_fdata() / 100, atlas().affine), series())


def afni_rows(ids, names, expected):
    """Check that a look-up table gives the columns."""

    def check(bench):
        found = bench.ours(atlas(), series(), lut=table(ids, names))
        columns = [means(values_of(i)) if i in FEW else np.full(20, np.nan) for i in expected]
        assert_same(found, np.column_stack(columns))

    return check


def filled(policy, value):
    def check(bench):
        signals = bench.ours(atlas(), series(), lut=table(), missing_labels=policy)
        assert_array_equal(signals[:, 5], np.full(20, value))

    return check


def zeros_for(value):
    """The series with a tenth of its voxels at 0, or at another value instead."""
    there = series().get_fdata().copy()
    there[np.random.default_rng(80).random(there.shape) < 0.1] = value
    return nibabel.Nifti1Image(there, series().affine)


def nonzero(function, strategy):
    """Check a function of the voxels of each volume that are not 0."""

    def check(bench):
        with_zeros, with_nan = zeros_for(0.0), zeros_for(np.nan)
        signals = bench.ours(atlas(), with_nan, strategy=strategy, nan_policy='omit')
        columns = []
        for index in FEW:
            rows = [values[values != 0] for values in values_of(index, imgs=with_zeros)]
            columns.append([function(row) if len(row) else np.nan for row in rows])
        assert_same(signals, np.column_stack(columns))

    return check


def n_voxels(bench):
    masker = NiftiLabelsMasker(atlas(), mask_img=MASK)
    bench.quietly(masker.fit_transform, series())
    assert masker.regions_['n_voxels_used'].tolist() == [values_of(i, MASK).shape[1] for i in FEW]
    assert bench.read('few/regions.tsv')['n_voxels_used'].tolist()[:5] == masker.regions_['n_voxels_used'].tolist()


def float_ids(bench):
    as_floats = nibabel.Nifti1Image(atlas().get_fdata(), atlas().affine)
    assert_array_equal(bench.ours(as_floats, series()), bench.ours(atlas(), series()))
    with refused('not region ids'):
        bench.ours(nibabel.Nifti1Image(atlas().get_fdata() * 1.1, atlas().affine), series())


def along(function, **more):
    return lambda values: function(values, axis=1, **more)


NIPYPE = {
    '`in_file`': both(fails_with_nilearn_of_today, equal_to(OfNipype)),
    '`label_files`, one image of ids': nipype_ids,
    '`label_files`, maps of probabilities': nipype_maps,
    '`class_labels`': equal_to(OfNipype),
    '`out_file`': table_is_ours,
    '`incl_shared_variance`': shared_variance,
    '`include_global`': global_signal,
    '`detrend`': equal_to(OfNipype, ours={'detrend': True}, detrend=True),
}

NIWORKFLOWS = {
    '`in_file`': equal_to(OfNiworkflows, 9),
    '`label_files`, one image of ids': niworkflows_ids,
    '`label_files`, several masks or a 4D image': niworkflows_masks,
    '`prob_thres`': both(none('prob_thres'), niworkflows_masks),
    '`class_labels`': equal_to(OfNiworkflows, 9),
    '`out_file`': table_is_ours,
    'voxels that are NaN': niworkflows_nan,
}

XCP_D = {
    '`filtered_file`': brute(means),
    '`mask`': brute(means, MASK),
    '`atlas`': xcp_atlas,
    '`atlas_labels`, with `index` and `label`': xcp_lut,
    '`min_coverage`, `--min-coverage`': xcp_min_coverage,
    'parcels below it: columns of NaN': status('low_coverage'),
    'parcels that are not in the atlas: columns of NaN': status('absent_from_atlas'),
    '`timeseries`': xcp_timeseries,
    '`coverage`': xcp_coverage,
    '`correlations` of `TSVConnect`': xcp_correlations,
}

FSL = {
    '`-i`': brute(means),
    '`-o`': table_is_ours,
    '`--label`': fsl_label,
    '`-m` with `--label`': brute(means, MASK),
    '`-m` alone': fsl_mask,
    '`-c`, `--usemm`': none('coord', 'usemm'),
    '`--showall`': none('showall'),
    '`--eig`, `--order`, `--no_bin`': none('eig', 'order', 'no_bin'),
    '`--transpose`': both(none('transpose'), table_is_ours),
}

AFNI = {
    '`-mask`': both(brute(means), niworkflows_ids),
    'the mean, without any option': brute(means, strategy='mean'),
    '`-nzsum`': brute(along(np.sum), strategy='sum'),
    '`-minmax`': both(brute(along(np.min), strategy='minimum'), brute(along(np.max), strategy='maximum')),
    '`-median`': brute(along(np.median), strategy='median'),
    '`-sigma`': brute(along(np.std), strategy='standard_deviation'),
    '`-nzmean`, `-nzmedian`, `-nzminmax`, `-nzsigma`': both(
        nonzero(np.mean, 'mean'),
        nonzero(np.median, 'median'),
        nonzero(np.min, 'minimum'),
        nonzero(np.max, 'maximum'),
        nonzero(np.std, 'standard_deviation'),
    ),
    '`-nzvoxels`': n_voxels,
    '`-mode`, `-nzmode`': none('mode'),
    '`-summary`': none('summary'),
    '`-nomeanout`': none('nomeanout'),
    '`-numROI n`': afni_rows((1, 2, 46), ['a', 'b', 'c'], (1, 2, 46)),
    '`-zerofill 0`': filled('zero', 0.0),
    '`-zerofill NaN`': filled('nan', np.nan),
    '`-roisel`': afni_rows((86, 46), ['a', 'b'], (86, 46)),
    '`-mask_f2short`': float_ids,
    '`-1Dformat`, `-1DRformat`, `-nobriklab`, `-quiet`': table_is_ours,
}
