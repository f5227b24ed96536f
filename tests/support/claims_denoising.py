# SPDX-License-Identifier: BSD-3-Clause
"""Checks of what the methods boilerplate says of censoring, filters and confounds."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy
from claims import (
    CONFOUNDS,
    COURSES,
    FILTERED,
    N_VOLUMES,
    RETAINED,
    RNG,
    T_R,
    band_pass,
    claim,
    denoise,
    extract,
    image,
    means,
    regress,
)
from cleaning_cases import FILLS_BY_HAND, by_hand
from fmriprep_tables import MOTION, write_spiky
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core.gaps import FILLS
from nipype_labels.model.errors import LabelsError

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
    if 'fd_threshold' not in parameters:
        assert (found['fd'], found['dvars']) == ('0.5', '1.5')
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
    *({'use_sample_mask': True, 'fill_censored': fill} | FILTERED for fill in FILLS),
)
def check_interpolation(found, **parameters):
    ways = {
        'linearly': 'linear',
        'by cubic splines': 'cubic',
        'by piecewise cubic Hermite polynomials': 'pchip',
        'by least-squares fits of sinusoids [@power_fd_dvars]': 'spectral',
    }
    fill, times = FILLS_BY_HAND[ways[found['way']]], np.arange(RETAINED[0], RETAINED[-1] + 1)
    inside, filled = np.isin(times, RETAINED), COURSES[times].copy()
    filled[~inside] = np.transpose([fill(RETAINED, course[RETAINED], times[~inside]) for course in COURSES.T])
    assert_allclose(denoise(COURSES, None, RETAINED, **parameters), band_pass(filled)[inside], atol=1e-6)


# Trend, filter and regression


@claim(
    r'detrended linearly',
    {'detrend': True},
    {'detrend': True, 'use_sample_mask': True},
    {'detrend': True, 'use_confounds': True},
)
def check_trend(found, use_sample_mask=False, use_confounds=False, **parameters):
    retained = RETAINED if use_sample_mask else np.arange(N_VOLUMES)
    confounds = CONFOUNDS if use_confounds else None
    expected = by_hand(COURSES, confounds, detrend=True, kept=retained)
    assert_allclose(denoise(COURSES, confounds, retained, **parameters), expected, atol=1e-9)


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
    retained = RETAINED if use_sample_mask else np.arange(N_VOLUMES)
    expected = by_hand(COURSES, CONFOUNDS, filter='cosine', high_pass=float(found['cut_off']), kept=retained)
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
CITED = r' \[@confounds_satterthwaite_2013(?:; @ciric_2017)?\]'
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
