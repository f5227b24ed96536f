# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: D205, D400
"""
Defaults of denoising, by simulation
====================================

Three defaults of this package differ from nilearn's: how gaps of censored volumes are filled before a filter, what a
trend is a function of, and how a correlation is estimated. Each is shown here on simulated time series whose true
correlation is known.

It takes 15 seconds on one processor and 0.2 GB of memory. Install the packages by ``pip install ".[reports]"`` in a
checkout. Run ``python workflows/plot_denoising_choices.py [FOLDER]``. The pictures are written to that folder, by
default a temporary one.
"""

import sys
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import lfilter

from nipype_labels.core.clean import clean
from nipype_labels.core.connectivity import measure_connectivity
from nipype_labels.core.gaps import FILLS

# In a notebook, which has no arguments, replace this line: folder = Path('here').absolute()
folder = Path(sys.argv[1] if '__file__' in globals() and len(sys.argv) > 1 else mkdtemp())
folder.mkdir(parents=True, exist_ok=True)
N_VOLUMES, T_R, BAND = 300, 2.0, {'high_pass': 0.01, 'low_pass': 0.1}
COLOURS = {'linear': '#0072B2', 'cubic': '#D55E00', 'pchip': '#009E73', 'spectral': '#CC79A7'}


def simulate(n_volumes, n_regions, seed):
    """Independent autoregressive time series (AR(1), coefficient 0.5)."""
    white = np.random.default_rng(seed).normal(size=(n_volumes + 100, n_regions))
    return lfilter([1], [1, -0.5], white, axis=0)[100:]


def cut(n_volumes, length):
    """Retained volumes of a series with one gap in the middle."""
    kept = np.ones(n_volumes, dtype=bool)
    kept[n_volumes // 2 : n_volumes // 2 + length] = False
    return kept


# %%
# Gaps of censored volumes
# ------------------------
# A Butterworth filter needs evenly spaced volumes, so gaps are filled by interpolation, and the filled values are
# dropped after filtering. They must not disturb the volumes next to the gap. The test: time series that are
# independent have a true correlation of 0, and the spread of their estimated correlations should depend only on how
# many volumes are retained. A cubic spline overshoots in a long gap by many standard deviations. The filter carries the
# overshoot into retained volumes of all regions, and correlations spread to twice their width.


def spread(kept, fill, seed=1, drift=0, n_pairs=1000):
    """Standard deviation of the correlation of independent pairs after censoring and filtering."""
    times = np.linspace(-1, 1, len(kept))[:, None]
    signals = simulate(len(kept), 2 * n_pairs, seed)
    signals += drift * np.random.default_rng(seed).normal(size=2 * n_pairs) * times**2
    given = dict(t_r=T_R, sample_mask=kept, standardize='zscore', fill_censored=fill, **BAND)
    scored = clean(signals, **given).signals
    return np.std((scored[:, :n_pairs] * scored[:, n_pairs:]).mean(axis=0))


def compare(patterns, drift=0):
    """Spread by method, for each pattern of retained volumes, relative to a series of as many volumes without gaps."""
    whole = [spread(np.ones(kept.sum(), dtype=bool), FILLS[0], seed=2, drift=drift) for kept in patterns]
    return {fill: np.divide([spread(kept, fill, drift=drift) for kept in patterns], whole) for fill in FILLS}


lengths = np.array([1, 5, 10, 15, 20, 30])
percents = np.array([5, 10, 20, 30, 40, 50])
scattered = []
for percent in percents:
    kept = np.ones(N_VOLUMES, dtype=bool)
    kept[np.random.default_rng(5).choice(N_VOLUMES, N_VOLUMES * percent // 100, replace=False)] = False
    scattered.append(kept)
panels = [
    (lengths, compare([cut(N_VOLUMES, n) for n in lengths]), 'length of one gap (volumes)', 'one gap'),
    (percents, compare(scattered), 'censored volumes (%)', 'censored at random'),
    (percents, compare(scattered, drift=8), 'censored volumes (%)', 'censored at random, curved drifts'),
]

figure, axes = plt.subplots(1, 3, figsize=(11, 3.8), layout='constrained', sharey=True)
for ax, (at, values, label, title) in zip(axes, panels, strict=True):
    for fill in FILLS:
        ax.plot(at, values[fill], 'o-', color=COLOURS[fill], label=fill, markersize=4)
    ax.axhspan(0.95, 1.05, color='0.9', zorder=0)
    ax.set(xlabel=label, title=title)
    ax.spines[['top', 'right']].set_visible(False)
axes[0].set_ylabel('spread of correlations of independent\ntime series, relative to no gap')
axes[0].legend(frameon=False, title='fill_censored')
figure.savefig(folder / 'gaps.png', dpi=120)

# %%
# The grey band is ±5 % around a series without gaps and with as many volumes. ``'linear'``, the default, never
# exceeds it. ``'cubic'`` is nilearn's. ``'spectral'`` keeps the spread where time series have linear drifts at most,
# and doubles it where drifts are curved, as in real series. Below the band, volumes censored at random are less
# autocorrelated than a short series without gaps, and carry more information on the correlation. This is not an
# artefact: the spread is the same if the whole series is filtered before it is censored.
worst = {fill: max(values[fill].max() for _, values, _, _ in panels) for fill in FILLS}
print('largest spread, relative to no gap:', ', '.join(f'{fill} {value:.2f}' for fill, value in worst.items()))

# %%
# Trends
# ------
# Scanner drift is a function of time. If volumes are censored, a line over the numbers of the retained rows is not a
# line in time, and part of the drift stays in every region. Fifty independent regions share a drift of 2 % here; after
# detrending, their mean correlation should be 0.


def mean_correlation(censored, in_time):
    """Mean correlation of 50 drifting regions after a gap and a linear detrending."""
    kept = cut(200, int(200 * censored))
    drift = np.linspace(-10, 10, 200)[:, None]
    signals = 1000 + drift + 5 * np.random.default_rng(0).normal(size=(200, 50))
    given = dict(detrend=True, standardize='zscore')
    done = clean(signals, sample_mask=kept, **given) if in_time else clean(signals[kept], **given)
    return measure_connectivity(done.signals)[0][np.triu_indices(50, 1)].mean()


shares = [0, 0.1, 0.2, 0.3, 0.4]
figure, ax = plt.subplots(figsize=(5.5, 4), layout='constrained')
for in_time, label, colour in (
    (True, 'acquisition time (here)', '#0072B2'),
    (False, 'row number (nilearn)', '#D55E00'),
):
    ax.plot([100 * s for s in shares], [mean_correlation(s, in_time) for s in shares], 'o-', color=colour, label=label)
ax.axhline(0, color='0.8', zorder=0)
ax.set(xlabel='length of the gap (% of the series)', ylabel='mean correlation of independent regions')
ax.spines[['top', 'right']].set_visible(False)
ax.legend(frameon=False, title='trend as a function of')
figure.savefig(folder / 'drift.png', dpi=120)

# %%
# Shrinkage
# ---------
# Ledoit and Wolf's estimator shrinks a covariance matrix towards a multiple of the identity, the more so the fewer
# volumes there are. A correlation estimated from it is too small, by an amount that depends on how much was censored,
# and so on motion. The true correlation within a network is 0.45 here. This is why ``connectivity='correlation'`` is
# Pearson's, and shrinkage is the default only where the covariance is inverted: partial correlation and precision.

network = np.repeat(np.arange(20), 20)
within = np.triu(network[:, None] == network, 1)
rng = np.random.default_rng(0)
shared, own = rng.normal(size=(400, 20))[:, network], rng.normal(size=(400, 400))
networks = np.sqrt(0.45) * shared + np.sqrt(0.55) * own
counts = [60, 100, 150, 200, 300, 400]
figure, ax = plt.subplots(figsize=(5.5, 4), layout='constrained')
for estimator, colour in (('empirical', '#0072B2'), ('ledoit_wolf', '#D55E00')):
    found = [measure_connectivity(networks[:n], 'correlation', estimator)[0][within].mean() for n in counts]
    ax.plot(counts, found, 'o-', color=colour, label=estimator)
ax.axhline(0.45, color='0.8', zorder=0)
ax.set(xlabel='retained volumes', ylabel='mean correlation within networks', ylim=(0, 0.5))
ax.spines[['top', 'right']].set_visible(False)
ax.legend(frameon=False, title='covariance_estimator')
figure.savefig(folder / 'shrinkage.png', dpi=120)
print(f'pictures: {folder}')
