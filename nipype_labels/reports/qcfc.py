# SPDX-License-Identifier: BSD-3-Clause
"""Figure of QC-FC: its distribution over edges, and its dependence on the distance between regions."""

import io

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from .formatting import format_signed

#: Bins of the histogram from -1 to 1, and groups of equal numbers of edges, by distance, whose medians are drawn.
N_BINS, N_GROUPS = 80, 12

#: Text is stored as text, and equal values make equal files.
_SETTINGS = {'svg.fonttype': 'none', 'svg.hashsalt': 'qcfc', 'font.size': 9}


def draw_qcfc(title, r, distances, n_participants, summary, reason=''):
    """Return an SVG with the distribution of QC-FC, and QC-FC by distance.

    Parameters
    ----------
    title : str
        Runs and atlas.
    r, distances : array, shape (E,)
        QC-FC, and distances in mm; NaN where they are unknown.
    n_participants : int
    summary : QcFcSummary
    reason : str
        Why distances are unknown, if they are.
    """
    with mpl.rc_context(_SETTINGS):
        figure = Figure((9, 4), layout='constrained')
        left, right = figure.subplots(1, 2)
        figure.suptitle(f'{title}: {summary.n_edges} edges, {n_participants} participants')
        _draw_distribution(left, r[np.isfinite(r)], n_participants, summary)
        both = np.isfinite(r) & np.isfinite(distances)
        if both.any():
            _draw_dependence(right, r[both], distances[both])
            right.set_title(f'Spearman correlation with distance: {format_signed(summary.distance_rho)}')
        else:
            right.set_axis_off()
            right.text(0.5, 0.5, f'Dependence on distance is unknown:\n{reason}', ha='center', va='center', wrap=True)
        stream = io.StringIO()
        figure.savefig(stream, format='svg', metadata={'Date': None, 'Title': f'QC-FC of {title}'})
    return stream.getvalue()


def _draw_distribution(axes, r, n_participants, summary):
    """Draw the fraction of edges in each bin of r, and its expectation without effects of motion."""
    bounds = np.linspace(-1, 1, N_BINS + 1)
    counts, _ = np.histogram(r, bounds)
    axes.stairs(100 * counts / len(r), bounds, fill=True, color='#9dbfe0', label='observed')
    # With 3 participants, the density of the beta distribution is infinite at both ends; its integral is not.
    shape = n_participants / 2 - 1
    expected = 100 * np.diff(stats.beta.cdf(bounds, shape, shape, -1, 2))
    axes.stairs(expected, bounds, color='#a86200', label='expected without effects of motion')
    significant = f'{100 * summary.fraction_significant:.1f} % of edges'
    corrected = f'{100 * summary.fraction_significant_fdr:.1f} % at a false discovery rate of 5 %'
    axes.set_title(f'median |r| {summary.median_absolute_r:.3f}; p < 0.05: {significant}\n({corrected})')
    axes.set(xlabel='QC-FC: correlation with mean framewise displacement (r)', ylabel='edges (%)')
    # Above the drawing, the legend has space.
    axes.set(xlim=(-1, 1), ylim=(0, 1.3 * max(expected.max(), 100 * counts.max() / len(r))))
    axes.legend(loc='upper left', frameon=False)


def _draw_dependence(axes, r, distances):
    """Draw the number of edges by distance and r, and the median of r along the distance."""
    drawn = axes.hexbin(distances, r, gridsize=40, bins='log', mincnt=1, cmap='Blues')
    groups = [group for group in np.array_split(np.argsort(distances, kind='stable'), N_GROUPS) if len(group)]
    places, medians = ([np.median(values[group]) for group in groups] for values in (distances, r))
    axes.plot(places, medians, color='#a86200', marker='o', markersize=3, label='median')
    axes.axhline(0, color='#8c8c8c', linewidth=0.8)
    axes.set(xlabel='distance between regions (mm)', ylabel='QC-FC (r)')
    axes.legend(loc='upper right', frameon=False)
    axes.figure.colorbar(drawn, ax=axes, label='number of edges')
