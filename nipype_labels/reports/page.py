# SPDX-License-Identifier: BSD-3-Clause
"""Assembly of the report: one series, its atlases, their figures, and how the time series were made."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

import numpy as np

from ..core.display import strongest_pairs
from .carpet import draw_carpets
from .contours import draw_contours
from .formatting import format_value, mark_up
from .matrix import draw_matrix
from .problems import find_problems
from .spectra import draw_spectra
from .svg import fill_template

#: Strongest pairs of either sign that are listed.
N_PAIRS = 5


@dataclass(frozen=True)
class Series:
    """What all atlases of a report share.

    Attributes
    ----------
    mean : array, shape (I, J, K)
    affine : array, shape (4, 4)
    kept : array of bool, shape (T,)
        Retained volumes.
    cleaning : dict
        Metadata of denoising, as CleanSignal writes them.
    mask : array of bool, shape (I', J', K'), optional
        Of the brain, on any grid.
    mask_affine : array, shape (4, 4), optional
    displacement : array, shape (T,), optional
        Framewise displacement in mm; NaN where there is none.
    connectivity_kind : str
        What connectivity matrices hold, as in ``'partial correlation'``.
    """

    mean: np.ndarray
    affine: np.ndarray
    kept: np.ndarray
    cleaning: dict
    mask: np.ndarray | None = None
    mask_affine: np.ndarray | None = None
    displacement: np.ndarray | None = None
    connectivity_kind: str = ''

    @property
    def t_r(self):
        """Repetition time in s; None if denoising did not know it."""
        return self.cleaning.get('Parameters', {}).get('t_r')

    @property
    def band(self):
        """Lowest and highest frequency in Hz that the filter passed; None where it did not act."""
        parameters = self.cleaning.get('Parameters', {})
        return parameters.get('high_pass'), parameters.get('low_pass')

    @property
    def fd_threshold(self):
        """Framewise displacement in mm above which volumes were censored; None without scrubbing."""
        return self.cleaning.get('ScrubbingThresholds', {}).get('framewise_displacement')


@dataclass(frozen=True)
class Atlas:
    """An atlas and its time series.

    Attributes
    ----------
    name : str
    labels : array of int, shape (I', J', K')
        On any grid.
    affine : array, shape (4, 4)
        Of ``labels``.
    regions : list of L dicts
        Rows of the coverage table.
    raw, cleaned : array, shape (T, L)
        Time series; NaN for regions without a signal and, in ``cleaned``, for censored volumes.
    connectivity : array, shape (L, L), optional
        NaN where a value is missing.
    """

    name: str
    labels: np.ndarray
    affine: np.ndarray
    regions: list
    raw: np.ndarray
    cleaned: np.ndarray
    connectivity: np.ndarray | None = None

    @cached_property
    def ids(self):
        """Region ids, shape (L,)."""
        return np.array([region['index'] for region in self.regions], dtype=np.int64)

    @cached_property
    def names(self):
        """Region names."""
        return [region['name'] for region in self.regions]

    @cached_property
    def lost(self):
        """Whether each region has no usable signal."""
        usable = np.isfinite(self.cleaned).any(axis=0)
        return ~usable | [region['status'] != 'ok' for region in self.regions]

    @property
    def summary(self):
        """Number of regions with and without a signal, in words."""
        n_lost = int(self.lost.sum())
        words = f'{len(self.regions) - n_lost} of {len(self.regions)} regions have a signal'
        return f'{words}, {n_lost} {"has" if n_lost == 1 else "have"} none' if n_lost else words


def draw_figures(title, series, atlas):
    """Return the figures of an atlas as SVGs by name: contours, carpet, and spectra and connectivity if they exist."""
    return {
        'contours': draw_contours(title, series, atlas),
        'carpet': draw_carpets(title, series, atlas),
        'spectra': draw_spectra(title, series, atlas),
        'connectivity': None if atlas.connectivity is None else draw_matrix(title, series, atlas),
    }


def render_report(title, series, atlases, figures, versions, methods=''):
    """Return a report as one HTML page that needs no other file; equal arguments give equal texts.

    Parameters
    ----------
    title : str
    series : Series
    atlases : sequence of Atlas
    figures : sequence of dict
        Of each atlas, from :func:`draw_figures`.
    versions : dict of str to str
        Of the software that computed the time series.
    methods : str
        Methods boilerplate for Pandoc.

    Returns
    -------
    str
    """
    return fill_template(
        'report.html.j2',
        title=title,
        n_volumes=len(series.kept),
        n_kept=int(series.kept.sum()),
        censored={reason: n for reason, n in series.cleaning.get('VolumesLeftOut', {}).items() if n},
        warnings=series.cleaning.get('Warnings', []),
        degrees_of_freedom=series.cleaning.get('DegreesOfFreedom'),
        t_r=series.t_r,
        n_runs=series.cleaning.get('Parameters', {}).get('n_runs') or 1,
        gaps=bool((np.diff(np.flatnonzero(series.kept)) > 1).any()),
        atlases=[_describe(atlas, drawn) for atlas, drawn in zip(atlases, figures, strict=True)],
        parameters=list_parameters(series.cleaning),
        methods=mark_up(methods),
        versions=versions,
    )


def _describe(atlas, figures):
    """Return what the page shows of an atlas."""
    pairs = {} if atlas.connectivity is None else strongest_pairs(atlas.connectivity, N_PAIRS)
    return {
        'name': atlas.name,
        'regions': atlas.regions,
        'lost': atlas.lost,
        'summary': atlas.summary,
        'problems': find_problems(atlas.regions, atlas.lost),
        'figures': figures,
        'strongest': {
            sign: [(value, atlas.names[one], atlas.names[other]) for value, one, other in found]
            for sign, found in pairs.items()
        },
    }


def list_parameters(cleaning):
    """Return name and value of all metadata of denoising, without those that the page shows elsewhere.

    >>> list_parameters({'Parameters': {'low_pass': None}, 'NumberOfVolumes': 9, 'ConfoundsFiles': ['of/a.tsv']})
    [('low_pass', 'none'), ('Number of volumes', '9'), ('Confounds files', 'a.tsv')]
    """
    rows = [(name, format_value(value)) for name, value in cleaning.get('Parameters', {}).items()]
    for key, value in cleaning.items():
        if key in ('Parameters', 'UnavailableRegions', 'Warnings'):
            continue
        if key.endswith('Files'):
            # Folders would make reports of equal data differ.
            value = [PurePath(path).name for path in value]
        words = re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', key)
        rows.append((words[:1] + words[1:].lower(), format_value(value)))
    return rows


class Report:
    """A report as an HTML page.

    Parameters
    ----------
    html : str
    """

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
