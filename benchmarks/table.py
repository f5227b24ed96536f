# SPDX-License-Identifier: BSD-3-Clause
"""The page of measurements: Markdown from what :mod:`benchmarks.run` found."""

import statistics

from .cases import ONE_THREAD, ratios

_HEAD = """# Performance: time and memory of fMRI time series extraction

`make bench` wrote this page. Every number is the median of fresh processes, each of which does the work once. This
package, nilearn and decompression alternate. The first rows are whole processes: what a user waits for, with imports,
tables and caching. In all others, seconds do not include imports. Files are read from the system's cache. Ratios are
medians over the alternations, with the smallest and the largest in brackets.
"""

_FOOT = """
- **igzip** is the lower bound: decompressing the same file by python-isal only; of GIFTI, its values.
- **peak** is the largest memory of the whole process, in MB (10⁶ bytes).
- **difference** is the largest difference from nilearn's numbers, as a fraction of nilearn's largest number.
- Two threads each, unless stated otherwise; nilearn's are those of its linear algebra. The slowest cases ran once.
- The series is synthetic: a smooth brain with noise, {shape} at 2 mm, which compresses like a preprocessed series.
- Surfaces are noise, in the sizes of fMRIPrep. nilearn reads GIFTI; of CIFTI, nibabel passes the cortex to it.
- performance.json contains every execution, with the time of its whole process and the load of the machine before.

## Bars that are not reached

Two threads cannot halve a time that is mostly decompression, which has one thread. Shares are of processor time,
measured in November 2026:

- Labels on an oblique grid: computing the coefficients of the splines of a volume takes four times as long as
  decompressing it. Weights of regions that contain this computation would be 4.9 million, and as slow. Single voxels
  that are clipped would need the coefficients all the same.
- Labels at 3 mm: sampling takes three times as long as decompression, nearly all of it in products of matrices.
- 64 maps: reading the maps before the first volume and multiplying by weights that overlap each take a third of the
  time of decompression. nilearn spends its time on products of matrices. How many times faster this package is
  depends on the processor.
- 64 maps with every voxel: the products of matrices take longer than decompression.
- 0.8 mm, one thread: nothing runs at the same time as decompression. Summing regions and mean volume takes a third of
  its time.
- Ten parcellations of CIFTI: memory limits the sums, of which SciPy's product takes four fifths. Two threads are not
  faster. Sums that parcellations share would change the order of additions, and so the last bits.
- Bars in seconds (runs of `derivatives`, graph of 1,000 runs) depend on the processor. They were set on a faster one.

## Rejected alternatives

- Mapping an uncompressed series into memory: 0.41 s and 629 MB, where reading it into two buffers takes 0.38 s and
  127 MB (mean, 400 labels, 240 volumes, two threads).
- The common refinement of ten atlases: ten parcellations of 400 regions cut 213,000 voxels into 103,000 parts, which
  takes longer to find than it saves. For series of integers, a few atlases at a time are refined instead. Sums of
  floats would depend on the combination of atlases: they share reading, gathering and conversion of voxels, and one
  product with the weights of all regions, ordered by voxels, so that each value is read from memory once.
- Summing the mean volume part by part, to keep it near the processor: 10 to 50 % slower than volume by volume.
"""

_COLUMNS = (
    'work',
    'ours, s',
    'nilearn, s',
    'nilearn ÷ ours',
    'igzip, s',
    'ours ÷ igzip',
    'peak, MB',
    "nilearn's peak",
    'difference',
    'bar',
    'reached',
    'met',
)


def render(found, cases, shape, drawn=False):
    """The page.

    Parameters
    ----------
    found : dict
        ``machine`` (dict of str), and ``cases``: by name, ``date``, ``runs`` (of each side) and ``difference``.
    cases : list of Case
    shape : str
        Of the series.
    drawn : bool
        Whether :mod:`benchmarks.scaling` drew its picture.

    Returns
    -------
    str
    """
    done = found['cases']
    dates = sorted({entry['date'] for entry in done.values()})
    lines = [_HEAD, ' to '.join(dict.fromkeys([dates[0], dates[-1]])) + '.', '']
    lines += [f'- {key}: {value}' for key, value in found['machine'].items()]
    lines += ['', _row(_COLUMNS), _row(['---'] + ['---:'] * 8 + ['---'] * 3)]
    for case in cases:
        lines += _rows(case, done[case.name]) if case.name in done else [_row([case.title, 'not measured'])]
    picture = '\n![Cost against volumes, labels and atlases](scaling.png)\n' if drawn else ''
    return '\n'.join(lines) + '\n' + _FOOT.format(shape=shape) + picture


def summary(case, entry):
    """One case in one line, for the terminal."""
    seconds = ', '.join(f'{side} {_seconds(runs)} s' for side, runs in entry['runs'].items())
    bars = ''.join(f'; {bar}: {_reached(bar, entry["runs"])} {_met(bar, entry["runs"])}' for bar in case.bars)
    return f'{case.name}: {seconds}; peak {_median(entry["runs"]["ours"], "peak"):.0f} MB{bars}'


def _rows(case, entry):
    """Rows of a case: one with bars, one of a single thread, and those of other work that a bar speaks of."""
    runs, difference = entry['runs'], entry.get('difference')
    bars = [(str(bar), _reached(bar, runs), _met(bar, runs)) for bar in case.bars]
    told = ['<br>'.join(column) for column in zip(*bars, strict=True)] if bars else ['', '', '']
    same = '' if difference is None else f'{difference:.0e}' if difference else '0'
    rows = [_row([case.title, *_costs(runs, 'ours'), same, *told])]
    if ONE_THREAD in runs:
        rows.append(_row(['— 1 thread', *_costs(runs, ONE_THREAD)]))
    others = {side: runs[side] for side in runs if side not in ('ours', ONE_THREAD, 'nilearn', 'igzip')}
    rows += [_row([f'— compared with: {side}', *_costs(others, side)]) for side in others]
    return rows


def _costs(runs, side):
    """Columns of seconds, ratios and memory of one side."""
    ours, nilearn, igzip = (runs.get(name, []) for name in (side, 'nilearn', 'igzip'))
    return [
        _seconds(ours),
        _seconds(nilearn),
        _spread(ratios(nilearn, ours)),
        _seconds(igzip),
        _spread(ratios(ours, igzip)),
        f'{_median(ours, "peak"):.0f}',
        f'{_median(nilearn, "peak"):.0f}' if nilearn else '',
    ]


def _reached(bar, runs):
    return _spread(bar.values(runs), {'growth': ' MB', 'peak': ' MB', 'seconds': ' s'}.get(bar.kind, '×'))


def _met(bar, runs):
    return 'yes' if bar.is_met(runs) else '**no**'


def _spread(values, unit=''):
    """Median, and between which values it lies."""
    if not values:
        return ''
    middle = f'{statistics.median(values):.3g}{unit}'
    return middle if len(values) == 1 else f'{middle} ({min(values):.3g}–{max(values):.3g})'


def _median(runs, key):
    return statistics.median(run[key] for run in runs)


def _seconds(runs):
    return f'{_median(runs, "seconds"):.3g}' if runs else ''


def _row(cells):
    return '| ' + ' | '.join([*cells, *[''] * (len(_COLUMNS) - len(cells))]) + ' |'
