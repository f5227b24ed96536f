# SPDX-License-Identifier: BSD-3-Clause
"""The report of a masker."""

import numpy as np

from ..model.errors import LabelsError

#: Parameters that a report lists.
LISTED = ('detrend', 'filter', 'low_pass', 'high_pass', 'standardize')


def collect_report_data(runs, denoised, settings):
    """Collect what a report draws of runs, one after another; nothing in it is shared with the caller."""
    lengths = [run.series.n_volumes for run in runs]
    means = [each.mean for each in denoised]
    return {
        'grid': runs[0].series.grid,
        'warnings': [str(contradiction) for run in runs for contradiction in run.contradictions],
        'mean': np.average(means, axis=0, weights=lengths) if len(means) > 1 else means[0],
        'raw': np.concatenate([each.raw for each in denoised]),
        'signals': np.concatenate([each.cleaned.signals for each in denoised]),
        'retained': np.concatenate([each.cleaned.kept for each in denoised]),
        'degrees_of_freedom': sum(each.cleaned.degrees_of_freedom for each in denoised),
        'parameters': {name: settings[name] for name in LISTED} | {'t_r': runs[0].t_r},
    }


def make_report(title, result):
    """Draw the report of a result that has data for it."""
    try:
        from .. import reports
    except ImportError as e:
        raise LabelsError(f'{e}: reports need more packages, pip install "nipype_labels[reports]"') from e
    data, placed = result.report_data, result.placed
    retained, raw, grid = data['retained'], data['raw'], data['grid']
    denoised = np.full(raw.shape, np.nan)
    denoised[retained] = data['signals']
    mean = data['mean'].reshape(grid.shape, order='F').astype(np.float32)
    about = {
        'Warnings': data['warnings'],
        'Parameters': data['parameters'],
        'DegreesOfFreedom': data['degrees_of_freedom'],
    }
    series = reports.SeriesData(mean, grid.affine, retained, about, mask=placed.mask, mask_affine=placed.grid.affine)
    regions = [row for row, has_column in zip(result.coverage.rows(), result.has_column, strict=True) if has_column]
    atlas = reports.AtlasData('Atlas', placed.masked.labels, placed.grid.affine, regions, raw, denoised)
    figures = reports.draw_figures(title, series, atlas)
    return reports.Report(reports.render_report(title, series, [atlas], [figures], {}))
