# SPDX-License-Identifier: BSD-3-Clause
"""Each clause of the methods boilerplate is true: its words and figures predict what is computed, by other means.

A claim is a pattern of the text. Its check computes what the matched words say, without the package, and compares that
with time series of the masker, whose bytes are those of the graph. The last tests fail if a clause has no check.
"""

import ast
import importlib.metadata
import itertools
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import scipy
from fmriprep_tables import MOTION, write_spiky
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.covariance import LedoitWolf

from nipype_labels import NiftiLabelsMasker
from nipype_labels.core.connectivity import measure_connectivity
from nipype_labels.core.errors import LabelsError
from nipype_labels.workflows import boilerplate, init_labels_wf

T_R, N_VOLUMES = 2.0, 120
RNG = np.random.default_rng(13)
CONFOUNDS = RNG.normal([0, 5, -2], 1, (N_VOLUMES, 3))
DRIFTS = np.linspace(-30, 40, N_VOLUMES)[:, None] * [1.0, -0.5, 0.2, 2.0]
COURSES = 500 + RNG.normal(0, 9, (N_VOLUMES, 4)) + DRIFTS + CONFOUNDS @ RNG.normal(0, 5, (3, 4))
#: Volumes at both ends, single volumes and a gap are censored.
RETAINED = np.setdiff1d(np.arange(N_VOLUMES), [0, 1, 17, *range(40, 52), 90, 119])
FILTERED = {'low_pass': 0.1, 'high_pass': 0.02}

CLAIMS = []


def claim(words, *cases):
    """Register a check of what ``words`` say; it gets their match and the parameters of each case."""

    def register(check):
        CLAIMS.extend((words, check, case) for case in cases)
        return check

    return register


def extract(bold, labels, confounds=None, sample_mask=None, **parameters):
    """Time series of the masker with parameters of the factory."""
    of_graph = ('use_', 'connectivity', 'covariance_estimator', 'fisher_z', 'project')
    own = {key: value for key, value in parameters.items() if not key.startswith(of_graph)}
    masker = NiftiLabelsMasker(labels, reports=False, t_r=T_R, **own)
    masker.fit_transform(bold, confounds=confounds, sample_mask=sample_mask)
    return masker.transform(bold, confounds=confounds, sample_mask=sample_mask)


def denoise(courses=COURSES, *more, **parameters):
    """Time series of regions that are one voxel each."""
    n = courses.shape[1]
    labels = np.arange(1, n + 1, dtype='int16').reshape(n, 1, 1)
    return extract(image(courses.T.reshape(n, 1, 1, -1).copy()), image(labels), *more, **parameters)


def image(data, size=3.0, origin=(0, 0, 0)):
    affine = np.diag([size, size, size, 1.0])
    affine[:3, 3] = origin
    return nib.Nifti1Image(data, affine)


def blocks(shape, size):
    """Labels of cubes that fill a grid."""
    where = np.indices(shape) // size
    return (1 + np.ravel_multi_index(where, tuple(-(-n // size) for n in shape))).astype('int16')


def means(values, labels):
    """Mean over the voxels of each region, a row per volume."""
    return np.stack([values[labels == i].mean(axis=0) for i in np.unique(labels[labels > 0])], axis=1)


def regress(courses, confounds):
    """Residuals of a regression with an intercept, whose share stays."""
    confounds = confounds - confounds.mean(axis=0)
    return courses - confounds @ np.linalg.lstsq(confounds, courses - courses.mean(axis=0), rcond=None)[0]


def band_pass(values, low=0.1, high=0.02):
    """Run SciPy's filter of order five, written as one rational function, forward and backward."""
    return scipy.signal.filtfilt(*scipy.signal.butter(5, [high, low], 'bandpass', fs=1 / T_R), values, axis=0)


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


@claim(r'Labels outside the brain mask were excluded\.', {'use_mask': True})
def check_mask(found, **parameters):
    bold, labels, mask = RNG.normal(9, 1, (4, 4, 4, 3)), blocks((4, 4, 4), 2), RNG.integers(0, 2, (4, 4, 4))
    signals = extract(image(bold), image(labels), mask_img=image(mask.astype('uint8')), **parameters)
    assert_allclose(signals, means(bold, np.where(mask, labels, 0)), rtol=1e-12)


STATISTICS = {
    'mean': np.mean,
    'sum': np.sum,
    'median': np.median,
    'minimum': np.min,
    'maximum': np.max,
    'variance': lambda values, axis: ((values - values.mean(axis)) ** 2).mean(axis),
    'standard deviation': lambda values, axis: ((values - values.mean(axis)) ** 2).mean(axis) ** 0.5,
}


@claim(
    r'For every region and volume, the ([a-z ]+) of the (?=smoothed|BOLD)',
    *({'strategy': name.replace(' ', '_')} for name in STATISTICS),
)
def check_statistic(found, **parameters):
    bold, labels = RNG.normal(9, 1, (4, 4, 4, 3)), blocks((4, 4, 4), 2)
    expected = np.stack([STATISTICS[found[1]](bold[labels == i], axis=0) for i in range(1, 9)], axis=1)
    assert_allclose(extract(image(bold), image(labels), **parameters), expected, rtol=1e-12)


@claim(
    r'smoothed by a Gaussian kernel \(full width at half maximum (?P<widths>[\d.× ]+) mm\)',
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
    r'BOLD signal over its voxels was computed with \*nipype_labels\* (?P<version>\S+), a package for \*Nipype\* '
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


# Censored volumes


@claim(r'Volumes that a sample mask excluded were censored\.', {'use_sample_mask': True, 'detrend': True} | FILTERED)
def check_sample_mask(found, **parameters):
    changed = COURSES.copy()
    changed[np.setdiff1d(np.arange(N_VOLUMES), RETAINED)] = 1e4
    signals = denoise(changed, CONFOUNDS, RETAINED, **parameters)
    assert len(signals) == len(RETAINED)
    assert_array_equal(signals, denoise(COURSES, CONFOUNDS, RETAINED, **parameters))


@claim(
    r'Any volumes that \*fMRIPrep\* had marked as not in the steady state were censored\.',
    {'confounds_strategy': ['scrubbing'], 'fd_threshold': 99.0, 'dvars_threshold': 99.0},
)
def check_non_steady_state(found, tmp_path, **parameters):
    volumes = np.arange(60.0)[:, None]
    assert denoise(volumes, write_spiky(tmp_path), **parameters).ravel().tolist() == list(range(2, 60))


@claim(
    r'Volumes with a framewise displacement above (?P<fd>\S+) mm or standardized DVARS above (?P<dvars>\S+) '
    r'\[@power_fd_dvars; @nichols_dvars; @afyouni_dvars\](?:, and segments of fewer than (?P<least>\d+) volumes '
    r'between these volumes or at the ends of the series,)? were censored\.',
    *({'confounds_strategy': ['scrubbing'], 'min_segment': n} for n in (0, 4, 5, 6)),
    {'confounds_strategy': ['scrubbing'], 'fd_threshold': 0.7, 'dvars_threshold': 1.0},
    {'confounds_strategy': ['scrubbing'], 'fd_threshold': 0.2, 'dvars_threshold': 2.0},
)
def check_scrubbing(found, tmp_path, **parameters):
    fd, dvars = np.full((2, 40), 0.1)
    # On the thresholds, just above them, and far above.
    fd[[4, 9, 15, 30]], dvars[[9, 21, 36]] = [0.5, 0.7, 0.500001, 0.9], [1.5, 1.500001, 2.0]
    pd.DataFrame({'framewise_displacement': fd, 'std_dvars': dvars}).to_csv(
        tmp_path / 'desc-confounds_timeseries.tsv', sep='\t', index=False
    )
    outlying = (fd > float(found['fd'])) | (dvars > float(found['dvars']))
    expected, segment = [], []
    for volume in range(41):
        if volume < 40 and not outlying[volume]:
            segment.append(volume)
            continue
        expected += segment if len(segment) >= int(found['least'] or 0) else []
        segment = []
    signals = denoise(np.arange(40.0)[:, None], tmp_path / 'desc-confounds_timeseries.tsv', **parameters)
    assert signals.ravel().tolist() == expected


@claim(
    r'The BOLD series had been denoised non-aggressively by ICA-AROMA \[@aroma\]\.',
    {'confounds_strategy': ['ICA-AROMA'], 'confounds_columns': ['csf']},
)
def check_aroma(found, tmp_path, **parameters):
    table, labels = write_spiky(tmp_path), image(np.ones((1, 1, 1), 'int16'))
    for desc, refused in (('preproc', True), ('smoothAROMAnonaggr', False), ('nonaggrDenoised', False)):
        path = tmp_path / f'sub-01_task-rest_desc-{desc}_bold.nii'
        image(RNG.normal(size=(1, 1, 1, 60))).to_filename(path)
        if refused:
            with pytest.raises(LabelsError, match='ICA-AROMA has denoised'):
                extract(path, labels, table, **parameters)
        else:
            extract(path, labels, table, **parameters)


@claim(
    r'For filtering, values of censored volumes were interpolated (?P<way>.+?) between retained volumes; the '
    r'interpolated values were removed afterwards\.',
    *({'use_sample_mask': True, 'fill_censored': fill} | FILTERED for fill in boilerplate._FILLED),
)
def check_interpolation(found, **parameters):
    times, first, last = np.arange(N_VOLUMES), RETAINED[0], RETAINED[-1] + 1
    fits = {
        'linearly': lambda x, y: scipy.interpolate.interp1d(x, y, axis=0)(times[first:last]),
        'by cubic splines': lambda x, y: scipy.interpolate.make_interp_spline(x, y, 3)(times[first:last]),
        'by piecewise cubic Hermite polynomials': lambda x, y: scipy.interpolate.pchip_interpolate(
            x, y, times[first:last]
        ),
        'by least-squares fits of sinusoids [@power_fd_dvars]': lambda x, y: fit_sinusoids(x, y, times[first:last]),
    }
    filled = fits[found['way']](RETAINED, COURSES[RETAINED])
    filled[RETAINED - first] = COURSES[RETAINED]
    expected = band_pass(filled)[RETAINED - first]
    assert_allclose(denoise(COURSES, None, RETAINED, **parameters), expected, atol=1e-6)


def fit_sinusoids(x, y, times):
    """Sum of least-squares fits of one sinusoid each around the trend, at the variance that white noise would have."""
    trend = np.polynomial.polynomial.polyfit(x, y, 1)
    residuals, step = y - np.polynomial.polynomial.polyval(x, trend).T, 1 / (8 * (x[-1] - x[0]))
    total, responses = np.zeros((len(times), y.shape[1])), np.zeros((len(times), len(x)))
    for frequency in np.arange(step, 0.5 + step / 2, step):
        design, grid = (
            np.column_stack([np.cos(2 * np.pi * frequency * t), np.sin(2 * np.pi * frequency * t)]) for t in (x, times)
        )
        response = grid @ np.linalg.pinv(design, rcond=1e-7)
        responses += response
        total += response @ residuals
    # The variance over all volumes, retained and missing, of what white noise gives.
    total /= np.sqrt((responses**2).sum() / len(times))
    return total + np.polynomial.polynomial.polyval(times, trend).T


# Trend, filter and regression


@claim(
    r'detrended linearly',
    {'detrend': True},
    {'detrend': True, 'use_sample_mask': True},
    {'detrend': True, 'use_confounds': True},
)
def check_trend(found, use_sample_mask=False, use_confounds=False, **parameters):
    retained = RETAINED if use_sample_mask else np.arange(N_VOLUMES)
    design = np.vander(T_R * retained, 2)
    courses, confounds = (
        values[retained] - design @ np.linalg.lstsq(design, values[retained], rcond=None)[0]
        for values in (COURSES, CONFOUNDS)
    )
    expected = regress(courses, confounds) if use_confounds else courses
    given = CONFOUNDS if use_confounds else None
    assert_allclose(denoise(COURSES, given, retained, **parameters), expected, atol=1e-9)


@claim(
    r'filtered by a (?P<order>\w+)-order Butterworth filter, run forward and backward \(passing frequencies '
    r'(?:above (?P<above>[\d.]+) Hz)?(?: and )?(?:below (?P<below>[\d.]+) Hz)?; gain at each cut-off (?P<gain>\S+) '
    r'dB\)',
    {'low_pass': 0.1},
    {'high_pass': 0.02},
    FILTERED,
)
def check_filter(found, **parameters):
    order, (above, below) = {'fifth': 5}[found['order']], (found['above'], found['below'])
    cut_offs = [float(value) for value in (above, below) if value]
    frequencies = np.array([*cut_offs, 0.015, 0.03, 0.05, 0.12])
    times = T_R * np.arange(800)
    signals = denoise(np.cos(2 * np.pi * frequencies * times[:, None]), **parameters)
    middle = slice(250, 550)
    for signal, frequency in zip(signals.T, frequencies, strict=True):
        design = np.exp(2j * np.pi * frequency * times[middle, None])
        design = np.column_stack([design.real, design.imag])
        cosine, sine = np.linalg.lstsq(design, signal[middle], rcond=None)[0]
        # Response of an analog filter of this order at the warped frequency, twice.
        w, edges = np.tan(np.pi * frequency * T_R), np.tan(np.pi * np.array(cut_offs) * T_R)
        if above and below:
            ratio = (w**2 - edges.prod()) / (w * (edges[1] - edges[0]))
        else:
            ratio = w / edges[0] if below else edges[0] / w
        expected = 1 / (1 + ratio ** (2 * order))
        assert_allclose([cosine, sine], [expected, 0], atol=2e-4)
        if frequency in cut_offs:
            assert round(20 * np.log10(cosine)) == int(found['gain'])


@claim(
    r'Time series and confounds were (?P<steps>.*?)\. Confounds were then regressed out by least squares '
    r'\[@lindquist_2019\]',
    {'use_confounds': True} | FILTERED,
    {'use_confounds': True, 'detrend': True} | FILTERED,
)
def check_order_of_steps(found, **parameters):
    courses, confounds = COURSES, CONFOUNDS
    steps = {'detrended': lambda values: scipy.signal.detrend(values, axis=0), 'filtered': band_pass}
    for step in found['steps'].split(', then '):
        courses, confounds = (steps[step.split()[0]](values) for values in (courses, confounds))
    assert_allclose(denoise(COURSES, CONFOUNDS, **parameters), regress(courses, confounds), atol=1e-6)


@claim(r'all columns of the confounds tables(?=[.;])', {'use_confounds': True})
def check_regression(found, **parameters):
    tables = [CONFOUNDS[:, :1], CONFOUNDS[:, 1:]]
    assert_allclose(denoise(COURSES, tables, **parameters), regress(COURSES, CONFOUNDS), rtol=1e-9)


@claim(
    r'discrete cosines, which model drifts \(passing frequencies above (?P<cut_off>\S+) Hz\)',
    {'high_pass': 0.02, 'filter': 'cosine', 'use_confounds': True},
    {'high_pass': 0.0125, 'filter': 'cosine', 'use_confounds': True, 'use_sample_mask': True},
)
def check_cosines(found, use_sample_mask=False, **parameters):
    # Cosine k of the discrete cosine transform has k half periods.
    slow = np.arange(1, N_VOLUMES) / (2 * N_VOLUMES * T_R) <= float(found['cut_off'])
    cosines = scipy.fft.idct(np.eye(N_VOLUMES)[:, 1:], axis=0)[:, slow]
    retained = RETAINED if use_sample_mask else np.arange(N_VOLUMES)
    expected = regress(COURSES[retained], np.column_stack([CONFOUNDS, cosines])[retained])
    assert_allclose(denoise(COURSES, CONFOUNDS, retained, **parameters), expected, rtol=1e-9)


# Confounds of a table of fMRIPrep


def named(table, names):
    return table[list(names)].to_numpy()


def expand(values):
    """Values, their temporal derivatives, and the squares of both; a derivative is missing in the first row."""
    values = np.column_stack([values, np.vstack([np.full(values.shape[1], np.nan), np.diff(values, axis=0)])])
    return np.column_stack([values, values**2])


PHYSIOLOGY = ('csf', 'white_matter')
EXPANDED = r', their temporal derivatives, and the squares of both'
CITED = r' \[@confounds_satterthwaite_2013\]'
DRIFT = 'cosine drifts, if the confounds table had any'
GROUPS = {
    f'six parameters of head motion{EXPANDED}{CITED}': ('24P', lambda t: expand(named(t, MOTION))),
    'six parameters of head motion(?=[.;])': ('6P', lambda t: named(t, MOTION)),
    'six parameters of head motion and the mean signals of cerebrospinal fluid, white matter and the whole brain'
    f'{EXPANDED}{CITED}': ('36P', lambda t: expand(named(t, [*MOTION, *PHYSIOLOGY, 'global_signal']))),
    f'the mean signals of cerebrospinal fluid and white matter{EXPANDED}': (
        '8Phys',
        lambda t: expand(named(t, PHYSIOLOGY)),
    ),
    'the mean signals of cerebrospinal fluid and white matter(?=[.;])': ('2Phys', lambda t: named(t, PHYSIOLOGY)),
    'the global signal': ('GSR', lambda t: named(t, ['global_signal'])),
    f'(?<!, and ){DRIFT}': ('cosines', lambda t: named(t, [c for c in t if c.startswith('cosine')])),
    'all columns of the confounds table(?=[.;])': ('all', lambda t: t.to_numpy()),
}


def compare_confounds(tmp_path, columns, parameters):
    """Compare time series with a regression of columns that are computed from the table."""
    path = write_spiky(tmp_path)
    table = pd.read_csv(path, sep='\t', na_values='n/a')
    courses = RNG.normal(100, 1, (60, 3)) + table.fillna(0).to_numpy() @ RNG.normal(size=(table.shape[1], 3))
    expected = regress(courses[2:], columns(table)[2:])
    assert_allclose(denoise(courses, path, confounds_na='zero', **parameters), expected, atol=1e-8)


def check_group(words):
    def check(found, tmp_path, **parameters):
        compare_confounds(tmp_path, GROUPS[words][1], parameters)

    return check


for _words, (_name, _) in GROUPS.items():
    claim(_words, {'confounds_strategy': [_name]})(check_group(_words))


@claim(
    r'(?P<n>all components|the first components \(at most (?P<most>\d+)\)) of anatomical CompCor from (?P<masks>the '
    r'combined mask|each of the masks) of white matter and cerebrospinal fluid \[@compcor\], and ' + DRIFT,
    *(
        {'confounds_strategy': ['aCompCor'], 'acompcor': masks, 'n_compcor': n}
        for masks in ('combined', 'separated')
        for n in (1, 2, 'all')
    ),
)
def check_compcor(found, tmp_path, **parameters):
    masks = {'the combined mask': [[1, 3, 6]], 'each of the masks': [[0, 4], [2, 5]]}[found['masks']]
    most = int(found['most'] or 99)
    names = [f'a_comp_cor_{number:02d}' for numbers in masks for number in numbers[:most]]
    compare_confounds(tmp_path, lambda table: named(table, [*names, 'cosine00']), parameters)


@claim(r'the columns (?P<names>`\w+`(?:, `\w+`)*)(?=[.;])', {'confounds_columns': ['rot_x', 'csf']})
def check_columns(found, tmp_path, **parameters):
    names = re.findall(r'\w+', found['names'])
    compare_confounds(tmp_path, lambda table: named(table, names), parameters)


@claim(r'all columns of any further confounds tables', {'use_confounds': True, 'confounds_strategy': ['GSR']})
def check_further_tables(found, tmp_path, **parameters):
    path, task = write_spiky(tmp_path), RNG.normal(size=(60, 2))
    table = pd.read_csv(path, sep='\t', na_values='n/a')
    courses = RNG.normal(100, 1, (60, 3)) + task @ RNG.normal(size=(2, 3))
    columns = np.column_stack([table['global_signal'], task])
    assert_allclose(denoise(courses, [path, task], **parameters), regress(courses[2:], columns[2:]), rtol=1e-9)


@claim(
    r'the first (?P<n>\d+) principal components of the (?P<percent>\S+) % of voxels(?P<mask> in the brain mask)? with '
    r'the largest variance around their linear trends, computed from all volumes \(high-variance confounds, similar to '
    r'tCompCor \[@compcor\]\)',
    {'high_variance_confounds': True, 'use_sample_mask': True},
    {'high_variance_confounds': True, 'use_sample_mask': True, 'use_mask': True},
)
def check_high_variance(found, **parameters):
    assert (found['n'], found['percent']) == ('5', '2')
    shape, labels = (10, 10, 20), np.ones((10, 10, 20), 'int16')
    bold = RNG.normal(500, 1, (*shape, N_VOLUMES)) * RNG.uniform(0.5, 3, shape)[..., None]
    # Some voxels only drift; they vary little around their trends.
    bold[:2] += 9 * np.linspace(-1, 1, N_VOLUMES)
    mask = np.ones(shape, 'uint8')
    mask[5:] = 0
    inside = mask > 0 if found['mask'] else mask < 2
    detrended = scipy.signal.detrend(bold[inside], axis=-1)
    variance = detrended.var(axis=-1)
    strongest = np.argsort(variance)[::-1][: round(len(variance) * float(found['percent']) / 100)]
    components = np.linalg.svd(detrended[strongest].T, full_matrices=False)[0][:, : int(found['n'])]
    expected = regress(means(bold, labels * inside)[RETAINED], components[RETAINED])
    mask_img = image(mask) if found['mask'] else None
    signals = extract(image(bold), image(labels), None, RETAINED, mask_img=mask_img, **parameters)
    assert_allclose(signals, expected, rtol=1e-9)


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
    signals = COURSES[:20]
    if 'correlation' in found['kind'] and 'partial' not in found['kind']:
        signals = (signals - signals.mean(axis=0)) / signals.std(axis=0, ddof=1)
    covariance = LedoitWolf().fit(signals).covariance_ if found['shrunk'] else np.cov(signals.T, bias=True)
    if found['kind'] == "Pearson's correlation":
        expected = np.corrcoef(signals.T)
    elif found['kind'] == 'the covariance':
        expected = covariance
    elif found['kind'] == 'the correlation':
        expected = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    elif found['kind'] == 'the precision':
        expected = np.linalg.inv(covariance)
    else:
        expected = np.array([[partial_correlation(covariance, i, j) for j in range(4)] for i in range(4)])
    if found['z']:
        expected = 0.5 * np.log((1 + expected) / np.where(np.eye(4), np.nan, 1 - expected))
    assert_allclose(measure_connectivity(signals, **parameters)[0], expected, rtol=1e-7)


def partial_correlation(covariance, i, j):
    """Correlation of what the other regions do not explain of two."""
    if i == j:
        return 1.0
    pair, rest = [i, j], [k for k in range(len(covariance)) if k not in (i, j)]
    explained = covariance[np.ix_(pair, rest)] @ np.linalg.inv(covariance[np.ix_(rest, rest)])
    left = covariance[np.ix_(pair, pair)] - explained @ covariance[np.ix_(rest, pair)]
    return left[0, 1] / np.sqrt(left[0, 0] * left[1, 1])


@pytest.mark.parametrize(
    ('words', 'check', 'parameters'), CLAIMS, ids=[f'{check.__name__}-{i}' for i, (_, check, _) in enumerate(CLAIMS)]
)
def test_what_the_words_say_is_computed(words, check, parameters, tmp_path):
    found = re.search(words, describe(parameters))
    assert found is not None, describe(parameters)
    needs_folder = 'tmp_path' in check.__code__.co_varnames[: check.__code__.co_argcount]
    check(found, **parameters, **({'tmp_path': tmp_path} if needs_folder else {}))


def describe(parameters):
    """Text of a graph with these parameters; announcing confounds if they are chosen."""
    chosen = {'confounds_strategy', 'confounds_columns', 'preset'} & set(parameters)
    return init_labels_wf(**({'use_confounds': True} if chosen else {}) | parameters).__desc__


#: Words between clauses, which claim nothing by themselves.
GLUE = (
    r'Time series( and confounds)? were|Confounds were (then )?regressed out by least squares( \[@lindquist_2019\])?:|'
    r', then|[;:.]'
)


def sweep():
    """Texts of all clauses, alone and in pairs with others."""
    cases = {repr(case): case for _, _, case in CLAIMS}.values()
    longer = [{'detrend': True}, FILTERED, {'use_sample_mask': True}, {'use_confounds': True}, {'use_mask': True}]
    for case, more in itertools.product(cases, [{}, *longer]):
        if case.get('filter') != 'cosine' or more is not FILTERED:
            yield describe(more | case)


@pytest.fixture(scope='module')
def texts():
    return list(sweep())


def test_no_clause_is_without_a_check(texts):
    for text in set(texts):
        left = text
        for words, _, _ in CLAIMS:
            left = re.sub(words, '', left) if 'Time series and confounds' not in words else left
        assert re.sub(GLUE, '', left).split() == [], text


def test_the_texts_that_are_checked_have_all_words_of_the_module(texts):
    """A clause that is added to the module must be added here."""
    tree, everything = ast.parse(Path(boilerplate.__file__).read_text(encoding='utf-8')), ' '.join(texts)
    documented = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            for part in re.split(r'\{\w+\}', node.value):
                if ' ' in part.strip():
                    assert part.strip() in everything, part
