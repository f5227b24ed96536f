# SPDX-License-Identifier: BSD-3-Clause
"""Assembly of the report: one series, its atlases, their figures, and how the time series were made."""

import re
from pathlib import Path, PurePath

import numpy as np

from ..core.display import strongest_pairs
from ..core.quality import LEAST_FREEDOM
from .carpet import draw_carpets
from .contours import draw_contours
from .coverage import draw_coverage
from .data import PROBLEMS, describe_elements, find_problems
from .formatting import format_number, format_value, list_cited, mark_up
from .matrix import draw_matrix
from .spectra import draw_spectra
from .templates import fill_template

#: Strongest pairs of either sign that are listed.
N_PAIRS = 5


def draw_figures(title, series, atlas):
    """Return the figures of an atlas by name, as SVGs.

    Contours are None for surfaces, coverage for volumes, and connectivity without a matrix.
    """
    of_surfaces = atlas.space is not None
    return {
        'contours': None if of_surfaces else draw_contours(title, series, atlas),
        'coverage': draw_coverage(title, series, atlas) if of_surfaces else None,
        'carpet': draw_carpets(title, series, atlas),
        'spectra': draw_spectra(title, series, atlas),
        'connectivity': None if atlas.connectivity is None else draw_matrix(title, series, atlas),
    }


def render_report(title, series, atlases, figures, origin, methods='', confounds=None):
    """Return a report as one HTML page that needs no other file; equal arguments return equal texts.

    ``figures`` are those of each atlas, from :func:`draw_figures`; ``origin`` is an :class:`Origin`; ``methods`` is a
    text for Pandoc; ``confounds`` is the figure of the correlation of confounds, None without confounds.
    """
    return fill_template(
        'report.html.j2',
        title=title,
        n_volumes=len(series.kept),
        n_kept=int(series.kept.sum()),
        censored={reason: n for reason, n in series.cleaning.get('VolumesCensored', {}).items() if n},
        warnings=list_warnings(series.cleaning),
        origin=origin,
        files={kind: [PurePath(path).name for path in paths] for kind, paths in origin.files.items()},
        atlases=[_describe(atlas, drawn) for atlas, drawn in zip(atlases, figures, strict=True)],
        confounds=confounds,
        parameters=list_parameters(series.cleaning),
        meanings=PROBLEMS,
        methods=mark_up(methods),
        references=list_cited(methods),
    )


def list_warnings(cleaning):
    """Return pairs of heading and text for what makes the time series of a run unreliable.

    >>> list_warnings({'DegreesOfFreedom': 1.5})
    [('Denoising leaves 1.5 degrees of freedom', 'correlations of these time series are noise')]
    """
    found = [('Files that may not belong together', text) for text in cleaning.get('Warnings', [])]
    left = cleaning.get('DegreesOfFreedom')
    if left is not None and left < LEAST_FREEDOM:
        heading = f'Denoising leaves {format_number(left, 1)} degrees of freedom'
        found.append((heading, 'correlations of these time series are noise'))
    return found + [('Confounds', text) for text in cleaning.get('ConfoundsNotes', [])]


def _describe(atlas, figures):
    """Return what the page shows of an atlas."""
    pairs = {} if atlas.connectivity is None else strongest_pairs(atlas.connectivity, N_PAIRS)
    return {
        'name': atlas.name,
        'regions': [atlas.regions[i] for i in order_worst_first(atlas)],
        'lost': atlas.lost,
        'summary': atlas.summary,
        'problems': find_problems(atlas.regions, atlas.lost),
        'figures': figures,
        'elements': describe_elements(atlas.space),
        **_describe_sizes(atlas),
        'strongest': {
            sign: [(value, atlas.names[one], atlas.names[other]) for value, one, other in found]
            for sign, found in pairs.items()
        },
    }


def order_worst_first(atlas):
    """Return the positions of regions: without a time series first, then by coverage, then by tSNR."""
    covered, tsnr = (
        np.nan_to_num([float(region.get(key) or 0) for region in atlas.regions]) for key in ('coverage', 'tsnr')
    )
    return np.lexsort((tsnr, covered, ~atlas.lost)).tolist()


def _describe_sizes(atlas):
    """Return the column of the coverage table with the sizes of regions, and its unit; empty for counts of vertices."""
    if atlas.space is None:
        return {'size': 'volume_atlas', 'unit': 'mm³'}
    has_areas = any(region.get('area_atlas') is not None for region in atlas.regions)
    return {'size': 'area_atlas', 'unit': 'mm²'} if has_areas else {'size': '', 'unit': ''}


def list_parameters(cleaning):
    """Return name and value of all metadata of denoising, without those that the page shows elsewhere.

    >>> list_parameters({'Parameters': {'low_pass': None}, 'NumberOfVolumes': 9, 'ConfoundsFiles': ['of/a.tsv']})
    [('low_pass', 'none'), ('Number of volumes', '9'), ('Confounds files', 'a.tsv')]
    """
    rows = [(name, format_value(value)) for name, value in cleaning.get('Parameters', {}).items()]
    for key, value in cleaning.items():
        if key in ('Parameters', 'UnavailableRegions', 'Warnings', 'ConfoundsNotes'):
            continue
        if key.endswith('Files'):
            # Folders would make reports of equal data differ.
            value = [PurePath(path).name for path in value]
        words = re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', key)
        rows.append((words[:1] + words[1:].lower(), format_value(value)))
    return rows


class Report:
    """A report as an HTML page, which notebooks show."""

    def __init__(self, html):
        self.html = html

    def __str__(self):
        return self.html

    def _repr_html_(self):
        """Show the page in a notebook, in a frame of its own."""
        source = self.html.replace('&', '&amp;').replace('"', '&quot;')
        return f'<iframe srcdoc="{source}" style="width:100%;height:900px;border:0"></iframe>'

    def save_as_html(self, path):
        """Write the page to a file."""
        Path(path).expanduser().write_text(self.html, encoding='utf-8', newline='\n')
