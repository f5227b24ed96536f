# SPDX-License-Identifier: BSD-3-Clause
"""The page: one series, its atlases, and how the signals were made."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from .carpet import RANGE, draw_carpets, draw_scale
from .contours import draw_contours
from .formatting import format_number, format_value, mark_up
from .matrix import draw_matrix
from .motion import draw_motion
from .problems import find_problems
from .spectra import draw_spectra
from .templates import fill_template


@dataclass(frozen=True)
class Series:
    """What all atlases of a report share.

    Attributes
    ----------
    mean : array, shape (I, J, K)
    affine : array, shape (4, 4)
    kept : array of bool, shape (T,)
        Volumes that cleaning kept.
    cleaning : dict
        All that cleaning did, as CleanSignal tells it.
    mask : array of bool, shape (I', J', K'), optional
        Of the brain, on any grid.
    mask_affine : array, shape (4, 4), optional
    displacement : array, shape (T,), optional
        Framewise displacement in mm; NaN where there is none.
    connectivity_kind : str
        What connectivity matrices hold.
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
        """Repetition time in s; None if cleaning did not know it."""
        return self.cleaning.get('Parameters', {}).get('t_r')

    @property
    def band(self):
        """Least and largest frequency in Hz that the filter let pass; None where it did not act."""
        parameters = self.cleaning.get('Parameters', {})
        return parameters.get('high_pass'), parameters.get('low_pass')

    @property
    def fd_threshold(self):
        """Framewise displacement in mm above which volumes were scrubbed; None without scrubbing."""
        return self.cleaning.get('ScrubbingThresholds', {}).get('framewise_displacement')


@dataclass(frozen=True)
class Atlas:
    """An atlas and its signals.

    Attributes
    ----------
    name : str
    labels : array of int, shape (I', J', K')
        On any grid.
    affine : array, shape (4, 4)
        Of ``labels``.
    regions : list of L dicts
        Rows of the regions table.
    raw, cleaned : array, shape (T, L)
        Signals; NaN for regions that have none and, in ``cleaned``, for volumes left out.
    connectivity : array, shape (L, L), optional
        NaN where there is none.
    """

    name: str
    labels: np.ndarray
    affine: np.ndarray
    regions: list
    raw: np.ndarray
    cleaned: np.ndarray
    connectivity: np.ndarray | None = None


def draw_atlas(series, atlas):
    """Draw all that a page and images show of an atlas.

    Parameters
    ----------
    series : Series
    atlas : Atlas

    Returns
    -------
    dict
        What the templates need.
    """
    ids = np.array([region['index'] for region in atlas.regions], dtype=np.int64)
    names = [region['name'] for region in atlas.regions]
    problems, lost = find_problems(atlas.regions, atlas.cleaned)
    placed = (series.mean, series.affine, atlas.labels, atlas.affine, ids, lost)
    drawn = {
        'name': atlas.name,
        'regions': atlas.regions,
        'n_sound': int((~lost).sum()),
        'problems': problems,
        'has_mask': series.mask is not None,
        'planes': draw_contours(*placed, series.mask, series.mask_affine),
        'n_volumes': len(series.kept),
        'n_kept': int(series.kept.sum()),
        'motion': None,
        'carpets': draw_carpets(atlas.raw, atlas.cleaned, series.kept, ids),
        'scale': draw_scale(),
        'scale_range': format_number(RANGE),
        't_r': series.t_r,
        'n_runs': series.cleaning.get('Parameters', {}).get('n_runs') or 1,
        'spectra': None,
        'matrix': None,
    }
    if series.displacement is not None:
        drawn['motion'] = draw_motion(series.displacement, series.kept, series.fd_threshold)
    if series.t_r is not None:
        drawn['spectra'] = draw_spectra(atlas.raw, atlas.cleaned, series.kept, series.t_r, series.band)
    if atlas.connectivity is not None:
        drawn['matrix'] = draw_matrix(atlas.connectivity, names, ids, series.connectivity_kind)
    return drawn


def render_report(title, series, drawn, versions, methods=''):
    """Write a report as one page that needs nothing else.

    Parameters
    ----------
    title : str
    series : Series
    drawn : sequence of dict
        Atlases, from :func:`draw_atlas`.
    versions : dict of str to str
        Of the software that made the signals.
    methods : str
        What was done, in words for Pandoc.

    Returns
    -------
    str
        HTML. The same arguments give the same text.
    """
    return fill_template(
        'report.html.j2',
        title=title,
        n_volumes=len(series.kept),
        n_kept=int(series.kept.sum()),
        left_out={reason: n for reason, n in series.cleaning.get('VolumesLeftOut', {}).items() if n},
        warnings=series.cleaning.get('Warnings', []),
        degrees_of_freedom=series.cleaning.get('DegreesOfFreedom'),
        atlases=drawn,
        parameters=list_parameters(series.cleaning),
        methods=mark_up(methods),
        versions=versions,
    )


def list_parameters(cleaning):
    """Name and value of all that cleaning did, without warnings and the regions it lost, which are shown elsewhere.

    >>> list_parameters({'Parameters': {'low_pass': None}, 'NumberOfVolumes': 9, 'ConfoundsFiles': ['of/a.tsv']})
    [('low_pass', 'none'), ('Number of volumes', '9'), ('Confounds files', 'a.tsv')]
    """
    rows = [(name, format_value(value)) for name, value in cleaning.get('Parameters', {}).items()]
    for key, value in cleaning.items():
        if key in ('Parameters', 'UnavailableRegions', 'Warnings'):
            continue
        if key.endswith('Files'):
            # Where the files were tells nothing, and would make reports of the same data differ.
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
