# SPDX-License-Identifier: BSD-3-Clause
"""Checks of what the methods boilerplate says of space, regions, scale, projection and connectivity."""

import importlib.metadata
import re

import numpy as np
import pytest
import scipy
from claims import (
    COURSES,
    FILTERED,
    N_VOLUMES,
    RNG,
    blocks,
    claim,
    denoise,
    extract,
    image,
    means,
)
from nilearn.connectome import ConnectivityMeasure
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.covariance import EmpiricalCovariance, LedoitWolf
from strategy_cases import STATISTICS

from nipype_labels import NiftiLabelsMasker
from nipype_labels.core.connectivity import measure_connectivity

# Space and regions


@claim(r'Label images were resampled to the grid of the BOLD series by nearest-neighbor interpolation\.', {})
def check_nearest_labels(found, **parameters):
    bold, labels = RNG.normal(9, 1, (5, 5, 5, 4)), blocks((9, 9, 9), 3)
    where = np.rint((np.indices((5, 5, 5)) * 3.0 + 0.4) / 2.0).astype(int)
    on_grid = np.where((where < 9).all(axis=0), labels[tuple(np.minimum(where, 8))], 0)
    signals = extract(image(bold, 3.0, [0.4] * 3), image(labels, 2.0), **parameters)
    assert_allclose(signals, means(bold, on_grid), rtol=1e-12)


@claim(
    r'The BOLD series was sampled on the grid of the label images by (cubic spline|linear|nearest-neighbor) '
    r'interpolation\.',
    *({'resampling_target': 'labels', 'interpolation': name} for name in ('cubic', 'linear', 'nearest')),
)
def check_sampled_series(found, **parameters):
    order = {'cubic spline': 3, 'linear': 1, 'nearest-neighbor': 0}[found[1]]
    # A smooth series, so that no value is beyond the range of the voxels.
    bold = scipy.ndimage.gaussian_filter(RNG.normal(0, 9, (8, 8, 8, 3)), (1, 1, 1, 0))
    bold[0, 0, 0], bold[7, 7, 7] = -99, 99
    where = (np.indices((6, 6, 6)) * 2.0 + 4.6) / 3.0
    sampled = np.stack(
        [scipy.ndimage.map_coordinates(bold[..., t], where, order=order, mode='mirror') for t in range(3)], axis=-1
    )
    labels = blocks((6, 6, 6), 3)
    signals = extract(image(bold), image(labels, 2.0, [4.6] * 3), **parameters)
    assert_allclose(signals, means(sampled, labels), rtol=1e-6)


@claim(r'Labels outside the mask of the brain or cortex were excluded\.', {'use_mask': True})
def check_mask(found, **parameters):
    bold, labels, mask = RNG.normal(9, 1, (4, 4, 4, 3)), blocks((4, 4, 4), 2), RNG.integers(0, 2, (4, 4, 4))
    signals = extract(image(bold), image(labels), mask_img=image(mask.astype('uint8')), **parameters)
    assert_allclose(signals, means(bold, np.where(mask, labels, 0)), rtol=1e-12)


@claim(
    r'For every region and volume, the ([a-z ]+) of the BOLD signal(?=[, ])',
    *({'strategy': name} for name in STATISTICS if name != 'least_squares'),
)
def check_statistic(found, **parameters):
    bold, labels = RNG.normal(9, 1, (4, 4, 4, 3)), blocks((4, 4, 4), 2)
    expected = np.stack(
        [STATISTICS[found[1].replace(' ', '_')](bold[labels == i], axis=0) for i in range(1, 9)], axis=1
    )
    assert_allclose(extract(image(bold), image(labels), **parameters), expected, rtol=1e-12)


@claim(
    r', smoothed by a Gaussian kernel \(full width at half maximum (?P<widths>[\d.× ]+) mm\),',
    {'smoothing_fwhm': 6.0},
    {'smoothing_fwhm': [4.0, 7.0, 5.5]},
)
def check_smoothing(found, **parameters):
    widths = [float(width) for width in found['widths'].split('×')]
    # A point shows the kernel; each voxel of the three lines through it is a region.
    point, labels = np.zeros((23, 23, 23, 2)), np.zeros((23, 23, 23), 'int16')
    point[11, 11, 11] = 1
    labels[:, 11, 11], labels[11, :, 11], labels[11, 11, :] = np.arange(1, 70).reshape(3, 23)
    labels[11, 11, 11] = 0
    signals = extract(image(point, 2.0), image(labels, 2.0), **parameters)[0]
    for axis, width in enumerate(widths if len(widths) == 3 else widths * 3):
        ids = np.setdiff1d(np.arange(1, 24) + 23 * axis, 12 + 23 * axis)
        line = signals[np.searchsorted(np.setdiff1d(np.unique(labels), 0), ids)]
        distance = 2.0 * np.setdiff1d(np.arange(-11, 12), 0)
        near = (np.abs(distance) < 1.6 * width) & (line > 0)
        # Half of the maximum at half of the width: 2 ** -(distance / half width) ** 2.
        slope = np.polyfit(distance[near] ** 2, np.log2(line[near]), 1)[0]
        assert_allclose(2 * (-1 / slope) ** 0.5, width, rtol=1e-5)


@claim(
    r'(over its voxels )?was computed with \*nipype_labels\* (?P<version>\S+), a package for \*Nipype\* '
    r'\[@nipype1; @nipype2\] that uses \*NumPy\* \[@numpy\], \*SciPy\* \[@scipy\] and \*NiBabel\* \[@nibabel\]\.',
    {},
)
def check_software(found, **parameters):
    assert found['version'] == importlib.metadata.version('nipype_labels')
    required = {re.match(r'\w+', line)[0] for line in importlib.metadata.requires('nipype_labels')}
    assert {'nipype', 'numpy', 'scipy', 'nibabel'} <= required


@claim(
    r'Regions with less than (\S+) % of their volume covered by valid voxels were treated as missing\.',
    {'min_coverage': 0.5},
    {'min_coverage': 0.25},
)
def check_coverage(found, **parameters):
    # 27 voxels of 2 mm have the volume of 8 voxels of 3 mm: volumes count, not voxels.
    labels = np.zeros((6, 3, 3), 'int16')
    labels[:3], labels[3:] = 1, 2
    bold = RNG.normal(9, 1, (4, 2, 2, 5))
    least = round(8 * float(found[1]) / 100)
    for region, n_valid in enumerate((least, least - 1)):
        x, y, z = np.unravel_index(np.arange(n_valid, 8), (2, 2, 2))
        bold[x + 2 * region, y, z] = np.nan
    with pytest.warns(UserWarning, match='without a signal'):
        signals = extract(image(bold, 3.0, [0.5] * 3), image(labels, 2.0), **parameters)
    assert np.isfinite(signals[:, 0]).all()
    assert np.isnan(signals[:, 1]).all()


# Scale, projection and connectivity


@claim(
    r'Time series were then scaled to zero mean and unit variance \(of the (?P<kind>sample|population)\)\.',
    {'standardize': 'zscore_sample'},
    {'standardize': 'zscore'},
    {'standardize': True},
)
def check_z_scores(found, **parameters):
    signals = denoise(**parameters)
    n = N_VOLUMES - {'sample': 1, 'population': 0}[found['kind']]
    assert_allclose(signals.sum(axis=0), 0, atol=1e-9)
    assert_allclose((signals**2).sum(axis=0) / n, 1)


@claim(
    r'Time series were then expressed as change from their means, in percent of their means (?P<which>before '
    r'denoising|after denoising \(where less than a tenth of the mean was left: of the sum of the means before and '
    r'after denoising\))\.',
    *(
        {'standardize': kind, 'use_confounds': True, 'standardize_confounds': False} | more
        for kind in ('psc', 'psc_nilearn')
        for more in ({}, FILTERED)
    ),
)
def check_percent(found, **parameters):
    # A confound that is not z-scored takes more or less than nine tenths of the means away.
    ramp = np.linspace(-0.4, 0.4, N_VOLUMES)[:, None]
    courses = RNG.normal(500, 1, (N_VOLUMES, 4)) + ramp * [-500, 0, 50, 300]
    plain = denoise(courses, 1 + 1.5 * ramp, **parameters | {'standardize': False})
    before, after = courses.mean(axis=0), plain.mean(axis=0)
    if found['which'].startswith('before'):
        reference = before
    else:
        assert (after > before / 10).any() == ('low_pass' not in parameters)
        reference = np.where(np.abs(after) < np.abs(before) / 10, before + after, after)
    expected = 100 * (plain - after) / np.abs(reference)
    assert_allclose(denoise(courses, 1 + 1.5 * ramp, **parameters), expected, rtol=1e-9, atol=1e-9)


@claim(r'Denoised time series were mapped back to the voxels of their regions\.', {'project': 'labels'})
def check_projection(found, **parameters):
    labels = blocks((4, 4, 4), 2)
    masker = NiftiLabelsMasker(image(labels), standardize='zscore', reports=False)
    signals = masker.fit_transform(image(RNG.normal(size=(4, 4, 4, 3))))
    assert_array_equal(masker.inverse_transform(signals).get_fdata(), signals.T[labels - 1])


@claim(
    r"Functional connectivity of regions was measured by (?P<kind>Pearson's correlation|the correlation|the partial "
    r'correlation|the covariance|the precision) of their time series(?P<shrunk>, of covariances shrunk as proposed by '
    r"@ledoit_wolf)?(?P<z>, as Fisher's z)?\.",
    *(
        {'connectivity': kind, 'covariance_estimator': estimator, 'fisher_z': fisher_z}
        for kind in ('correlation', 'partial correlation', 'covariance', 'precision')
        for estimator in ('auto', 'empirical', 'ledoit_wolf')
        for fisher_z in (False, True)
        if 'correlation' in kind or not fisher_z
    ),
)
def check_connectivity(found, **parameters):
    if parameters['covariance_estimator'] == 'auto':
        assert bool(found['shrunk']) == (found['kind'] in ('the partial correlation', 'the precision'))
    kind = found['kind'].removeprefix('the ').removeprefix("Pearson's ")
    assert found['kind'].startswith('Pearson') == (kind == 'correlation' and not found['shrunk'])
    estimator = (LedoitWolf if found['shrunk'] else EmpiricalCovariance)(store_precision=False)
    expected = ConnectivityMeasure(estimator, kind=kind, standardize=True).fit_transform([COURSES[:20]])[0]
    if found['z']:
        expected = 0.5 * np.log((1 + expected) / np.where(np.eye(4), np.nan, 1 - expected))
    assert_allclose(measure_connectivity(COURSES[:20], **parameters)[0], expected, rtol=1e-7)
