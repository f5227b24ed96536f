# SPDX-License-Identifier: BSD-3-Clause
"""Draw cost against the number of volumes, labels and atlases, as docs/scaling.png.

Run it as ``python -m benchmarks.scaling [--quick] [-n TURNS]``.
"""

import argparse
import statistics
import sys

import matplotlib.pyplot as plt

from .inputs import CACHE
from .make_data import Maker
from .worker import ROOT, Job, measure

#: What is varied, by size of the data; the rest is a series of the usual length and one atlas of 400 labels.
VOLUMES = {'full': (60, 120, 240, 480, 960), 'quick': (12, 24, 48)}
LABELS = {'full': (10, 100, 400, 1000, 5000, 35_000), 'quick': (10, 100, 400)}
ATLASES = (1, 2, 4, 7, 10)

#: Their colours, from Okabe and Ito's palette, which colour-blind people can distinguish.
SIDES = {'nilearn': '#D55E00', 'nipype_labels': '#0072B2', 'igzip alone': '#7F7F7F'}


def jobs(series, atlases):
    """What each side does."""
    work = {'series': series, 'atlases': atlases}
    return {
        'nilearn': Job('theirs.reduce', work, once=True),
        'nipype_labels': Job('ours.reduce', work),
        'igzip alone': Job('theirs.decompress', {'series': series}),
    }


def panels(size):
    """Titles of the panels, and for each the values on its axis with their jobs."""
    atlas = {'n_labels': 400}
    return {
        'volumes': {n: jobs({'length': n}, [atlas]) for n in VOLUMES[size]},
        'labels': {n: jobs({}, [{'n_labels': n}]) for n in LABELS[size]},
        'atlases of 400 labels': {n: jobs({}, [atlas | {'which': i} for i in range(n)]) for n in ATLASES},
    }


def take(panel, turns, maker):
    """Median seconds and MB of each side, for each value on the axis of a panel."""
    found = {}
    for value, sides in panel.items():
        work = sides['nilearn'].arguments
        maker.series(**work['series'])
        for atlas in work['atlases']:
            maker.atlas(**atlas)
        runs = {side: [] for side in sides}
        for turn in range(turns):
            for side, job in sides.items():
                if turn == 0 or not job.once:
                    runs[side].append(measure(job, maker.size, maker.cache))
        medians = {
            s: [statistics.median(run[key] for run in r) for key in ('seconds', 'peak')] for s, r in runs.items()
        }
        found[value] = medians
        told = (f'{side} {seconds:.3g} s, {peak:.0f} MB' for side, (seconds, peak) in medians.items())
        print(f'{value}: {"; ".join(told)}', flush=True)
    return found


def draw(found, path):
    """Draw seconds above and memory below, a column of panels for each thing that varies."""
    figure, axes = plt.subplots(2, len(found), figsize=(10, 5.5), sharex='col', sharey='row', layout='constrained')
    for column, (title, values) in zip(axes.T, found.items(), strict=True):
        for row, axis in enumerate(column):
            for side, colour in SIDES.items():
                if row == 0 or side != 'igzip alone':
                    axis.plot(
                        list(values), [v[side][row] for v in values.values()], 'o-', color=colour, label=side, ms=4
                    )
            axis.set_yscale('log')
            axis.set_xscale('log' if title == 'labels' else 'linear')
            axis.grid(alpha=0.3)
            axis.spines[['top', 'right']].set_visible(False)
            axis.yaxis.set_major_formatter('{x:g}')
            axis.yaxis.set_minor_formatter('')
        column[-1].set_xlabel(title)
    axes[0, 0].set_ylabel('seconds')
    axes[1, 0].set_ylabel('peak memory, MB')
    axes[0, 0].legend(frameon=False, fontsize='small')
    # No date and no version of the program that drew it, so that the same numbers give the same file.
    figure.savefig(path, dpi=110, metadata={'Software': None})


def main(argv=None):
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser('benchmarks.scaling', description='Draw cost against volumes, labels, atlases.')
    parser.add_argument('--quick', action='store_true', help='tiny data: does everything run?')
    parser.add_argument('-n', type=int, metavar='TURNS', help="how often ours runs; 3 by default, nilearn's once")
    parser.add_argument('--data', default=CACHE, metavar='DIR', help='where data are kept; benchmarks/data by default')
    arguments = parser.parse_args(argv)
    size = 'quick' if arguments.quick else 'full'
    maker = Maker(size, arguments.data)
    turns = arguments.n or (1 if arguments.quick else 3)
    found = {title: take(panel, turns, maker) for title, panel in panels(size).items()}
    path = (maker.folder if arguments.quick else ROOT / 'docs') / 'scaling.png'
    draw(found, path)
    print(f'wrote {path}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
