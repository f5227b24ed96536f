# SPDX-License-Identifier: BSD-3-Clause
"""Differences from nilearn that a parameter undoes: with that parameter the numbers are nilearn's."""

import json
import re
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from fmriprep_tables import RUN, write_spiky
from nilearn.connectome import ConnectivityMeasure
from nilearn.interfaces.fmriprep import load_confounds
from nilearn.maskers import NiftiLabelsMasker as Reference
from nilearn.maskers import NiftiMapsMasker as MapsReference
from nilearn.maskers import NiftiSpheresMasker as SpheresReference
from nilearn.signal import clean
from numpy.testing import assert_allclose

from nipype_labels import NiftiLabelsMasker, NiftiMapsMasker, NiftiSpheresMasker
from nipype_labels.core.connectivity import measure_connectivity
from nipype_labels.interfaces import HighVarianceConfounds

PAGE = Path(__file__).parents[2] / 'docs' / 'differences.md'
T_R, N_VOLUMES, SHAPE = 2.0, 60, (8, 8, 8)
RETAINED = np.setdiff1d(np.arange(N_VOLUMES), [0, 7, *range(30, 38)])
BAND = {'low_pass': 0.1, 'high_pass': 0.02, 't_r': T_R}
DIFFERENCES = {}


def difference(row):
    """Register what computes, for a row of the page, the default, the restored and nilearn's numbers."""

    def register(compute):
        DIFFERENCES[row] = compute
        return compute

    return register


def image(data, size=3.0, origin=0.0, header=None):
    affine = np.diag([size, size, size, 1.0])
    affine[:3, 3] = origin
    return nib.Nifti1Image(data, affine, header)


def series(dtype='float64'):
    rng = np.random.default_rng(4)
    voxels = rng.normal(rng.uniform(500, 900, (*SHAPE, 1)), 9, (*SHAPE, N_VOLUMES)) + np.linspace(-20, 30, N_VOLUMES)
    return voxels.astype(dtype)


def blocks(shape=SHAPE, size=4):
    where = np.indices(shape) // size
    return (1 + np.ravel_multi_index(where, tuple(-(-n // size) for n in shape))).astype('int16')


def mask():
    inside = np.ones(SHAPE, 'uint8')
    inside[:4, :4, :4] = inside[7] = 0
    return image(inside)


def compare(bold, labels=None, restoring=None, given=None, theirs=None, **parameters):
    """Time series by default, with the restoring parameters, and of nilearn."""
    labels, given = image(blocks()) if labels is None else labels, given or {}

    def ours(**more):
        masker = NiftiLabelsMasker(labels, reports=False, **parameters | more)
        return masker.fit_transform(image(bold.copy()), **given)

    reference = Reference(labels, **{'standardize': None} | parameters | (theirs or {}))
    return ours(), ours(**restoring or {}), reference.fit_transform(image(bold.copy()), **given)


@difference('regions without voxels')
def _(_folder):
    return compare(series(), mask_img=mask(), restoring={'missing_labels': 'drop'})


@difference('`n_elements_`')
def _(_folder):
    counts = []
    for masker in (
        NiftiLabelsMasker(image(blocks()), mask_img=mask(), reports=False),
        NiftiLabelsMasker(image(blocks()), mask_img=mask(), reports=False, missing_labels='drop'),
        Reference(image(blocks()), mask_img=mask(), standardize=None),
    ):
        masker.fit_transform(image(series()))
        counts.append(np.array(masker.n_elements_))
    return counts


@difference('non-finite voxels (X5)')
def _(_folder):
    bold = series()
    bold[1, 1, 1], bold[5, 5, 5, 3] = np.nan, np.inf
    return compare(bold, restoring={'nan_policy': 'zero'})


@difference('smoothing near non-finite voxels')
def _(_folder):
    bold = series()
    bold[1, 1, 1] = np.nan
    return compare(bold, smoothing_fwhm=6.0, restoring={'nan_policy': 'zero'})


@difference("voxels outside the series, `resampling_target='labels'`")
def _(_folder):
    beyond = image(blocks((12, 12, 12), 6), 2.0, 4.5)
    return compare(series(), beyond, resampling_target='labels', restoring={'nan_policy': 'zero'})


@difference('no sform and qform code, or Analyze without `.mat`, on another voxel grid')
def _(_folder):
    bold, labels = image(series()), image(blocks((12, 12, 12), 6), 2.0)
    bold.header.set_sform(None, 0)
    bold.header.set_qform(None, 0)
    refused = NiftiLabelsMasker(labels, reports=False)
    with pytest.raises(ValueError, match='unknown_orientation'):
        refused.fit_transform(bold)
    accepting = NiftiLabelsMasker(labels, reports=False, unknown_orientation='accept')
    return None, accepting.fit_transform(bold), Reference(labels, standardize=None).fit_transform(bold)


@difference('`standardize=True`')
def _(_folder):
    return compare(series(), standardize=True, restoring={'standardize': 'zscore_sample'})


@difference('percent signal change')
def _(_folder):
    # A confound that is not z-scored takes part of the mean away.
    given = {'confounds': np.random.default_rng(5).normal(1, 0.5, (N_VOLUMES, 1))}
    return compare(
        series(), standardize='psc', standardize_confounds=False, given=given, restoring={'standardize': 'psc_nilearn'}
    )


@difference('gaps of censored volumes before a Butterworth filter')
def _(_folder):
    return compare(series(), **BAND, given={'sample_mask': RETAINED}, restoring={'fill_censored': 'cubic'})


@difference('trend after censoring')
def _(_folder):
    bold = series()
    default = NiftiLabelsMasker(image(blocks()), detrend=True, reports=False)
    theirs = Reference(image(blocks()), detrend=True, standardize=None)
    return (
        default.fit_transform(image(bold), sample_mask=RETAINED),
        default.fit_transform(image(bold[..., RETAINED])),
        theirs.fit_transform(image(bold), sample_mask=RETAINED),
    )


@difference('correlation (`ConnectivityMeasure`)')
def _(_folder):
    signals = np.random.default_rng(6).normal(size=(30, 12)).cumsum(axis=1)
    shrunk = measure_connectivity(signals, covariance_estimator='ledoit_wolf')[0]
    theirs = ConnectivityMeasure(kind='correlation').fit_transform([signals])[0]
    return measure_connectivity(signals)[0], shrunk, theirs


@difference('high-variance confounds (X12)')
def _(folder):
    bold = series()
    # What varies most is outside the mask.
    bold[7] += np.random.default_rng(7).normal(0, 90, (8, 8, N_VOLUMES))
    image(bold).to_filename(folder / 'bold.nii')
    whole = HighVarianceConfounds(in_file=str(folder / 'bold.nii')).run(cwd=str(folder)).outputs.out_file
    own = {'mask_img': mask(), 'missing_labels': 'drop', 'reports': False}
    default = NiftiLabelsMasker(image(blocks()), high_variance_confounds=True, **own)
    theirs = Reference(image(blocks()), high_variance_confounds=True, mask_img=mask(), standardize=None)
    return (
        default.fit_transform(image(bold)),
        NiftiLabelsMasker(image(blocks()), **own).fit_transform(image(bold), confounds=whole),
        theirs.fit_transform(image(bold)),
    )


@difference('time series of one volume')
def _(_folder):
    volume = series()[..., 0]
    signals = NiftiLabelsMasker(image(blocks()), reports=False).fit_transform(image(volume))
    return signals, signals[0], Reference(image(blocks()), standardize=None).fit_transform(image(volume))


@difference('time series of a series in single precision')
def _(_folder):
    default, _, theirs = compare(series('float32'))
    assert (default.dtype, theirs.dtype) == (np.float64, np.float32)
    return None, default.astype('float32'), theirs


def write_table(folder):
    """A table of fMRIPrep with seven components of the combined mask."""
    path = write_spiky(folder)
    table, described = pd.read_csv(path, sep='\t'), json.loads(path.with_suffix('.json').read_text())
    for i in range(7, 11):
        table[f'a_comp_cor_{i:02d}'] = np.random.default_rng(i).normal(size=N_VOLUMES)
        described[f'a_comp_cor_{i:02d}'] = described['a_comp_cor_01']
    table.to_csv(path, sep='\t', na_rep='n/a', index=False)
    path.with_suffix('.json').write_text(json.dumps(described))
    return path


def compare_table(folder, default, restoring, theirs):
    """Time series with two sets of parameters, and of nilearn with arguments of load_confounds or all columns."""
    table, bold = write_table(folder), folder / f'{RUN}_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz'
    voxels = np.random.default_rng(8).normal(500, 9, (2, 2, 2, N_VOLUMES))
    image(voxels).to_filename(bold)
    confounds, retained = load_confounds(str(bold), **theirs)
    expected = clean(
        voxels.reshape(8, -1).T, confounds=confounds, sample_mask=retained, detrend=False, standardize=None
    )

    def denoise(parameters):
        masker = NiftiLabelsMasker(image(blocks((2, 2, 2), 1)), reports=False, **parameters)
        return masker.fit_transform(str(bold), confounds=str(table))

    return denoise(default), denoise(restoring), expected


@difference('non-steady-state volumes of an fMRIPrep table')
def _(folder):
    given = {'confounds_strategy': ['GSR']}
    return compare_table(
        folder,
        given | {'non_steady_state': 'keep'},
        given | {'non_steady_state': 'censor'},
        {'strategy': ('global_signal',)},
    )


@difference('missing values in the first row')
def _(folder):
    # No volume is censored that could hide the first row.
    table = write_table(folder)
    columns = pd.read_csv(table, sep='\t', na_values='n/a')
    columns = columns.drop(columns=[name for name in columns if name.startswith('non_steady')])
    raw, courses = np.random.default_rng(9).normal(500, 9, (N_VOLUMES, 8)), columns.filter(regex='^(trans|rot)_')
    theirs = clean(raw, confounds=courses.bfill().to_numpy(), detrend=False, standardize=None)
    labels, bold = image(blocks((2, 2, 2), 1)), image(raw.T.reshape(2, 2, 2, -1).copy())

    def denoise(confounds_na):
        masker = NiftiLabelsMasker(labels, reports=False, confounds_strategy=['24P'], confounds_na=confounds_na)
        return masker.fit_transform(bold, confounds=columns)

    with pytest.raises(ValueError, match='n/a'):
        denoise('raise')
    return denoise('zero'), denoise('backfill'), theirs


@difference('a whole table of fMRIPrep as confounds')
def _(folder):
    table = pd.read_csv(write_table(folder), sep='\t', na_values='n/a').bfill()
    table = table.drop(columns=[name for name in table if name.startswith('non_steady')])
    bold, labels = image(series()), image(blocks())
    with pytest.raises(ValueError, match='confounds_strategy'):
        NiftiLabelsMasker(labels, reports=False).fit_transform(bold, confounds=table)
    restored = NiftiLabelsMasker(labels, reports=False, confounds_strategy=['all']).fit_transform(bold, confounds=table)
    return None, restored, Reference(labels, standardize=None).fit_transform(bold, confounds=table)


@difference('components of aCompCor')
def _(folder):
    default = {'confounds_strategy': ['aCompCor']}
    theirs = {'strategy': ('high_pass', 'compcor'), 'compcor': 'anat_combined', 'n_compcor': 'all'}
    return compare_table(folder, default, default | {'n_compcor': 'all'}, theirs)


@difference('short segments between motion outliers')
def _(folder):
    default = {'confounds_strategy': ['24P', 'scrubbing'], 'confounds_na': 'backfill'}
    theirs = {'strategy': ('motion', 'scrub'), 'scrub': 5, 'fd_threshold': 0.5, 'std_dvars_threshold': 1.5}
    return compare_table(folder, default, default | {'min_segment': 5}, theirs)


def make_maps():
    """Return maps that overlap, of which the last one has voxels in one corner only."""
    maps = np.maximum(np.random.default_rng(5).normal(size=(*SHAPE, 4)), 0)
    maps[1:, :, :, 3] = 0
    return image(maps)


@difference('voxels that are not finite in a fit')
def _(folder):
    bold = series()
    bold[2, 3, 4] = bold[5, 5, 5, 7] = np.nan
    own, others = ({}, {'nan_policy': 'zero'})
    default, restored = (NiftiMapsMasker(make_maps(), **each).fit_transform(image(bold)) for each in (own, others))
    return default, restored, MapsReference(make_maps(), standardize=None).fit_transform(image(bold))


@difference('maps without voxels in the mask')
def _(folder):
    inside = np.ones(SHAPE, 'uint8')
    inside[0] = 0
    own = {'mask_img': image(inside)}
    default = NiftiMapsMasker(make_maps(), **own).fit_transform(image(series()))
    restored = NiftiMapsMasker(make_maps(), missing_labels='drop', **own).fit_transform(image(series()))
    return default, restored, MapsReference(make_maps(), standardize=None, **own).fit_transform(image(series()))


@difference('voxel whose truncated coordinates are those of the seed')
def _(folder):
    seeds, own = [(6.4, 6.4, 6.4), (9, 9, 9)], {'radius': 0.6}
    default = NiftiSpheresMasker(seeds, **own).fit_transform(image(series()))
    restored = NiftiSpheresMasker(seeds, include_nearest=True, **own).fit_transform(image(series()))
    return default, restored, SpheresReference(seeds, standardize=None, **own).fit_transform(image(series()))


@pytest.mark.parametrize('row', DIFFERENCES)
def test_the_parameter_on_the_page_restores_nilearns_numbers(row, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        default, restored, theirs = DIFFERENCES[row](tmp_path)
    assert_allclose(restored, theirs, rtol=1e-5 if restored.dtype == np.float32 else 1e-8, atol=1e-9)
    if default is not None:
        assert default.shape != theirs.shape or not np.allclose(default, theirs, rtol=1e-6)


def test_every_parameter_on_the_page_has_a_test():
    """Of volumes; those of surfaces are tested in tests/surfaces/test_masker.py."""
    page = re.sub(r'^## Surfaces$.*?(?=^## )', '', PAGE.read_text(encoding='utf-8'), flags=re.MULTILINE | re.DOTALL)
    rows = [line.split('|')[1:-1] for line in page.splitlines() if line.startswith('|')]
    restored = {
        cells[0].strip() for cells in rows if len(cells) == 4 and cells[3].strip() not in ('', "to restore nilearn's")
    }
    assert {row for row in restored if not re.fullmatch('-+', row)} == set(DIFFERENCES)
