# SPDX-License-Identifier: BSD-3-Clause
"""The report of a masker."""

import numpy as np

from ..core.errors import LabelsError


def make_report(title, outcome):
    """Draw the series that was transformed last.

    Parameters
    ----------
    title : str
    outcome : Outcome
        With what a report shows.

    Returns
    -------
    Report

    Raises
    ------
    LabelsError
        If the packages that draw are not installed.
    """
    try:
        from .. import reports
    except ImportError as e:
        raise LabelsError(f'{e}: reports need more packages, pip install "nipype_labels[reports]"') from e
    shown, placed = outcome.shown, outcome.placed
    kept, raw, grid = shown['kept'], shown['raw'], shown['grid']
    cleaned = np.full(raw.shape, np.nan)
    cleaned[kept] = shown['signals']
    mean = shown['mean'].reshape(grid.shape, order='F').astype(np.float32)
    about = {
        'Warnings': shown['warnings'],
        'Parameters': shown['parameters'],
        'DegreesOfFreedom': shown['degrees_of_freedom'],
    }
    series = reports.SeriesData(mean, grid.affine, kept, about, mask=placed.mask, mask_affine=placed.grid.affine)
    regions = outcome.regions[outcome.kept].to_dict('records')
    atlas = reports.AtlasData('Atlas', placed.masked, placed.grid.affine, regions, raw, cleaned)
    figures = reports.draw_figures(title, series, atlas)
    return reports.Report(reports.render_report(title, series, [atlas], [figures], {}))
